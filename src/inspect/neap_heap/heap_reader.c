/* inspect/neap_heap/heap_reader.c: checks and sums up the heap struct, regions and units. */
#include "inspect/neap_heap/heap_reader.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"
#include "inspect/neap_heap/mapped_reader.h"

enum {
    PAGE_BYTES_MIN = 4096,
    PAGE_BYTES_MAX = 1 << 20,
    CHUNK_BYTES = 256 << 10,
    PIN_SHARE = 8,
    REGION_EXTRA_PAGES = 4, /* touched bit maps beside the unit structs, estimated */
};

/* Which blocks of a slab touch page j: [first, last], none if first > last. */
struct page_blocks {
    uint16_t first[NEAP_LAYOUT_UNIT_PAGES], last[NEAP_LAYOUT_UNIT_PAGES];
};

struct reading {
    const struct neap_memory *memory;
    const struct neap_layout_anchor *anchor;
    struct neap_heap_view *view;
    struct neap_fault *fault;
    unsigned char *chunk; /* CHUNK_BYTES */
    struct page_blocks pages[NEAP_LAYOUT_CLASSES_MAX];
    uint32_t run_pages; /* pages of the current run that are still to be read */
};

static int refuse(struct reading *reading, uint64_t address, const char *why) {
    *reading->fault = (struct neap_fault){address, why};
    return NEAP_ERROR_FORMAT;
}

static int fetch(struct reading *reading, uint64_t address, void *out, size_t bytes, const char *why) {
    int result = reading->memory->read(reading->memory->context, address, out, bytes);
    if (result != NEAP_OK)
        *reading->fault = (struct neap_fault){address, why};
    return result;
}

/* --- the heap struct --------------------------------------------------- */

/* Copies an array whose elements have `stride` bytes in the target and `bytes` in this build. */
static const unsigned char *elements_copy(void *to, const unsigned char *from, size_t count, size_t bytes,
                                          size_t stride) {
    for (size_t i = 0; i < count; i++)
        memcpy((unsigned char *)to + i * bytes, from + i * stride, bytes);
    return from + count * stride;
}

/* Reads the heap struct into this build's layout. Elements of its arrays may be longer in the target. */
static int heap_fetch(struct reading *reading) {
    const struct neap_layout_anchor *anchor = reading->anchor;
    struct neap_layout_heap *heap = &reading->view->heap;
    size_t head = offsetof(struct neap_layout_heap, events);
    size_t arrays = (size_t)anchor->event_bytes * NEAP_LAYOUT_EVENTS +
                    (size_t)anchor->class_bytes * NEAP_LAYOUT_CLASSES_MAX +
                    (size_t)anchor->region_bytes * NEAP_LAYOUT_REGIONS_MAX;
    size_t tail = sizeof(*heap) - offsetof(struct neap_layout_heap, mapped), all = head + arrays + tail;
    if (anchor->heap_bytes < all)
        return refuse(reading, anchor->heap, "the heap struct is too short for its arrays");
    unsigned char *raw = malloc(all);
    if (!raw)
        return NEAP_ERROR_MEMORY;
    int result = fetch(reading, anchor->heap, raw, all, "the heap struct cannot be read");
    if (result == NEAP_OK) {
        memcpy(heap, raw, head);
        const unsigned char *at = raw + head;
        at =
            elements_copy(heap->events, at, NEAP_LAYOUT_EVENTS, sizeof(heap->events[0]), anchor->event_bytes);
        at = elements_copy(heap->classes, at, NEAP_LAYOUT_CLASSES_MAX, sizeof(heap->classes[0]),
                           anchor->class_bytes);
        at = elements_copy(heap->regions, at, NEAP_LAYOUT_REGIONS_MAX, sizeof(heap->regions[0]),
                           anchor->region_bytes);
        memcpy(&heap->mapped, at, tail);
        reading->view->mapped_run_bytes = anchor->mapped_run_bytes;
    }
    free(raw);
    return result;
}

/* --- size classes ------------------------------------------------------ */

