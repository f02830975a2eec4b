/* heap/fork_watch.h: the shared heaps of the process, none of which a fork finds in the middle of a change.
 *
 * Another thread may hold a shared heap's lock when one forks, and the child would wait for it for
 * ever. So the forking thread takes the list's lock and those of its heaps first, and both sides let go
 * of them afterwards. Lock order: the list's, then the heaps' in the order of the list.
 *
 * The lock of the heap that serves CPython is not taken by this list: module hook has its own fork handlers.
 * They are older than the ones of the list, so the C library calls them with the list's lock held.
 *
 * A thread that ends finds here which of its heaps still live (heap/thread_cache.h).
 */
#ifndef NEAP_HEAP_FORK_WATCH_H
#define NEAP_HEAP_FORK_WATCH_H

#include "heap/model.h"

/* Puts a heap that becomes shared into the list, and gives it its number there. `locks`: a fork takes its
 * lock. NEAP_ERROR_MEMORY: the C library has no room for the fork handlers. */
int neap__fork_watch(neap_heap_t *heap, bool locks);

/* Takes a heap that ends out of the list; one that was never in it may be given. */
void neap__fork_forget(neap_heap_t *heap);

/* The list's lock. A heap of the list does not end while it is held. */
void neap__fork_watch_lock(void);
void neap__fork_watch_unlock(void);

/* The heap with this number, or NULL if it has ended. The list's lock is held. */
neap_heap_t *neap__fork_watched(uint64_t number);

#endif
