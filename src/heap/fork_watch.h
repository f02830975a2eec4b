/* heap/fork_watch.h: a fork finds no shared heap in the middle of a change.
 *
 * Another thread may hold a shared heap's lock when one forks, and the child would wait for it for
 * ever. So the forking thread takes the locks of all watched heaps first, and both sides let go of
 * them afterwards. Lock order: the list's, then the heaps' in the order of the list.
 *
 * The heap that serves CPython is not watched: module hook has its own order of locks around a fork.
 */
#ifndef NEAP_HEAP_FORK_WATCH_H
#define NEAP_HEAP_FORK_WATCH_H

#include "heap/model.h"

/* Watches a new shared heap. NEAP_ERROR_MEMORY: the C library has no room for the fork handlers. */
int neap__fork_watch(neap_heap_t *heap);

/* No longer watches a heap that ends; one that was never watched may be given. */
void neap__fork_forget(neap_heap_t *heap);

#endif
