/* heap/region.c: bits of free units, the top, and address space. */
#include "heap/region.h"

#include <assert.h>
#include <string.h>

#include "heap/mesh.h"
#include "heap/purge.h"
#include "os/memory.h"

#define REGION_BYTES_MOST (sizeof(void *) == 8 ? (size_t)1 << 36 : (size_t)REGION_BYTES_LATER)

enum {
    COMMIT_UNITS = 64,             /* units committed in one step: 4 MiB with 4 KiB pages */
    REGION_BYTES_LATER = 16 << 20, /* a further region where address space is scarce */
    REGION_BYTES_LEAST = 1 << 20,  /* the smallest region to try, unless the request needs less */
    BITS_BESIDE = 1008             /* bytes of bits before the class map in its first page: 42 * 64 units */
};

static uint64_t bit_of(uint32_t index) {
    return UINT64_C(1) << (index % 64);
}

static struct neap__bits *bits_of(const struct neap__region *r, uint32_t index) {
    return neap__bits_at(r, index / 64);
}

/* Reserves a region of `bytes`, lays it out and enters it as `number`. */
static int region_make(neap_heap_t *heap, uint32_t number, uint64_t bytes) {
    struct neap__region *r = &heap->regions[number];
    struct neap_layout_region *public = &heap->layout.regions[number];
    size_t page = (size_t)1 << heap->page_shift;
    size_t unit = (size_t)1 << heap->unit_shift;
    uint32_t count = (uint32_t)(bytes >> heap->unit_shift);
    uint32_t words =
        heap->bitmap_words * (heap->hardened ? 2 : 1) + (heap->strict ? 0 : NEAP_MESH_UNIT_WORDS);
    uint32_t stride = (uint32_t)(offsetof(neap__unit_t, bitmap) + words * sizeof(uint64_t));
    size_t units_bytes = neap_word_round_up_size((size_t)count * stride, page);
    size_t bits_bytes = neap_word_round_up_size(count / 64 * sizeof(struct neap__bits), page) + BITS_BESIDE;
    size_t maps_bytes = neap_word_round_up_size(bits_bytes + count, page);
    size_t metadata = neap_word_round_up_size(units_bytes + maps_bytes, unit);
    void *mapping;
    int error = neap_os_reserve(metadata + ((size_t)count << heap->unit_shift), unit, &mapping);
    if (error != NEAP_OK)
        return error;
    unsigned char *start = mapping;
    /* A huge page would fill the holes that a purge leaves. */
    neap_os_advise_huge(mapping, metadata + ((size_t)count << heap->unit_shift), false);
    error = neap_os_commit(start + units_bytes, maps_bytes);
    if (error != NEAP_OK) {
        neap_os_release(mapping, metadata + ((size_t)count << heap->unit_shift));
        return error;
    }
    unsigned char *maps = start + units_bytes;
    *r = (struct neap__region){
        .base = start + metadata,
        .units = start,
        .maps = maps,
        .class_map = maps + bits_bytes,
        .bits = (struct neap__bits *)(void *)(maps + bits_bytes) - 1,
        .span_bytes = (size_t)count << heap->unit_shift,
    };
    *public = (struct neap_layout_region){
        .base = (uintptr_t)r->base,
        .units = (uintptr_t)r->units,
        .class_map = (uintptr_t)r->class_map,
        .unit_count = count,
        .unit_stride = stride,
    };
    if (number >= heap->layout.region_count)
        heap->layout.region_count = number + 1;
    return NEAP_OK;
}

int neap__region_first(neap_heap_t *heap, uint64_t bytes) {
    size_t unit = (size_t)1 << heap->unit_shift;
    bytes &= ~(uint64_t)(unit - 1);
    int error = NEAP_ERROR_MEMORY;
    for (; bytes >= 4 * unit; bytes = (bytes / 2) & ~(uint64_t)(unit - 1)) {
        if (bytes >> heap->unit_shift >= 1u << NEAP_LAYOUT_ID_SHIFT || bytes > SIZE_MAX / 2)
            continue;
        error = region_make(heap, 0, bytes);
        if (error == NEAP_OK)
            break;
    }
    if (error != NEAP_OK)
        return error;
    heap->base = (uintptr_t)heap->regions[0].base;
    heap->span_bytes = heap->regions[0].span_bytes;
    heap->class_map = heap->regions[0].class_map;
    heap->region_bytes = bytes < REGION_BYTES_LATER ? REGION_BYTES_LATER : (size_t)bytes;
    return NEAP_OK;
}

/* Releases the parts of a region one by one: region_cut may have released address space between them,
 * which may belong to another mapping by now. */
