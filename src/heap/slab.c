/* heap/slab.c: the ranking, and taking and returning blocks. */
#include "heap/slab.h"

#include <assert.h>
#include <string.h>

#include "heap/hardened.h"

enum { FULL_LEVEL = 8 }; /* the level of a full slab, in eighths */

/* --- the ranking: a pairing heap over unit ids --- */

/* Whether blocks are taken from slab `a` before slab `b`. */
static bool ranks_before(const neap_heap_t *heap, uint32_t a, uint32_t b) {
    unsigned level_a = neap__unit_of_id(heap, a)->level, level_b = neap__unit_of_id(heap, b)->level;
    return level_a != level_b ? level_a > level_b : a < b;
}

/* Joins two trees, each of which may be 0. The root that ranks later becomes the first child of the
 * other. `rank_prev` is the parent of a first child, and the left sibling of any other. */
static uint32_t rank_merge(neap_heap_t *heap, uint32_t a, uint32_t b) {
    if (a == 0 || b == 0)
        return a | b;
    if (ranks_before(heap, b, a)) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    neap__unit_t *winner = neap__unit_of_id(heap, a), *loser = neap__unit_of_id(heap, b);
    loser->rank_next = winner->rank_child;
    loser->rank_prev = a;
    if (winner->rank_child != 0)
        neap__unit_of_id(heap, winner->rank_child)->rank_prev = b;
    winner->rank_child = b;
    return a;
}

/* Joins a list of siblings into one tree: first in pairs from the left, then all pairs from the right.
 * The pairs are stacked through rank_prev, so there is no recursion. */
static uint32_t rank_gather(neap_heap_t *heap, uint32_t first) {
    uint32_t pairs = 0, tree = 0;
    while (first != 0) {
        uint32_t a = first, b = neap__unit_of_id(heap, a)->rank_next;
        first = b != 0 ? neap__unit_of_id(heap, b)->rank_next : 0;
        uint32_t pair = rank_merge(heap, a, b);
        neap__unit_of_id(heap, pair)->rank_prev = pairs;
        pairs = pair;
    }
    while (pairs != 0) {
        uint32_t below = neap__unit_of_id(heap, pairs)->rank_prev;
        tree = rank_merge(heap, tree, pairs);
        pairs = below;
    }
    if (tree != 0) {
        neap__unit_of_id(heap, tree)->rank_prev = 0;
        neap__unit_of_id(heap, tree)->rank_next = 0;
    }
    return tree;
}

static void rank_insert(neap_heap_t *heap, uint32_t id) {
    neap__unit_t *unit = neap__unit_of_id(heap, id);
    struct neap_layout_class *class = &heap->layout.classes[unit->class_index];
    assert((unit->flags & (NEAP_UNIT_RANKED | NEAP_UNIT_AVOID)) == 0);
    unit->rank_child = unit->rank_next = unit->rank_prev = 0;
    unit->flags |= NEAP_UNIT_RANKED;
    class->root = rank_merge(heap, class->root, id);
}

static void rank_remove(neap_heap_t *heap, uint32_t id) {
    neap__unit_t *unit = neap__unit_of_id(heap, id);
    struct neap_layout_class *class = &heap->layout.classes[unit->class_index];
    assert(unit->flags & NEAP_UNIT_RANKED);
    uint32_t below = rank_gather(heap, unit->rank_child);
    if (class->root == id) {
        class->root = below;
    } else {
        neap__unit_t *before = neap__unit_of_id(heap, unit->rank_prev);
        if (before->rank_child == id)
            before->rank_child = unit->rank_next;
        else
            before->rank_next = unit->rank_next;
        if (unit->rank_next != 0)
            neap__unit_of_id(heap, unit->rank_next)->rank_prev = unit->rank_prev;
        class->root = rank_merge(heap, class->root, below);
    }
    unit->rank_child = unit->rank_next = unit->rank_prev = 0;
    unit->flags = (uint8_t)(unit->flags & ~NEAP_UNIT_RANKED);
}

/* --- bitmaps --- */

/* Whether no bit of [first, last] is set. */
static bool bits_empty(const uint64_t *words, uint32_t first, uint32_t last) {
    uint32_t w = first / 64, end = last / 64;
    if (w == end)
        return (words[w] & neap_word_span(first & 63, last & 63)) == 0;
    if (words[w] & (~UINT64_C(0) << (first & 63)))
        return false;
    while (++w < end) {
        if (words[w] != 0)
            return false;
    }
    return (words[end] & (~UINT64_C(0) >> (63 - (last & 63)))) == 0;
}

