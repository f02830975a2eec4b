/* heap/run.h: blocks larger than the largest class, as whole pages.
 *
 *   |<------------ run_units, address space ----------->|
 *   |<------- run_pages, the block -------->| spare     |
 *   | RUN       | TAIL -1    | TAIL -2    | TAIL -3     |
 *
 * A run that grows is given twice the address space it needs where that is
 * plentiful (64-bit), so that it grows in place; else its pages are moved
 * without a copy. All functions want the heap's lock.
 */
#ifndef NEAP_HEAP_RUN_H
#define NEAP_HEAP_RUN_H

#include "heap/region.h"

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
