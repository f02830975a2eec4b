/* heap/region.h: address space, which is dealt out in units of 16 pages.
 *
 *   mapping:  [ unit structs | bits, class map ]..[ unit 0 | unit 1 | ... ]
 *             '----------- metadata ------------'   '- base, aligned to a unit
 *
 * A unit below the top is in use, or free and marked by exactly one bit: `dirty`
 * (some of its pages may be in memory) or `clean`. Free neighbours need no
 * coalescing: they are neighbouring bits. The lowest free unit of a region is taken
 * first, dirty ones before clean ones. So a heap stays low, and its upper end
 * becomes free.
 *
 * A region beyond the first goes back to the system when all its units are free
 * and clean. The caller holds the heap's lock.
 */
#ifndef NEAP_HEAP_REGION_H
#define NEAP_HEAP_REGION_H

#include "heap/model.h"

/* The place of a unit. */
struct neap__place {
    uint32_t region, index;
};

/* Makes region 0 of `bytes`, rounded down to units; where the system refuses, of a half, a quarter and
 * so on. Returns 0, or NEAP_ERROR_MEMORY if it refuses four units. */
int neap__region_first(neap_heap_t *heap, uint64_t bytes);

/* Gives all regions back to the system. */
void neap__region_release_all(neap_heap_t *heap);

/* Takes `count` neighbouring units. Their kind is still FREE; the caller sets it. Returns 0 or
 * NEAP_ERROR_MEMORY. */
int neap__region_take(neap_heap_t *heap, uint32_t count, struct neap__place *place);

/* Takes the `count` units from `place` on, so that the run before them grows in place. False if they
 * are not all free or cannot be committed. */
bool neap__region_take_at(neap_heap_t *heap, struct neap__place place, uint32_t count);

/* Frees `count` neighbouring units: sets their kind and bits, and queues dirty ones. */
void neap__region_put(neap_heap_t *heap, struct neap__place place, uint32_t count);

/* Marks a free unit as dirty or clean, by its `resident`. */
void neap__region_file(neap_heap_t *heap, struct neap__place place);

/* Queues a unit for the purger. */
void neap__region_queue(neap_heap_t *heap, struct neap__place place);

/* Finds the unit that contains `address`. False if it lies in no region of this heap. */
bool neap__region_find(const neap_heap_t *heap, const void *address, struct neap__place *place);

/* Lowers each top past free clean units, gives back the unit structs above it, and gives back regions
 * beyond the first whose top is 0. */
void neap__region_shrink(neap_heap_t *heap);

/* Gives back reserved address space that is not committed, except about `keep_bytes` in region 0. If
 * the heap needs more later, it adds small regions. */
void neap__region_yield(neap_heap_t *heap, uint64_t keep_bytes);

/* Marks the pages `mask` of a unit as in memory, before blocks on them are handed out. At a high-water
 * mark, free pages are given back first. False if the heap's limit would be passed; no page is marked
 * then. */
bool neap__region_page_in(neap_heap_t *heap, neap__unit_t *unit, unsigned mask);

static inline neap__unit_t *neap__place_unit(const neap_heap_t *heap, struct neap__place place) {
    return neap__unit_at(heap, place.region, place.index);
}

static inline unsigned char *neap__place_address(const neap_heap_t *heap, struct neap__place place) {
    return neap__unit_address(heap, place.region, place.index);
}

#endif
