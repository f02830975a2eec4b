/* containers/bits/bits_memory.c */
#include "containers/bits/bits_memory.h"

#include <pthread.h>
#include <string.h>

#include "base/word.h"
#include "containers/common/container_memory.h"
#include "os/memory.h"
#include "os/thread.h"

enum {
    SPARE_BYTES = 1 << 20,      /* always kept for further arrays */
    TRUNCATION_BYTES = 64 << 10 /* a block that shrinks by this much gives its pages back at once */
};

static struct {
    struct neap_os_lock lock;
    bool forks_watched;
    neap_heap_t *heap;
    uint64_t live_bytes;
    uint64_t spare_bytes; /* upper bound of bytes freed since the last trim and not used again */
} shared;

static void shared_lock(void) {
    neap_os_lock(&shared.lock);
}

static void shared_unlock(void) {
    neap_os_unlock(&shared.lock);
}

/* The heap, which is made with its first block and never destroyed. The lock is held. */
static neap_heap_t *shared_heap(void) {
    if (!shared.forks_watched)
        shared.forks_watched = pthread_atfork(shared_lock, shared_unlock, shared_unlock) == 0;
    if (shared.heap == NULL)
        shared.heap = neap__container_memory_heap();
    return shared.heap;
}

static uint64_t shared_trim(void) {
    shared.spare_bytes = 0;
    return shared.heap != NULL ? neap_heap_trim(shared.heap) : 0;
}

static void took(uint64_t bytes) {
    shared.live_bytes += bytes;
    shared.spare_bytes -= bytes < shared.spare_bytes ? bytes : shared.spare_bytes;
}

static void gave(uint64_t bytes) {
    shared.live_bytes -= bytes;
    shared.spare_bytes += bytes;
    if (shared.spare_bytes > shared.live_bytes / 2 + SPARE_BYTES)
        shared_trim();
}

static void *shared_calloc(size_t bytes) {
    shared_lock();
    neap_heap_t *heap = shared_heap();
    void *block = heap != NULL ? neap_heap_calloc(heap, 1, bytes) : NULL;
    if (block != NULL)
        took(bytes);
    shared_unlock();
    return block;
}

/* --- the allocator --- */

static void *default_alloc(void *context, size_t bytes) {
    (void)context;
    shared_lock();
    neap_heap_t *heap = shared_heap();
    void *block = heap != NULL ? neap_heap_alloc(heap, bytes) : NULL;
    if (block != NULL)
        took(bytes);
    shared_unlock();
    return block;
}

static void *default_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    (void)context;
    shared_lock();
    void *fresh = neap_heap_realloc(shared.heap, block, bytes);
    if (fresh != NULL && bytes > old_bytes)
        took(bytes - old_bytes);
    else if (fresh != NULL)
        gave(old_bytes - bytes);
    if (fresh != NULL && bytes + TRUNCATION_BYTES <= old_bytes)
        shared_trim();
    shared_unlock();
    return fresh;
}

static void default_free(void *context, void *block, size_t bytes) {
    (void)context;
    if (block == NULL)
        return;
    shared_lock();
    neap_heap_free(shared.heap, block);
    gave(bytes);
    shared_unlock();
}

static uint64_t default_trim(void *context) {
    (void)context;
    shared_lock();
    uint64_t bytes = shared_trim();
    shared_unlock();
    return bytes;
}

static const struct neap_allocator default_allocator = {default_alloc, default_realloc, default_free,
                                                        default_trim, NULL};

const struct neap_allocator *neap__bits_memory(void) {
    return &default_allocator;
}

void *neap__bits_memory_zeroed(const struct neap_allocator *allocator, size_t bytes) {
    if (allocator == &default_allocator)
        return shared_calloc(bytes);
    void *block = allocator->alloc(allocator->context, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

static bool is_zero(const char *page, size_t bytes) {
    return page[0] == 0 && memcmp(page, page + 1, bytes - 1) == 0;
}

uint64_t neap__bits_memory_drop_zeros(void *block, size_t bytes) {
    size_t page = neap_os_page_bytes();
    uint64_t dropped = 0;
    char *end = (char *)block + bytes;
    char *at = (char *)neap_word_round_up_size((uintptr_t)block, page);
    while (at < end && (size_t)(end - at) >= page) {
        struct neap_os_range range = {at, 0};
        while ((size_t)(end - at) >= page && is_zero(at, page)) {
            at += page;
            range.bytes += page;
        }
        if (range.bytes != 0)
            neap_os_purge(&range, 1);
        dropped += range.bytes;
        at += page;
    }
    return dropped;
}
