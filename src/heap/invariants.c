/* heap/invariants.c: neap_heap_check, which tests every invariant of the data model. */
#include <neap/heap.h>

#include <string.h>

#include "heap/hardened.h"
#include "heap/magazine.h"
#include "heap/slab.h"
#include "heap/thread_cache.h"

/* Sums of a walk over the heap, to compare with the heap's own counts. */
struct tally {
    const char *why;
    uint64_t meshed, copied, resident, runs, run_bytes, queued, mapped_spare;
    uint32_t slabs[NEAP_LAYOUT_CLASSES_MAX], ranked[NEAP_LAYOUT_CLASSES_MAX];
    uint64_t used[NEAP_LAYOUT_CLASSES_MAX], live[NEAP_LAYOUT_CLASSES_MAX]; /* blocks, of a hardened heap */
};

static bool fail(struct tally *tally, const char *why) {
    tally->why = why;
    return false;
}

static bool bit(uint64_t bits, uint32_t i) {
    return (bits >> (i % 64)) & 1;
}

/* Blocks that the program holds are used ones; the others lie in magazines or in the quarantine. */
static bool check_live(const neap_heap_t *heap, struct tally *tally, neap__unit_t *unit) {
    const struct neap__size_class *c = &heap->classes[unit->class_index];
    const uint64_t *live = neap__hardened_bits(heap, unit);
    for (uint32_t w = 0; w < (c->slab_blocks + 63) / 64; w++) {
        if (live[w] & ~unit->bitmap[w])
            return fail(tally, "a block of the program is not used");
        tally->live[unit->class_index] += neap_word_count(live[w]);
    }
    tally->used[unit->class_index] += unit->used;
    return true;
}

static bool check_slab(const neap_heap_t *heap, struct tally *tally, struct neap__place place) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    if (unit->class_index == 0 || unit->class_index >= heap->layout.class_count)
        return fail(tally, "a slab has no valid class");
    const struct neap__size_class *c = &heap->classes[unit->class_index];
    uint32_t used = 0;
    for (uint32_t w = 0; w < (c->slab_blocks + 63) / 64; w++)
        used += neap_word_count(unit->bitmap[w]);
    if (used != unit->used)
        return fail(tally, "a slab's count of used blocks differs from its bitmap");
    if (c->slab_blocks % 64 != 0 && unit->bitmap[c->slab_blocks / 64] >> (c->slab_blocks % 64) != 0)
        return fail(tally, "a slab's bitmap has a bit beyond its last block");
    if (used == 0 || used > c->slab_blocks)
        return fail(tally, "a slab has no used block, or too many");
    if (unit->level > unit->used * 8u / c->slab_blocks)
        return fail(tally, "a slab's level is above its fill");
    bool to_rank = used < c->slab_blocks && (unit->flags & NEAP_UNIT_AVOID) == 0;
    if (to_rank != ((unit->flags & NEAP_UNIT_RANKED) != 0))
        return fail(tally,
                    "a slab is ranked although it should not be, or is not ranked although it should be");
    if (unit->resident & ~unit->meshed & c->bare_pages && (unit->flags & NEAP_UNIT_QUEUED) == 0)
        return fail(tally, "pages of a slab that no block touches are resident and not queued");
    unsigned held = NEAP_UNIT_PAGES_ALL & ~neap__slab_free_pages(heap, unit);
    if (c->page_blocks + used <= c->slab_blocks || used == c->slab_blocks) {
        if ((held & ~(unsigned)unit->resident) != 0)
            return fail(tally, "a page with a used block is not resident");
    }
    tally->slabs[unit->class_index]++;
    tally->ranked[unit->class_index] += to_rank;
    return heap->hardened ? check_live(heap, tally, unit) : true;
}

static bool check_run(const neap_heap_t *heap, struct tally *tally, struct neap__place place) {
    const neap__unit_t *unit = neap__place_unit(heap, place);
    if (unit->kind == NEAP_UNIT_RUN_TAIL) {
        if (unit->run_units == 0 || unit->run_units > place.index)
            return fail(tally, "a run's tail points outside its region");
        struct neap__place first = {place.region, place.index - unit->run_units};
        const neap__unit_t *head = neap__place_unit(heap, first);
        return head->kind == NEAP_UNIT_RUN && head->run_units > unit->run_units
                   ? true
                   : fail(tally, "a run's tail belongs to no run");
    }
    if (unit->run_units == 0 || place.index + unit->run_units > heap->layout.regions[place.region].top ||
        unit->run_pages > unit->run_units * NEAP_LAYOUT_UNIT_PAGES || unit->run_pages == 0)
        return fail(tally, "a run's length is out of range");
    for (uint32_t n = 1; n < unit->run_units; n++) {
        const neap__unit_t *tail = neap__unit_at(heap, place.region, place.index + n);
        if (tail->kind != NEAP_UNIT_RUN_TAIL || tail->run_units != n)
            return fail(tally, "a unit of a run is not a tail of that run");
    }
    tally->runs++;
    tally->run_bytes += (uint64_t)unit->run_pages << heap->page_shift;
    return true;
}