static void region_release(neap_heap_t *heap, uint32_t number) {
    struct neap__region *r = &heap->regions[number];
    struct neap_layout_region *public = &heap->layout.regions[number];
    size_t page = (size_t)1 << heap->page_shift;
    neap_os_release(r->units,
                    neap_word_round_up_size((size_t) public->unit_count * public->unit_stride, page));
    neap_os_release(r->maps, (size_t)(r->base - r->maps));
    neap_os_release(r->base, r->span_bytes);
    *r = (struct neap__region){0};
    *public = (struct neap_layout_region){0};
}

void neap__region_release_all(neap_heap_t *heap) {
    for (uint32_t i = 0; i < heap->layout.region_count; i++) {
        if (heap->regions[i].base)
            region_release(heap, i);
    }
}

/* Whether the process's address space is not limited. */
static bool is_space_plentiful(const neap_heap_t *heap) {
    return !heap->yielded && neap_os_address_space_left_bytes() == UINT64_MAX;
}

/* Adds a region that holds `count` units, in the first free slot. If the system refuses, smaller ones
 * are tried. */
static int region_add(neap_heap_t *heap, uint32_t count, uint32_t *number) {
    uint32_t slot = 1;
    while (slot < heap->layout.region_count && heap->regions[slot].base)
        slot++;
    if (slot == NEAP_LAYOUT_REGIONS_MAX)
        return NEAP_ERROR_MEMORY;
    size_t need = (size_t)count << heap->unit_shift;
    if (need >> heap->unit_shift != count)
        return NEAP_ERROR_MEMORY;
    for (size_t bytes = heap->region_bytes; bytes > need && bytes >= REGION_BYTES_LEAST; bytes /= 2) {
        if (region_make(heap, slot, bytes) == NEAP_OK) {
            if (bytes == heap->region_bytes && bytes < REGION_BYTES_MOST && is_space_plentiful(heap))
                heap->region_bytes *= 2; /* so that few regions do for any heap */
            *number = slot;
            return NEAP_OK;
        }
    }
    int error = region_make(heap, slot, need);
    if (error == NEAP_OK)
        *number = slot;
    return error;
}

/* Makes units [0, top) of a region and their structs accessible, and some more if the system allows. */
static int region_commit(neap_heap_t *heap, uint32_t region, uint32_t top) {
    struct neap__region *r = &heap->regions[region];
    struct neap_layout_region *public = &heap->layout.regions[region];
    if (top <= public->committed)
        return NEAP_OK;
    uint32_t step = heap->wired ? 1 : COMMIT_UNITS;
    uint32_t wish = top - public->committed < step ? public->committed + step : top;
    if (wish > public->unit_count)
        wish = public->unit_count;
    size_t page = (size_t)1 << heap->page_shift;
    size_t units_before = neap_word_round_up_size((size_t) public->committed * public->unit_stride, page);
    for (;;) {
        size_t units_after = neap_word_round_up_size((size_t)wish * public->unit_stride, page);
        if ((units_after == units_before ||
             neap_os_commit(r->units + units_before, units_after - units_before) == NEAP_OK) &&
            neap_os_commit(r->base + ((size_t) public->committed << heap->unit_shift),
                           (size_t)(wish - public->committed) << heap->unit_shift) == NEAP_OK) {
            if (heap->wired)
                neap_os_wire(r->base + ((size_t) public->committed << heap->unit_shift),
                             (size_t)(wish - public->committed) << heap->unit_shift);
            public->committed = wish;
            return NEAP_OK;
        }
        if (wish == top)
            return NEAP_ERROR_MEMORY;
        wish = top;
    }
}

/* Index of the lowest dirty unit below `end`, or of the lowest clean one if not `dirty`; UINT32_MAX if
 * there is none. */
static uint32_t lowest(struct neap__region *r, bool dirty, uint32_t end) {
    uint32_t *low = dirty ? &r->dirty_low : &r->clean_low;
    for (; *low < (end + 63) / 64; ++*low) {
        const struct neap__bits *bits = neap__bits_at(r, *low);
        uint64_t set = dirty ? bits->dirty : bits->clean;
        if (set != 0)
            return *low * 64 + neap_word_lowest(set);
    }
    return UINT32_MAX;
}

/* The lowest index from which `count` units are free. If `dirty`, all of them must be dirty; else units
 * above the top count as free too. UINT32_MAX if there is none. */
static uint32_t first_fit(const neap_heap_t *heap, uint32_t region, uint32_t count, bool dirty) {
    const struct neap__region *r = &heap->regions[region];
    const struct neap_layout_region *public = &heap->layout.regions[region];
    uint32_t start = 0, length = 0, top = public->top;
    for (uint32_t i = 0; i < top;) {
        const struct neap__bits *bits = bits_of(r, i);
        uint64_t free = bits->dirty | (dirty ? 0 : bits->clean);
        if ((i & 63) == 0 && (free == 0 || (free == ~UINT64_C(0) && i + 64 <= top))) { /* 64 at once */
            if (free == 0)
                length = 0;
            else if (length == 0)
                start = i, length = 64;
            else
                length += 64;
            i += 64;
        } else {
            if (((free >> (i & 63)) & 1) == 0)
                length = 0;
            else if (length++ == 0)
                start = i;
            i++;
        }
        if (length >= count)
            return start;
    }
    if (dirty)
        return UINT32_MAX;
    if (length == 0)
        start = top;
    return (uint64_t)start + count <= public->unit_count ? start : UINT32_MAX;
}

