/* containers/common/process_heap.c */
#include "containers/common/process_heap.h"

#include <pthread.h>

#include "os/memory.h"

enum { ADDRESS_SHARE = 64 }; /* of limited address space, one part in so many for a heap */

#define RESERVE_BYTES_64 (UINT64_C(1) << 30) /* blocks beyond the first region take a slower path */
#define RESERVE_BYTES_32 (UINT64_C(4) << 20)

/* All heaps with a block so far. Lock order: the list's, then the heaps' in the list's order. */
static struct {
    struct neap_os_lock lock;
    bool forks_watched;
    struct neap__process_heap *first;
} heaps;

neap_heap_t *neap__container_heap_new(void) {
    uint64_t left = neap_os_address_space_left_bytes();
    uint64_t reserve = sizeof(void *) == 4 ? RESERVE_BYTES_32 : RESERVE_BYTES_64;
    if (left / ADDRESS_SHARE < reserve)
        reserve = left / ADDRESS_SHARE > RESERVE_BYTES_32 ? left / ADDRESS_SHARE : RESERVE_BYTES_32;
    return neap_heap_new(&(struct neap_heap_options){.reserve_bytes = reserve});
}

/* --- fork --- */

static void before_fork(void) {
    neap_os_lock(&heaps.lock);
    for (struct neap__process_heap *shared = heaps.first; shared; shared = shared->next)
        neap_os_lock(&shared->lock);
}

static void after_fork(void) {
    for (struct neap__process_heap *shared = heaps.first; shared; shared = shared->next)
        neap_os_unlock(&shared->lock);
    neap_os_unlock(&heaps.lock);
}

/* Makes the heap, with no lock held that a fork could wait for. */
static void make(struct neap__process_heap *shared) {
    neap_os_lock(&heaps.lock);
    if (!heaps.forks_watched)
        heaps.forks_watched = pthread_atfork(before_fork, after_fork, after_fork) == 0;
    neap_heap_t *made = __atomic_load_n(&shared->heap, __ATOMIC_ACQUIRE) ? NULL : neap__container_heap_new();
    if (made) {
        shared->next = heaps.first;
        heaps.first = shared;
        __atomic_store_n(&shared->heap, made, __ATOMIC_RELEASE);
    }
    neap_os_unlock(&heaps.lock);
}

/* --- calls --- */

neap_heap_t *neap__process_heap_lock(struct neap__process_heap *shared) {
    if (!__atomic_load_n(&shared->heap, __ATOMIC_ACQUIRE))
        make(shared);
    neap_os_lock(&shared->lock);
    return shared->heap;
}

void neap__process_heap_unlock(struct neap__process_heap *shared, uint64_t more_bytes, uint64_t less_bytes) {
    if ((more_bytes != 0 || less_bytes != 0) && shared->is_trim_due(more_bytes, less_bytes))
        neap_heap_trim(shared->heap);
    neap_os_unlock(&shared->lock);
}

void *neap__process_heap_resize(struct neap__process_heap *shared, void *block, size_t old_bytes,
                                size_t bytes) {
    neap_heap_t *heap = neap__process_heap_lock(shared);
    void *fresh = heap ? neap_heap_realloc(heap, block, bytes) : NULL;
    if (fresh)
        neap__process_heap_unlock(shared, bytes, block ? old_bytes : 0);
    else
        neap__process_heap_unlock(shared, 0, 0);
    return fresh;
}

void neap__process_heap_free(struct neap__process_heap *shared, void *block, size_t bytes) {
    neap_heap_free(neap__process_heap_lock(shared), block);
    neap__process_heap_unlock(shared, 0, bytes);
}

uint64_t neap__process_heap_trim(struct neap__process_heap *shared) {
    neap_os_lock(&shared->lock);
    uint64_t bytes = shared->heap ? neap_heap_trim(shared->heap) : 0;
    shared->trimmed();
    neap_os_unlock(&shared->lock);
    return bytes;
}