static bool class_sound(const struct neap_layout_heap *heap, const struct neap_layout_class *class) {
    if (class->block_bytes == 0 || class->group_shift > 31)
        return false;
    uint64_t group_bytes = UINT64_C(1) << class->group_shift;
    if (group_bytes < heap->page_bytes || group_bytes > heap->unit_bytes)
        return false;
    return class->group_blocks > 0 && (uint64_t) class->group_blocks * class->block_bytes <= group_bytes &&
           class->slab_blocks > 0 && class->slab_blocks <= UINT16_MAX &&
           class->slab_blocks <= class->group_blocks * (heap->unit_bytes / group_bytes);
}

/* A page behind the last block of a group, or behind the last group, holds no block. */
static void class_map_pages(const struct neap_layout_heap *heap, const struct neap_layout_class *class,
                            struct page_blocks *pages) {
    for (uint32_t page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page++) {
        uint32_t offset = page * heap->page_bytes;
        uint32_t group = offset >> class->group_shift;
        uint32_t within = offset & ((UINT32_C(1) << class->group_shift) - 1);
        uint32_t first = within / class->block_bytes,
                 last = (within + heap->page_bytes - 1) / class->block_bytes;
        if (last >= class->group_blocks)
            last = class->group_blocks - 1;
        bool none = first > last || group * class->group_blocks + first >= class->slab_blocks;
        first += group * class->group_blocks;
        last += group * class->group_blocks;
        if (last >= class->slab_blocks)
            last = class->slab_blocks - 1;
        pages->first[page] = (uint16_t)(none ? 1 : first);
        pages->last[page] = (uint16_t)(none ? 0 : last);
    }
}

static int heap_check(struct reading *reading) {
    const struct neap_layout_heap *heap = &reading->view->heap;
    uint64_t at = reading->anchor->heap;
    if (!neap_word_power_of_two(heap->page_bytes) || heap->page_bytes < PAGE_BYTES_MIN ||
        heap->page_bytes > PAGE_BYTES_MAX || heap->unit_bytes != heap->page_bytes * NEAP_LAYOUT_UNIT_PAGES)
        return refuse(reading, at, "pages or units have an impossible size");
    if (heap->class_count > NEAP_LAYOUT_CLASSES_MAX || heap->region_count > NEAP_LAYOUT_REGIONS_MAX ||
        heap->mapped_count > NEAP_LAYOUT_MAPPED_MAX)
        return refuse(reading, at, "more size classes, regions or mapped runs than there can be");
    for (uint32_t i = 1; i < heap->class_count; i++) {
        if (!class_sound(heap, &heap->classes[i]))
            return refuse(reading, at, "a size class contradicts itself");
        class_map_pages(heap, &heap->classes[i], &reading->pages[i]);
        reading->view->classes[i].block_bytes = heap->classes[i].block_bytes;
    }
    return NEAP_OK;
}

/* --- units ------------------------------------------------------------- */

static uint32_t bits_used(const uint64_t *bitmap, uint32_t blocks) {
    uint32_t used = 0;
    for (uint32_t word = 0; word < blocks / 64; word++)
        used += neap_word_count(bitmap[word]);
    if (blocks % 64 != 0)
        used += neap_word_count(bitmap[blocks / 64] & neap_word_span(0, blocks % 64 - 1));
    return used;
}

static bool bits_any(const uint64_t *bitmap, uint32_t first, uint32_t last) {
    for (uint32_t word = first / 64; word <= last / 64; word++) {
        unsigned from = word == first / 64 ? first % 64 : 0, to = word == last / 64 ? last % 64 : 63;
        if (bitmap[word] & neap_word_span(from, to))
            return true;
    }
    return false;
}

/* Mask of the pages of a slab that no used block touches. */
static unsigned slab_free_pages(const struct page_blocks *pages, const uint64_t *bitmap) {
    unsigned mask = 0;
    for (unsigned page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page++)
        if (pages->first[page] > pages->last[page] ||
            !bits_any(bitmap, pages->first[page], pages->last[page]))
            mask |= 1u << page;
    return mask;
}

