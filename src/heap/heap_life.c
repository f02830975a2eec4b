/* heap/heap_life.c: makes, shares and ends a heap, and carries it over a fork. */
#include <neap/heap.h>

#include "heap/fork_watch.h"
#include "heap/guard.h"
#include "heap/hardened.h"
#include "heap/magazine.h"
#include "heap/mapped_run.h"
#include "heap/mesh.h"
#include "heap/model.h"
#include "heap/purge.h"
#include "heap/region.h"
#include "heap/thread_cache.h"
#include "os/clock.h"
#include "os/memory.h"

enum { RESERVE_SHARE = 4 /* the first region takes 1/4 of a limited address space */ };

#define RESERVE_BYTES     (UINT64_C(1) << 30)  /* one heap of many; further regions are larger */
#define PROCESS_BYTES_MIN (UINT64_C(64) << 30) /* the heap of a process, 64-bit, without a limit */
#define RESERVE_BYTES_32  (UINT64_C(16) << 20)

uint64_t neap__heap_process_reserve_bytes(void) {
    if (sizeof(void *) == 4)
        return RESERVE_BYTES_32;
    uint64_t left = neap_os_address_space_left_bytes();
    if (left != UINT64_MAX)
        return left / RESERVE_SHARE;
    uint64_t wish = 4 * neap_os_memory_bytes();
    return wish > PROCESS_BYTES_MIN ? wish : PROCESS_BYTES_MIN;
}

/* Address space belongs to the whole process, so a heap starts with little of it. */
static uint64_t default_reserve_bytes(void) {
    uint64_t most = neap__heap_process_reserve_bytes();
    return most < RESERVE_BYTES ? most : RESERVE_BYTES;
}

static void publish_classes(neap_heap_t *heap) {
    for (uint32_t i = 1; i < neap__size_class_count; i++) {
        const struct neap__size_class *c = &heap->classes[i];
        heap->layout.classes[i] = (struct neap_layout_class){
            .block_bytes = c->block_bytes,
            .group_shift = c->group_shift,
            .group_blocks = c->group_blocks,
            .slab_blocks = c->slab_blocks,
        };
    }
}

/* Bytes of a heap with the stacks of its magazines behind it, in whole pages. */
static size_t with_stacks_bytes(void) {
    return neap_word_round_up_size(sizeof(neap_heap_t) + neap__magazine_stacks_bytes(), neap_os_page_bytes());
}

/* Returns a zeroed heap with room for its stacks, or NULL. */
static neap_heap_t *new_with_stacks(void) {
    void *memory;
    if (neap_os_reserve(with_stacks_bytes(), neap_os_page_bytes(), &memory) != NEAP_OK)
        return NULL;
    neap_os_advise_huge(memory, with_stacks_bytes(), false);
    if (neap_os_commit(memory, with_stacks_bytes()) == NEAP_OK)
        return memory;
    neap_os_release(memory, with_stacks_bytes());
    return NULL;
}

