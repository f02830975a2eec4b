/* heap/slab.h: slabs, which are units cut into blocks of one class, and the ranking of the
 * slabs of a class.
 *
 * The ranking is a pairing heap threaded through the unit structs. Its root is the fullest
 * slab that has a free block; of equally full ones, that with the lowest id. So sparse slabs
 * get no new blocks and become empty. Fill is compared in eighths (`level`), so that a slab
 * does not move in the ranking with every block. Full slabs are not in the ranking, and
 * neither are those to avoid.
 *
 * The caller holds the heap's lock.
 */
#ifndef NEAP_HEAP_SLAB_H
#define NEAP_HEAP_SLAB_H

#include "heap/region.h"

/* Takes up to `want` (at least 1) blocks of a class from its fullest slabs, in each slab the lowest
 * addresses first. Makes a new slab if none has a free block. Returns the number of blocks in `out`; 0
 * if the system refuses memory or the heap's limit is reached. */
uint32_t neap__slab_take(neap_heap_t *heap, uint32_t class_index, uint32_t want, void **out);

/* Returns `count` blocks of one class to their slabs. Ends the process if one of them is not the start
 * of a used block of the class. */
void neap__slab_put(neap_heap_t *heap, uint32_t class_index, void **blocks, uint32_t count);

/* The pages of a slab that no used block touches, as a mask. */
unsigned neap__slab_free_pages(const neap_heap_t *heap, const neap__unit_t *unit);

/* Whether a block of the slab at `place` starts at `block`; its index then. */
static inline bool neap__slab_locate(const neap_heap_t *heap, struct neap__place place, const void *block,
                                     uint32_t *index) {
    const struct neap__size_class *c = &heap->classes[neap__place_unit(heap, place)->class_index];
    return neap__size_class_locate(
        c, (uint32_t)((const unsigned char *)block - neap__place_address(heap, place)), index);
}

/* Ends the process: `block`, which lies in the slab at `place`, was freed and is no block in use. */
_Noreturn void neap__slab_die_of(const neap_heap_t *heap, struct neap__place place, const void *block);

/* Whether `block` is the start of a used block of the slab at `place`. If a block starts there, used or
 * not, stores its index. */
bool neap__slab_holds(const neap_heap_t *heap, struct neap__place place, const void *block, uint32_t *index);

/* Calls `visit` with each used block of a slab, those in a magazine included, in the order of addresses,
 * until it returns false. */
void neap__slab_each(const neap_heap_t *heap, struct neap__place place,
                     bool (*visit)(void *context, void *block, uint32_t bytes), void *context);

/* Takes no new blocks from a slab (`avoid`), or takes them again. */
void neap__slab_avoid(neap_heap_t *heap, struct neap__place place, bool avoid);

#endif
