/* tests/unit/pylayout/python_image.h: the memory of a small CPython, made up, of any version.
 *
 *   BASE  |statics: usedpools, the vector of arenas or its pointer|types ...|   [STATIC_BYTES)
 *         |arena 0: pools|arena 1: pools|                                      POOLS each
 *         |far: blocks too large for pools|
 *
 * Objects are laid out by the version's own table, so that what a test plants is what its decoder is to
 * find. Everything lies in one piece; reads outside of it fail, and all reads are counted.
 */
#ifndef NEAP_TEST_PYTHON_IMAGE_H
#define NEAP_TEST_PYTHON_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include "pylayout/object.h"
#include "pylayout/runtime.h"

enum {
    IMAGE_ARENAS = 2,
    IMAGE_POOLS = 12,             /* in an arena */
    IMAGE_STATIC_BYTES = 1 << 17, /* tables, types */
    IMAGE_FAR_BYTES = 1 << 17,
    IMAGE_USED_POOLS = 4096, /* offsets into the statics */
    IMAGE_VECTOR = 8192,
    IMAGE_TYPES = 16384,
    IMAGE_READY = 1 << 12,
    IMAGE_STATIC_ALIGN = 32,
};
#define IMAGE_BASE UINT64_C(0x7f0000000000)

struct python_image {
    const struct neap_py_version *version;
    unsigned char *bytes;
    size_t size;
    uint64_t read_bytes;
    uint64_t next_static, next_far;
    uint64_t arenas[IMAGE_ARENAS];
    uint32_t pools_made;
    uint64_t pool_of[NEAP_PYMALLOC_CLASSES]; /* the pool that blocks of a size come from */
    uint64_t type, object, str, integer, tuple, list, dict, set; /* types */
    struct neap_py_range range;
};

static inline int image_read(void *context, uint64_t address, void *out, size_t bytes) {
    struct python_image *image = context;
    uint64_t offset = address - IMAGE_BASE;
    image->read_bytes += bytes;
    if (address < IMAGE_BASE || offset > image->size || bytes > image->size - offset)
        return NEAP_ERROR_FORMAT;
    memcpy(out, image->bytes + offset, bytes);
    return NEAP_OK;
}

static inline const void *image_view(void *context, uint64_t address, size_t bytes) {
    struct python_image *image = context;
    uint64_t offset = address - IMAGE_BASE;
    image->read_bytes += bytes;
    if (address < IMAGE_BASE || offset > image->size || bytes > image->size - offset)
        return NULL;
    return image->bytes + offset;
}

static inline struct neap_memory image_memory(struct python_image *image, bool in_place) {
    return (struct neap_memory){image_read, in_place ? image_view : NULL, image};
}

static inline void image_put(struct python_image *image, uint64_t address, uint64_t value, size_t bytes) {
    memcpy(image->bytes + (address - IMAGE_BASE), &value, bytes);
}

static inline void image_word(struct python_image *image, uint64_t address, uint64_t value) {
    image_put(image, address, value, 8);
}

static inline uint64_t image_get(const struct python_image *image, uint64_t address) {
    uint64_t word;
    memcpy(&word, image->bytes + (address - IMAGE_BASE), sizeof(word));
    return word;
}

/* --- memory ------------------------------------------------------------------ */

static inline uint64_t image_static(struct python_image *image, size_t bytes) {
    uint64_t address = IMAGE_BASE + image->next_static;
    image->next_static += (bytes + IMAGE_STATIC_ALIGN - 1) & ~(size_t)(IMAGE_STATIC_ALIGN - 1);
    return image->next_static <= IMAGE_STATIC_BYTES ? address : (abort(), UINT64_C(0));
}

static inline uint64_t image_far(struct python_image *image, size_t bytes) {
    uint64_t address = image->arenas[IMAGE_ARENAS - 1] +
                       (uint64_t)IMAGE_POOLS * (uint64_t)image->version->pool_bytes + image->next_far;
    image->next_far += (bytes + 15) & ~(size_t)15;
    return image->next_far <= IMAGE_FAR_BYTES ? address : (abort(), UINT64_C(0));
}

static inline uint64_t image_text(struct python_image *image, const char *text) {
    uint64_t address = image_static(image, strlen(text) + 1);
    memcpy(image->bytes + (address - IMAGE_BASE), text, strlen(text) + 1);
    return address;
}

static inline uint64_t image_pool_make(struct python_image *image, unsigned size_class) {
    uint32_t number = image->pools_made++;
    if (number >= IMAGE_ARENAS * IMAGE_POOLS)
        abort();
    uint32_t pool_bytes = (uint32_t)image->version->pool_bytes, size = (size_class + 1) * 16;
    uint64_t arena = image->arenas[number / IMAGE_POOLS];
    uint64_t pool = arena + (uint64_t)(number % IMAGE_POOLS) * pool_bytes;
    uint64_t entry = IMAGE_BASE + IMAGE_VECTOR + (uint64_t)(number / IMAGE_POOLS) * NEAP_PY_ARENA_ENTRY;
    uint64_t pair = IMAGE_BASE + IMAGE_USED_POOLS + size_class * 16;
    image_put(image, pool + 32, number / IMAGE_POOLS, 4);
    image_put(image, pool + 36, size_class, 4);
    image_put(image, pool + 40, NEAP_PY_POOL_HEADER, 4);
    image_put(image, pool + 44, pool_bytes - size, 4);
    image_word(image, entry + 8, pool + pool_bytes); /* pool_address */
    image_put(image, entry + 16, image_get(image, entry + 16) - 1, 4);
    image_word(image, pair, pool);
    image_word(image, pair + 8, pool);
    image->pool_of[size_class] = pool;
    return pool;
}

