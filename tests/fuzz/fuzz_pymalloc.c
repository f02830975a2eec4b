/* Fuzz target: arenas and pools of a foreign CPython.
 *
 * Changes (change.h) to an image with some dozens of blocks; the first byte chooses the version and, by
 * its highest bit, whether memory is read in place. Whatever comes of it, nothing outside the image is
 * touched, the work is bounded, and each pool's count is that of its live blocks.
 */
#include <stdint.h>

#include "../unit/pylayout/python_image.h"
#include "change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { VERSIONS = 16, READS_MOST = 64 /* times the size of the image */ };

static struct target {
    struct python_image image;
    struct change_image changes;
} targets[VERSIONS];

static struct target *target_of(uint8_t how) {
    size_t number = (how & 0x7f) % neap_py_version_count();
    struct target *target = &targets[number];
    struct python_image *image = &target->image;
    if (image->bytes)
        return target;
    image_make(image, neap_py_version_at(number));
    for (size_t i = 0; i < 60; i++) {
        uint64_t block = image_block(image, 16 * (1 + i % 7));
        if (i % 3 == 0)
            image_free(image, block);
    }
    target->changes = change_image_of(image->bytes, image->size, IMAGE_BASE);
    return target;
}

const struct change_image *fuzz_image(uint8_t how) {
    return &target_of(how)->changes;
}

static void pools_check(const struct neap_pymalloc *found) {
    static struct neap_block_batch batch;
    struct neap_block_source source = neap_pymalloc_source(found);
    for (uint32_t holder = 0; holder < source.holders; holder++) {
        struct neap_block_holder about;
        if (source.holder(source.context, holder, &about) != NEAP_OK)
            abort();
        for (uint32_t i = 0; i < about.batches; i++) {
            uint32_t live = 0;
            if (source.batch(source.context, holder, i, &batch) != NEAP_OK)
                continue;
            for (uint32_t k = 0; k < batch.blocks; k++)
                live += (uint32_t)(batch.live[k / 64] >> k % 64 & 1);
            if (live != batch.used)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct neap_pymalloc found;
    struct neap_pymalloc_stats stats;
    if (bytes == 0)
        return 0;
    struct target *target = target_of(data[0]);
    struct python_image *image = &target->image;
    image->read_bytes = 0;
    change_make(&target->changes, data, bytes);
    const struct neap_memory memory = image_memory(image, (data[0] & 0x80) != 0);
    if (neap_pymalloc_find(&memory, image->version, &image->range, 1, &found) == NEAP_OK) {
        pools_check(&found);
        neap_pymalloc_sum(&found, -1, &stats);
    }
    if (image->read_bytes > READS_MOST * image->size)
        abort();
    neap_pymalloc_close(&found);
    change_undo(&target->changes);
    return 0;
}
