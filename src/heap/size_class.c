/* heap/size_class.c: the table of classes, and what is computed from it. */
#include "heap/size_class.h"

#include <assert.h>

/* Above 512 bytes there are two kinds of size. A whole number of blocks of the first kind fills 2^n
 * pages of 4 KiB except for a small tail. The second kind is what CPython requests most: its dict
 * tables (568, 768, 1104, 1520, 2200, 3008, 4368, 6512: pycore_dict.h), and the lengths of a list
 * that grows (listobject.c, list_resize). Rounding to the next class wastes at most 1/8. */
static const uint16_t class_bytes[] = {
    0,     16,    32,    48,    64,    80,    96,    112,   128,   144,  160,   176,   192,   208,
    224,   240,   256,   272,   288,   304,   320,   336,   352,   368,  384,   400,   416,   432,
    448,   464,   480,   496,   512,   544,   576,   624,   672,   736,  768,   816,   896,   1024,
    1104,  1184,  1248,  1360,  1520,  1632,  1856,  2048,  2208,  2512, 2720,  3008,  3264,  3632,
    4096,  4368,  4672,  5040,  5456,  5952,  6544,  7280,  8192,  9360, 10240, 10912, 12288, 13104,
    14560, 16384, 18432, 20480, 21840, 24576, 27648, 30720, 32768,
};

const uint32_t neap__size_class_count = sizeof(class_bytes) / sizeof(class_bytes[0]);

_Static_assert(sizeof(class_bytes) / sizeof(class_bytes[0]) <= NEAP_LAYOUT_CLASSES_MAX, "too many classes");

uint32_t neap__size_class_bytes(uint32_t index) {
    assert(index > 0 && index < neap__size_class_count);
    return class_bytes[index];
}

static uint64_t reciprocal(uint32_t divisor) {
    return ((UINT64_C(1) << NEAP_RECIPROCAL_SHIFT) + divisor - 1) / divisor;
}

/* log2 of the bytes of the smallest group whose tail is at most 1/64 of it; the whole slab if there is
 * no such group. */
static unsigned group_shift_for(uint32_t block, unsigned page_shift, unsigned unit_shift) {
    for (unsigned shift = page_shift; shift < unit_shift; shift++) {
        uint32_t bytes = 1u << shift;
        if (block <= bytes && bytes % block <= bytes / 64)
            return shift;
    }
    return unit_shift;
}

static void note_pages(struct neap__size_class *c, unsigned page_shift) {
    c->page_blocks = c->slab_blocks;
    c->bare_pages = 0;
    for (uint32_t page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page++) {
        struct neap__block_span span = neap__size_class_on_page(c, page_shift, page);
        if (span.first > span.last)
            c->bare_pages |= 1u << page;
        else if (span.last - span.first + 1 < c->page_blocks)
            c->page_blocks = span.last - span.first + 1;
    }
}

void neap__size_class_table(struct neap__size_class *classes, uint8_t *class_of_step, unsigned page_shift,
                            uint32_t slab_blocks_max) {
    unsigned unit_shift = page_shift + 4; /* NEAP_LAYOUT_UNIT_PAGES is 16 */
    uint32_t step = 1;
    class_of_step[0] = 0;
    for (uint32_t i = 1; i < neap__size_class_count; i++) {
        struct neap__size_class *c = &classes[i];
        uint32_t block = class_bytes[i];
        c->block_bytes = block;
        c->group_shift = group_shift_for(block, page_shift, unit_shift);
        c->group_blocks = (1u << c->group_shift) / block;
        c->slab_blocks = c->group_blocks << (unit_shift - c->group_shift);
        if (c->slab_blocks > slab_blocks_max) /* take as many whole groups as the bitmap allows */
            c->slab_blocks = slab_blocks_max / c->group_blocks * c->group_blocks;
        assert(c->slab_blocks > 0);
        c->group_tail = (1u << c->group_shift) - c->group_blocks * block;
        c->block_reciprocal = reciprocal(block);
        c->group_reciprocal = reciprocal(c->group_blocks);
        note_pages(c, page_shift);
        for (; step <= block >> NEAP_STEP_SHIFT; step++)
            class_of_step[step] = (uint8_t)i;
    }
    assert(step == NEAP_STEPS);
}
