/* pylayout/pymalloc.h: CPython's own small-object allocator, read from outside.
 *
 *   usedpools[32] (by its signature) --> a pool of each size in use
 *   arenas[] (next to it since 3.12, else found by what it must contain)
 *      | address, freepools, pool_address
 *      v
 *   arena: |pool|pool|free pool|pool| . . . never carved . . .|   1 MiB (256 KiB before 3.10)
 *   pool:  |head 48|block|block|block| . . . never carved . .|    16 KiB (4 KiB)
 *                      free blocks are chained through their first words
 *
 * Found by structure alone, so that stripped programs do too. An interpreter
 * with its own GIL has its own arenas: each such state is a space. Nothing read
 * is believed; a pool or arena that contradicts itself is counted as rejected.
 * A found struct is read-only afterwards: any thread may use it then.
 */
#ifndef NEAP_PYLAYOUT_PYMALLOC_H
#define NEAP_PYLAYOUT_PYMALLOC_H

#include "pylayout/block_source.h"
#include "pylayout/cpython_version.h"

enum { NEAP_PYMALLOC_CLASSES = 32, NEAP_PYMALLOC_SPACES_MAX = 256 };

/* A range of writable memory in which an allocator's state or its pools may lie. */
struct neap_py_range {
    uint64_t start, end;
    bool anonymous; /* no file behind it; arenas are only here */
    bool empty;     /* nothing of it is in memory: an arena may reach into it, but it is not searched */
};

struct neap_py_arena {
    uint64_t address;     /* as mmap gave it */
    uint64_t bytes;       /* derived from its pools: never assumed */
    uint64_t first_pool;  /* address rounded up to a pool */
    uint64_t carved_end;  /* pools at or above were never used */
    uint32_t total_pools; /* that fit in */
    uint32_t free_pools;  /* as the arena says: empty ones and never carved ones */
    uint32_t space;
};

struct neap_py_space {
    uint64_t used_pools;       /* address of usedpools[], 0 if the pools were found without it */
    uint64_t arenas;           /* address of the arenas vector, 0 likewise */
    uint32_t arenas_allocated; /* as the allocator counts, 0 if its counter was not found */
    uint64_t arenas_total;     /* ever, likewise */
    uint64_t arenas_highwater; /* likewise */
};

/* How blocks of the process come to be, as far as one can see. */
enum neap_py_allocator {
    NEAP_PY_ALLOCATOR_UNKNOWN,
    NEAP_PY_ALLOCATOR_PYMALLOC,
    NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG, /* -X dev, PYTHONMALLOC=debug: blocks have padding around them */
    NEAP_PY_ALLOCATOR_IDLE,           /* pymalloc is there and serves nothing: PYTHONMALLOC=malloc, or Neap */
};

struct neap_pymalloc {
    const struct neap_memory *memory;
    const struct neap_py_version *version;
    enum neap_py_allocator allocator;
    uint32_t pool_bytes;
    uint32_t space_count, arena_count;
    struct neap_py_space spaces[NEAP_PYMALLOC_SPACES_MAX];
    struct neap_py_arena *arenas; /* by address, no two overlap */
    uint64_t rejected_arenas;     /* that contradicted themselves */
};

/* Finds all of it in `ranges` (by address). NEAP_ERROR_ABSENT if there is no pymalloc;
 * NEAP_ERROR_MEMORY; never fails for what the target contains. `memory`, `version` must outlive it.
 * To be closed in any case. */
int neap_pymalloc_find(const struct neap_memory *memory, const struct neap_py_version *version,
                       const struct neap_py_range *ranges, size_t range_count, struct neap_pymalloc *found);
void neap_pymalloc_close(struct neap_pymalloc *found);

/* The pool at `index` of an arena: NEAP_ERROR_ABSENT if it is free or was never carved,
 * NEAP_ERROR_FORMAT if it contradicts itself; *batch is then undefined. Under the debug hooks blocks
 * begin behind their collars, where the program's do. */
int neap_pymalloc_pool(const struct neap_pymalloc *found, const struct neap_py_arena *arena, uint32_t index,
                       struct neap_block_batch *batch);

/* `found` as a block source: holders are arenas, batches are pools. */
struct neap_block_source neap_pymalloc_source(const struct neap_pymalloc *found);

/* What sys._debugmallocstats() prints, per size class and in all. */
struct neap_pymalloc_class {
    uint32_t block_bytes;
    uint64_t pools, used_blocks, free_blocks; /* free ones in these pools */
};

struct neap_pymalloc_stats {
    struct neap_pymalloc_class classes[NEAP_PYMALLOC_CLASSES];
    uint64_t arenas, arena_bytes;            /* in use now, and all their bytes */
    uint64_t arenas_total, arenas_highwater; /* by the allocator's counters */
    uint64_t pins;                           /* arenas filled to less than an eighth */
    uint64_t pools, free_pools;
    uint64_t used_blocks, used_bytes, free_bytes; /* of blocks in partly used pools */
    uint64_t free_pool_bytes;
    uint64_t header_bytes, quantization_bytes, alignment_bytes; /* lost to pool heads, tails, arenas' ends */
    uint64_t rejected_pools;
};

/* Adds up all pools by their heads, block lists untouched. `space` -1 for all. */
void neap_pymalloc_sum(const struct neap_pymalloc *found, int space, struct neap_pymalloc_stats *stats);

#endif