static bool check_unit(const neap_heap_t *heap, struct tally *tally, struct neap__place place) {
    const struct neap__region *r = &heap->regions[place.region];
    const neap__unit_t *unit = neap__place_unit(heap, place);
    const struct neap__bits *bits = neap__bits_at(r, place.index / 64);
    bool dirty = bit(bits->dirty, place.index), clean = bit(bits->clean, place.index);
    if (bit(bits->queued, place.index) != ((unit->flags & NEAP_UNIT_QUEUED) != 0))
        return fail(tally, "a unit's queue flag differs from the queue");
    if ((unit->meshed & ~unit->resident) != 0 || (unit->mesh_copied & ~unit->meshed) != 0)
        return fail(tally, "a page is meshed and not resident, or copied and not meshed");
    tally->meshed += neap_word_count(unit->meshed);
    tally->copied += neap_word_count(unit->mesh_copied);
    if ((unit->purged & unit->resident) != 0)
        return fail(tally, "a page is both resident and given back");
    if (r->class_map[place.index] != (unit->kind == NEAP_UNIT_SLAB ? unit->class_index : 0))
        return fail(tally, "the class map differs from a unit");
    tally->resident += neap_word_count(unit->resident);
    tally->queued += bit(bits->queued, place.index);
    switch (unit->kind) {
    case NEAP_UNIT_FREE:
        if (dirty == clean || dirty != (unit->resident != 0))
            return fail(tally, "a free unit's dirty and clean bits differ from its pages");
        if (dirty && (unit->flags & NEAP_UNIT_QUEUED) == 0)
            return fail(tally, "a dirty free unit is not queued");
        return true;
    case NEAP_UNIT_SLAB:
        return dirty || clean ? fail(tally, "a slab is marked as free") : check_slab(heap, tally, place);
    case NEAP_UNIT_RUN:
    case NEAP_UNIT_RUN_TAIL:
        return dirty || clean ? fail(tally, "a run is marked as free") : check_run(heap, tally, place);
    default:
        return fail(tally, "a unit has no valid kind");
    }
}

/* Walks over a ranking: counts its members and compares each with its children. */
static bool check_ranking(const neap_heap_t *heap, struct tally *tally, uint32_t class_index) {
    uint32_t id = heap->layout.classes[class_index].root, count = 0;
    while (id != 0) { /* depth first: the child, else the sibling, else back through rank_prev */
        const neap__unit_t *unit = neap__unit_of_id(heap, id);
        if (unit->kind != NEAP_UNIT_SLAB || unit->class_index != class_index ||
            ++count > tally->ranked[class_index])
            return fail(tally, "a ranking holds a slab that it should not");
        if (unit->rank_child != 0) {
            const neap__unit_t *child = neap__unit_of_id(heap, unit->rank_child);
            if (child->rank_prev != id)
                return fail(tally, "a ranking's links disagree");
        }
        for (uint32_t child = unit->rank_child; child != 0;
             child = neap__unit_of_id(heap, child)->rank_next) {
            if (neap__unit_of_id(heap, child)->level > unit->level)
                return fail(tally, "a ranking has a fuller slab below a sparser one");
        }
        uint32_t next = unit->rank_child != 0 ? unit->rank_child : unit->rank_next;
        while (next == 0 && id != heap->layout.classes[class_index].root) {
            uint32_t previous = neap__unit_of_id(heap, id)->rank_prev;
            bool up = neap__unit_of_id(heap, previous)->rank_child == id;
            id = previous;
            if (up)
                next = neap__unit_of_id(heap, id)->rank_next;
        }
        id = next;
    }
    return count == tally->ranked[class_index] ? true : fail(tally, "a ranking misses a slab");
}

static bool check_magazine(const neap_heap_t *heap, struct tally *tally, uint32_t class_index,
                           const struct neap__magazine *m, void **bottom) {
    if (m->top + 1 < bottom || m->top > m->full || bottom[-1])
        return fail(tally, "a magazine holds too many blocks, or no NULL below its bottom");
    for (void **at = bottom; at <= m->top; at++) {
        struct neap__place place;
        uint32_t index;
        if (!neap__region_find(heap, *at, &place) ||
            heap->regions[place.region].class_map[place.index] != class_index ||
            !neap__slab_holds(heap, place, *at, &index))
            return fail(tally, "a magazine holds a pointer that is no used block of its class");
    }
    return true;
}

