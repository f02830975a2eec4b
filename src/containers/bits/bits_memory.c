/* containers/bits/bits_memory.c */
#include "containers/bits/bits_memory.h"

#include <pthread.h>
#include <string.h>

#include "base/word.h"
#include "containers/common/container_memory.h"
#include "os/memory.h"
#include "os/thread.h"

enum {
    SPARE_BYTES = 1 << 20,      /* kept for the next array, however little is in use */
    TRUNCATION_BYTES = 64 << 10 /* a block that sinks by so much gives it back at once */
};

static struct {
    struct neap_os_lock lock;
    bool forks_watched;
    neap_heap_t *heap;
    uint64_t live_bytes;
    uint64_t spare_bytes; /* freed since the last trim and not taken again, at most */
} house;

static void house_lock(void) {
    neap_os_lock(&house.lock);
}

static void house_unlock(void) {
    neap_os_unlock(&house.lock);
}

/* The heap, made with its first block and kept as long as the process. Lock held. */
static neap_heap_t *house_heap(void) {
    if (!house.forks_watched)
        house.forks_watched = pthread_atfork(house_lock, house_unlock, house_unlock) == 0;
    if (house.heap == NULL)
        house.heap = neap__container_memory_heap();
    return house.heap;
}

static uint64_t house_trim(void) {
    house.spare_bytes = 0;
    return house.heap != NULL ? neap_heap_trim(house.heap) : 0;
}

static void took(uint64_t bytes) {
    house.live_bytes += bytes;
    house.spare_bytes -= bytes < house.spare_bytes ? bytes : house.spare_bytes;
}

static void gave(uint64_t bytes) {
    house.live_bytes -= bytes;
    house.spare_bytes += bytes;
    if (house.spare_bytes > house.live_bytes / 2 + SPARE_BYTES)
        house_trim();
}

static void *house_calloc(size_t bytes) {
    house_lock();
    neap_heap_t *heap = house_heap();
    void *block = heap != NULL ? neap_heap_calloc(heap, 1, bytes) : NULL;
    if (block != NULL)
        took(bytes);
    house_unlock();
    return block;
}

/* --- the allocator --- */

static void *default_alloc(void *context, size_t bytes) {
    (void)context;
    house_lock();
    neap_heap_t *heap = house_heap();
    void *block = heap != NULL ? neap_heap_alloc(heap, bytes) : NULL;
    if (block != NULL)
        took(bytes);
    house_unlock();
    return block;
}

static void *default_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    (void)context;
    house_lock();
    void *fresh = neap_heap_realloc(house.heap, block, bytes);
    if (fresh != NULL && bytes > old_bytes)
        took(bytes - old_bytes);
    else if (fresh != NULL)
        gave(old_bytes - bytes);
    if (fresh != NULL && bytes + TRUNCATION_BYTES <= old_bytes)
        house_trim();
    house_unlock();
    return fresh;
}

static void default_free(void *context, void *block, size_t bytes) {
    (void)context;
    if (block == NULL)
        return;
    house_lock();
    neap_heap_free(house.heap, block);
    gave(bytes);
    house_unlock();
}

static uint64_t default_trim(void *context) {
    (void)context;
    house_lock();
    uint64_t bytes = house_trim();
    house_unlock();
    return bytes;
}

static const struct neap_allocator default_allocator = {default_alloc, default_realloc, default_free,
                                                        default_trim, NULL};

const struct neap_allocator *neap__bits_memory(void) {
    return &default_allocator;
}

void *neap__bits_memory_zeroed(const struct neap_allocator *allocator, size_t bytes) {
    if (allocator == &default_allocator)
        return house_calloc(bytes);
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
