/* Fuzz target: types, objects and interpreters of a foreign CPython.
 *
 * The input as for fuzz_pymalloc, changes to an image with objects of many kinds and a runtime. Then every
 * word in use is taken for an object's address, and each block for an object: whatever is found is
 * measured, visited and described. Nothing outside the image is touched, and the work is bounded.
 */
#include <stdint.h>

#include "../unit/pylayout/runtime_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum {
    REFERENTS_MOST = 1 << 20,
    INTERPRETER_BYTES = 1 << 14, /* enough for its fields, and quickly looked through */
};

static uint64_t referents;

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

/* One of each, that know each other. */
static void objects_make(struct python_image *image) {
    uint64_t text = image_str(image, "text");
    uint64_t items[] = {text, 0, 0, 0};
    uint64_t pairs[] = {text, text};
    const uint64_t gc = NEAP_PY_TPFLAG_GC, heap = NEAP_PY_TPFLAG_HEAP;
    items[1] = image_list(image, items, 1);
    items[2] = image_dict(image, pairs, 1);
    items[3] = image_tuple(image, items, 3);
    image_list(image, items, 4);
    const char *const names[] = {"float",
                                 "bytearray",
                                 "function",
                                 "code",
                                 "cell",
                                 "method",
                                 "frame",
                                 "generator",
                                 "weakref",
                                 "collections.deque",
                                 "collections.OrderedDict",
                                 "array.array",
                                 "set",
                                 "fast.Opaque",
                                 "bytes"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t flags = strcmp(names[i], "collections.OrderedDict") == 0 ? gc | NEAP_PY_TPFLAG_DICT
                         : strcmp(names[i], "bytes") == 0                 ? NEAP_PY_TPFLAG_BYTES
                                                                          : gc;
        uint64_t type = image_type(image, names[i], image->object, 200, i % 2 ? 8 : 0, flags);
        uint64_t object = image_object(image, type, flags & gc ? NEAP_PY_GC_HEAD : 0, 240);
        for (uint64_t at = 24; at < 200; at += 8)
            image_word(image, object + at, items[at / 8 % 4]);
    }
    uint64_t managed =
        NEAP_PY_TPFLAG_MANAGED_DICT | NEAP_PY_TPFLAG_MANAGED_WEAK | NEAP_PY_TPFLAG_INLINE_VALUES;
    uint64_t type = image_type(image, "Managed", image->object, 16, 0, gc | heap | managed);
    image_word(image, type + (uint64_t)image->version->ht_cached_keys, image_keys(image, pairs, 1));
    uint64_t object = image_object(image, type, NEAP_PY_GC_HEAD + NEAP_PY_MANAGED, 80);
    image_word(image, object + 16, UINT64_C(0x01010105));
    image_word(image, object + 24, text);
}

/* Every word in there taken for the start of an object. */
static void addresses_walk(struct neap_py_lens *lens, uint64_t start, uint64_t end) {
    struct neap_py_object object;
    struct neap_py_measure measure;
    char words[50];
    for (uint64_t at = start; at < end && referents < REFERENTS_MOST; at += 8) {
        if (!neap_py_object_at(lens, at, &object))
            continue;
        neap_py_object_measure(lens, &object, &measure, see_buffer, NULL);
        neap_py_object_visit(lens, &object, see, NULL);
        neap_py_object_describe(lens, &object, true, words, sizeof(words));
    }
}

static void objects_walk(struct neap_py_lens *lens, const struct python_image *image,
                         const struct neap_pymalloc *found) {
    static struct neap_block_batch batch;
    struct neap_block_source source = neap_pymalloc_source(found);
    struct neap_py_object object;
    for (uint32_t i = 0; i < source.holders * IMAGE_POOLS; i++) {
        if (source.batch(source.context, i / IMAGE_POOLS, i % IMAGE_POOLS, &batch) != NEAP_OK)
            continue;
        for (uint32_t k = 0; k < batch.blocks; k++) {
            uint64_t block = neap_block_batch_at(&batch, k);
            if (!(batch.live[k / 64] >> k % 64 & 1))
                continue;
            /* A copy of its own, so that a read beyond the block is seen. */
            unsigned char *bytes = malloc(batch.block_bytes);
            memcpy(bytes, image->bytes + (block - IMAGE_BASE), batch.block_bytes);
            if (neap_py_object_in_block(lens, block, bytes, batch.block_bytes, &object) &&
                (object.block_bytes > batch.block_bytes || object.address < block))
                abort();
            free(bytes);
        }
    }
    uint64_t pools = (uint64_t)image->pools_made * (uint64_t)image->version->pool_bytes;
    addresses_walk(lens, IMAGE_BASE + IMAGE_TYPES, IMAGE_BASE + image->next_static);
    for (uint64_t at = 0; at < pools; at += (uint64_t)image->version->pool_bytes) {
        uint64_t pool = IMAGE_BASE + IMAGE_STATIC_BYTES + at;
        uint64_t end = (uint32_t)image_get(image, pool + 40) % (uint32_t)image->version->pool_bytes;
        addresses_walk(lens, pool, pool + end + 64);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct runtime_image made;
    static struct neap_pymalloc found;
    static struct neap_py_lens lens;
    static struct neap_py_runtime runtime;
    static struct neap_py_version version;
    struct neap_fault fault;
    if (bytes == 0)
        return 0;
    referents = 0;
    version = *neap_py_version_at((data[0] & 0x7f) % neap_py_version_count());
    version.interpreter_bytes = INTERPRETER_BYTES;
    runtime_image_make(&made, &version);
    struct python_image *image = &made.image;
    objects_make(image);
    for (size_t at = 1; at + 8 <= bytes; at += 8) {
        uint32_t place, value;
        memcpy(&place, data + at, sizeof(place));
        memcpy(&value, data + at + 4, sizeof(value));
        image_poke(image, place, value);
    }
    const struct neap_memory memory = image_memory(image, (data[0] & 0x80) != 0);
    if (neap_pymalloc_find(&memory, image->version, &image->range, 1, &found) == NEAP_OK) {
        struct neap_block_source source = neap_pymalloc_source(&found);
        neap_py_types_t *types = neap_py_types_new(&memory, image->version);
        if (types && neap_py_types_root(types, image->type, &source) == NEAP_OK) {
            neap_py_lens_init(&lens, types);
            objects_walk(&lens, image, &found);
            if (neap_py_runtime_read(&lens, made.runtime, &runtime, &fault) == NEAP_OK) {
                neap_py_runtime_roots(&lens, &runtime, see_root, NULL);
                neap_py_interpreter_tracked(&lens, &runtime.interpreters[0], 1000, see_tracked, NULL);
            }
        }
        neap_py_types_delete(types);
    }
    if (image->read_bytes > ((uint64_t)1 << 32))
        abort();
    neap_pymalloc_close(&found);
    free(image->bytes);
    return 0;
}