/* A block in use of at least `bytes`, in a pool or far away. */
static inline uint64_t image_block(struct python_image *image, size_t bytes) {
    if (bytes > NEAP_PY_SMALL_MAX)
        return image_far(image, bytes);
    unsigned size_class = bytes == 0 ? 0 : (unsigned)(bytes - 1) / 16;
    uint32_t size = (size_class + 1) * 16, pool_bytes = (uint32_t)image->version->pool_bytes;
    uint64_t pool = image->pool_of[size_class];
    if (pool == 0 || (uint32_t)image_get(image, pool + 40) > pool_bytes - size)
        pool = image_pool_make(image, size_class);
    uint32_t next = (uint32_t)image_get(image, pool + 40);
    image_put(image, pool + 40, next + size, 4);
    image_put(image, pool, (uint32_t)image_get(image, pool) + 1, 4);
    return pool + next;
}

/* Takes a block of a pool back: onto its chain of free blocks. */
static inline void image_free(struct python_image *image, uint64_t block) {
    uint64_t pool = block & ~((uint64_t)image->version->pool_bytes - 1);
    image_word(image, block, image_get(image, pool + 8));
    image_word(image, pool + 8, block);
    image_put(image, pool, (uint32_t)image_get(image, pool) - 1, 4);
}

/* --- objects ------------------------------------------------------------------- */

static inline void image_head(struct python_image *image, uint64_t address, uint64_t type) {
    image_word(image, address, 1);
    image_word(image, address + 8, type);
}

static inline uint64_t image_type(struct python_image *image, const char *name, uint64_t base, uint64_t basic,
                                  uint64_t item, uint64_t flags) {
    uint64_t type = image_static(image, 1024);
    image_head(image, type, image->type ? image->type : type);
    image_word(image, type + NEAP_PY_TP_NAME, image_text(image, name));
    image_word(image, type + NEAP_PY_TP_BASICSIZE, basic);
    image_word(image, type + NEAP_PY_TP_ITEMSIZE, item);
    image_word(image, type + NEAP_PY_TP_FLAGS, flags | IMAGE_READY);
    image_word(image, type + NEAP_PY_TP_BASE, base);
    return type;
}

/* A block for an object of `bytes` behind `prefix` bytes; returns the object's address. */
static inline uint64_t image_object(struct python_image *image, uint64_t type, size_t prefix, size_t bytes) {
    uint64_t address = image_block(image, prefix + bytes) + prefix;
    image_head(image, address, type);
    return address;
}

static inline uint64_t image_str(struct python_image *image, const char *text) {
    size_t length = strlen(text), head = (size_t)image->version->str_ascii_bytes;
    uint64_t address = image_object(image, image->str, 0, head + length + 1);
    image_word(image, address + NEAP_PY_STR_LENGTH, length);
    image_put(image, address + NEAP_PY_STR_STATE,
              (uint64_t)(1 << NEAP_PY_STR_KIND_SHIFT | NEAP_PY_STR_COMPACT | NEAP_PY_STR_ASCII | 0x80), 4);
    memcpy(image->bytes + (address + head - IMAGE_BASE), text, length + 1);
    return address;
}

static inline uint64_t image_tuple(struct python_image *image, const uint64_t *items, size_t count) {
    size_t head = (size_t)image->version->tuple_items;
    uint64_t address = image_object(image, image->tuple, NEAP_PY_GC_HEAD, head + 8 * count);
    image_word(image, address + NEAP_PY_VAR_SIZE, count);
    for (size_t i = 0; i < count; i++)
        image_word(image, address + head + 8 * i, items[i]);
    return address;
}

static inline uint64_t image_list(struct python_image *image, const uint64_t *items, size_t count) {
    uint64_t address = image_object(image, image->list, NEAP_PY_GC_HEAD, 40);
    uint64_t array = count ? image_block(image, 8 * count) : 0;
    image_word(image, address + NEAP_PY_VAR_SIZE, count);
    image_word(image, address + NEAP_PY_LIST_ITEMS, array);
    image_word(image, address + NEAP_PY_LIST_ALLOCATED, count);
    for (size_t i = 0; i < count; i++)
        image_word(image, array + 8 * i, items[i]);
    return address;
}