/* --- making and ending slabs --- */

static struct neap__place place_of_id(uint32_t id) {
    return (struct neap__place){neap__id_region(id), neap__id_index(id)};
}

static uint32_t slab_make(neap_heap_t *heap, uint32_t class_index) {
    struct neap__place place;
    if (neap__region_take(heap, 1, &place) != NEAP_OK)
        return 0;
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint32_t words = (heap->classes[class_index].slab_blocks + 63) / 64;
    unit->kind = NEAP_UNIT_SLAB;
    unit->class_index = (uint8_t)class_index;
    unit->level = 0;
    unit->used = 0;
    unit->flags = (uint8_t)((unit->flags | NEAP_UNIT_TAKEN) & ~NEAP_UNIT_AVOID);
    memset(unit->bitmap, 0, words * sizeof(unit->bitmap[0]));
    if (heap->hardened)
        memset(neap__hardened_bits(heap, unit), 0, words * sizeof(unit->bitmap[0]));
    heap->regions[place.region].class_map[place.index] = (uint8_t)class_index;
    heap->layout.classes[class_index].slabs++;
    uint32_t id = neap__unit_id(place.region, place.index);
    rank_insert(heap, id);
    return id;
}

static void slab_end(neap_heap_t *heap, struct neap__place place) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    heap->layout.classes[unit->class_index].slabs--;
    neap__region_put(heap, place, 1);
}

/* Sets the level of a slab after blocks came back, and ranks it again. An empty slab ends. */
static void slab_relevel(neap_heap_t *heap, struct neap__place place) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint32_t id = neap__unit_id(place.region, place.index);
    uint32_t blocks = heap->classes[unit->class_index].slab_blocks;
    if (unit->flags & NEAP_UNIT_RANKED)
        rank_remove(heap, id);
    unit->level = (uint8_t)(unit->used * FULL_LEVEL / blocks);
    if (unit->used == 0)
        slab_end(heap, place);
    else if ((unit->flags & NEAP_UNIT_AVOID) == 0)
        rank_insert(heap, id);
}

/* --- taking --- */

/* The pages that block `index` lies on, as a mask. */
static unsigned pages_of(const neap_heap_t *heap, const struct neap__size_class *c, uint32_t index) {
    uint32_t offset = neap__size_class_offset(c, index);
    unsigned first = offset >> heap->page_shift;
    unsigned last = (offset + c->block_bytes - 1) >> heap->page_shift;
    return (2u << last) - (1u << first);
}

/* Marks the pages of the blocks `bits` of word `w` as in memory. These are the lowest free blocks
 * of the word, or a single one, and they are already marked as used. So each page from the first to the last
 * has a used block on it. If the heap's limit stops it, it marks the remaining blocks as free again. Returns
 * the bits of the others. */
static uint64_t page_in(neap_heap_t *heap, neap__unit_t *unit, const struct neap__size_class *c, uint32_t w,
                        uint64_t bits) {
    unsigned first = pages_of(heap, c, w * 64 + neap_word_lowest(bits));
    unsigned last = pages_of(heap, c, w * 64 + neap_word_highest(bits));
    unsigned span = (unsigned)neap_word_span(neap_word_lowest(first), neap_word_highest(last));
    if (neap__region_page_in(heap, unit, span))
        return bits;
    for (uint64_t left = bits; left != 0; left &= left - 1) {
        if (!neap__region_page_in(heap, unit, pages_of(heap, c, w * 64 + neap_word_lowest(left)))) {
            unit->bitmap[w] &= ~left;
            return bits & ~left;
        }
    }
    return bits;
}

/* The lowest `count` set bits of `bits`. */
static uint64_t lowest_bits(uint64_t bits, uint32_t count) {
    uint64_t rest = bits;
    if (neap_word_count(bits) <= count)
        return bits;
    while (count-- > 0)
        rest &= rest - 1;
    return bits & ~rest;
}

/* In a hardened heap, blocks come from a random word of the bitmap on, and a single block
 * from a random place in it. In others they come from the start. */
static uint32_t first_word(neap_heap_t *heap, const struct neap__size_class *c) {
    uint32_t words = (c->slab_blocks + 63) / 64;
    return heap->hardened && words > 1 ? neap__hardened_random(heap, words) : 0;
}

/* The bits of word `w` that stand for a block. */
static uint64_t word_mask(const struct neap__size_class *c, uint32_t w) {
    uint32_t left = c->slab_blocks - w * 64;
    return left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
}

