/* inspect/process/range_index.h: finds the range of memory that contains an address, in a few ns.
 *
 *     address >> shift ──> hash table ──> first range that touches the granule ──> forward
 *
 * Ranges are sorted and do not overlap. The table has one slot for each granule that a
 * range touches. Granules are the larger the more address space there is, so that there
 * are few slots. Once built, the index is read-only, and any thread may use it.
 */
#ifndef NEAP_INSPECT_PROCESS_RANGE_INDEX_H
#define NEAP_INSPECT_PROCESS_RANGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "inspect/process/process_image.h"

struct neap__range {
    uint64_t start, end;
    const unsigned char *bytes; /* in our memory; NULL: in `file` or, if that is NULL, in the process */
    const struct neap_image_mapping *file; /* the mapping whose file has it, or NULL */
    uint64_t offset;                       /* into the file */
};

struct neap__range_slot {
    uint64_t granule; /* + 1; 0: empty */
    uint32_t range;
};

struct neap__range_index {
    struct neap__range *ranges; /* owned; by address */
    size_t count;
    struct neap__range_slot *slots;
    unsigned shift, slot_bits;
};

/* Builds the index. It takes ownership of `ranges` (from malloc), also on failure, sorts them, and drops
 * a range that overlaps an earlier one. NEAP_ERROR_MEMORY. */
int neap__range_index_build(struct neap__range_index *index, struct neap__range *ranges, size_t count);
void neap__range_index_clear(struct neap__range_index *index);

/* The range that contains `address`; NULL if there is none. */
const struct neap__range *neap__range_index_find(const struct neap__range_index *index, uint64_t address);

#endif