/* Clears the bits of free units, and raises the top above them if necessary. */
static int take_span(neap_heap_t *heap, uint32_t region, uint32_t index, uint32_t count) {
    struct neap_layout_region *public = &heap->layout.regions[region];
    struct neap__region *r = &heap->regions[region];
    uint32_t end = index + count;
    if (end > public->top) {
        int error = region_commit(heap, region, end);
        if (error != NEAP_OK)
            return error;
        assert(index <= public->top);
        public->top = end;
    }
    for (uint32_t i = index; i < end; i++) {
        bits_of(r, i)->dirty &= ~bit_of(i);
        bits_of(r, i)->clean &= ~bit_of(i);
    }
    return NEAP_OK;
}

/* Takes the lowest free unit below a top, of the first region that has one; dirty ones first. */
static int take_one(neap_heap_t *heap, struct neap__place *place) {
    for (int wanted = 0; wanted < 2; wanted++) {
        for (uint32_t n = 0; n < heap->layout.region_count; n++) {
            struct neap__region *r = &heap->regions[n];
            if (!r->base)
                continue;
            uint32_t top = heap->layout.regions[n].top;
            uint32_t index = lowest(r, wanted == 0, top);
            if (index != UINT32_MAX) {
                *place = (struct neap__place){n, index};
                return take_span(heap, n, index, 1);
            }
        }
    }
    return NEAP_ERROR_ABSENT;
}

int neap__region_take(neap_heap_t *heap, uint32_t count, struct neap__place *place) {
    if (count == 1 && take_one(heap, place) == NEAP_OK)
        return NEAP_OK;
    for (uint32_t i = 0; i < 2 * heap->layout.region_count; i++) {
        bool dirty = i < heap->layout.region_count; /* dirty units first, because they need no page faults */
        uint32_t n = dirty ? i : i - heap->layout.region_count;
        if (!heap->regions[n].base)
            continue;
        uint32_t index = first_fit(heap, n, count, dirty);
        if (index != UINT32_MAX && take_span(heap, n, index, count) == NEAP_OK) {
            *place = (struct neap__place){n, index};
            return NEAP_OK;
        }
    }
    uint32_t number;
    int error = region_add(heap, count, &number);
    if (error == NEAP_OK)
        error = take_span(heap, number, 0, count);
    if (error == NEAP_OK)
        *place = (struct neap__place){number, 0};
    return error;
}

bool neap__region_take_at(neap_heap_t *heap, struct neap__place place, uint32_t count) {
    const struct neap__region *r = &heap->regions[place.region];
    const struct neap_layout_region *public = &heap->layout.regions[place.region];
    uint64_t end = (uint64_t)place.index + count;
    if (end > public->unit_count)
        return false;
    for (uint32_t i = place.index; i < end && i < public->top; i++) {
        if (((bits_of(r, i)->dirty | bits_of(r, i)->clean) & bit_of(i)) == 0)
            return false;
    }
    return take_span(heap, place.region, place.index, count) == NEAP_OK;
}

void neap__region_put(neap_heap_t *heap, struct neap__place place, uint32_t count) {
    struct neap__region *r = &heap->regions[place.region];
    for (uint32_t i = place.index; i < place.index + count; i++) {
        neap__unit_t *unit = neap__unit_at(heap, place.region, i);
        unit->kind = NEAP_UNIT_FREE;
        r->class_map[i] = 0;
        struct neap__place here = {place.region, i};
        neap__region_file(heap, here);
        if (unit->resident != 0)
            neap__region_queue(heap, here);
    }
}

void neap__region_file(neap_heap_t *heap, struct neap__place place) {
    struct neap__region *r = &heap->regions[place.region];
    struct neap__bits *bits = bits_of(r, place.index);
    bool dirty = neap__place_unit(heap, place)->resident != 0;
    uint32_t *low = dirty ? &r->dirty_low : &r->clean_low;
    uint64_t bit = bit_of(place.index);
    bits->dirty = dirty ? bits->dirty | bit : bits->dirty & ~bit;
    bits->clean = dirty ? bits->clean & ~bit : bits->clean | bit;
    if (place.index / 64 < *low)
        *low = place.index / 64;
}