/* One of the bits of `free`, at random in a hardened heap. */
static uint64_t single_bit(neap_heap_t *heap, uint64_t free) {
    uint32_t skip = heap->hardened ? neap__hardened_random(heap, neap_word_count(free)) : 0;
    while (skip-- > 0)
        free &= free - 1;
    return free & -free;
}

/* Fresh pages of a hardened heap are written once before their blocks are verified: a page
 * that is read first is faulted in twice. */
static void touch(const neap_heap_t *heap, unsigned char *start, unsigned pages) {
    for (; pages != 0; pages &= pages - 1)
        *(volatile unsigned char *)(start + ((size_t)neap_word_lowest(pages) << heap->page_shift)) = 0;
}

/* Takes up to `want` free blocks of one slab, the lowest first unless the heap is hardened. It takes
 * fewer if the heap's limit allows no further page. */
static uint32_t take_from(neap_heap_t *heap, uint32_t id, uint32_t want, void **out) {
    neap__unit_t *unit = neap__unit_of_id(heap, id);
    const struct neap__size_class *c = &heap->classes[unit->class_index];
    unsigned char *start = neap__unit_address(heap, neap__id_region(id), neap__id_index(id));
    uint32_t taken = 0, room = c->slab_blocks - unit->used, words = (c->slab_blocks + 63) / 64;
    unsigned before = unit->resident;
    if (want > room)
        want = room;
    for (uint32_t w = first_word(heap, c); taken < want; w = w + 1 < words ? w + 1 : 0) {
        uint64_t free = ~unit->bitmap[w] & word_mask(c, w);
        if (free == 0)
            continue;
        uint64_t wish = want == 1 ? single_bit(heap, free) : lowest_bits(free, want - taken);
        unit->bitmap[w] |= wish;
        if (unit->resident != NEAP_UNIT_PAGES_ALL) {
            uint64_t can = page_in(heap, unit, c, w, wish);
            if (can != wish)
                want = taken + neap_word_count(can); /* stop after these */
            wish = can;
        }
        for (uint64_t left = wish; left != 0; left &= left - 1)
            out[taken++] = start + neap__size_class_offset(c, w * 64 + neap_word_lowest(left));
    }
    unit->used = (uint16_t)(unit->used + taken);
    unit->flags = (uint8_t)(unit->flags & ~NEAP_UNIT_SETTLED);
    if (heap->hardened)
        touch(heap, start, unit->resident & ~before);
    return taken;
}

uint32_t neap__slab_take(neap_heap_t *heap, uint32_t class_index, uint32_t want, void **out) {
    uint32_t taken = 0, blocks = heap->classes[class_index].slab_blocks;
    while (taken < want) {
        uint32_t id = heap->layout.classes[class_index].root;
        if (id == 0 && taken == 0)
            id = slab_make(heap, class_index);
        if (id == 0)
            break;
        uint32_t got = take_from(heap, id, want - taken, out + taken);
        neap__unit_t *unit = neap__unit_of_id(heap, id);
        unit->flags |= NEAP_UNIT_TAKEN;
        if (got == 0) { /* the heap's limit is reached */
            if (unit->used == 0)
                slab_relevel(heap, place_of_id(id));
            break;
        }
        taken += got;
        unit->level = (uint8_t)(unit->used * FULL_LEVEL / blocks); /* it rises, so the root stays the root */
        if (unit->used == blocks)
            rank_remove(heap, id);
    }
    return taken;
}

/* --- putting --- */

bool neap__slab_holds(const neap_heap_t *heap, struct neap__place place, const void *block, uint32_t *index) {
    uint32_t i;
    if (!neap__slab_locate(heap, place, block, &i))
        return false;
    *index = i;
    return (neap__place_unit(heap, place)->bitmap[i / 64] >> (i % 64)) & 1;
}

_Noreturn void neap__slab_die_of(const neap_heap_t *heap, struct neap__place place, const void *block) {
    const struct neap__size_class *c = &heap->classes[neap__place_unit(heap, place)->class_index];
    unsigned char *start = neap__place_address(heap, place);
    uint32_t index = neap__size_class_index(c, (uint32_t)((const unsigned char *)block - start));
    const unsigned char *begin = start + neap__size_class_offset(c, index);
    if (block == begin)
        neap__heap_die("double free of block %p (size class %u): it was freed before", block, c->block_bytes);
    neap__heap_die("free of %p: inside block %p (size class %u), not its start", block, (const void *)begin,
                   c->block_bytes);
}

