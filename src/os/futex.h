/* os/futex.h: sleeps until a word of memory changes.
 *
 * `shared` says that the word lies in memory that other processes map too. The sleeper may
 * have mapped it read-only. Any thread.
 */
#ifndef NEAP_OS_FUTEX_H
#define NEAP_OS_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

/* Sleeps while *word is `seen`, until it is woken or `ms` milliseconds have passed (0 = no limit). It may
 * return early, so the caller looks at the word again. False if a signal ended the sleep. */
bool neap_os_futex_wait(const uint32_t *word, uint32_t seen, uint32_t ms, bool shared);

/* Wakes all threads that sleep on the word. */
void neap_os_futex_wake(const uint32_t *word, bool shared);

#endif
