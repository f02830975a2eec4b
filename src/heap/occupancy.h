/* heap/occupancy.h: which bytes of a slab used blocks cover, in granules of 16 bytes.
 *
 *   slab:   | block  | free   | block  | tail |      | page | page | page |
 *   words:   1 1 1 1  0 0 0 0  1 1 1 1  0 0           one bit a granule, the lowest address first
 *
 * Blocks are whole numbers of granules, so that two spans whose bits do not meet can lie on one page.
 */
#ifndef NEAP_HEAP_OCCUPANCY_H
#define NEAP_HEAP_OCCUPANCY_H

#include "heap/model.h"

enum {
    NEAP_GRANULE_SHIFT = 4,
    NEAP_GRANULES_A_WORD_SHIFT = 6,
    NEAP_OCCUPANCY_BYTES_SHIFT = NEAP_GRANULE_SHIFT + NEAP_GRANULES_A_WORD_SHIFT /* a word covers 1 KiB */
};

/* Words that cover `bytes`, a multiple of 1 KiB. */
static inline uint32_t neap__occupancy_words(uint32_t bytes) {
    return bytes >> NEAP_OCCUPANCY_BYTES_SHIFT;
}

/* Fills the words of a whole slab. */
void neap__occupancy_of_slab(const neap_heap_t *heap, const neap__unit_t *slab, uint64_t *words);

/* How many granules are covered. */
uint32_t neap__occupancy_count(const uint64_t *words, uint32_t count);

/* Whether no granule is covered in both. */
static inline bool neap__occupancy_disjoint(const uint64_t *a, const uint64_t *b, uint32_t count) {
    uint64_t both = 0;
    for (uint32_t i = 0; i < count; i++)
        both |= a[i] & b[i];
    return both == 0;
}

/* Copies the covered granules of the span at `from` to the same places at `to`. */
void neap__occupancy_copy(void *to, const void *from, const uint64_t *words, uint32_t count);

#endif
