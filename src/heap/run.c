/* heap/run.c: makes, resizes and frees runs of regions. */
#include "heap/run.h"

#include <assert.h>
#include <string.h>

#include "heap/mapped_run.h"
#include "heap/mesh.h"
#include "os/memory.h"

enum {
    UNADDRESSABLE_BYTES = 1 << 24, /* no block is this near to SIZE_MAX, so rounding up cannot overflow */
    SHRINK_PAGES_MIN = 4           /* a run does not shrink by fewer pages within its last unit */
};

static uint32_t pages_for(const neap_heap_t *heap, size_t bytes) {
    return (uint32_t)((bytes + ((size_t)1 << heap->page_shift) - 1) >> heap->page_shift);
}

/* Whether no region can hold a run of `bytes`. It also keeps page counts within 32 bits. */
static bool too_large(const neap_heap_t *heap, size_t bytes) {
    return bytes > SIZE_MAX - UNADDRESSABLE_BYTES ||
           (bytes >> heap->unit_shift) >= 1u << NEAP_LAYOUT_ID_SHIFT;
}

static uint32_t units_for(uint32_t pages) {
    return (pages + NEAP_LAYOUT_UNIT_PAGES - 1) / NEAP_LAYOUT_UNIT_PAGES;
}

unsigned neap__run_free_pages(const neap_heap_t *heap, struct neap__place place) {
    const neap__unit_t *unit = neap__place_unit(heap, place), *head = unit;
    uint32_t n = unit->kind == NEAP_UNIT_RUN ? 0 : unit->run_units;
    if (n > 0)
        head = neap__unit_at(heap, place.region, place.index - n);
    return unit->resident & ~neap__run_unit_mask(n, head->run_pages);
}

/* Marks all pages [from, to) of a run as in memory. If they would pass the heap's limit, marks none and
 * returns false. */
static bool page_in(neap_heap_t *heap, struct neap__place place, uint32_t from, uint32_t to) {
    if (heap->layout.resident_pages + (to - from) > heap->limit_pages) {
        uint64_t fresh = 0; /* the exact number of pages not in memory yet */
        for (uint32_t n = 0; n < units_for(to); n++)
            fresh += neap_word_count(neap__run_unit_mask(n, to) & ~neap__run_unit_mask(n, from) &
                                     ~(unsigned)neap__unit_at(heap, place.region, place.index + n)->resident);
        if (heap->layout.resident_pages + fresh > heap->limit_pages)
            return false;
    }
    for (uint32_t n = from / NEAP_LAYOUT_UNIT_PAGES; n < units_for(to); n++) {
        bool in = neap__region_page_in(heap, neap__unit_at(heap, place.region, place.index + n),
                                       neap__run_unit_mask(n, to) & ~neap__run_unit_mask(n, from));
        assert(in);
        (void)in;
    }
    return true;
}

/* Makes `count` taken units one run. The first `known` of them belong to it already. */
static void label(neap_heap_t *heap, struct neap__place place, uint32_t known, uint32_t count) {
    for (uint32_t n = known; n < count; n++) {
        neap__unit_t *unit = neap__unit_at(heap, place.region, place.index + n);
        unit->kind = n == 0 ? NEAP_UNIT_RUN : NEAP_UNIT_RUN_TAIL;
        unit->flags |= NEAP_UNIT_TAKEN;
        unit->run_units = n;
    }
    neap__place_unit(heap, place)->run_units = count;
}

void *neap__run_alloc(neap_heap_t *heap, size_t bytes, size_t room_bytes, bool *zero) {
    struct neap__place place;
    if (too_large(heap, bytes) || too_large(heap, room_bytes))
        return NULL;
    uint32_t pages = pages_for(heap, bytes), units = units_for(pages_for(heap, room_bytes));
    if (neap__region_take(heap, units, &place) != NEAP_OK)
        return NULL;
    if (zero) {
        *zero = true;
        for (uint32_t n = 0; n < units_for(pages); n++)
            *zero = *zero && neap__unit_at(heap, place.region, place.index + n)->resident == 0;
    }
    label(heap, place, 0, units); /* before page_in, which may purge free units */
    neap__place_unit(heap, place)->run_pages = pages;
    if (!page_in(heap, place, 0, pages)) {
        neap__region_put(heap, place, units);
        return NULL;
    }
    heap->layout.runs++;
    heap->layout.run_bytes += (uint64_t)pages << heap->page_shift;
    return neap__place_address(heap, place);
}

void neap__run_free(neap_heap_t *heap, struct neap__place place) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    heap->layout.runs--;
    heap->layout.run_bytes -= (uint64_t)unit->run_pages << heap->page_shift;
    neap__region_put(heap, place, unit->run_units);
}