/* A table of 2^log2 keys, below 2^16, and room for two thirds as many entries. */
static inline uint64_t image_keys_sized(struct python_image *image, const uint64_t *pairs, size_t count,
                                        unsigned log2) {
    const struct neap_py_version *version = image->version;
    size_t entry = version->keys_log2 ? 16 : 24, head = (size_t)version->keys_header;
    unsigned log2_index = log2 < 8 ? log2 : log2 + 1;
    size_t usable = ((size_t)2 << log2) / 3, index = (size_t)1 << log2_index;
    uint64_t keys = image_block(image, head + index + usable * entry);
    image_word(image, keys, 1);
    if (version->keys_log2) {
        image_put(image, keys + 8, log2, 1);
        image_put(image, keys + 9, log2_index, 1);
        image_put(image, keys + 10, 1, 1);
    } else {
        image_word(image, keys + 8, UINT64_C(1) << log2);
    }
    image_word(image, keys + (uint64_t)version->keys_usable, usable - count);
    image_word(image, keys + (uint64_t)version->keys_nentries, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t at = keys + head + index + i * entry + (entry - 16);
        image_word(image, at, pairs[2 * i]);
        image_word(image, at + 8, pairs[2 * i + 1]);
    }
    return keys;
}

/* A table of keys with room for 5 entries, of str keys. */
static inline uint64_t image_keys(struct python_image *image, const uint64_t *pairs, size_t count) {
    return image_keys_sized(image, pairs, count, 3);
}

static inline uint64_t image_dict_sized(struct python_image *image, const uint64_t *pairs, size_t count,
                                        unsigned log2) {
    uint64_t address = image_object(image, image->dict, NEAP_PY_GC_HEAD, NEAP_PY_DICT_BYTES);
    image_word(image, address + NEAP_PY_DICT_USED, count);
    image_word(image, address + NEAP_PY_DICT_KEYS, image_keys_sized(image, pairs, count, log2));
    return address;
}

static inline uint64_t image_dict(struct python_image *image, const uint64_t *pairs, size_t count) {
    return image_dict_sized(image, pairs, count, 3);
}

/* --- the whole --------------------------------------------------------------------- */

static inline void image_make(struct python_image *image, const struct neap_py_version *version) {
    uint64_t pool_bytes = (uint64_t)version->pool_bytes, arena_bytes = IMAGE_POOLS * pool_bytes;
    memset(image, 0, sizeof(*image));
    image->version = version;
    image->size = IMAGE_STATIC_BYTES + IMAGE_ARENAS * (size_t)arena_bytes + IMAGE_FAR_BYTES;
    image->bytes = calloc(1, image->size);
    if (!image->bytes)
        abort();
    image->range = (struct neap_py_range){IMAGE_BASE, IMAGE_BASE + image->size, true, false};
    image->next_static = IMAGE_TYPES;
    for (unsigned k = 0; k < NEAP_PYMALLOC_CLASSES; k++)
        for (unsigned half = 0; half < 16; half += 8)
            image_word(image, IMAGE_BASE + IMAGE_USED_POOLS + 16 * k + half,
                       IMAGE_BASE + IMAGE_USED_POOLS + 16 * k - 16);
    uint64_t vector = IMAGE_BASE + IMAGE_VECTOR;
    for (unsigned i = 0; i < 16; i++) {
        uint64_t entry = vector + i * NEAP_PY_ARENA_ENTRY;
        if (i >= IMAGE_ARENAS) {
            image_word(image, entry + 32, i + 1 < 16 ? entry + NEAP_PY_ARENA_ENTRY : 0);
            continue;
        }
        image->arenas[i] = IMAGE_BASE + IMAGE_STATIC_BYTES + i * arena_bytes;
        image_word(image, entry, image->arenas[i]);
        image_word(image, entry + 8, image->arenas[i]);
        image_put(image, entry + 16, IMAGE_POOLS, 4);
        image_put(image, entry + 20, IMAGE_POOLS, 4);
    }
    uint64_t behind = IMAGE_BASE + IMAGE_USED_POOLS + 512;
    image_word(image, behind, vector);
    image_put(image, behind + 8, 16, 4);
    if (version->arenas_count_from_pools != NEAP_PY_NONE)
        image_word(image, behind - 512 + (uint64_t)version->arenas_count_from_pools, IMAGE_ARENAS);
    const uint64_t gc = NEAP_PY_TPFLAG_GC;
    image->type =
        image_type(image, "type", 0, (uint64_t)version->heap_type_bytes, 40, NEAP_PY_TPFLAG_TYPE | gc);
    image->object = image_type(image, "object", 0, 16, 0, 0);
    image_word(image, image->type + NEAP_PY_TP_BASE, image->object);
    image->str =
        image_type(image, "str", image->object, (uint64_t)version->str_data + 8, 0, NEAP_PY_TPFLAG_STR);
    image->integer = image_type(image, "int", image->object, 24, 4, NEAP_PY_TPFLAG_INT);
    image->tuple = image_type(image, "tuple", image->object, (uint64_t)version->tuple_items, 8,
                              NEAP_PY_TPFLAG_TUPLE | gc);
    image->list = image_type(image, "list", image->object, 40, 0, NEAP_PY_TPFLAG_LIST | gc);
    image->dict = image_type(image, "dict", image->object, 48, 0, NEAP_PY_TPFLAG_DICT | gc);
    image->set = image_type(image, "set", image->object, NEAP_PY_SET_BYTES, 0, gc);
}

#endif