/* Fills a zeroed heap. On failure neap_heap_destroy frees what it made. */
static int heap_init(neap_heap_t *heap, const struct neap_heap_options *options, uint32_t page_bytes) {
    heap->page_shift = neap_word_lowest(page_bytes);
    heap->unit_shift = heap->page_shift + 4;
    heap->decay_base_ms = options->decay_ms != 0 ? options->decay_ms : NEAP_DECAY_MS;
    heap->limit_pages = options->limit_bytes != 0 ? options->limit_bytes >> heap->page_shift : UINT64_MAX;
    heap->limit_asked_pages = heap->limit_pages;
    heap->high_water_pages = NEAP_HIGH_WATER_BYTES >> heap->page_shift;
    heap->high_water_budget = NEAP_HIGH_WATER_BUDGET;
    heap->layout = (struct neap_layout_heap){
        .page_bytes = page_bytes,
        .unit_bytes = page_bytes * NEAP_LAYOUT_UNIT_PAGES,
        .class_count = neap__size_class_count,
        .flags = options->flags & NEAP_HEAP_CHECKED ? options->flags & ~(unsigned)NEAP_HEAP_HARDENED
                                                    : options->flags,
        .decay_ms = heap->decay_base_ms,
        .started_ns = neap_os_now_ns(),
    };
    heap->bitmap_words =
        page_bytes / 1024 > NEAP_LAYOUT_WORDS_MIN ? page_bytes / 1024 : NEAP_LAYOUT_WORDS_MIN;
    neap__size_class_table(heap->classes, heap->class_of_step, heap->page_shift, heap->bitmap_words * 64);
    publish_classes(heap);
    int error = heap->layout.flags & NEAP_HEAP_HARDENED ? neap__hardened_start(heap) : NEAP_OK;
    heap->strict = heap->layout.flags & (NEAP_HEAP_CHECKED | NEAP_HEAP_HARDENED);
    if (error == NEAP_OK)
        error = neap__region_first(heap, options->reserve_bytes != 0 ? options->reserve_bytes
                                                                     : default_reserve_bytes());
    if (error == NEAP_OK && options->flags & NEAP_HEAP_CHECKED)
        error = neap__guard_start(heap);
    neap__magazine_open(heap, (void **)(heap + 1));
    if (error == NEAP_OK && options->flags & NEAP_HEAP_SHARED)
        error = neap__fork_watch(heap, true);
    if (error == NEAP_OK && options->flags & NEAP_HEAP_SHARED)
        neap__heap_share(heap);
    return error;
}

neap_heap_t *neap_heap_new(const struct neap_heap_options *options) {
    struct neap_heap_options defaults = {0};
    if (!options)
        options = &defaults;
    size_t page = neap_os_page_bytes();
    uint32_t page_bytes = options->page_bytes != 0 ? options->page_bytes : (uint32_t)page;
    if (!neap_word_power_of_two(page_bytes) || page_bytes < page || page_bytes > 1u << 16 ||
        options->flags & ~(unsigned)(NEAP_HEAP_SHARED | NEAP_HEAP_CHECKED | NEAP_HEAP_HARDENED))
        return NULL;
    neap_heap_t *heap = new_with_stacks();
    if (heap && heap_init(heap, options, page_bytes) == NEAP_OK)
        return heap;
    neap_heap_destroy(heap);
    return NULL;
}

void neap_heap_destroy(neap_heap_t *heap) {
    if (!heap)
        return;
    if (heap->watched_number != 0)
        neap__fork_forget(heap);
    neap__thread_cache_end(heap);
    neap__guard_end(heap);
    neap__mesh_end(heap);
    neap__mapped_release_all(heap);
    neap__region_release_all(heap);
    neap__hardened_end(heap);
    neap_os_release(heap, with_stacks_bytes());
}

void neap__heap_share(neap_heap_t *heap) {
    if (heap->shared)
        return;
    neap_os_lock(&heap->lock);
    neap__magazine_share(heap);
    __atomic_store_n(&heap->shared, true, __ATOMIC_RELAXED);
    heap->layout.flags |= NEAP_HEAP_SHARED;
    neap_os_unlock(&heap->lock);
    /* The heap that serves CPython is not in the list yet. Without room for it there, it does without caches.
     */
    bool listed = heap->watched_number != 0 || neap__fork_watch(heap, false) == NEAP_OK;
    if (listed && !heap->strict)
        neap__thread_cache_start(heap);
}

void neap__heap_yield(neap_heap_t *heap, uint64_t limit_bytes) {
    neap_os_lock(&heap->lock);
    if (!heap->yielded)
        neap__region_yield(heap, limit_bytes / RESERVE_SHARE);
    neap_os_unlock(&heap->lock);
}

void neap__heap_fork_before(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    neap__hardened_reseed(heap);
}

void neap__heap_fork_after(neap_heap_t *heap, bool in_child) {
    if (in_child)
        neap__thread_cache_forked(heap);
    neap_os_unlock(&heap->lock);
}
