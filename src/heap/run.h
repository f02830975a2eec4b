/* heap/run.h: blocks larger than the largest class, as whole pages.
 *
 *   |<------------ run_units, address space ----------->|
 *   |<------- run_pages, the block -------->| spare     |
 *   | RUN       | TAIL -1    | TAIL -2    | TAIL -3     |
 *
 * A run grows in place if its spare units or its free neighbours suffice, and is copied
 * otherwise. On 64 bits the copy gets twice the address space it needs, so that it can
 * grow in place next time. A run that grows large becomes a mapped run instead
 * (heap/mapped_run.h). The caller holds the heap's lock.
 */
#ifndef NEAP_HEAP_RUN_H
#define NEAP_HEAP_RUN_H

#include "heap/region.h"

/* The pages of unit `n` of a run that its block of `run_pages` pages covers, as a mask. The others are
 * spare. */
static inline unsigned neap__run_unit_mask(uint32_t n, uint32_t run_pages) {
    uint32_t before = n * NEAP_LAYOUT_UNIT_PAGES;
    if (run_pages <= before)
        return 0;
    uint32_t covered = run_pages - before;
    return covered >= NEAP_LAYOUT_UNIT_PAGES ? NEAP_UNIT_PAGES_ALL : (1u << covered) - 1;
}

/* The pages of the unit at `place`, part of a run, that are in memory and spare, as a mask. The unit is
 * queued for the purger: it was queued as a dirty free unit before the run took it. */
unsigned neap__run_free_pages(const neap_heap_t *heap, struct neap__place place);

/* Makes a run of at least `bytes`, with address space for `room_bytes` (>= bytes). Returns its block.
 * Unless `zero` is NULL, *zero tells whether all its bytes are known to be zero. NULL if the system
 * refuses memory or the heap's limit is reached. */
void *neap__run_alloc(neap_heap_t *heap, size_t bytes, size_t room_bytes, bool *zero);

/* Frees the run that starts at `place`. */
void neap__run_free(neap_heap_t *heap, struct neap__place place);

/* Makes the block of the run at `place` at least `bytes` long; moves it if it must. Returns its address.
 * NULL if the system refuses memory or the heap's limit is reached; the block is then as before. */
void *neap__run_resize(neap_heap_t *heap, struct neap__place place, size_t bytes);

/* Usable bytes of the run at `place`. */
size_t neap__run_bytes(const neap_heap_t *heap, struct neap__place place);

#endif
