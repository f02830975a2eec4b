/* Fuzz target: types, objects and interpreters of a foreign CPython.
 *
 * Changes (change.h) to an image with objects of every kind and a runtime; the first byte as for
 * fuzz_pymalloc. Then every place in use is taken for an object's address, and each block for an object:
 * whatever is found is measured, visited and described. Nothing outside the image is touched, and the work
 * is bounded.
 */
#include <stdint.h>

#include "../unit/pylayout/python_objects.h"
#include "change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum {
    REFERENTS_MOST = 1 << 18,
    READS_MOST = 1 << 10, /* times the size of the image */
};

static struct target {
    struct runtime_image *made;
    struct change_image changes;
} targets[OBJECTS_VERSIONS];

static uint64_t referents;

static struct target *target_of(uint8_t how) {
    size_t number = (how & 0x7f) % neap_py_version_count();
    struct target *target = &targets[number];
    if (!target->made) {
        target->made = objects_image(number, false);
        const struct python_image *image = &target->made->image;
        target->changes = change_image_of(image->bytes, image->size, IMAGE_BASE);
    }
    return target;
}

const struct change_image *fuzz_image(uint8_t how) {
    return &target_of(how)->changes;
}

static bool see(void *context, const struct neap_py_referent *referent) {
    (void)context;
    return referent->address != 0 && ++referents < REFERENTS_MOST;
}

static void see_buffer(void *context, const struct neap_py_buffer *buffer) {
    (void)context;
    referents += buffer->bytes == 0;
}

static bool see_root(void *context, const struct neap_py_root *root) {
    (void)context;
    return root->object != 0;
}

static bool see_tracked(void *context, uint64_t object) {
    (void)context;
    return object != 0;
}

/* Every place where something may begin in there taken for the start of an object. */
static void addresses_walk(struct neap_py_lens *lens, uint64_t start, uint64_t end, uint64_t step) {
    struct neap_py_object object;
    struct neap_py_measure measure;
    char words[50];
    for (uint64_t at = start; at < end && referents < REFERENTS_MOST; at += step) {
        if (!neap_py_object_at(lens, at, &object))
            continue;
        neap_py_object_measure(lens, &object, &measure, see_buffer, NULL);
        neap_py_object_visit(lens, &object, see, NULL);
        neap_py_object_describe(lens, &object, true, words, sizeof(words));
    }
}

static void blocks_walk(struct neap_py_lens *lens, const struct python_image *image,
                        const struct neap_pymalloc *found) {
    static struct neap_block_batch batch;
    static unsigned char room[NEAP_PY_SMALL_MAX];
    struct neap_block_source source = neap_pymalloc_source(found);
    struct neap_py_object object;
    for (uint32_t i = 0; i < source.holders * IMAGE_POOLS; i++) {
        if (source.batch(source.context, i / IMAGE_POOLS, i % IMAGE_POOLS, &batch) != NEAP_OK)
            continue;
        /* Moved up to the end, so that a read beyond the block is seen. */
        unsigned char *bytes = room + sizeof(room) - batch.block_bytes;
        for (uint32_t k = 0; k < batch.blocks; k++) {
            uint64_t block = neap_block_batch_at(&batch, k);
            if (!(batch.live[k / 64] >> k % 64 & 1))
                continue;
            memcpy(bytes, image->bytes + (block - IMAGE_BASE), batch.block_bytes);
            if (neap_py_object_in_block(lens, block, bytes, batch.block_bytes, &object) &&
                (object.block_bytes > batch.block_bytes || object.address < block))
                abort();
        }
    }
}

static void objects_walk(struct neap_py_lens *lens, const struct python_image *image) {
    uint64_t pool_bytes = (uint64_t)image->version->pool_bytes;
    addresses_walk(lens, IMAGE_BASE + IMAGE_TYPES, IMAGE_BASE + image->next_static, IMAGE_STATIC_ALIGN);
    for (uint64_t i = 0; i < image->pools_made; i++) {
        uint64_t pool = IMAGE_BASE + IMAGE_STATIC_BYTES + i * pool_bytes;
        uint64_t end = (uint32_t)image_get(image, pool + 40) % pool_bytes;
        addresses_walk(lens, pool, pool + end + 64, NEAP_PY_GC_HEAD);
    }
}

static void look(const struct neap_memory *memory, struct runtime_image *made,
                 const struct neap_pymalloc *found) {
    static struct neap_py_lens lens;
    static struct neap_py_runtime runtime;
    struct neap_fault fault;
    struct neap_block_source source = neap_pymalloc_source(found);
    neap_py_types_t *types = neap_py_types_new(memory, made->image.version);
    if (types && neap_py_types_root(types, made->image.type, &source) == NEAP_OK) {
        neap_py_lens_init(&lens, types);
        blocks_walk(&lens, &made->image, found);
        objects_walk(&lens, &made->image);
        if (neap_py_runtime_read(&lens, made->runtime, &runtime, &fault) == NEAP_OK) {
            neap_py_runtime_roots(&lens, &runtime, see_root, NULL);
            neap_py_interpreter_tracked(&lens, &runtime.interpreters[0], 1000, see_tracked, NULL);
        }
    }
    neap_py_types_delete(types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct neap_pymalloc found;
    if (bytes == 0)
        return 0;
    struct target *target = target_of(data[0]);
    struct python_image *image = &target->made->image;
    referents = image->read_bytes = 0;
    change_make(&target->changes, data, bytes);
    const struct neap_memory memory = image_memory(image, (data[0] & 0x80) != 0);
    if (neap_pymalloc_find(&memory, image->version, &image->range, 1, &found) == NEAP_OK)
        look(&memory, target->made, &found);
    if (image->read_bytes > READS_MOST * image->size)
        abort();
    neap_pymalloc_close(&found);
    change_undo(&target->changes);
    return 0;
}
