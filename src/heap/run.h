/* heap/run.h: blocks larger than the largest class, as whole pages.
 *
 *   |<------------ run_units, address space ----------->|
 *   |<------- run_pages, the block -------->| spare     |
 *   | RUN       | TAIL -1    | TAIL -2    | TAIL -3     |
 *
 * A run that grows is given twice the address space it needs where that is
 * plentiful (64-bit), so that it grows in place; else it is copied. A large one
 * becomes a mapped run instead (heap/mapped_run.h). All functions want the heap's
 * lock.
 */
#ifndef NEAP_HEAP_RUN_H
#define NEAP_HEAP_RUN_H

#include "heap/region.h"

/* Pages (bit mask) of a run's unit number `n` that its block of `run_pages` pages
 * covers; the others are spare. */
static inline unsigned neap__run_unit_mask(uint32_t n, uint32_t run_pages) {
    uint32_t before = n * NEAP_LAYOUT_UNIT_PAGES;
    if (run_pages <= before)
        return 0;
    uint32_t covered = run_pages - before;
    return covered >= NEAP_LAYOUT_UNIT_PAGES ? NEAP_UNIT_PAGES_ALL : (1u << covered) - 1;
}

/* Pages of the unit at `place`, part of a run, that are in memory and spare. The
 * purger has them to look at: a free unit with such pages is queued when taken. */
unsigned neap__run_free_pages(const neap_heap_t *heap, struct neap__place place);

/* A run of at least `bytes`, with address space for `room_bytes` (>= bytes). If
 * `zero` is not NULL, tells there whether it is known to read as zero. NULL if
 * the system gives no more. */
void *neap__run_alloc(neap_heap_t *heap, size_t bytes, size_t room_bytes, bool *zero);

/* Ends the run at `place`, whose block must start there. */
void neap__run_free(neap_heap_t *heap, struct neap__place place);

/* Makes the run at `place` cover `bytes`: in place, or moved. NULL if the
 * system gives no more; the run is then as before. */
void *neap__run_resize(neap_heap_t *heap, struct neap__place place, size_t bytes);

/* Usable bytes of the run at `place`. */
size_t neap__run_bytes(const neap_heap_t *heap, struct neap__place place);

#endif
