/* pylayout/block_source.h: the blocks of an allocator, whichever it is.
 *
 *   source --> holder 0: |batch 0|batch 1|...|   an arena of pools; or a region's slab
 *          --> holder 1: ...                     (holder and batch in one); or a run
 *   batch:     |head|block 0|block 1|...|        neighbouring blocks of one size
 *   live:       bit i = block i is in use by the program
 *
 * A holder goes back to the system as a whole, when its last block is freed. A
 * batch is a part of a holder with blocks of one size. A census walks over holders
 * in any order and with several threads, and works the same for every allocator.
 * Blocks too large for pools are in no batch; the census reaches them through the
 * objects that refer to them.
 */
#ifndef NEAP_PYLAYOUT_BLOCK_SOURCE_H
#define NEAP_PYLAYOUT_BLOCK_SOURCE_H

#include <stdbool.h>

#include "base/memory_source.h"

enum { NEAP_BATCH_BLOCKS_MAX = 1 << 16, NEAP_BATCH_WORDS = NEAP_BATCH_BLOCKS_MAX / 64 };

struct neap_block_batch {
    uint64_t address;      /* of the batch, with its head */
    uint64_t bytes;        /* of the whole batch */
    uint64_t first;        /* address of block 0 */
    uint32_t block_bytes;  /* size of a block */
    uint32_t blocks;       /* number of blocks, in use or not */
    uint32_t used;         /* bits set in live */
    uint32_t group_blocks; /* blocks 0, group_blocks, 2 * group_blocks, ... start a group; a pool is one */
    uint32_t group_bytes;  /* from the start of one group to that of the next */
    uint64_t live[NEAP_BATCH_WORDS]; /* only the first (blocks + 63) / 64 words are valid */
};

struct neap_block_holder {
    uint64_t address; /* as the system returned it */
    uint64_t bytes;
    uint32_t batches; /* number of batches; their indexes are 0, 1, ... */
    uint32_t space;   /* index of the heap in the process: 0; 1, ... for those of sub-interpreters */
};

struct neap_block_source {
    uint32_t holders;
    uint32_t block_bytes_max; /* no block of a batch is larger */
    /* Read a holder or a batch. Both return 0, NEAP_ERROR_ABSENT if there are no blocks in use, or
     * NEAP_ERROR_FORMAT if the memory there contradicts itself; the implementation then counts it as
     * rejected. Any thread, each with a batch of its own. */
    int (*holder)(const void *context, uint32_t index, struct neap_block_holder *holder);
    int (*batch)(const void *context, uint32_t holder, uint32_t index, struct neap_block_batch *batch);
    /* Finds the holder that contains an address, and the index of the batch; false if there is none. */
    bool (*find)(const void *context, uint64_t address, uint32_t *holder, uint32_t *batch);
    const void *context;
};

static inline uint64_t neap_block_batch_at(const struct neap_block_batch *batch, uint32_t block) {
    return batch->first + (uint64_t)(block / batch->group_blocks) * batch->group_bytes +
           (uint64_t)(block % batch->group_blocks) * batch->block_bytes;
}

/* Finds the block that contains an address; false if there is none. */
static inline bool neap_block_batch_index(const struct neap_block_batch *batch, uint64_t address,
                                          uint32_t *block) {
    if (address < batch->first)
        return false;
    uint64_t distance = address - batch->first, group = distance / batch->group_bytes;
    uint64_t within = distance % batch->group_bytes / batch->block_bytes;
    uint64_t index = group * batch->group_blocks + within;
    if (within >= batch->group_blocks || index >= batch->blocks)
        return false;
    *block = (uint32_t)index;
    return true;
}

#endif
