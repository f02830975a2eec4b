/* A process's memory with a Neap heap in it, as bytes in a buffer.
 *
 *   HEAP_IMAGE_BASE: | anchor | heap struct | unit structs of region 0 | mapped runs |
 *
 * `extra_bytes` makes every struct that much longer, as a later build's would be.
 */
#ifndef HEAP_IMAGE_H
#define HEAP_IMAGE_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/neap_heap/heap_reader.h"

enum {
    HEAP_IMAGE_BASE = 0x10000,
    HEAP_IMAGE_UNITS = 64,
    HEAP_IMAGE_MAPPED = 4,
    HEAP_IMAGE_BLOCKS = 0x7f000000, /* address of region 0's blocks; never read */
    HEAP_IMAGE_RUNS = 0x10000000    /* address of the first mapped run; never read */
};

struct heap_image {
    unsigned char *bytes;
    size_t size, heap_at, units_at, mapped_at;
    uint32_t stride, extra_bytes;
    unsigned reads, fail_at; /* the fail_at-th read fails, if not 0 */
    uint64_t read_bytes;
};

static inline int heap_image_read(void *context, uint64_t address, void *out, size_t bytes) {
    struct heap_image *image = context;
    image->reads++;
    image->read_bytes += bytes;
    if (image->reads == image->fail_at)
        return NEAP_ERROR_PROCESS;
    if (address < HEAP_IMAGE_BASE || address - HEAP_IMAGE_BASE > image->size ||
        bytes > image->size - (address - HEAP_IMAGE_BASE))
        return NEAP_ERROR_FORMAT;
    memcpy(out, image->bytes + (address - HEAP_IMAGE_BASE), bytes);
    return NEAP_OK;
}

static inline struct neap_layout_anchor *heap_image_anchor(struct heap_image *image) {
    return (struct neap_layout_anchor *)(void *)image->bytes;
}

static inline struct neap_layout_heap *heap_image_heap(struct heap_image *image) {
    return (struct neap_layout_heap *)(void *)(image->bytes + image->heap_at);
}

static inline unsigned char *heap_image_classes(struct heap_image *image) {
    return image->bytes + image->heap_at + offsetof(struct neap_layout_heap, events) +
           NEAP_LAYOUT_EVENTS * (sizeof(struct neap_layout_event) + image->extra_bytes);
}

static inline struct neap_layout_class *heap_image_class(struct heap_image *image, uint32_t i) {
    return (struct neap_layout_class *)(void *)(heap_image_classes(image) +
                                                i * (sizeof(struct neap_layout_class) + image->extra_bytes));
}

static inline struct neap_layout_region *heap_image_region(struct heap_image *image, uint32_t i) {
    unsigned char *regions =
        heap_image_classes(image) +
        NEAP_LAYOUT_CLASSES_MAX * (sizeof(struct neap_layout_class) + image->extra_bytes);
    return (struct neap_layout_region *)(void *)(regions + i * (sizeof(struct neap_layout_region) +
                                                                image->extra_bytes));
}

static inline struct neap_layout_unit *heap_image_unit(struct heap_image *image, uint32_t i) {
    assert(i < HEAP_IMAGE_UNITS);
    return (struct neap_layout_unit *)(void *)(image->bytes + image->units_at + i * image->stride);
}

static inline struct neap_layout_mapped_run *heap_image_mapped(struct heap_image *image, uint32_t i) {
    return (struct neap_layout_mapped_run *)(void *)(image->bytes + image->mapped_at +
                                                     i * (sizeof(struct neap_layout_mapped_run) +
                                                          image->extra_bytes));
}

/* Where the heap struct goes on behind its arrays: address, count and most of the mapped runs. */
static inline void heap_image_mapped_set(struct heap_image *image, uint64_t address, uint32_t count) {
    unsigned char *tail = (unsigned char *)heap_image_region(image, NEAP_LAYOUT_REGIONS_MAX);
    memcpy(tail, &address, sizeof(address));
    memcpy(tail + sizeof(address), &count, sizeof(count));
}

/* Makes mapped run `i` one of `run` bytes, of `touched` that may be in memory, of `mapped`. */
static inline void heap_image_map(struct heap_image *image, uint32_t i, uint64_t run, uint64_t touched,
                                  uint64_t mapped) {
    *heap_image_mapped(image, i) = (struct neap_layout_mapped_run){
        .address = HEAP_IMAGE_RUNS + i * UINT64_C(0x1000000),
        .run_bytes = run,
        .touched_bytes = touched,
        .mapped_bytes = mapped,
    };
    heap_image_mapped_set(image, HEAP_IMAGE_BASE + image->mapped_at, i + 1);
}

