/* pylayout/pymalloc_pool.c: decodes pools: their heads, the blocks in use, and sums. */
#include "base/word.h"
#include "pylayout/pymalloc.h"
#include "pylayout/reading.h"

enum { POOL_BYTES_MAX = 1 << 16 };

/* struct pool_header, as far as it matters. */
struct head {
    uint64_t free_block;
    uint32_t used, size_class, block_bytes, blocks, carved;
};

/* NEAP_ERROR_ABSENT if no block is in use; NEAP_ERROR_FORMAT if it is not the head of a pool. */
static int head_decode(const struct neap_pymalloc *found, const void *bytes, struct head *head) {
    uint32_t next = neap__py_u32(bytes, 40), last = neap__py_u32(bytes, 44);
    head->used = neap__py_u32(bytes, 0);
    head->free_block = neap__py_u64(bytes, 8);
    head->size_class = neap__py_u32(bytes, 36);
    if (head->used == 0)
        return NEAP_ERROR_ABSENT;
    if (head->size_class >= NEAP_PYMALLOC_CLASSES)
        return NEAP_ERROR_FORMAT;
    head->block_bytes = (head->size_class + 1) * 16;
    head->blocks = (found->pool_bytes - NEAP_PY_POOL_HEADER) / head->block_bytes;
    head->carved = (next - NEAP_PY_POOL_HEADER) / head->block_bytes;
    if (last != found->pool_bytes - head->block_bytes || next < NEAP_PY_POOL_HEADER ||
        (next - NEAP_PY_POOL_HEADER) % head->block_bytes != 0 || head->carved > head->blocks ||
        head->used > head->carved)
        return NEAP_ERROR_FORMAT;
    return NEAP_OK;
}

/* Removes the free blocks from batch->live. They are chained through their first words. The chain must be
 * exactly as long as the head says, so a cycle is noticed. */
static bool free_blocks_clear(const unsigned char *pool, const struct head *head,
                              struct neap_block_batch *batch) {
    uint64_t at = head->free_block;
    for (uint32_t left = head->carved - head->used; left != 0; left--) {
        uint64_t distance = at - batch->first;
        uint32_t block = (uint32_t)distance / head->block_bytes;
        if (at < batch->first || distance >= batch->bytes || block >= head->carved ||
            (uint32_t)distance % head->block_bytes != 0)
            return false;
        batch->live[block / 64] &= ~(UINT64_C(1) << block % 64);
        at = neap__py_u64(pool, NEAP_PY_POOL_HEADER + (size_t)distance);
    }
    return at == 0;
}

static void live_fill(uint64_t *live, uint32_t blocks, uint32_t carved) {
    for (uint32_t word = 0; word < (blocks + 63) / 64; word++)
        live[word] = carved >= (word + 1) * 64 ? ~UINT64_C(0)
                     : carved > word * 64      ? ~UINT64_C(0) >> (64 - carved % 64)
                                               : 0;
}

/* Moves the blocks behind their padding, to the addresses that the program uses. The last block may then
 * reach beyond its pool; it is left out. */
static void collars_skip(const struct neap_pymalloc *found, struct neap_block_batch *batch) {
    uint32_t last = batch->blocks - 1;
    batch->first += NEAP_PY_COLLAR;
    if (NEAP_PY_POOL_HEADER + NEAP_PY_COLLAR + batch->blocks * batch->block_bytes <= found->pool_bytes)
        return;
    uint64_t bit = UINT64_C(1) << last % 64;
    batch->used -= (batch->live[last / 64] & bit) != 0;
    batch->live[last / 64] &= ~bit;
    batch->blocks--;
    batch->group_blocks--;
}

int neap_pymalloc_pool(const struct neap_pymalloc *found, const struct neap_py_arena *arena, uint32_t index,
                       struct neap_block_batch *batch) {
    unsigned char scratch[POOL_BYTES_MAX];
    uint64_t address = arena->first_pool + (uint64_t)index * found->pool_bytes;
    struct head head;
    if (index >= arena->total_pools || address >= arena->carved_end)
        return NEAP_ERROR_ABSENT;
    const unsigned char *pool = neap_memory_at(found->memory, address, scratch, found->pool_bytes);
    if (!pool)
        return NEAP_ERROR_FORMAT;
    int result = head_decode(found, pool, &head);
    if (result != NEAP_OK)
        return result;
    batch->address = address;
    batch->bytes = found->pool_bytes;
    batch->first = address + NEAP_PY_POOL_HEADER;
    batch->block_bytes = head.block_bytes;
    batch->blocks = head.blocks;
    batch->used = head.used;
    batch->group_blocks = head.blocks;
    batch->group_bytes = found->pool_bytes;
    live_fill(batch->live, head.blocks, head.carved);
    if (!free_blocks_clear(pool, &head, batch))
        return NEAP_ERROR_FORMAT;
    if (found->allocator == NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG)
        collars_skip(found, batch);
    return NEAP_OK;
}

