/* heap/occupancy.c */
#include "heap/occupancy.h"

#include <string.h>

/* Sets bits [first, first + count). */
static void cover(uint64_t *words, uint32_t first, uint32_t count) {
    while (count > 0) {
        uint32_t at = first % 64, here = 64 - at < count ? 64 - at : count;
        words[first / 64] |= neap_word_span(at, at + here - 1);
        first += here;
        count -= here;
    }
}

void neap__occupancy_of_slab(const neap_heap_t *heap, const neap__unit_t *slab, uint64_t *words) {
    const struct neap__size_class *c = &heap->classes[slab->class_index];
    uint32_t granules = c->block_bytes >> NEAP_GRANULE_SHIFT;
    memset(words, 0, neap__occupancy_words(1u << heap->unit_shift) * sizeof(*words));
    for (uint32_t w = 0; w < (c->slab_blocks + 63) / 64; w++) {
        for (uint64_t used = slab->bitmap[w]; used != 0; used &= used - 1) {
            uint32_t offset = neap__size_class_offset(c, w * 64 + neap_word_lowest(used));
            cover(words, offset >> NEAP_GRANULE_SHIFT, granules);
        }
    }
}

uint32_t neap__occupancy_count(const uint64_t *words, uint32_t count) {
    uint32_t granules = 0;
    for (uint32_t i = 0; i < count; i++)
        granules += neap_word_count(words[i]);
    return granules;
}

void neap__occupancy_copy(void *to, const void *from, const uint64_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint64_t left = words[i]; left != 0;) {
            uint32_t first = neap_word_lowest(left);
            uint64_t rest = ~(left >> first);
            uint32_t length = rest == 0 ? 64 : neap_word_lowest(rest);
            size_t offset = ((size_t)i << NEAP_OCCUPANCY_BYTES_SHIFT) + ((size_t)first << NEAP_GRANULE_SHIFT);
            memcpy((unsigned char *)to + offset, (const unsigned char *)from + offset,
                   (size_t)length << NEAP_GRANULE_SHIFT);
            left = length + first >= 64 ? 0 : left & (~UINT64_C(0) << (first + length));
        }
    }
}
