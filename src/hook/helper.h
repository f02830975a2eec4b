/* hook/helper.h: the helper, a thread that purges and meshes the heap, and has libc give back what it holds
 * free.
 *
 *   absent --wake--> awake: look, sleep half a decay, look, ...
 *                      ^  \-- nothing waits, the program rests --> asleep, without a time limit
 *                      '---- wake, trim, the heap is used --------------'
 *
 * It is started when enough memory waits for the purger; for little memory not before the heap
 * is 0.1 s old. A program that uses its heap when it is a second old has one in any case, for the sake
 * of libc's memory. It blocks all signals.
 *
 * Before a fork, free pages are purged and the helper ends, because CPython 3.12 and later
 * count threads right after a fork and warn. It starts again when it is needed: in the child
 * at once if there is much to purge, else after 0.1 s; in the parent after 0.1 s and 1 s.
 *
 * A program that filters its own system calls (os/filter_watch.h) may end when a thread is made. So it gets
 * its helper when it is about to do that (hook/self_filter.h). After a fork there is none in it any more.
 */
#ifndef NEAP_HOOK_HELPER_H
#define NEAP_HOOK_HELPER_H

#include <stdbool.h>

#include <neap/heap.h>

/* Makes `heap` wake a helper. If `allowed` is false, none is ever started.
 * If `meshes`, the heap meshes from the first helper, or neap__helper_trim, on. */
void neap__helper_attach(neap_heap_t *heap, bool allowed, bool meshes);

/* Starts the helper now, if one may be started at all: a filter of system calls is about to forbid it. */
void neap__helper_start(void);

/* Waits, for at most a second, until the helper has ended what it is at. So what was noted before this call
 * (os/filter_watch.h) holds for every system call that it makes afterwards. */
void neap__helper_settle(void);

/* Ends the helper, if there is one, and waits for it. */
void neap__helper_stop(void);

/* Registers what must be done around a fork. */
void neap__helper_guard_forks(void);

/* Gives back all free memory, that of libc too. The caller holds the GIL, so it owns the heap. Returns
 * bytes. */
uint64_t neap__helper_trim(void);

#endif