/* False if the slab is invalid: its class is unknown, or its bitmap is too short or
 * disagrees with the count, because it changed while it was read. */
static bool slab_add(struct reading *reading, const struct neap_layout_unit *unit, size_t bitmap_words) {
    struct neap_heap_view *view = reading->view;
    if (unit->class_index == 0 || unit->class_index >= view->heap.class_count)
        return false;
    const struct neap_layout_class *class = &view->heap.classes[unit->class_index];
    const struct page_blocks *pages = &reading->pages[unit->class_index];
    if (class->slab_blocks > bitmap_words * 64)
        return false;
    uint32_t used = bits_used(unit->bitmap, class->slab_blocks);
    unsigned free_pages = slab_free_pages(pages, unit->bitmap) & unit->resident;
    uint64_t held = (uint64_t)neap_word_count(unit->resident & ~free_pages) * view->heap.page_bytes;
    uint64_t used_bytes = (uint64_t)used * class->block_bytes;
    if (used != unit->used || used_bytes > held)
        return false;
    bool pinned = used > 0 && used * PIN_SHARE < class->slab_blocks;
    struct neap_class_view *sum = &view->classes[unit->class_index];
    sum->slabs++;
    sum->pins += pinned;
    sum->blocks += class->slab_blocks;
    sum->used_blocks += used;
    view->stats.slabs++;
    view->stats.pins += pinned;
    view->stats.live_blocks += used;
    view->stats.live_bytes += used_bytes;
    view->stats.free_bytes += held - used_bytes;
    view->stats.dirty_bytes += (uint64_t)neap_word_count(free_pages) * view->heap.page_bytes;
    return true;
}

/* Adds a unit of a run. Resident pages that the block covers are live, the others are
 * spare. Units come in order of address, so the first unit of a run comes first. */
static void run_add(struct reading *reading, const struct neap_layout_unit *unit) {
    struct neap_heap_view *view = reading->view;
    if (unit->kind == NEAP_UNIT_RUN)
        reading->run_pages = unit->run_pages;
    uint32_t covered =
        reading->run_pages < NEAP_LAYOUT_UNIT_PAGES ? reading->run_pages : NEAP_LAYOUT_UNIT_PAGES;
    reading->run_pages -= covered;
    unsigned live = unit->resident & ((1u << covered) - 1);
    view->stats.live_bytes += (uint64_t)neap_word_count(live) * view->heap.page_bytes;
    view->stats.dirty_bytes += (uint64_t)neap_word_count(unit->resident & ~live) * view->heap.page_bytes;
}

static bool unit_add(struct reading *reading, const struct neap_layout_unit *unit, size_t bitmap_words) {
    struct neap_heap_view *view = reading->view;
    uint64_t resident = (uint64_t)neap_word_count(unit->resident) * view->heap.page_bytes;
    switch (unit->kind) {
    case NEAP_UNIT_FREE:
        view->stats.dirty_bytes += resident;
        break;
    case NEAP_UNIT_SLAB:
        if (!slab_add(reading, unit, bitmap_words))
            return false;
        break;
    case NEAP_UNIT_RUN:
        view->stats.runs++;
        view->stats.live_blocks++;
        run_add(reading, unit);
        break;
    case NEAP_UNIT_RUN_TAIL:
        run_add(reading, unit);
        break;
    default:
        return false;
    }
    view->stats.resident_bytes += resident;
    view->stats.clean_bytes += view->heap.unit_bytes - resident;
    return true;
}

/* --- regions ----------------------------------------------------------- */

