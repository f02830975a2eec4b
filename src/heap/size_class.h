/* heap/size_class.h: which block serves which request.
 *
 * Sixteen-byte steps up to 512, then steps chosen so that (a) no class wastes
 * more than an eighth by rounding and (b) a whole number of blocks fills a
 * small number of 4 KiB pages: a block that straddles no page pins only one.
 *
 * A slab is cut in groups of 2^n pages, the smallest group whose tail wastes at
 * most 1/64 of it; blocks straddle pages only inside their group:
 *
 *   class 1168, two pages a group: |  0  |  1  |  2  | :3  |  4  |  5  |  6 |.|
 *                                  '------ page ------':'------ page -------'
 *
 * Pure: everything here is computed once per heap from the page size.
 */
#ifndef NEAP_HEAP_SIZE_CLASS_H
#define NEAP_HEAP_SIZE_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/layout.h"

enum {
    NEAP_STEP_SHIFT = 4,          /* requests are told apart in steps of 16 bytes */
    NEAP_LINEAR_BYTES = 512,      /* up to here a class is a step */
    NEAP_CLASS_BYTES_MAX = 32768, /* the largest class; above are runs */
    NEAP_STEPS = (NEAP_CLASS_BYTES_MAX >> NEAP_STEP_SHIFT) + 1,
    NEAP_RECIPROCAL_SHIFT = 40
};

/* One class, with what the slow paths need to go between index and address. */
struct neap__size_class {
    uint32_t block_bytes;
    uint32_t group_shift;      /* log2 of a group's bytes */
    uint32_t group_blocks;     /* blocks in a group */
    uint32_t slab_blocks;      /* blocks in a slab */
    uint32_t group_tail;       /* bytes at the end of a group that no block covers */
    uint32_t page_blocks;      /* fewest free blocks that can free a page */
    uint32_t bare_pages;       /* pages of a slab that no block touches, a bit each */
    uint64_t block_reciprocal; /* ceil(2^40 / block_bytes): division by multiplication, */
    uint64_t group_reciprocal; /* ceil(2^40 / group_blocks): exact below 2^20 */
};

/* Blocks [first, last] of a slab. */
struct neap__block_span {
    uint32_t first, last;
};

/* Number of classes, class 0 (none) included. */
extern const uint32_t neap__size_class_count;

/* Bytes of a block of class `index`, 1 <= index < count. */
uint32_t neap__size_class_bytes(uint32_t index);

/* Fills `classes` (count entries) for pages of 2^page_shift bytes and slabs of
 * at most `slab_blocks_max` blocks, and `class_of_step` (NEAP_STEPS entries):
 * the class that serves (bytes + 15) / 16 steps, entry 0 being class 0. */
void neap__size_class_table(struct neap__size_class *classes, uint8_t *class_of_step, unsigned page_shift,
                            uint32_t slab_blocks_max);

/* Offset in bytes of block `index` from the start of its slab. */
static inline uint32_t neap__size_class_offset(const struct neap__size_class *c, uint32_t index) {
    uint32_t group = (uint32_t)((index * c->group_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
    return index * c->block_bytes + group * c->group_tail;
}

/* Index of the block that contains byte `offset` of a slab; may name a block
 * that is not there when the byte lies in a group's tail. */
static inline uint32_t neap__size_class_index(const struct neap__size_class *c, uint32_t offset) {
    uint32_t group = offset >> c->group_shift;
    uint32_t within = offset & ((1u << c->group_shift) - 1);
    return group * c->group_blocks + (uint32_t)((within * c->block_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
}

/* The blocks that touch page `page` of a slab; first > last where none does. */
static inline struct neap__block_span neap__size_class_on_page(const struct neap__size_class *c,
                                                               unsigned page_shift, uint32_t page) {
    uint32_t offset = page << page_shift, group = offset >> c->group_shift;
    uint32_t start = offset & ((1u << c->group_shift) - 1), end = start + (1u << page_shift) - 1;
    uint32_t first = (uint32_t)((start * c->block_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
    uint32_t last = (uint32_t)((end * c->block_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
    if (last >= c->group_blocks)
        last = c->group_blocks - 1;
    first += group * c->group_blocks;
    last += group * c->group_blocks;
    return (struct neap__block_span){first, last < c->slab_blocks ? last : c->slab_blocks - 1};
}

/* Whether a block starts at byte `offset` of a slab; its index, which is below
 * 2^16 in any case. */
static inline bool neap__size_class_locate(const struct neap__size_class *c, uint32_t offset,
                                           uint32_t *index) {
    uint32_t group = offset >> c->group_shift;
    uint32_t within = offset & ((1u << c->group_shift) - 1);
    uint32_t nth = (uint32_t)((within * c->block_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
    *index = group * c->group_blocks + nth;
    return nth * c->block_bytes == within && nth < c->group_blocks && *index < c->slab_blocks;
}

#endif
