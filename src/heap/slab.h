/* heap/slab.h: a unit cut into blocks of one class, and a class's ranking of
 * its slabs.
 *
 * The ranking is a pairing heap threaded through the unit structs: at its root
 * is the fullest slab that has a block to give, ties to the lowest address. So
 * sparse slabs get no new blocks and drain. Fill is compared in eighths
 * (`level`), so that a slab moves in the ranking eight times in a life and not
 * at every block. Full slabs are not in it, nor those to be avoided.
 *
 * All functions want the heap's lock.
 */
#ifndef NEAP_HEAP_SLAB_H
#define NEAP_HEAP_SLAB_H

#include "heap/region.h"

/* Takes up to `want` (at least 1) blocks of a class out of its fullest slabs,
 * lowest addresses first, a new slab if there is none. Returns how many are in
 * `out`; 0 when the system gives no more. */
uint32_t neap__slab_take(neap_heap_t *heap, uint32_t class_index, uint32_t want, void **out);

/* Returns `count` blocks, said to be of one class, to their slabs. Ends the
 * process at one that is not the start of a used block of the class. */
void neap__slab_put(neap_heap_t *heap, uint32_t class_index, void **blocks, uint32_t count);

/* Pages (bit mask) of a slab that no used block touches. */
unsigned neap__slab_free_pages(const neap_heap_t *heap, const neap__unit_t *unit);

/* Whether `block` is the start of a used block of the slab at `place`; its index. */
bool neap__slab_holds(const neap_heap_t *heap, struct neap__place place, const void *block, uint32_t *index);

/* For what enumerates: calls `visit` with each used block of a slab, in address
 * order (blocks in a magazine included), until it returns false. */
void neap__slab_each(const neap_heap_t *heap, struct neap__place place,
                     bool (*visit)(void *context, void *block, uint32_t bytes), void *context);

/* Lets no new block come from a slab, or lets it again. */
void neap__slab_avoid(neap_heap_t *heap, struct neap__place place, bool avoid);

#endif
