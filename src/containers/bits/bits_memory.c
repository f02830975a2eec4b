/* containers/bits/bits_memory.c */
#include "containers/bits/bits_memory.h"

#include <string.h>

#include "base/word.h"
#include "containers/common/process_heap.h"
#include "os/memory.h"

enum {
    SPARE_BYTES = 1 << 20,      /* always kept for further arrays */
    TRUNCATION_BYTES = 64 << 10 /* a block that shrinks by this much gives its pages back at once */
};

static uint64_t live_bytes;
static uint64_t spare_bytes; /* freed since the last trim and not taken again, at most */

static void trimmed(void) {
    spare_bytes = 0;
}

static bool is_trim_due(uint64_t more, uint64_t less) {
    live_bytes += more - less;
    if (more >= less) {
        spare_bytes -= more - less < spare_bytes ? more - less : spare_bytes;
        return false;
    }
    spare_bytes += less - more;
    bool truncated = more != 0 && more + TRUNCATION_BYTES <= less;
    bool due = truncated || spare_bytes > live_bytes / 2 + SPARE_BYTES;
    if (due)
        trimmed();
    return due;
}

static struct neap__process_heap shared = {.is_trim_due = is_trim_due, .trimmed = trimmed};

/* --- the allocator --- */

static void *default_alloc(void *context, size_t bytes) {
    (void)context;
    return neap__process_heap_resize(&shared, NULL, 0, bytes);
}

static void *default_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    (void)context;
    return neap__process_heap_resize(&shared, block, old_bytes, bytes);
}

static void default_free(void *context, void *block, size_t bytes) {
    (void)context;
    if (block)
        neap__process_heap_free(&shared, block, bytes);
}

static uint64_t default_trim(void *context) {
    (void)context;
    return neap__process_heap_trim(&shared);
}

static const struct neap_allocator default_allocator = {default_alloc, default_realloc, default_free,
                                                        default_trim, NULL};

const struct neap_allocator *neap__bits_memory(void) {
    return &default_allocator;
}

void *neap__bits_memory_zeroed(const struct neap_allocator *allocator, size_t bytes) {
    if (allocator == &default_allocator) {
        neap_heap_t *heap = neap__process_heap_lock(&shared);
        void *zeroed = heap ? neap_heap_calloc(heap, 1, bytes) : NULL;
        neap__process_heap_unlock(&shared, zeroed ? bytes : 0, 0);
        return zeroed;
    }
    void *block = allocator->alloc(allocator->context, bytes);
    if (block)
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
