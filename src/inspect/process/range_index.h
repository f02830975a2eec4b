/* inspect/process/range_index.h: from an address to the range of memory that holds it, in a few ns.
 *
 *     address >> shift ──> hash table ──> first range that touches the granule ──> forward
 *
 * Ranges are sorted and do not overlap. The table has a slot a granule that any range
 * touches, granules growing with the address space so that slots stay few. Read-only
 * once built: any thread.
 */
#ifndef NEAP_INSPECT_PROCESS_RANGE_INDEX_H
#define NEAP_INSPECT_PROCESS_RANGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

struct neap__range {
    uint64_t start, end;
    const unsigned char *bytes; /* NULL: not in our memory; `file` says where, or it is the process's */
    const char *file;           /* path as the process knows it, or NULL */
    uint64_t offset;            /* into the file */
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

/* Takes `ranges` (of malloc; also on failure), sorts them, drops what overlaps one before.
 * NEAP_ERROR_MEMORY. */
int neap__range_index_build(struct neap__range_index *index, struct neap__range *ranges, size_t count);
void neap__range_index_clear(struct neap__range_index *index);

/* The range that holds `address`; NULL if none. */
const struct neap__range *neap__range_index_find(const struct neap__range_index *index, uint64_t address);

#endif