/* --- as a source of blocks ------------------------------------------------- */

static int source_holder(const void *context, uint32_t index, struct neap_block_holder *holder) {
    const struct neap_pymalloc *found = context;
    if (index >= found->arena_count)
        return NEAP_ERROR_ABSENT;
    const struct neap_py_arena *arena = &found->arenas[index];
    *holder = (struct neap_block_holder){.address = arena->address,
                                         .bytes = arena->bytes,
                                         .batches = arena->total_pools,
                                         .space = arena->space};
    return NEAP_OK;
}

static int source_batch(const void *context, uint32_t holder, uint32_t index,
                        struct neap_block_batch *batch) {
    const struct neap_pymalloc *found = context;
    return holder < found->arena_count ? neap_pymalloc_pool(found, &found->arenas[holder], index, batch)
                                       : NEAP_ERROR_ABSENT;
}

static bool source_find(const void *context, uint64_t address, uint32_t *holder, uint32_t *batch) {
    const struct neap_pymalloc *found = context;
    uint32_t low = 0, high = found->arena_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (found->arenas[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const struct neap_py_arena *arena = &found->arenas[low - 1];
    if (address < arena->first_pool || address - arena->address >= arena->bytes)
        return false;
    uint64_t index = (address - arena->first_pool) / found->pool_bytes;
    if (index >= arena->total_pools)
        return false;
    *holder = low - 1;
    *batch = (uint32_t)index;
    return true;
}

struct neap_block_source neap_pymalloc_source(const struct neap_pymalloc *found) {
    return (struct neap_block_source){.holders = found->arena_count,
                                      .block_bytes_max = NEAP_PY_SMALL_MAX,
                                      .holder = source_holder,
                                      .batch = source_batch,
                                      .find = source_find,
                                      .context = found};
}

/* --- sums ------------------------------------------------------------------ */

/* Returns the bytes of its blocks in use. */
static uint64_t pool_sum(const struct neap_pymalloc *found, uint64_t address,
                         struct neap_pymalloc_stats *stats) {
    unsigned char scratch[NEAP_PY_POOL_HEADER];
    struct head head;
    const void *bytes = neap_memory_at(found->memory, address, scratch, sizeof(scratch));
    int result = bytes ? head_decode(found, bytes, &head) : NEAP_ERROR_FORMAT;
    if (result != NEAP_OK) {
        stats->rejected_pools += result != NEAP_ERROR_ABSENT;
        return 0;
    }
    struct neap_pymalloc_class *class = &stats->classes[head.size_class];
    class->pools++;
    class->used_blocks += head.used;
    class->free_blocks += head.blocks - head.used;
    stats->quantization_bytes +=
        found->pool_bytes - NEAP_PY_POOL_HEADER - (uint64_t)head.blocks * head.block_bytes;
    return (uint64_t)head.used * head.block_bytes;
}

static void arena_sum(const struct neap_pymalloc *found, const struct neap_py_arena *arena,
                      struct neap_pymalloc_stats *stats) {
    stats->arenas++;
    stats->arena_bytes += arena->bytes;
    stats->free_pools += arena->free_pools;
    stats->alignment_bytes += arena->bytes - (uint64_t)arena->total_pools * found->pool_bytes;
    uint64_t used_bytes = 0;
    for (uint64_t pool = arena->first_pool; pool < arena->carved_end; pool += found->pool_bytes)
        used_bytes += pool_sum(found, pool, stats);
    stats->pins += used_bytes * 8 < arena->bytes;
}

void neap_pymalloc_sum(const struct neap_pymalloc *found, int space, struct neap_pymalloc_stats *stats) {
    *stats = (struct neap_pymalloc_stats){0};
    for (uint32_t i = 0; i < NEAP_PYMALLOC_CLASSES; i++)
        stats->classes[i].block_bytes = (i + 1) * 16;
    for (uint32_t i = 0; i < found->space_count; i++)
        if (space < 0 || (uint32_t)space == i) {
            stats->arenas_total += found->spaces[i].arenas_total;
            stats->arenas_highwater += found->spaces[i].arenas_highwater;
        }
    for (uint32_t i = 0; i < found->arena_count; i++)
        if (space < 0 || found->arenas[i].space == (uint32_t)space)
            arena_sum(found, &found->arenas[i], stats);
    for (uint32_t i = 0; i < NEAP_PYMALLOC_CLASSES; i++) {
        const struct neap_pymalloc_class *class = &stats->classes[i];
        stats->pools += class->pools;
        stats->used_blocks += class->used_blocks;
        stats->used_bytes += class->used_blocks * class->block_bytes;
        stats->free_bytes += class->free_blocks * class->block_bytes;
    }
    stats->header_bytes = stats->pools * NEAP_PY_POOL_HEADER;
    stats->free_pool_bytes = stats->free_pools * found->pool_bytes;
}
