/* heap/magazine.c: the stacks of free blocks. */
#include "heap/magazine.h"

#include <string.h>

#include "heap/hardened.h"
#include "heap/slab.h"
#include "heap/thread_cache.h"

enum {
    BLOCKS_MAX = 255,    /* most blocks in a magazine */
    BLOCKS_BYTES = 16384 /* most bytes in the blocks of a magazine */
};

/* What a closed magazine's top points at. */
static void *nothing[1];

static uint32_t capacity(uint32_t block_bytes) {
    uint32_t blocks = BLOCKS_BYTES / block_bytes;
    if (block_bytes > 512)
        blocks /= 2; /* large blocks are requested less often, and cached blocks hold pages */
    return block_bytes > NEAP_MAGAZINE_BYTES_MAX ? 0 : blocks > BLOCKS_MAX ? BLOCKS_MAX : blocks;
}

static void close_one(struct neap__magazines *all, uint32_t class_index) {
    all->of_class[class_index].top = all->of_class[class_index].full = nothing;
    all->bottom[class_index] = nothing + 1;
}

/* `bottom` is where an empty stack of so many blocks begins. */
static void open_one(struct neap__magazines *all, uint32_t class_index, void **bottom, uint32_t blocks) {
    all->bottom[class_index] = bottom;
    all->of_class[class_index].top = bottom - 1;
    all->of_class[class_index].full = bottom - 1 + blocks;
}

size_t neap__magazine_stacks_bytes(void) {
    size_t words = 0;
    for (uint32_t i = 1; i < neap__size_class_count; i++)
        words += 1 + capacity(neap__size_class_bytes(i));
    return words * sizeof(void *);
}

void neap__magazine_open(neap_heap_t *heap, void **stacks) {
    for (uint32_t i = 0; i < NEAP_LAYOUT_CLASSES_MAX; i++) {
        close_one(&heap->magazines, i);
        close_one(&heap->inner, i);
    }
    for (uint32_t i = 1; i < heap->layout.class_count && !heap->guard; i++) {
        uint32_t blocks = capacity(heap->classes[i].block_bytes);
        if (blocks == 0)
            continue;
        *stacks = NULL; /* it is NULL already; a write now saves a second page fault after a first read */
        open_one(neap__magazine_of(heap, i), i, stacks + 1, blocks);
        stacks += 1 + blocks;
    }
}

static uint32_t count_of(const struct neap__magazines *all, uint32_t class_index) {
    return (uint32_t)(all->of_class[class_index].top + 1 - all->bottom[class_index]);
}

void *neap__magazine_take(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index) {
    void *taken[BLOCKS_MAX];
    struct neap__magazine *m = &all->of_class[class_index];
    if (*m->top)
        return *m->top--;
    uint32_t room = (uint32_t)(m->full - m->top), want = room == 0 ? 1 : (room + 1) / 2;
    uint32_t count = neap__slab_take(heap, class_index, want, taken);
    if (heap->hardened)
        neap__hardened_rotate(heap, taken, count);
    for (uint32_t i = count; i-- > 1;) /* lowest address on top, unless hardened */
        *++m->top = taken[i];
    neap__magazine_publish(heap, class_index);
    return count > 0 ? taken[0] : NULL;
}

/* Returns the oldest `count` blocks to their slabs. */
static void put_oldest(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index, uint32_t count) {
    void **bottom = all->bottom[class_index];
    uint32_t left = count_of(all, class_index) - count;
    if (count == 0)
        return;
    neap__slab_put(heap, class_index, bottom, count);
    memmove(bottom, bottom + count, left * sizeof(*bottom));
    all->of_class[class_index].top -= count;
    neap__magazine_publish(heap, class_index);
}

void neap__magazine_put(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index, void *block) {
    struct neap__magazine *m = &all->of_class[class_index];
    if (m->full < all->bottom[class_index]) { /* closed */
        neap__slab_put(heap, class_index, &block, 1);
        return;
    }
    if (m->top == m->full)
        put_oldest(heap, all, class_index, (count_of(all, class_index) + 1) / 2);
    *++m->top = block;
}

static void empty(neap_heap_t *heap, struct neap__magazines *all) {
    for (uint32_t i = 1; i < heap->layout.class_count; i++)
        put_oldest(heap, all, i, count_of(all, i));
}

void neap__magazine_share(neap_heap_t *heap) {
    if (heap->strict)
        return;
    empty(heap, &heap->magazines);
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++) {
        open_one(&heap->inner, i, heap->magazines.bottom[i], capacity(heap->classes[i].block_bytes));
        close_one(&heap->magazines, i);
    }
}

void neap__magazine_empty_inner(neap_heap_t *heap) {
    if (!heap->hardened || heap->shared)
        empty(heap, &heap->inner);
}

void neap__magazine_empty_all(neap_heap_t *heap) {
    neap__hardened_empty(heap);
    empty(heap, &heap->magazines);
    empty(heap, &heap->inner);
    heap->cache_epoch++;
    neap__thread_cache_empty(heap);
}

static uint32_t inside(const neap_heap_t *heap, uint32_t class_index) {
    return count_of(&heap->magazines, class_index) + count_of(&heap->inner, class_index) +
           neap__hardened_waiting(heap, class_index);
}

uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index) {
    return inside(heap, class_index) + neap__thread_cache_blocks(heap, class_index);
}

void neap__magazine_publish(neap_heap_t *heap, uint32_t class_index) {
    uint32_t told = class_index < NEAP_OWN_CLASSES ? heap->cache_blocks[class_index] : 0;
    heap->layout.classes[class_index].cached = inside(heap, class_index) + told;
}
