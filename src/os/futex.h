/* os/futex.h: sleeping on a word of memory until somebody changes it.
 *
 * `shared`: the word lies in memory that other processes map too; the sleeper may
 * have it mapped read-only. Any thread.
 */
#ifndef NEAP_OS_FUTEX_H
#define NEAP_OS_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

/* Sleeps while *word is `seen`, until it is woken or `ms` milliseconds have passed (0: no limit). May
 * return early; the caller looks again. False: a signal came. */
bool neap_os_futex_wait(const uint32_t *word, uint32_t seen, uint32_t ms, bool shared);

/* Wakes all who sleep on it. */
void neap_os_futex_wake(const uint32_t *word, bool shared);

#endif
