/* heap/hardened.h: the hardened mode, which makes mistakes with memory hard to exploit.
 *
 *   slab ──> magazine ──> alloc                    free ──> quarantine ──> magazine ──> slab
 *    '- from a random      '- verified to be        '- verified to be       '- what lay in
 *       place on              zero still               live, then zeroed       a random slot
 *
 *   unit struct:  | fields | bitmap: used | bitmap: live |
 *   run:          | pages of the block    | one page without access |
 *
 * The first bitmap of a unit counts blocks in a magazine or in the quarantine as used. A
 * hardened heap has a second one behind it, in which a bit is set while the program holds the
 * block. So a double free, and a free of what is not the start of a block, is always noticed.
 *
 * The mode serves production: it costs little time and memory, and it does not look for
 * writes past the end of a block within its slab. The checking mode (heap/guard.h) does.
 */
#ifndef NEAP_HEAP_HARDENED_H
#define NEAP_HEAP_HARDENED_H

#include "heap/region.h"

/* Turns the mode on in a heap that has no regions yet. 0 or NEAP_ERROR_MEMORY. */
int neap__hardened_start(neap_heap_t *heap);

/* Frees what the mode itself holds. Does nothing in another heap. */
void neap__hardened_end(neap_heap_t *heap);

/* A number from 0 to `below` - 1, for `below` from 1 to 256, that cannot be predicted. */
uint32_t neap__hardened_random(neap_heap_t *heap, uint32_t below);

/* After a fork, parent and child must not draw the same numbers: forgets those in store. */
void neap__hardened_reseed(neap_heap_t *heap);

/* Lets `count` free blocks, in the order of their addresses, begin with a random one of them. (A random order
 * of all costs a program that goes through its objects in the order of their making twice the time.) */
void neap__hardened_rotate(neap_heap_t *heap, void **blocks, uint32_t count);

/* The program gets `block` of the unit at `place`. Ends the process if a byte of it has
 * changed since it was freed. */
void neap__hardened_hand_out(neap_heap_t *heap, struct neap__place place, void *block);

/* The program frees `block` of the slab at `place`. Ends the process if no live block starts
 * there. Returns a block that leaves the quarantine instead, with its class in *class_index;
 * NULL if none leaves. */
void *neap__hardened_take_back(neap_heap_t *heap, struct neap__place place, void *block,
                               uint32_t *class_index);

/* Whether the program holds the block that starts at `block` in the slab at `place`. */
bool neap__hardened_live(const neap_heap_t *heap, struct neap__place place, const void *block);

/* Returns all blocks of the quarantine to their slabs. Lock held. */
void neap__hardened_empty(neap_heap_t *heap);

/* Blocks of a class in the quarantine; 0 without the mode. Lock held. */
uint32_t neap__hardened_waiting(const neap_heap_t *heap, uint32_t class_index);

/* Bytes to add to a run for the page without access: 0 without the mode, or if there are
 * enough of these pages already (each costs two of the process's mappings). */
size_t neap__hardened_fence_bytes(const neap_heap_t *heap);

/* Takes access from the last page of `bytes` at `run`. False if the system refuses. */
bool neap__hardened_fence(neap_heap_t *heap, void *run, size_t bytes);

/* Gives access back. False if the system refuses; the run must then stay as it is. */
bool neap__hardened_unfence(neap_heap_t *heap, void *run, size_t bytes);

/* Makes the contents of a run that ends read as zero. */
void neap__hardened_wipe(void *run, size_t bytes);

/* The words of a unit's second bitmap. */
static inline uint64_t *neap__hardened_bits(const neap_heap_t *heap, neap__unit_t *unit) {
    return unit->bitmap + heap->bitmap_words;
}

#endif
