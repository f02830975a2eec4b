/* inspect/objects/block_index.h: every block of a process by a number.
 *
 *   span     one pool of pymalloc, one group of a Neap slab, or one block by itself
 *   ordinal  blocks in the order of the spans, live or not: 0, 1, 2 ...
 *
 *     span 0: [ 0 | 1 | 2 | 3 ]   span 1: [ 4 | 5 ]   span 2: [       6       ]
 *     live:     1   0   1   1               0   1               1      a bit each
 *
 * What is known of a block then stands in plain arrays by ordinal, of a few bytes
 * each. Spans come in any order of address; a page of 4 KiB belongs to one span
 * at most. Blocks by themselves are found by their first byte alone, all others by
 * any byte of theirs. Threads: many that read, or one that adds.
 */
#ifndef NEAP_INSPECT_OBJECTS_BLOCK_INDEX_H
#define NEAP_INSPECT_OBJECTS_BLOCK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

typedef struct neap_block_index neap_block_index_t;

struct neap_block_span {
    uint64_t address;     /* of its first block */
    uint64_t block_bytes; /* of one block */
    uint32_t blocks;      /* 1 for a block by itself */
    uint32_t arena;       /* number of the arena or slab it lies in, NEAP_BLOCK_NONE outside */
    uint32_t ordinal;     /* of its first block; set by the index */
};

#define NEAP_BLOCK_NONE UINT32_MAX

/* NULL if memory is short. */
neap_block_index_t *neap_block_index_new(void);
void neap_block_index_destroy(neap_block_index_t *index);

/* Adds a span; bit i of `live` says whether its block i is in use (NULL: all are).
 * NEAP_ERROR_FORMAT, and nothing added, if another has one of its pages, it makes no
 * sense, or ordinals have run out; NEAP_ERROR_MEMORY. */
int neap_block_index_add(neap_block_index_t *index, const struct neap_block_span *span, const uint64_t *live);

/* The block at `address` by itself, live: its ordinal, or that of the block that is there
 * already (*added tells). NEAP_BLOCK_NONE if memory or ordinals run out. */
uint32_t neap_block_index_add_alone(neap_block_index_t *index, uint64_t address, uint64_t bytes, bool *added);

/* Ordinal of the block that has `address` in it (of one by itself: that starts there), live or
 * not; NEAP_BLOCK_NONE if there is none. */
uint32_t neap_block_index_find(const neap_block_index_t *index, uint64_t address);

/* All spans in order of ordinal. */
const struct neap_block_span *neap_block_index_spans(const neap_block_index_t *index, size_t *count);

/* The span of a block; ordinal < neap_block_index_count. */
const struct neap_block_span *neap_block_index_span(const neap_block_index_t *index, uint32_t ordinal);

uint32_t neap_block_index_count(const neap_block_index_t *index);

/* Bit per ordinal; good until the next span is added. */
const uint64_t *neap_block_index_live(const neap_block_index_t *index);

static inline bool neap_block_is_live(const uint64_t *live, uint32_t ordinal) {
    return live[ordinal / 64] >> (ordinal % 64) & 1;
}

/* Address of a block whose span is known. */
static inline uint64_t neap_block_address(const struct neap_block_span *span, uint32_t ordinal) {
    return span->address + (uint64_t)(ordinal - span->ordinal) * span->block_bytes;
}

/* Verifies all of the above; *why says what does not hold. */
bool neap_block_index_check(const neap_block_index_t *index, const char **why);

#endif
