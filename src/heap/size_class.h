/* heap/size_class.h: which size of block serves which request.
 *
 * Classes go in steps of 16 bytes up to 512 bytes. Above, they are chosen so that rounding
 * wastes at most an eighth, and so that a whole number of blocks nearly fills a small number
 * of 4 KiB pages. For a block that straddles two pages holds both in memory.
 *
 * A slab is cut into groups of 2^n pages: the smallest groups whose unused tail is at most
 * 1/64 of them. A block straddles pages only inside its group:
 *
 *   class 1632, groups of two pages:  |   0   |   1   | 2 :   |   3   |   4   |.|
 *                                     '------ page -------'------- page --------'
 *
 * All of this is computed once per heap from the page size.
 */
#ifndef NEAP_HEAP_SIZE_CLASS_H
#define NEAP_HEAP_SIZE_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/layout.h"

enum {
    NEAP_STEP_SHIFT = 4,          /* requests are rounded up to steps of 16 bytes */
    NEAP_LINEAR_BYTES = 512,      /* up to this size, each step has a class of its own */
    NEAP_CLASS_BYTES_MAX = 32768, /* the largest class; larger blocks are runs */
    NEAP_STEPS = (NEAP_CLASS_BYTES_MAX >> NEAP_STEP_SHIFT) + 1,
    NEAP_RECIPROCAL_SHIFT = 40
};

/* One class, with what is needed to convert between index and address of a block. */
struct neap__size_class {
    uint32_t block_bytes;
    uint32_t group_shift;      /* log2 of a group's bytes */
    uint32_t group_blocks;     /* blocks in a group */
    uint32_t slab_blocks;      /* blocks in a slab */
    uint32_t group_tail;       /* bytes at the end of a group that no block covers */
    uint32_t page_blocks;      /* the smallest number of free blocks that can free a page */
    uint32_t bare_pages;       /* one bit per page of a slab: no block touches it */
    uint64_t block_reciprocal; /* ceil(2^40 / block_bytes), and */
    uint64_t group_reciprocal; /* ceil(2^40 / group_blocks): to divide numbers below 2^20 exactly */
};

/* Blocks first to last of a slab, both included. */
struct neap__block_span {
    uint32_t first, last;
};

/* Number of classes, class 0 (none) included. */
extern const uint32_t neap__size_class_count;

/* Bytes of a block of class `index`, 1 <= index < count. */
uint32_t neap__size_class_bytes(uint32_t index);

/* Fills `classes` (neap__size_class_count entries) for pages of 2^page_shift bytes and slabs of at most
 * `slab_blocks_max` blocks. Fills `class_of_step` (NEAP_STEPS entries): entry (bytes + 15) / 16 is
 * the class that serves the request, and entry 0 is class 0. */
void neap__size_class_table(struct neap__size_class *classes, uint8_t *class_of_step, unsigned page_shift,
                            uint32_t slab_blocks_max);

/* Offset in bytes of block `index` from the start of its slab. */
static inline uint32_t neap__size_class_offset(const struct neap__size_class *c, uint32_t index) {
    uint32_t group = (uint32_t)((index * c->group_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
    return index * c->block_bytes + group * c->group_tail;
}

/* Index of the block that contains byte `offset` of a slab. If the byte lies in the tail of a group,
 * the index is that of the next group's first block, which may not exist. */
static inline uint32_t neap__size_class_index(const struct neap__size_class *c, uint32_t offset) {
    uint32_t group = offset >> c->group_shift;
    uint32_t within = offset & ((1u << c->group_shift) - 1);
    return group * c->group_blocks + (uint32_t)((within * c->block_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
}

/* The blocks that touch page `page` of a slab. If none does, first > last. */
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

/* Whether a block starts at byte `offset` of a slab. Stores its index, which is below 2^16 even if
 * none does. */
static inline bool neap__size_class_locate(const struct neap__size_class *c, uint32_t offset,
                                           uint32_t *index) {
    uint32_t group = offset >> c->group_shift;
    uint32_t within = offset & ((1u << c->group_shift) - 1);
    uint32_t nth = (uint32_t)((within * c->block_reciprocal) >> NEAP_RECIPROCAL_SHIFT);
    *index = group * c->group_blocks + nth;
    return nth * c->block_bytes == within && nth < c->group_blocks && *index < c->slab_blocks;
}

#endif
