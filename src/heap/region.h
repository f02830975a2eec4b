/* heap/region.h: address space, dealt out in units of 16 pages.
 *
 *   mapping:  [ unit structs | bits, class map ]..[ unit 0 | unit 1 | ... ]
 *             '----------- metadata ------------'   '- base, aligned to a unit
 *
 * A unit below the top is in use, or free and marked by exactly one bit: `dirty`
 * (some of its pages may be in memory) or `clean`. Free neighbours coalesce by
 * themselves, being neighbouring bits. The lowest address is taken first, dirty
 * before clean, so that a heap stays low and its upper end drains.
 *
 * A region beyond the first goes back to the system when all its units are free
 * and clean. All functions want the heap's lock.
 */
#ifndef NEAP_HEAP_REGION_H
#define NEAP_HEAP_REGION_H

#include "heap/model.h"

/* Where a unit is. */
struct neap__place {
    uint32_t region, index;
};

/* Makes region 0 of at least `bytes`. 0 or NEAP_ERROR_MEMORY. */
int neap__region_first(neap_heap_t *heap, uint64_t bytes);

/* Gives all regions back. */
void neap__region_release_all(neap_heap_t *heap);

/* Takes one unit, or `count` neighbouring ones; their kind is still FREE, the
 * caller makes them something. 0 or NEAP_ERROR_MEMORY. */
int neap__region_take(neap_heap_t *heap, uint32_t count, struct neap__place *place);

/* Takes the `count` units that follow a run if all are free; for growing in place. */
bool neap__region_take_at(neap_heap_t *heap, struct neap__place place, uint32_t count);

/* Frees `count` neighbouring units: kind FREE, bits set, queued if dirty. */
void neap__region_put(neap_heap_t *heap, struct neap__place place, uint32_t count);

/* After pages of a free unit were purged: files it under dirty or clean. */
void neap__region_file(neap_heap_t *heap, struct neap__place place);

/* Puts a unit on the purger's list. */
void neap__region_queue(neap_heap_t *heap, struct neap__place place);

/* Which unit holds `address`; false if none of this heap's regions does. */
bool neap__region_find(const neap_heap_t *heap, const void *address, struct neap__place *place);

/* Lowers the tops past free clean units, gives the metadata above them back,
 * and gives back whole regions without a block. */
void neap__region_shrink(neap_heap_t *heap);

/* Gives back the reserved address space that no unit was ever taken from, but for
 * about `keep_bytes`; what is needed beyond comes from further, small regions. */
void neap__region_yield(neap_heap_t *heap, uint64_t keep_bytes);

/* Marks pages (bits of `mask`) of a unit as in memory, before they are handed
 * out. False if that would pass the heap's limit; nothing has changed then. */
bool neap__region_page_in(neap_heap_t *heap, neap__unit_t *unit, unsigned mask);

static inline neap__unit_t *neap__place_unit(const neap_heap_t *heap, struct neap__place place) {
    return neap__unit_at(heap, place.region, place.index);
}

static inline unsigned char *neap__place_address(const neap_heap_t *heap, struct neap__place place) {
    return neap__unit_address(heap, place.region, place.index);
}

#endif