/* After blocks came back to a slab: queues it if it may have a free page, and ranks it again if its level
 * falls. */
static void settle(neap_heap_t *heap, struct neap__place place, const struct neap__size_class *c) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    if (unit->used + c->page_blocks <= c->slab_blocks && (unit->flags & NEAP_UNIT_QUEUED) == 0)
        neap__region_queue(heap, place);
    if (unit->used * FULL_LEVEL < unit->level * c->slab_blocks || unit->used == 0)
        slab_relevel(heap, place);
}

/* The slab of the class that contains `block`. Ends the process if there is none. */
static struct neap__place slab_of(const neap_heap_t *heap, uint32_t class_index, const void *block) {
    struct neap__place place;
    if (!neap__region_find(heap, block, &place) ||
        heap->regions[place.region].class_map[place.index] != class_index)
        neap__heap_die("double free of block %p (size class %u): its slab is gone", block,
                       heap->classes[class_index].block_bytes);
    return place;
}

/* Blocks that are freed together often lie in one slab. So the slab is looked up once for all
 * consecutive entries of `blocks` that lie in it. */
void neap__slab_put(neap_heap_t *heap, uint32_t class_index, void **blocks, uint32_t count) {
    const struct neap__size_class *c = &heap->classes[class_index];
    const uint32_t unit_bytes = 1u << heap->unit_shift;
    for (uint32_t i = 0; i < count;) {
        struct neap__place place = slab_of(heap, class_index, blocks[i]);
        neap__unit_t *unit = neap__place_unit(heap, place);
        unsigned char *start = neap__place_address(heap, place);
        unit->flags = (uint8_t)(unit->flags & ~NEAP_UNIT_SETTLED);
        for (; i < count; i++) {
            uintptr_t offset = (uintptr_t)blocks[i] - (uintptr_t)start;
            if (offset >= unit_bytes)
                break;
            uint32_t index;
            bool starts = neap__size_class_locate(c, (uint32_t)offset, &index);
            uint64_t bit = UINT64_C(1) << (index % 64);
            if (NEAP_UNLIKELY(!starts || (unit->bitmap[index / 64] & bit) == 0))
                neap__slab_die_of(heap, place, blocks[i]);
            unit->bitmap[index / 64] &= ~bit;
            unit->used--;
        }
        settle(heap, place, c);
    }
}

/* --- asking --- */

unsigned neap__slab_free_pages(const neap_heap_t *heap, const neap__unit_t *unit) {
    const struct neap__size_class *c = &heap->classes[unit->class_index];
    unsigned mask = c->bare_pages;
    if (unit->used + c->page_blocks > c->slab_blocks)
        return mask; /* too few blocks are free for a free page among the others */
    for (unsigned page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page++) {
        struct neap__block_span span = neap__size_class_on_page(c, heap->page_shift, page);
        if (span.first <= span.last && bits_empty(unit->bitmap, span.first, span.last))
            mask |= 1u << page;
    }
    return mask;
}

void neap__slab_each(const neap_heap_t *heap, struct neap__place place,
                     bool (*visit)(void *context, void *block, uint32_t bytes), void *context) {
    const neap__unit_t *unit = neap__place_unit(heap, place);
    const struct neap__size_class *c = &heap->classes[unit->class_index];
    unsigned char *start = neap__place_address(heap, place);
    for (uint32_t w = 0; w < (c->slab_blocks + 63) / 64; w++) {
        for (uint64_t used = unit->bitmap[w]; used != 0; used &= used - 1) {
            uint32_t index = w * 64 + neap_word_lowest(used);
            if (!visit(context, start + neap__size_class_offset(c, index), c->block_bytes))
                return;
        }
    }
}

void neap__slab_avoid(neap_heap_t *heap, struct neap__place place, bool avoid) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint32_t id = neap__unit_id(place.region, place.index);
    assert(unit->kind == NEAP_UNIT_SLAB);
    if (avoid && unit->flags & NEAP_UNIT_RANKED)
        rank_remove(heap, id);
    if (avoid) {
        unit->flags |= NEAP_UNIT_AVOID;
        return;
    }
    unit->flags = (uint8_t)(unit->flags & ~NEAP_UNIT_AVOID);
    if (unit->used < heap->classes[unit->class_index].slab_blocks && !(unit->flags & NEAP_UNIT_RANKED))
        rank_insert(heap, id);
}
