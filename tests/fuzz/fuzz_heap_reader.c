/* Fuzz target: the reader of foreign heaps, and its blocks as a source.
 *
 * Changes (change.h) to a sound image of a heap with two slabs' blocks, a run and two mapped runs; pages of
 * 64 KiB if the first byte is odd. Whatever comes of it, the readers must not touch memory that is not their
 * own, nor read without bound.
 */
#include <stdint.h>

#include "../unit/inspect/neap_heap/heap_image.h"
#include "change.h"
#include "inspect/neap_heap/heap_anchor.h"
#include "inspect/neap_heap/slab_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { BLOCK_BYTES = 1168 };

static struct target {
    struct heap_image image;
    struct change_image changes;
} targets[2];

static struct target *target_of(uint8_t how) {
    struct target *target = &targets[how % 2];
    struct heap_image *image = &target->image;
    if (image->bytes)
        return target;
    heap_image_make(image, how % 2 ? 65536 : 4096, 0, BLOCK_BYTES, how % 2 ? 16 : 13);
    heap_image_use(image, 0, 3);
    heap_image_use(image, 0, 17);
    heap_image_use(image, 5, 0);
    heap_image_unit(image, 1)->kind = NEAP_UNIT_RUN;
    heap_image_unit(image, 1)->run_pages = 20;
    heap_image_unit(image, 2)->kind = NEAP_UNIT_RUN_TAIL;
    heap_image_map(image, 0, 1 << 20, 1 << 21, 1 << 22);
    heap_image_map(image, 1, 0, 1 << 20, 1 << 20);
    target->changes = change_image_of(image->bytes, image->size, HEAP_IMAGE_BASE);
    return target;
}

const struct change_image *fuzz_image(uint8_t how) {
    return &target_of(how)->changes;
}

static void blocks_walk(const neap_slab_source_t *slabs) {
    static struct neap_block_batch batch;
    struct neap_block_source source = neap_slab_source_blocks(slabs);
    for (uint32_t i = 0; i < source.holders; i++) {
        struct neap_block_holder holder;
        uint32_t found, number, live = 0;
        if (source.holder(source.context, i, &holder) != NEAP_OK)
            abort();
        source.find(source.context, holder.address, &found, &number);
        if (source.batch(source.context, i, 0, &batch) != NEAP_OK)
            continue;
        for (uint32_t k = 0; k < batch.blocks; k++)
            live += (uint32_t)(batch.live[k / 64] >> k % 64 & 1);
        if (live != batch.used)
            abort();
    }
}

static void look(struct heap_image *image, const struct neap_layout_anchor *anchor) {
    static struct neap_heap_view view;
    struct neap_fault fault;
    const struct neap_memory memory = {.read = heap_image_read, .context = image};
    neap_slab_source_t *slabs = NULL;
    image->read_bytes = 0;
    int result = neap_heap_read(&memory, anchor, &view, &fault);
    if (image->read_bytes > (uint64_t)NEAP_LAYOUT_REGIONS_MAX * image->size + (1 << 20))
        abort();
    if (result == NEAP_OK && view.rejected_units > view.units)
        abort();
    if (result == NEAP_OK && neap_slab_source_open(&memory, &view, &slabs) == NEAP_OK) {
        blocks_walk(slabs);
        neap_slab_source_close(slabs);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct neap_layout_anchor anchor;
    struct neap_fault fault;
    uint64_t address;
    if (bytes == 0)
        return 0;
    struct target *target = target_of(data[0]);
    struct heap_image *image = &target->image;
    const struct neap_memory memory = {.read = heap_image_read, .context = image};
    change_make(&target->changes, data, bytes);
    if (neap_heap_anchor_find(&memory, HEAP_IMAGE_BASE, HEAP_IMAGE_BASE + image->size, &anchor, &address,
                              &fault) == NEAP_OK)
        look(image, &anchor);
    change_undo(&target->changes);
    return 0;
}