static int region_check(struct reading *reading, const struct neap_layout_region *region) {
    const struct neap_layout_anchor *anchor = reading->anchor;
    uint64_t limit = anchor->pointer_bytes == 4 ? UINT32_MAX : UINT64_MAX;
    uint64_t span = (uint64_t)region->unit_count * reading->view->heap.unit_bytes;
    if (region->top > region->committed || region->committed > region->unit_count ||
        region->unit_count >= 1u << NEAP_LAYOUT_ID_SHIFT)
        return refuse(reading, region->base, "a region's top lies beyond its end");
    if (region->unit_stride < anchor->unit_bytes || region->unit_stride > CHUNK_BYTES / 4 ||
        region->unit_stride % 8 != 0)
        return refuse(reading, region->base, "a region's unit structs have an impossible size");
    if (region->base > limit - span || region->units > limit - (uint64_t)region->top * region->unit_stride)
        return refuse(reading, region->base, "a region lies beyond the address space");
    return NEAP_OK;
}

/* The bitmap is the last member of the unit struct and longer where pages are large,
 * so units are read in place, in the chunk. */
static int region_read(struct reading *reading, const struct neap_layout_region *region) {
    struct neap_heap_view *view = reading->view;
    size_t stride = region->unit_stride;
    size_t bitmap_words = (stride - offsetof(struct neap_layout_unit, bitmap)) / sizeof(uint64_t);
    uint32_t chunk_units = (uint32_t)(CHUNK_BYTES / stride);
    for (uint32_t done = 0; done < region->top;) {
        uint32_t count = region->top - done < chunk_units ? region->top - done : chunk_units;
        int result = fetch(reading, region->units + (uint64_t)done * stride, reading->chunk, count * stride,
                           "a region's unit structs cannot be read");
        if (result != NEAP_OK)
            return result;
        for (uint32_t i = 0; i < count; i++) {
            const void *unit = reading->chunk + i * stride;
            view->rejected_units += !unit_add(reading, unit, bitmap_words);
        }
        view->units += count;
        done += count;
    }
    view->stats.regions++;
    view->stats.reserved_bytes += (uint64_t)region->unit_count * view->heap.unit_bytes;
    view->stats.metadata_bytes += neap_word_round_up((uint64_t)region->top * stride, view->heap.page_bytes) +
                                  (uint64_t)REGION_EXTRA_PAGES * view->heap.page_bytes;
    return NEAP_OK;
}

/* Checks all regions before the first is read, so that the work is bounded. */
static int regions_check(struct reading *reading) {
    const struct neap_layout_heap *heap = &reading->view->heap;
    uint64_t units = 0;
    for (uint32_t i = 0; i < heap->region_count; i++) {
        if (heap->regions[i].unit_count == 0)
            continue;
        int result = region_check(reading, &heap->regions[i]);
        if (result != NEAP_OK)
            return result;
        units += heap->regions[i].top;
    }
    if (units > NEAP_READER_UNITS_MAX)
        return refuse(reading, reading->anchor->heap, "more units than a machine has memory for");
    return NEAP_OK;
}

static int regions_read(struct reading *reading) {
    const struct neap_layout_heap *heap = &reading->view->heap;
    int result = regions_check(reading);
    for (uint32_t i = 0; i < heap->region_count && result == NEAP_OK; i++)
        if (heap->regions[i].unit_count != 0)
            result = region_read(reading, &heap->regions[i]);
    return result;
}

/* --- mapped runs ------------------------------------------------------- */

static int mapped_add(struct reading *reading) {
    struct neap_heap_view *view = reading->view;
    struct neap_mapped_runs mapped;
    int result = neap_mapped_runs_read(reading->memory, &view->heap, view->mapped_run_bytes, &mapped);
    if (result == NEAP_ERROR_MEMORY)
        return result;
    if (result != NEAP_OK) {
        *reading->fault = (struct neap_fault){view->heap.mapped, "the mapped runs cannot be read"};
        return result;
    }
    for (uint32_t i = 0; i < mapped.count; i++) {
        const struct neap_layout_mapped_run *run = &mapped.runs[i];
        view->stats.resident_bytes += run->touched_bytes;
        view->stats.live_bytes += run->run_bytes;
        view->stats.dirty_bytes += run->touched_bytes - run->run_bytes;
        view->stats.clean_bytes += run->mapped_bytes - run->touched_bytes;
        view->stats.reserved_bytes += run->mapped_bytes;
        view->stats.runs += run->run_bytes != 0;
        view->stats.live_blocks += run->run_bytes != 0;
    }
    view->units += mapped.count + mapped.rejected;
    view->rejected_units += mapped.rejected;
    neap_mapped_runs_free(&mapped);
    return NEAP_OK;
}