size_t neap__run_bytes(const neap_heap_t *heap, struct neap__place place) {
    return (size_t)neap__place_unit(heap, place)->run_pages << heap->page_shift;
}

/* Gives pages [from, to) of a run back. */
static void page_out(neap_heap_t *heap, struct neap__place place, uint32_t from, uint32_t to) {
    struct neap_os_range range = {neap__place_address(heap, place) + ((size_t)from << heap->page_shift),
                                  (size_t)(to - from) << heap->page_shift};
    neap_os_purge(&range, 1);
    for (uint32_t n = from / NEAP_LAYOUT_UNIT_PAGES; n < units_for(to); n++) {
        struct neap__place here = {place.region, place.index + n};
        neap__unit_t *unit = neap__place_unit(heap, here);
        unsigned gone = neap__run_unit_mask(n, to) & ~neap__run_unit_mask(n, from) & unit->resident;
        gone &= ~neap__mesh_lift(heap, here, gone & unit->meshed);
        unit->resident = (uint16_t)(unit->resident & ~gone);
        heap->layout.resident_pages -= neap_word_count(gone);
        heap->layout.purged_pages += neap_word_count(gone);
    }
}

/* Shortens a run in place. Whole units at its end become free, and single pages are given back. */
static void shrink(neap_heap_t *heap, struct neap__place place, uint32_t pages) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint32_t units = units_for(pages), old_pages = unit->run_pages, old_units = unit->run_units;
    uint32_t kept_end =
        units * NEAP_LAYOUT_UNIT_PAGES < old_pages ? units * NEAP_LAYOUT_UNIT_PAGES : old_pages;
    if (units < old_units) {
        struct neap__place rest = {place.region, place.index + units};
        unit->run_units = units;
        neap__region_put(heap, rest, old_units - units);
    } else if (kept_end - pages < SHRINK_PAGES_MIN) {
        return;
    }
    if (kept_end > pages)
        page_out(heap, place, pages, kept_end);
    unit->run_pages = pages;
    heap->layout.run_bytes -= (uint64_t)(old_pages - pages) << heap->page_shift;
}

/* Lengthens a run in place, if its spare units and the free ones behind it suffice. */
static bool grow(neap_heap_t *heap, struct neap__place place, uint32_t pages) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint32_t units = units_for(pages), old_pages = unit->run_pages;
    if (units > unit->run_units) {
        struct neap__place next = {place.region, place.index + unit->run_units};
        uint32_t more = units - unit->run_units;
        if (!neap__region_take_at(heap, next, more))
            return false;
        label(heap, place, unit->run_units, units);
    }
    unit->run_pages = pages; /* before page_in, which may purge spare pages */
    if (!page_in(heap, place, old_pages, pages)) {
        unit->run_pages = old_pages;
        return false; /* the run keeps the units that it took, as spare ones */
    }
    heap->layout.run_bytes += (uint64_t)(pages - old_pages) << heap->page_shift;
    return true;
}

/* Copies the run to `fresh` and frees it. If `fresh` is NULL, does nothing. */
static void *move_to(neap_heap_t *heap, struct neap__place place, void *fresh) {
    if (!fresh)
        return NULL;
    memcpy(fresh, neap__place_address(heap, place), neap__run_bytes(heap, place));
    neap__run_free(heap, place);
    return fresh;
}

/* Moves a run to a mapped run. NULL if none can be made. */
static void *move_out(neap_heap_t *heap, struct neap__place place, size_t bytes) {
    return move_to(heap, place, neap__mapped_alloc(heap, bytes, NULL));
}

/* Moves a run to a longer one, if possible with room to grow. NULL if none can be made. */
static void *move(neap_heap_t *heap, struct neap__place place, size_t bytes) {
    void *fresh = sizeof(void *) == 8 ? neap__run_alloc(heap, bytes, bytes + bytes, NULL) : NULL;
    if (!fresh)
        fresh = neap__run_alloc(heap, bytes, bytes, NULL);
    return move_to(heap, place, fresh);
}

static void *lengthen(neap_heap_t *heap, struct neap__place place, size_t bytes) {
    void *moved = bytes >= NEAP_MAPPED_BYTES_GROWN ? move_out(heap, place, bytes) : NULL;
    if (moved)
        return moved;
    if (grow(heap, place, pages_for(heap, bytes)))
        return neap__place_address(heap, place);
    return move(heap, place, bytes);
}

void *neap__run_resize(neap_heap_t *heap, struct neap__place place, size_t bytes) {
    if (too_large(heap, bytes))
        return NULL;
    uint32_t pages = pages_for(heap, bytes), old_pages = neap__place_unit(heap, place)->run_pages;
    if (pages > old_pages)
        return lengthen(heap, place, bytes);
    if (pages < old_pages)
        shrink(heap, place, pages);
    return neap__place_address(heap, place);
}