/* A heap with one region of HEAP_IMAGE_UNITS units, all free and clean, and one class
 * (number 1) of `block_bytes`, in groups of 2^group_shift bytes. The caller frees image->bytes. */
static inline void heap_image_make(struct heap_image *image, uint32_t page_bytes, uint32_t extra_bytes,
                                   uint32_t block_bytes, uint32_t group_shift) {
    uint32_t words = page_bytes / 1024 > NEAP_LAYOUT_WORDS_MIN ? page_bytes / 1024 : NEAP_LAYOUT_WORDS_MIN;
    size_t longer =
        (size_t)extra_bytes * (NEAP_LAYOUT_EVENTS + NEAP_LAYOUT_CLASSES_MAX + NEAP_LAYOUT_REGIONS_MAX + 1);
    *image = (struct heap_image){.extra_bytes = extra_bytes};
    image->heap_at = 1024;
    image->units_at = image->heap_at + sizeof(struct neap_layout_heap) + longer;
    image->stride =
        (uint32_t)(offsetof(struct neap_layout_unit, bitmap) + words * sizeof(uint64_t)) + extra_bytes;
    image->mapped_at = image->units_at + (size_t)HEAP_IMAGE_UNITS * image->stride;
    image->size =
        image->mapped_at + HEAP_IMAGE_MAPPED * (sizeof(struct neap_layout_mapped_run) + extra_bytes);
    image->bytes = calloc(1, image->size);
    assert(image->bytes);
    *heap_image_anchor(image) = (struct neap_layout_anchor){
        .version = NEAP_LAYOUT_VERSION,
        .anchor_bytes = (uint32_t)sizeof(struct neap_layout_anchor) + extra_bytes,
        .heap_bytes = (uint32_t)(sizeof(struct neap_layout_heap) + longer),
        .region_bytes = (uint32_t)sizeof(struct neap_layout_region) + extra_bytes,
        .unit_bytes = (uint32_t)sizeof(struct neap_layout_unit) + extra_bytes,
        .class_bytes = (uint32_t)sizeof(struct neap_layout_class) + extra_bytes,
        .event_bytes = (uint32_t)sizeof(struct neap_layout_event) + extra_bytes,
        .mapped_run_bytes = (uint32_t)sizeof(struct neap_layout_mapped_run) + extra_bytes,
        .pointer_bytes = 8,
        .state = NEAP_STATE_SERVING,
        .pid = 1,
        .heap = HEAP_IMAGE_BASE + image->heap_at,
    };
    memcpy(heap_image_anchor(image)->magic, NEAP_LAYOUT_MAGIC, sizeof(heap_image_anchor(image)->magic));
    struct neap_layout_heap *heap = heap_image_heap(image);
    heap->page_bytes = page_bytes;
    heap->unit_bytes = page_bytes * NEAP_LAYOUT_UNIT_PAGES;
    heap->class_count = 2;
    heap->region_count = 1;
    heap->decay_ms = 100;
    uint32_t group_blocks = (1u << group_shift) / block_bytes;
    *heap_image_class(image, 1) = (struct neap_layout_class){
        .block_bytes = block_bytes,
        .group_shift = group_shift,
        .group_blocks = group_blocks,
        .slab_blocks = group_blocks * (heap->unit_bytes >> group_shift),
    };
    *heap_image_region(image, 0) = (struct neap_layout_region){
        .base = HEAP_IMAGE_BLOCKS,
        .units = HEAP_IMAGE_BASE + image->units_at,
        .unit_count = HEAP_IMAGE_UNITS,
        .top = HEAP_IMAGE_UNITS,
        .committed = HEAP_IMAGE_UNITS,
        .unit_stride = image->stride,
    };
}

/* Makes block `index` of slab `unit` a used one, its pages resident. */
static inline void heap_image_use(struct heap_image *image, uint32_t unit_index, uint32_t index) {
    const struct neap_layout_class *class = heap_image_class(image, 1);
    struct neap_layout_unit *unit = heap_image_unit(image, unit_index);
    uint32_t page = heap_image_heap(image)->page_bytes;
    uint32_t offset = ((index / class->group_blocks) << class->group_shift) +
                      index % class->group_blocks * class->block_bytes;
    unit->kind = NEAP_UNIT_SLAB;
    unit->class_index = 1;
    if ((unit->bitmap[index / 64] >> (index % 64) & 1) == 0)
        unit->used++;
    unit->bitmap[index / 64] |= UINT64_C(1) << (index % 64);
    for (uint32_t at = offset / page; at <= (offset + class->block_bytes - 1) / page; at++)
        unit->resident = (uint16_t)(unit->resident | 1u << at);
}

#endif