/* --- all of it --------------------------------------------------------- */

/* Blocks in a magazine count as used in their slabs. The count is bounded, because it is
 * read at another moment than the slabs. */
static void cached_move(struct neap_heap_view *view) {
    for (uint32_t i = 1; i < view->heap.class_count; i++) {
        struct neap_class_view *class = &view->classes[i];
        uint64_t cached = view->heap.classes[i].cached;
        class->cached_blocks = cached < class->used_blocks ? cached : class->used_blocks;
        class->used_blocks -= class->cached_blocks;
        view->stats.live_blocks -= class->cached_blocks;
        view->stats.live_bytes -= class->cached_blocks * class->block_bytes;
        view->stats.cached_bytes += class->cached_blocks * class->block_bytes;
    }
}

/* Sorts the ring of events, the latest first. */
static void events_order(struct neap_heap_view *view) {
    struct neap_layout_event ring[NEAP_LAYOUT_EVENTS];
    uint64_t total = view->heap.event_count;
    memcpy(ring, view->heap.events, sizeof(ring));
    view->event_count = total < NEAP_LAYOUT_EVENTS ? (uint32_t)total : NEAP_LAYOUT_EVENTS;
    for (uint32_t i = 0; i < view->event_count; i++)
        view->heap.events[i] = ring[(total - 1 - i) % NEAP_LAYOUT_EVENTS];
}

/* The heap's own counters were read before its units. A heap that grew in between was larger than
 * its peak says, by what the units say. */
static void counters_copy(struct neap_heap_view *view, uint32_t heap_bytes) {
    const struct neap_layout_heap *heap = &view->heap;
    view->stats.metadata_bytes += heap_bytes;
    uint64_t held = heap->mesh_copied_pages + heap->mesh_file_pages;
    if (heap->meshed_pages > held)
        view->stats.meshed_bytes = (heap->meshed_pages - held) * heap->page_bytes;
    view->stats.peak_bytes = heap->peak_pages * heap->page_bytes;
    if (view->stats.peak_bytes < view->stats.resident_bytes)
        view->stats.peak_bytes = view->stats.resident_bytes;
    view->stats.purged_bytes = heap->purged_pages * heap->page_bytes;
    view->stats.refaulted_bytes = heap->refaulted_pages * heap->page_bytes;
    view->stats.purges = heap->purges;
    view->stats.purge_ns = heap->purge_ns;
}

int neap_heap_read(const struct neap_memory *memory, const struct neap_layout_anchor *anchor,
                   struct neap_heap_view *view, struct neap_fault *fault) {
    if (anchor->state != NEAP_STATE_SERVING || anchor->heap == 0)
        return NEAP_ERROR_ABSENT;
    struct neap_heap_view *own = calloc(1, sizeof(*own));
    struct reading *reading = calloc(1, sizeof(*reading));
    unsigned char *chunk = malloc(CHUNK_BYTES);
    int result = NEAP_ERROR_MEMORY;
    if (own && reading && chunk) {
        *reading =
            (struct reading){.memory = memory, .anchor = anchor, .view = own, .fault = fault, .chunk = chunk};
        result = heap_fetch(reading);
        if (result == NEAP_OK)
            result = heap_check(reading);
        if (result == NEAP_OK)
            result = regions_read(reading);
        if (result == NEAP_OK)
            result = mapped_add(reading);
        if (result == NEAP_OK) {
            cached_move(own);
            events_order(own);
            counters_copy(own, anchor->heap_bytes);
            *view = *own;
        }
    }
    free(chunk);
    free(reading);
    free(own);
    return result;
}
