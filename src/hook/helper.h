/* hook/helper.h: the thread that purges when the program does not.
 *
 *   absent --wake--> awake: look, sleep half a decay, look, ...
 *                      ^  \-- nothing left --> asleep until woken, without end
 *                      '---- wake, trim -----------'
 *
 * It is started by the first freeing that is worth it: for little not before the
 * process is a tenth of a second old. It has all signals blocked. It is gone before
 * a fork (CPython 3.12 and later count threads right after one and warn) and comes
 * back in the child with the first need, in the parent with one a second later, or
 * a tenth if there is much. What is free is purged before the fork.
 */
#ifndef NEAP_HOOK_HELPER_H
#define NEAP_HOOK_HELPER_H

#include <stdbool.h>

#include <neap/heap.h>

/* Makes `heap` call for a helper. `allowed` false: never starts one. */
void neap__helper_attach(neap_heap_t *heap, bool allowed);

/* Ends the helper, if there is one, and waits for it. */
void neap__helper_stop(void);

/* Registers what has to happen around fork. */
void neap__helper_guard_forks(void);

/* Gives back all that can be, libc's free memory too. The caller holds the GIL
 * (is the heap's owner). Returns bytes. */
uint64_t neap__helper_trim(void);

#endif
