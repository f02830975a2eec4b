/* heap/stats.c: neap_heap_stats, which walks over all units. */
#include <neap/heap.h>

#include "heap/guard.h"
#include "heap/magazine.h"
#include "heap/run.h"
#include "heap/slab.h"
#include "heap/thread_cache.h"

enum { PIN_SHARE = 8 }; /* a slab filled to less than 1/8 is a pin */

static void add_slab(const neap_heap_t *heap, const neap__unit_t *unit, struct neap_heap_stats *stats) {
    const struct neap__size_class *c = &heap->classes[unit->class_index];
    uint64_t page = heap->layout.page_bytes;
    uint64_t dirty = neap_word_count(neap__slab_free_pages(heap, unit) & unit->resident) * page;
    uint64_t used = (uint64_t)unit->used * c->block_bytes;
    stats->live_bytes += used;
    stats->live_blocks += unit->used;
    stats->dirty_bytes += dirty;
    stats->free_bytes += neap_word_count(unit->resident) * page - dirty - used;
    stats->clean_bytes += neap_word_count(~(unsigned)unit->resident & NEAP_UNIT_PAGES_ALL) * page;
    stats->slabs++;
    stats->pins += unit->used * PIN_SHARE < c->slab_blocks;
}

static void add_unit(const neap_heap_t *heap, struct neap__place place, struct neap_heap_stats *stats) {
    const neap__unit_t *unit = neap__place_unit(heap, place);
    uint64_t page = heap->layout.page_bytes;
    uint64_t resident = neap_word_count(unit->resident) * page;
    stats->resident_bytes += resident;
    if (unit->kind == NEAP_UNIT_SLAB) {
        add_slab(heap, unit, stats);
        return;
    }
    stats->clean_bytes += heap->layout.unit_bytes - resident;
    uint64_t dirty = resident;
    if (unit->kind != NEAP_UNIT_FREE)
        dirty = neap_word_count(neap__run_free_pages(heap, place)) * page;
    stats->dirty_bytes += dirty;
    stats->live_bytes += resident - dirty;
    if (unit->kind == NEAP_UNIT_RUN) {
        stats->runs++;
        stats->live_blocks++;
    }
}

static void add_mapped(const struct neap_layout_mapped_run *run, struct neap_heap_stats *stats) {
    bool live = run->run_bytes != 0;
    stats->resident_bytes += run->touched_bytes;
    stats->live_bytes += run->run_bytes;
    stats->dirty_bytes += run->touched_bytes - run->run_bytes;
    stats->clean_bytes += run->mapped_bytes - run->touched_bytes;
    stats->reserved_bytes += run->mapped_bytes;
    stats->runs += live;
    stats->live_blocks += live;
}

/* Moves blocks in magazines and in quarantine from the live to the cached ones: they count as used in
 * their slabs and are free for the program. */
static void move_cached(const neap_heap_t *heap, struct neap_heap_stats *stats) {
    uint64_t blocks, bytes;
    neap__guard_waiting(heap, &blocks, &bytes);
    for (uint32_t i = 1; i < heap->layout.class_count; i++) {
        uint64_t cached = neap__magazine_cached(heap, i);
        blocks += cached;
        bytes += cached * heap->classes[i].block_bytes;
    }
    /* Another thread of a shared heap may pass a block on while it is counted: then it counts twice. */
    stats->cached_bytes = bytes < stats->live_bytes ? bytes : stats->live_bytes;
    stats->live_bytes -= stats->cached_bytes;
    stats->live_blocks -= blocks < stats->live_blocks ? blocks : stats->live_blocks;
}

/* Bytes of address space for a region's bookkeeping, whether touched or not. */
static uint64_t region_books(const neap_heap_t *heap, uint32_t n) {
    const struct neap_layout_region *public = &heap->layout.regions[n];
    return (uint64_t) public->unit_count * public->unit_stride +
           (uint64_t)(heap->regions[n].base - heap->regions[n].maps);
}

static uint64_t region_metadata(const neap_heap_t *heap, uint32_t n) {
    const struct neap_layout_region *public = &heap->layout.regions[n];
    uint64_t units = (uint64_t) public->top * public->unit_stride;
    uint64_t maps = (public->top / 64 + 1) * sizeof(struct neap__bits) + public->top;
    return neap_word_round_up(units, heap->layout.page_bytes) +
           neap_word_round_up(maps, heap->layout.page_bytes);
}

void neap_heap_stats(neap_heap_t *heap, struct neap_heap_stats *stats) {
    *stats = (struct neap_heap_stats){0};
    neap_os_lock(&heap->lock);
    const struct neap_layout_heap *layout = &heap->layout;
    for (uint32_t n = 0; n < layout->region_count; n++) {
        if (!heap->regions[n].base)
            continue;
        stats->regions++;
        stats->reserved_bytes += heap->regions[n].span_bytes + region_books(heap, n);
        stats->metadata_bytes += region_metadata(heap, n);
        for (uint32_t i = 0; i < layout->regions[n].top; i++)
            add_unit(heap, (struct neap__place){n, i}, stats);
    }
    const struct neap_layout_mapped_run *mapped = (const void *)(uintptr_t)layout->mapped;
    for (uint32_t i = 0; i < layout->mapped_count; i++)
        add_mapped(&mapped[i], stats);
    move_cached(heap, stats);
    uint64_t page = layout->page_bytes;
    stats->metadata_bytes += sizeof(*heap) + neap__thread_cache_bytes(heap);
    stats->meshed_bytes = neap__heap_meshed_away(heap) * page;
    stats->peak_bytes = layout->peak_pages * page;
    stats->purged_bytes = layout->purged_pages * page;
    stats->refaulted_bytes = layout->refaulted_pages * page;
    stats->purges = layout->purges;
    stats->purge_ns = layout->purge_ns;
    neap_os_unlock(&heap->lock);
}