void neap__region_queue(neap_heap_t *heap, struct neap__place place) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    if (unit->flags & NEAP_UNIT_QUEUED)
        return;
    unit->flags |= NEAP_UNIT_QUEUED | NEAP_UNIT_TAKEN; /* so that the first look only notes free pages */
    bits_of(&heap->regions[place.region], place.index)->queued |= bit_of(place.index);
    heap->queued_units++;
}

bool neap__region_find(const neap_heap_t *heap, const void *address, struct neap__place *place) {
    for (uint32_t n = 0; n < heap->layout.region_count; n++) {
        uintptr_t offset = (uintptr_t)address - (uintptr_t)heap->regions[n].base;
        if (heap->regions[n].base && offset < heap->regions[n].span_bytes) {
            *place = (struct neap__place){n, (uint32_t)(offset >> heap->unit_shift)};
            return true;
        }
    }
    return false;
}

/* Zeroes the unit structs of [top, old_top), which means free and clean. Gives back whole pages of
 * them. */
static void forget_units(neap_heap_t *heap, uint32_t region, uint32_t top, uint32_t old_top) {
    const struct neap_layout_region *public = &heap->layout.regions[region];
    size_t page = (size_t)1 << heap->page_shift;
    size_t from = (size_t)top * public->unit_stride, to = (size_t)old_top * public->unit_stride;
    size_t first = neap_word_round_up_size(from, page), last = to & ~(page - 1);
    unsigned char *units = heap->regions[region].units;
    if (first >= last) {
        memset(units + from, 0, to - from);
        return;
    }
    memset(units + from, 0, first - from);
    memset(units + last, 0, to - last);
    struct neap_os_range range = {units + first, last - first};
    neap_os_purge(&range, 1);
}

static void region_lower(neap_heap_t *heap, uint32_t region) {
    struct neap_layout_region *public = &heap->layout.regions[region];
    struct neap__region *r = &heap->regions[region];
    uint32_t top = public->top;
    for (; top > 0; top--) {
        struct neap__bits *bits = bits_of(r, top - 1);
        if ((bits->clean & ~bits->queued & bit_of(top - 1)) == 0)
            break;
        bits->clean &= ~bit_of(top - 1);
    }
    if (top < public->top) {
        forget_units(heap, region, top, public->top);
        public->top = top;
    }
}

void neap__region_shrink(neap_heap_t *heap) {
    for (uint32_t n = 0; n < heap->layout.region_count; n++) {
        struct neap__region *r = &heap->regions[n];
        if (!r->base)
            continue;
        region_lower(heap, n);
        if (n > 0 && heap->layout.regions[n].top == 0) {
            region_release(heap, n);
        }
    }
}

/* Releases the address space of region `number` beyond its first `count` units. */
static void region_cut(neap_heap_t *heap, uint32_t number, uint32_t count) {
    struct neap__region *r = &heap->regions[number];
    struct neap_layout_region *public = &heap->layout.regions[number];
    size_t page = (size_t)1 << heap->page_shift;
    size_t structs = neap_word_round_up_size((size_t)count * public->unit_stride, page);
    size_t structs_before = neap_word_round_up_size((size_t) public->unit_count * public->unit_stride, page);
    size_t span = (size_t)count << heap->unit_shift;
    if (structs < structs_before)
        neap_os_release(r->units + structs, structs_before - structs);
    neap_os_release(r->base + span, r->span_bytes - span);
    r->span_bytes = span;
    public->unit_count = count;
}

void neap__region_yield(neap_heap_t *heap, uint64_t keep_bytes) {
    for (uint32_t n = 0; n < heap->layout.region_count; n++) {
        const struct neap_layout_region *public = &heap->layout.regions[n];
        uint64_t count = public->committed + (n == 0 ? keep_bytes >> heap->unit_shift : 0);
        if (heap->regions[n].base && count < public->unit_count && count > 0)
            region_cut(heap, n, (uint32_t)count);
    }
    __atomic_store_n(&heap->span_bytes, heap->regions[0].span_bytes, __ATOMIC_RELAXED);
    heap->region_bytes = REGION_BYTES_LATER;
    heap->yielded = true;
}

bool neap__region_page_in(neap_heap_t *heap, neap__unit_t *unit, unsigned mask) {
    unsigned fresh = mask & ~(unsigned)unit->resident;
    if (NEAP_LIKELY(fresh == 0))
        return true;
    unsigned count = neap_word_count(fresh);
    if (!neap__purge_admit(heap, count))
        return false;
    unsigned again = neap_word_count(fresh & unit->purged);
    if (again > 0) {
        heap->layout.refaulted_pages += again;
        neap__purge_bounced(heap, again, neap__heap_ms(heap) - unit->purged_ms);
    }
    unit->resident = (uint16_t)(unit->resident | fresh);
    unit->purged = (uint16_t)(unit->purged & ~fresh);
    neap__purge_came(heap, count);
    return true;
}