/* Only this thread's cache lies still. */
static bool check_cache(const neap_heap_t *heap, struct tally *tally, uint32_t i) {
    const struct neap__thread_cache *cache = neap__thread_cache_find(heap);
    return !cache || i >= NEAP_OWN_CLASSES ||
           check_magazine(heap, tally, i, &cache->of_class[i], cache->bottom[i]);
}

/* What the caches of all threads last told. */
static bool check_told(const neap_heap_t *heap, struct tally *tally, uint32_t i) {
    uint32_t told = 0;
    for (const struct neap__thread_cache *c = heap->caches; c && i < NEAP_OWN_CLASSES; c = c->next)
        told += c->told[i];
    if (i < NEAP_OWN_CLASSES && told != heap->cache_blocks[i])
        return fail(tally, "the count of blocks in the caches of threads is wrong");
    return true;
}

static bool check_class(const neap_heap_t *heap, struct tally *tally, uint32_t i) {
    if (tally->slabs[i] != heap->layout.classes[i].slabs)
        return fail(tally, "a class's count of slabs is wrong");
    if (tally->used[i] != tally->live[i] + (heap->hardened ? neap__magazine_cached(heap, i) : 0))
        return fail(tally, "a block is neither the program's nor in a magazine nor in the quarantine");
    return check_ranking(heap, tally, i) &&
           check_magazine(heap, tally, i, &heap->magazines.of_class[i], heap->magazines.bottom[i]) &&
           check_magazine(heap, tally, i, &heap->inner.of_class[i], heap->inner.bottom[i]) &&
           check_cache(heap, tally, i) && check_told(heap, tally, i);
}

static bool check_mapped(const neap_heap_t *heap, struct tally *tally) {
    const struct neap_layout_mapped_run *runs = (const void *)(uintptr_t)heap->layout.mapped;
    uint64_t end = 0, page = heap->layout.page_bytes;
    if (heap->layout.mapped_count > heap->layout.mapped_max)
        return fail(tally, "there are more mapped runs than there may be");
    for (uint32_t i = 0; i < heap->layout.mapped_count; i++) {
        const struct neap_layout_mapped_run *run = &runs[i];
        if (run->address < end || run->mapped_bytes == 0)
            return fail(tally, "mapped runs overlap or are not in order");
        if (run->touched_bytes > run->mapped_bytes || run->run_bytes > run->touched_bytes)
            return fail(tally, "a mapped run is longer than its mapping");
        if ((run->mapped_bytes | run->touched_bytes | run->run_bytes) % page != 0)
            return fail(tally, "the length of a mapped run is not a whole number of pages");
        end = run->address + run->mapped_bytes;
        tally->resident += run->touched_bytes >> heap->page_shift;
        tally->mapped_spare += (run->touched_bytes - run->run_bytes) >> heap->page_shift;
        tally->runs += run->run_bytes != 0;
        tally->run_bytes += run->run_bytes;
    }
    return true;
}

static bool check_all(const neap_heap_t *heap, struct tally *tally) {
    for (uint32_t n = 0; n < heap->layout.region_count; n++) {
        const struct neap_layout_region *public = &heap->layout.regions[n];
        if (!heap->regions[n].base)
            continue;
        if (public->top > public->committed || public->committed > public->unit_count)
            return fail(tally, "a region's top is above what is committed");
        for (uint32_t i = 0; i < public->top; i++) {
            if (!check_unit(heap, tally, (struct neap__place){n, i}))
                return false;
        }
    }
    for (uint32_t i = 1; i < heap->layout.class_count; i++) {
        if (!check_class(heap, tally, i))
            return false;
    }
    if (!check_mapped(heap, tally))
        return false;
    if (tally->meshed != heap->layout.meshed_pages || tally->copied != heap->layout.mesh_copied_pages)
        return fail(tally, "the count of meshed pages is wrong");
    if (tally->resident != heap->layout.resident_pages)
        return fail(tally, "the count of resident pages is wrong");
    if (tally->runs != heap->layout.runs || tally->run_bytes != heap->layout.run_bytes)
        return fail(tally, "the count of runs is wrong");
    if (tally->mapped_spare != heap->mapped_spare_pages)
        return fail(tally, "the count of spare pages of mapped runs is wrong");
    if (tally->queued != heap->queued_units)
        return fail(tally, "the count of queued units is wrong");
    return true;
}

bool neap_heap_check(neap_heap_t *heap, const char **why) {
    struct tally tally = {0};
    neap_os_lock(&heap->lock);
    bool sound = check_all(heap, &tally);
    neap_os_unlock(&heap->lock);
    if (!sound)
        *why = tally.why;
    return sound;
}
