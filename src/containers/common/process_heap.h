/* containers/common/process_heap.h: a heap that a whole process shares, behind a lock.
 *
 *     lock ──> heap calls ──> unlock(more, less) ──> the policy: is a trim due?
 *
 * There are two, with a policy each: small containers share one (container_memory.c), bit arrays
 * the other (bits_memory.c). The heap is made with its first block and kept as long as the process.
 * The lock is held within calls only; a fork waits for it, so that the child finds it whole.
 * Any thread.
 */
#ifndef NEAP_CONTAINERS_COMMON_PROCESS_HEAP_H
#define NEAP_CONTAINERS_COMMON_PROCESS_HEAP_H

#include <stdbool.h>

#include <neap/heap.h>

#include "os/thread.h"

/* Static, with the two functions set and all else zero. Both are called with the lock held. */
struct neap__process_heap {
    bool (*is_trim_due)(uint64_t more_bytes, uint64_t less_bytes); /* so much came, so much went */
    void (*trimmed)(void);                                         /* it was asked for, and is done */
    struct neap_os_lock lock;
    neap_heap_t *heap;
    struct neap__process_heap *next; /* of all that a fork has to hold */
};

/* Takes the lock and returns the heap; NULL, with the lock taken all the same, if there is no memory. */
neap_heap_t *neap__process_heap_lock(struct neap__process_heap *shared);

/* Tells the policy of `more_bytes` that were taken and `less_bytes` that were freed under the lock,
 * trims if that is due, and lets go of the lock. */
void neap__process_heap_unlock(struct neap__process_heap *shared, uint64_t more_bytes, uint64_t less_bytes);

/* A block of `bytes`; `block` goes on in it with its `old_bytes`, or is NULL. NULL if there is no memory. */
void *neap__process_heap_resize(struct neap__process_heap *shared, void *block, size_t old_bytes,
                                size_t bytes);

void neap__process_heap_free(struct neap__process_heap *shared, void *block, size_t bytes);

/* Trims now; bytes given back. */
uint64_t neap__process_heap_trim(struct neap__process_heap *shared);

/* A heap for containers: little address space at first, where that is scarce. NULL if there is
 * no memory. */
neap_heap_t *neap__container_heap_new(void);

#endif
