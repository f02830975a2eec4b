/* inspect/objects/block_index.h: numbers every block of a process.
 *
 *   span     one pool of pymalloc, one group of a Neap slab, or a single block
 *   ordinal  the number of a block, in the order of the spans, live or not: 0, 1, 2 ...
 *
 *     span 0: [ 0 | 1 | 2 | 3 ]   span 1: [ 4 | 5 ]   span 2: [       6       ]
 *     live:     1   0   1   1               0   1               1      one bit per block
 *
 * Facts about blocks are then kept in plain arrays with a few bytes per ordinal. Spans may
 * be added in any order of address. A page of 4 KiB belongs to at most one span. A single
 * block is found by the address of its first byte only; all others by any address in them.
 * Threads: many may read, or one may add.
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
    uint32_t blocks;      /* 1 for a single block */
    uint32_t arena;       /* index of the arena or slab that it lies in; NEAP_BLOCK_NONE: in none */
    uint32_t ordinal;     /* of its first block; set by the index */
};

#define NEAP_BLOCK_NONE UINT32_MAX

/* NULL if memory is short. */
neap_block_index_t *neap_block_index_new(void);
void neap_block_index_destroy(neap_block_index_t *index);

/* Adds a span. Bit i of `live` says whether its block i is in use; NULL means that all are. Returns
 * NEAP_ERROR_FORMAT and adds nothing if one of its pages belongs to another span, if it contradicts
 * itself, or if there are no ordinals left; NEAP_ERROR_MEMORY. */
int neap_block_index_add(neap_block_index_t *index, const struct neap_block_span *span, const uint64_t *live);

/* Adds a single live block at `address`, unless there is one already; *added says which. Returns its
 * ordinal; NEAP_BLOCK_NONE if memory or ordinals run out. */
uint32_t neap_block_index_add_alone(neap_block_index_t *index, uint64_t address, uint64_t bytes, bool *added);

/* Ordinal of the block that contains `address` (a single block must start there), live or not;
 * NEAP_BLOCK_NONE if there is none. */
uint32_t neap_block_index_find(const neap_block_index_t *index, uint64_t address);

/* All spans in order of ordinal. */
const struct neap_block_span *neap_block_index_spans(const neap_block_index_t *index, size_t *count);

/* The span of a block; ordinal < neap_block_index_count. */
const struct neap_block_span *neap_block_index_span(const neap_block_index_t *index, uint32_t ordinal);

uint32_t neap_block_index_count(const neap_block_index_t *index);

/* One bit per ordinal; valid until the next span is added. */
const uint64_t *neap_block_index_live(const neap_block_index_t *index);

static inline bool neap_block_is_live(const uint64_t *live, uint32_t ordinal) {
    return live[ordinal / 64] >> (ordinal % 64) & 1;
}

/* Address of a block whose span is known. */
static inline uint64_t neap_block_address(const struct neap_block_span *span, uint32_t ordinal) {
    return span->address + (uint64_t)(ordinal - span->ordinal) * span->block_bytes;
}

/* Verifies all invariants. False with a static text in *why at the first that does not hold. */
bool neap_block_index_check(const neap_block_index_t *index, const char **why);

#endif
