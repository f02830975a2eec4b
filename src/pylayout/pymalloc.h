/* pylayout/pymalloc.h: decodes pymalloc, CPython's own allocator for small objects.
 *
 *   usedpools[32] (found by its pattern) --> a pool of each size in use
 *   arenas[] (next to it since 3.12; before, found by what it must contain)
 *      | address, freepools, pool_address
 *      v
 *   arena: |pool|pool|free pool|pool| . . . never carved . . .|   1 MiB (256 KiB before 3.10)
 *   pool:  |head 48|block|block|block| . . . never carved . .|    16 KiB (4 KiB)
 *                      free blocks are chained through their first words
 *
 * The allocator is found by structure alone, without symbols, so that it works for
 * stripped programs. An interpreter with its own GIL has its own arenas; each such
 * state is a space. Nothing that is read is trusted: a pool or arena that
 * contradicts itself is counted as rejected. Once found, struct neap_pymalloc is
 * read-only: any thread may use it.
 */
#ifndef NEAP_PYLAYOUT_PYMALLOC_H
#define NEAP_PYLAYOUT_PYMALLOC_H

#include "pylayout/block_source.h"
#include "pylayout/cpython_version.h"

enum { NEAP_PYMALLOC_CLASSES = 32, NEAP_PYMALLOC_SPACES_MAX = 256 };

/* A range of writable memory in which an allocator's state or its pools may lie. */
struct neap_py_range {
    uint64_t start, end;
    bool anonymous; /* not mapped from a file; only these contain arenas */
    bool empty;     /* not in memory; an arena may reach into it, but it is not searched */
};

struct neap_py_arena {
    uint64_t address;     /* as mmap returned it */
    uint64_t bytes;       /* derived from its pools, never assumed */
    uint64_t first_pool;  /* address rounded up to a pool */
    uint64_t carved_end;  /* pools from here on were never used */
    uint32_t total_pools; /* number of pools that fit */
    uint32_t free_pools;  /* by the arena's own count: empty pools and pools never used */
    uint32_t space;
};

struct neap_py_space {
    uint64_t used_pools;       /* address of usedpools[]; 0 if the pools were found without it */
    uint64_t arenas;           /* address of the arenas vector; 0 likewise */
    uint32_t arenas_allocated; /* by the allocator's counter; 0 if that was not found */
    uint64_t arenas_total;     /* arenas ever created, likewise */
    uint64_t arenas_highwater; /* the most arenas at once, likewise */
};

/* Which allocator serves the blocks of the process, as far as can be seen. */
enum neap_py_allocator {
    NEAP_PY_ALLOCATOR_UNKNOWN,
    NEAP_PY_ALLOCATOR_PYMALLOC,
    NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG, /* -X dev, PYTHONMALLOC=debug: blocks have padding around them */
    NEAP_PY_ALLOCATOR_IDLE,           /* pymalloc exists but serves nothing: PYTHONMALLOC=malloc, or Neap */
};

struct neap_pymalloc {
    const struct neap_memory *memory;
    const struct neap_py_version *version;
    enum neap_py_allocator allocator;
    uint32_t pool_bytes;
    uint32_t space_count, arena_count;
    struct neap_py_space spaces[NEAP_PYMALLOC_SPACES_MAX];
    struct neap_py_arena *arenas; /* by address, no two overlap */
    uint64_t rejected_arenas;     /* arenas that contradicted themselves */
};

/* Finds the allocator in `ranges`, which are sorted by address. NEAP_ERROR_ABSENT if there is no pymalloc;
 * NEAP_ERROR_MEMORY; it does not fail because of damaged memory. `memory` and `version` must outlive
 * `found`. The caller closes it in any case. */
int neap_pymalloc_find(const struct neap_memory *memory, const struct neap_py_version *version,
                       const struct neap_py_range *ranges, size_t range_count, struct neap_pymalloc *found);
void neap_pymalloc_close(struct neap_pymalloc *found);

/* Reads the pool at `index` of an arena. NEAP_ERROR_ABSENT if it is free or was never used,
 * NEAP_ERROR_FORMAT if it contradicts itself; *batch is then undefined. Under the debug hooks a block
 * begins behind its padding, at the address that the program uses. */
int neap_pymalloc_pool(const struct neap_pymalloc *found, const struct neap_py_arena *arena, uint32_t index,
                       struct neap_block_batch *batch);

/* A block source for `found`, in which holders are arenas and batches are pools. */
struct neap_block_source neap_pymalloc_source(const struct neap_pymalloc *found);

/* The figures of sys._debugmallocstats(), per size class and in total. */
struct neap_pymalloc_class {
    uint32_t block_bytes;
    uint64_t pools, used_blocks, free_blocks; /* free blocks in these pools */
};

struct neap_pymalloc_stats {
    struct neap_pymalloc_class classes[NEAP_PYMALLOC_CLASSES];
    uint64_t arenas, arena_bytes;            /* arenas in use, and their bytes */
    uint64_t arenas_total, arenas_highwater; /* by the allocator's counters */
    uint64_t pins;                           /* arenas filled to less than an eighth */
    uint64_t pools, free_pools;
    uint64_t used_blocks, used_bytes, free_bytes; /* of blocks in partly used pools */
    uint64_t free_pool_bytes;
    uint64_t header_bytes, quantization_bytes,
        alignment_bytes; /* in heads and tails of pools, ends of arenas */
    uint64_t rejected_pools;
};

/* Sums up all pools by their heads, without reading their lists of blocks. `space` -1 means all spaces. */
void neap_pymalloc_sum(const struct neap_pymalloc *found, int space, struct neap_pymalloc_stats *stats);

#endif
