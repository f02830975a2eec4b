/* heap/magazine.c */
#include "heap/magazine.h"

#include <string.h>

#include "heap/slab.h"

void neap__magazine_open_all(const neap_heap_t *heap, struct neap__magazine *magazines) {
    for (uint32_t i = 1; i < heap->layout.class_count; i++) {
        uint32_t blocks = NEAP_MAGAZINE_BYTES / heap->classes[i].block_bytes;
        magazines[i].capacity = blocks < 2                      ? 2
                                : blocks > NEAP_MAGAZINE_BLOCKS ? NEAP_MAGAZINE_BLOCKS
                                                                : blocks;
    }
}

bool neap__magazine_refill(neap_heap_t *heap, uint32_t class_index, struct neap__magazine *magazine) {
    void *taken[NEAP_MAGAZINE_BLOCKS];
    uint32_t count = neap__slab_take(heap, class_index, (magazine->capacity + 1) / 2, taken);
    for (uint32_t i = 0; i < count; i++) /* lowest address on top */
        magazine->blocks[i] = taken[count - 1 - i];
    magazine->count = count;
    heap->layout.classes[class_index].cached = neap__magazine_cached(heap, class_index);
    return count > 0;
}

/* Returns the oldest `count` blocks. */
static void put_oldest(neap_heap_t *heap, uint32_t class_index, struct neap__magazine *magazine,
                       uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct neap__place place;
        if (!neap__region_find(heap, magazine->blocks[i], &place) ||
            heap->regions[place.region].class_map[place.index] != class_index)
            neap__heap_die("double free of block %p (size class %u): its slab is gone", magazine->blocks[i],
                           heap->classes[class_index].block_bytes);
        neap__slab_put(heap, place, magazine->blocks[i]);
    }
    magazine->count -= count;
    memmove(magazine->blocks, magazine->blocks + count, magazine->count * sizeof magazine->blocks[0]);
    heap->layout.classes[class_index].cached = neap__magazine_cached(heap, class_index);
}

void neap__magazine_flush(neap_heap_t *heap, uint32_t class_index, struct neap__magazine *magazine) {
    put_oldest(heap, class_index, magazine, (magazine->count + 1) / 2);
}

void neap__magazine_empty_all(neap_heap_t *heap) {
    for (uint32_t i = 1; i < heap->layout.class_count; i++) {
        put_oldest(heap, i, &heap->magazines[i], heap->magazines[i].count);
        if (heap->inner != NULL)
            put_oldest(heap, i, &heap->inner[i], heap->inner[i].count);
    }
}

uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index) {
    return heap->magazines[class_index].count + (heap->inner != NULL ? heap->inner[class_index].count : 0);
}
