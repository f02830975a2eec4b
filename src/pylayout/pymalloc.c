/* pylayout/pymalloc.c: finds the states of the allocator and their arenas. */
#include "pylayout/pymalloc.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/word.h"
#include "pylayout/pymalloc_search.h"
#include "pylayout/reading.h"

enum {
    COLLAR_SAMPLE = 64, /* blocks that are checked for the marks of the debug hooks */
    COLLAR_BYTE = 0xfd,
};

/* --- finding ------------------------------------------------------------- */

struct growth {
    struct neap_pymalloc *found;
    struct neap__pymalloc_search search;
    uint32_t room;
};

static int arena_add(struct growth *growth, const struct neap_py_arena *arena) {
    struct neap_pymalloc *found = growth->found;
    if (!NEAP_ARRAY_RESERVE(found->arenas, growth->room, (uint64_t)found->arena_count + 1))
        return NEAP_ERROR_MEMORY;
    found->arenas[found->arena_count++] = *arena;
    return NEAP_OK;
}

static int arenas_collect(struct growth *growth, uint64_t vector, uint64_t entries) {
    struct neap_pymalloc *found = growth->found;
    int result = NEAP_OK;
    for (uint64_t i = 0; i < entries && result == NEAP_OK; i++) {
        struct neap__pymalloc_entry entry;
        if (!neap__pymalloc_entry_read(&growth->search, vector, i, &entry)) {
            found->rejected_arenas++;
            break;
        }
        if (entry.address == 0)
            continue;
        uint64_t bytes = neap__pymalloc_entry_bytes(&growth->search, &entry);
        if (bytes == 0) {
            found->rejected_arenas++;
            continue;
        }
        const struct neap_py_arena arena = {
            .address = entry.address,
            .bytes = bytes,
            .first_pool = neap_word_round_up(entry.address, found->pool_bytes),
            .carved_end = entry.pool_address,
            .total_pools = entry.total_pools,
            .free_pools = entry.free_pools,
            .space = found->space_count,
        };
        result = arena_add(growth, &arena);
    }
    return result;
}

static int arena_compare(const void *a, const void *b) {
    uint64_t left = ((const struct neap_py_arena *)a)->address;
    uint64_t right = ((const struct neap_py_arena *)b)->address;
    return (left > right) - (left < right);
}

/* Sorts the arenas by address and rejects those that overlap an earlier one. So there are no more arenas
 * than fit into the ranges, whatever the vectors claim. */
static void arenas_order(struct neap_pymalloc *found) {
    uint32_t kept = 0;
    if (found->arena_count)
        qsort(found->arenas, found->arena_count, sizeof(*found->arenas), arena_compare);
    for (uint32_t i = 0; i < found->arena_count; i++) {
        if (kept &&
            found->arenas[kept - 1].address + found->arenas[kept - 1].bytes > found->arenas[i].address)
            found->rejected_arenas++;
        else
            found->arenas[kept++] = found->arenas[i];
    }
    found->arena_count = kept;
}

/* The counters behind usedpools, from 3.12 on: arenas now, ever, and the most at once. */
static void counters_read(const struct neap_pymalloc *found, struct neap_py_space *space) {
    enum { NOW = 0, EVER = NEAP_PY_WORD, MOST = 2 * NEAP_PY_WORD, BYTES = 3 * NEAP_PY_WORD };
    unsigned char scratch[BYTES];
    const struct neap_py_version *version = found->version;
    if (version->arenas_count_from_pools == NEAP_PY_NONE)
        return;
    const void *place =
        neap_memory_at(found->memory, space->used_pools + (uint64_t)version->arenas_count_from_pools, scratch,
                       sizeof(scratch));
    if (!place)
        return;
    space->arenas_allocated = (uint32_t)neap__py_u64(place, NOW);
    space->arenas_total = neap__py_u64(place, EVER);
    space->arenas_highwater = neap__py_u64(place, MOST);
}

static int space_add(struct growth *growth, uint64_t used_pools) {
    struct neap_pymalloc *found = growth->found;
    struct neap_py_space space = {.used_pools = used_pools};
    uint64_t entries = 0;
    uint32_t before = found->arena_count;
    uint64_t rejected = found->rejected_arenas;
    int result = NEAP_OK;
    if (neap__pymalloc_arenas(&growth->search, used_pools, &space.arenas, &entries))
        result = arenas_collect(growth, space.arenas, entries);
    counters_read(found, &space);
    /* A sub-interpreter that shares the arenas of the main one has an unused table of its own. */
    bool idle = found->arena_count == before;
    if (idle && space.arenas_allocated == 0)
        found->rejected_arenas = rejected; /* and the table leads to no arenas */
    if (result == NEAP_OK && (!idle || found->space_count == 0)) {
        if (found->space_count == 1 && before == 0)
            found->space_count = 0; /* replace the idle space that was used so far */
        for (uint32_t i = before; i < found->arena_count; i++)
            found->arenas[i].space = found->space_count;
        found->spaces[found->space_count++] = space;
    }
    return result;
}

