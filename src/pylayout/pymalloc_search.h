/* pylayout/pymalloc_search.h: finds the variables of pymalloc by their structure.
 *
 *   used_pools: |p0 p0|p1 p1| ... |p31 p31|     pair k: both are its own address - 16
 *                                               (no pool of that size), or pools of size k
 *   arenas:     |entry 48|entry 48| ...         unused entries are chained, used ones are sound
 *
 * A step of neap_pymalloc_find, internal to this module. Pure; any thread.
 */
#ifndef NEAP_PYLAYOUT_PYMALLOC_SEARCH_H
#define NEAP_PYLAYOUT_PYMALLOC_SEARCH_H

#include "pylayout/pymalloc.h"

/* The input of a search. */
struct neap__pymalloc_search {
    const struct neap_memory *memory;
    const struct neap_py_version *version;
    const struct neap_py_range *ranges; /* by address */
    size_t range_count;
    uint64_t *left; /* how many entries, ranges and words may still be read; the memory may claim any number
                       of vectors of any length, and this bounds the work */
};

enum {
    NEAP__PYMALLOC_LOOKS = 1 << 27,
    NEAP__PYMALLOC_TABLE_BYTES = NEAP_PYMALLOC_CLASSES * 2 * NEAP_PY_WORD /* of usedpools[] */
};

/* One struct arena_object as read. */
struct neap__pymalloc_entry {
    uint64_t address, pool_address, freepools, next;
    uint32_t free_pools, total_pools;
};

/* Whether [start, start + bytes) lies in one of the ranges. */
bool neap__pymalloc_covered(const struct neap__pymalloc_search *search, uint64_t start, uint64_t bytes);

/* Finds the first usedpools[] in [start, end). */
bool neap__pymalloc_used_pools(const struct neap__pymalloc_search *search, uint64_t start, uint64_t end,
                               uint64_t *address);

/* Bytes of the arena of an entry; 0 if the entry contradicts itself. */
uint64_t neap__pymalloc_entry_bytes(const struct neap__pymalloc_search *search,
                                    const struct neap__pymalloc_entry *entry);

/* Reads entry `index` of a vector; false if it cannot be read, or the bound is reached. */
bool neap__pymalloc_entry_read(const struct neap__pymalloc_search *search, uint64_t arenas, uint64_t index,
                               struct neap__pymalloc_entry *entry);

/* Finds the vector that belongs to a usedpools[], and its length. */
bool neap__pymalloc_arenas(const struct neap__pymalloc_search *search, uint64_t used_pools, uint64_t *arenas,
                           uint64_t *entries);

#endif
