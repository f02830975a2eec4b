/* Fuzz target: arenas and pools of a foreign CPython.
 *
 * The first byte chooses the version; the rest is a list of changes to a sound image, 8 bytes each: where
 * (32 bits, see image_poke) and what (32 bits, put there). Whatever comes of it, nothing outside
 * the image is touched, the work is bounded, and each pool's count is that of its live blocks.
 */
#include <stdint.h>

#include "../unit/pylayout/python_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

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
    static struct python_image image;
    static struct neap_pymalloc found;
    struct neap_pymalloc_stats stats;
    if (bytes == 0)
        return 0;
    image_make(&image, neap_py_version_at((data[0] & 0x7f) % neap_py_version_count()));
    for (size_t i = 0; i < 60; i++) {
        uint64_t block = image_block(&image, 16 * (1 + i % 7));
        if (i % 3 == 0)
            image_free(&image, block);
    }
    for (size_t at = 1; at + 8 <= bytes; at += 8) {
        uint32_t place, value;
        memcpy(&place, data + at, sizeof(place));
        memcpy(&value, data + at + 4, sizeof(value));
        image_poke(&image, place, value);
    }
    const struct neap_memory memory = image_memory(&image, (data[0] & 0x80) != 0);
    if (neap_pymalloc_find(&memory, image.version, &image.range, 1, &found) == NEAP_OK) {
        pools_check(&found);
        neap_pymalloc_sum(&found, -1, &stats);
    }
    if (image.read_bytes > ((uint64_t)1 << 28))
        abort();
    neap_pymalloc_close(&found);
    free(image.bytes);
    return 0;
}