/* Finds all tables in [start, end), outside of known arenas. */
static int range_search(struct growth *growth, uint64_t start, uint64_t end) {
    struct neap_pymalloc *found = growth->found;
    uint64_t table;
    int result = NEAP_OK;
    while (result == NEAP_OK && found->space_count < NEAP_PYMALLOC_SPACES_MAX &&
           neap__pymalloc_used_pools(&growth->search, start, end, &table)) {
        result = space_add(growth, table);
        start = table + NEAP__PYMALLOC_TABLE_BYTES;
    }
    return result;
}

/* Searches between the arenas of the first space for tables of sub-interpreters. */
static int gaps_search(struct growth *growth, const struct neap_py_range *range,
                       const struct neap_py_arena *known, uint32_t known_count) {
    uint64_t start = range->start;
    int result = NEAP_OK;
    if (range->empty)
        return NEAP_OK;
    for (uint32_t i = 0; i < known_count && result == NEAP_OK; i++) {
        if (known[i].address + known[i].bytes <= start || known[i].address >= range->end)
            continue;
        if (known[i].address > start)
            result = range_search(growth, start, known[i].address);
        start = known[i].address + known[i].bytes;
    }
    return result == NEAP_OK && start < range->end ? range_search(growth, start, range->end) : result;
}

static bool is_large(const struct neap_py_range *range) {
    return range->end - range->start > UINT64_C(32) << 20;
}

/* The table of the main interpreter is a static variable in one of the smaller ranges. Only from 3.12 on,
 * where interpreters can have arenas of their own, may there be more tables, and these lie outside of arenas.
 */
static int spaces_search(struct growth *growth) {
    struct neap_pymalloc *found = growth->found;
    const struct neap__pymalloc_search *search = &growth->search;
    bool several = found->version->arenas_from_pools != NEAP_PY_NONE;
    int result = NEAP_OK;
    for (unsigned large = 0; large < 2; large++) {
        uint32_t known_count = 0;
        struct neap_py_arena *known = NULL;
        if (large && found->arena_count) {
            arenas_order(found);
            known_count = found->arena_count;
            known = malloc(known_count * sizeof(*known));
            if (!known)
                return NEAP_ERROR_MEMORY;
            memcpy(known, found->arenas, known_count * sizeof(*known));
        }
        for (size_t i = 0; i < search->range_count && result == NEAP_OK; i++)
            if (is_large(&search->ranges[i]) == (large != 0) && (several || found->arena_count == 0))
                result = gaps_search(growth, &search->ranges[i], known, known_count);
        free(known);
    }
    return result;
}

/* Whether the blocks have the padding of the debug hooks: [size][id 1][fd fd fd fd fd fd fd]. */
static bool blocks_wear_collars(const struct neap_pymalloc *found) {
    unsigned seen = 0, collars = 0;
    for (uint32_t i = 0; i < found->arena_count && seen < COLLAR_SAMPLE; i++) {
        struct neap_block_batch batch;
        for (uint32_t k = 0; k < found->arenas[i].total_pools && seen < COLLAR_SAMPLE; k++) {
            unsigned char block[NEAP_PY_COLLAR];
            if (neap_pymalloc_pool(found, &found->arenas[i], k, &batch) != NEAP_OK || !(batch.live[0] & 1) ||
                found->memory->read(found->memory->context, batch.first, block, sizeof(block)) != NEAP_OK)
                continue;
            seen++;
            unsigned marks = 0;
            for (unsigned byte = 9; byte < NEAP_PY_COLLAR; byte++)
                marks += block[byte] == COLLAR_BYTE;
            collars += marks == NEAP_PY_COLLAR - 9;
        }
    }
    return seen != 0 && collars * 10 > seen * 9;
}

int neap_pymalloc_find(const struct neap_memory *memory, const struct neap_py_version *version,
                       const struct neap_py_range *ranges, size_t range_count, struct neap_pymalloc *found) {
    *found = (struct neap_pymalloc){
        .memory = memory, .version = version, .pool_bytes = (uint32_t)version->pool_bytes};
    uint64_t left = NEAP__PYMALLOC_LOOKS;
    struct growth growth = {.found = found,
                            .search = {.memory = memory,
                                       .version = version,
                                       .ranges = ranges,
                                       .range_count = range_count,
                                       .left = &left}};
    int result = spaces_search(&growth);
    arenas_order(found);
    if (result != NEAP_OK)
        return result;
    if (found->space_count == 0)
        return NEAP_ERROR_ABSENT;
    found->allocator = found->arena_count == 0      ? NEAP_PY_ALLOCATOR_IDLE
                       : blocks_wear_collars(found) ? NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG
                                                    : NEAP_PY_ALLOCATOR_PYMALLOC;
    return NEAP_OK;
}

void neap_pymalloc_close(struct neap_pymalloc *found) {
    free(found->arenas);
    found->arenas = NULL;
    found->arena_count = 0;
}
