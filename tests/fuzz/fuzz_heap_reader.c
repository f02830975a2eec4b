/* Fuzz target: the reader of foreign heaps.
 *
 * The input is a list of changes to a sound image of a heap, 8 bytes each: where
 * (32 bits, modulo the image's size) and what (32 bits, put there). So nearly
 * every input gets past the anchor. Whatever comes of it, the reader must not
 * touch memory that is not its own, nor read without bound.
 */
#include <stdint.h>

#include "../unit/inspect/heap_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct heap_image image;
    struct neap_layout_anchor anchor;
    struct neap_heap_view view;
    struct neap_fault fault;
    uint64_t address;
    heap_image_make(&image, 4096, 0, 1168, 13);
    heap_image_use(&image, 0, 3);
    heap_image_use(&image, 0, 17);
    heap_image_unit(&image, 1)->kind = NEAP_UNIT_RUN;
    for (size_t at = 0; at + 8 <= bytes; at += 8) {
        uint32_t place, value;
        memcpy(&place, data + at, sizeof(place));
        memcpy(&value, data + at + 4, sizeof(value));
        memcpy(image.bytes + place % (image.size - sizeof(value)), &value, sizeof(value));
    }
    const struct neap_memory memory = {.read = heap_image_read, .context = &image};
    if (neap_heap_anchor_find(&memory, HEAP_IMAGE_BASE, HEAP_IMAGE_BASE + image.size, &anchor, &address,
                              &fault) == NEAP_OK) {
        image.read_bytes = 0;
        int result = neap_heap_read(&memory, &anchor, &view, &fault);
        if (image.read_bytes > (uint64_t)NEAP_LAYOUT_REGIONS_MAX * image.size + (1 << 20))
            abort();
        if (result == NEAP_OK && view.rejected_units > view.units)
            abort();
    }
    free(image.bytes);
    return 0;
}
