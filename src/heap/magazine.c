/* heap/magazine.c */
#include "heap/magazine.h"

#include <string.h>

#include "heap/slab.h"
#include "os/memory.h"

enum {
    BLOCKS_MAX = 255,    /* a magazine's capacity for the smallest classes */
    BLOCKS_BYTES = 16384 /* and for all: no more than this in blocks, but one at least */
};

/* What a closed magazine's top points at. */
static void *nothing[1];

static uint32_t capacity(uint32_t block_bytes) {
    uint32_t blocks = BLOCKS_BYTES / block_bytes;
    if (block_bytes > 512)
        blocks /= 2; /* large blocks are rarer, and what lies here keeps pages */
    return blocks == 0 ? 1 : blocks > BLOCKS_MAX ? BLOCKS_MAX : blocks;
}

size_t neap__magazine_stacks_bytes(void) {
    size_t words = 0;
    for (uint32_t i = 1; i < neap__size_class_count; i++)
        words += 1 + capacity(neap__size_class_bytes(i));
    return words * sizeof(void *);
}

void neap__magazine_open_all(const neap_heap_t *heap, struct neap__magazines *all, void **stacks) {
    for (uint32_t i = 1; i < heap->layout.class_count; i++) {
        *stacks = NULL; /* is there already, but a page read before it is written is faulted in twice */
        all->bottom[i] = stacks + 1;
        all->of_class[i].top = stacks;
        all->of_class[i].full = stacks + capacity(heap->classes[i].block_bytes);
        stacks = all->of_class[i].full + 1;
    }
    all->of_class[0].top = all->of_class[0].full = nothing;
}

void neap__magazine_close_all(struct neap__magazines *all) {
    for (uint32_t i = 0; i < NEAP_LAYOUT_CLASSES_MAX; i++) {
        all->of_class[i].top = all->of_class[i].full = nothing;
        all->bottom[i] = nothing + 1;
    }
}

static uint32_t count_of(const struct neap__magazines *all, uint32_t class_index) {
    return (uint32_t)(all->of_class[class_index].top + 1 - all->bottom[class_index]);
}

bool neap__magazine_refill(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index) {
    void *taken[BLOCKS_MAX];
    struct neap__magazine *m = &all->of_class[class_index];
    uint32_t room = (uint32_t)(m->full - m->top);
    uint32_t count = neap__slab_take(heap, class_index, (room + 1) / 2, taken);
    for (uint32_t i = count; i-- > 0;) /* lowest address on top */
        *++m->top = taken[i];
    heap->layout.classes[class_index].cached = neap__magazine_cached(heap, class_index);
    return count > 0;
}

/* Returns the oldest `count` blocks. */
static void put_oldest(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index, uint32_t count) {
    void **bottom = all->bottom[class_index];
    uint32_t left = count_of(all, class_index) - count;
    if (count == 0)
        return;
    neap__slab_put(heap, class_index, bottom, count);
    memmove(bottom, bottom + count, left * sizeof *bottom);
    all->of_class[class_index].top -= count;
    heap->layout.classes[class_index].cached = neap__magazine_cached(heap, class_index);
}

void neap__magazine_flush(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index) {
    put_oldest(heap, all, class_index, (count_of(all, class_index) + 1) / 2);
}

void neap__magazine_empty_all(neap_heap_t *heap) {
    for (uint32_t i = 1; i < heap->layout.class_count; i++) {
        put_oldest(heap, &heap->magazines, i, count_of(&heap->magazines, i));
        if (heap->inner != NULL)
            put_oldest(heap, heap->inner, i, count_of(heap->inner, i));
    }
}

uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index) {
    return count_of(&heap->magazines, class_index) +
           (heap->inner != NULL ? count_of(heap->inner, class_index) : 0);
}
