/* pylayout/type.c: a cache of types by address, which decodes them at their first use. */
#include "pylayout/type.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/array.h"
#include "pylayout/reading.h"
#include "pylayout/text.h"
#include "pylayout/type_decode.h"

enum {
    TABLE_FIRST = 1 << 10, /* slots */
    DEPTH_MOST = 100,      /* longest chain of bases and metatypes */
    META_DEPTH_MOST = 8,
    BYTES_MOST = 512 << 20, /* for all types of one target */
    ROOT_BLOCKS = 20000,    /* blocks that are tried to find `type` from the type of an object */
};

/* An entry whose type is NULL is an address that looked like a type and is not one. */
struct slot {
    uint64_t address; /* 0: unused */
    struct neap_py_type *type;
};

struct neap_py_types {
    const struct neap_memory *memory;
    const struct neap_py_version *version;
    struct neap_block_source blocks;
    uint64_t root; /* address of `type`, 0 until found */
    pthread_mutex_t lock;
    struct slot *slots; /* open addressing, a power of two of them, at most half full */
    size_t slot_count, slots_used;
    struct neap_py_type **by_index;
    uint32_t count, room;
    size_t bytes;
};

neap_py_types_t *neap_py_types_new(const struct neap_memory *memory, const struct neap_py_version *version) {
    neap_py_types_t *types = calloc(1, sizeof(*types));
    if (!types)
        return NULL;
    types->memory = memory;
    types->version = version;
    types->slot_count = TABLE_FIRST;
    types->slots = calloc(types->slot_count, sizeof(*types->slots));
    if (!types->slots || pthread_mutex_init(&types->lock, NULL) != 0) {
        free(types->slots);
        free(types);
        return NULL;
    }
    return types;
}

void neap_py_types_delete(neap_py_types_t *types) {
    if (!types)
        return;
    for (uint32_t i = 0; i < types->count; i++)
        neap__py_type_delete(types->by_index[i]);
    pthread_mutex_destroy(&types->lock);
    free(types->by_index);
    free(types->slots);
    free(types);
}

/* --- the table --------------------------------------------------------------- */

static struct slot *slot_of(struct slot *slots, size_t count, uint64_t address) {
    size_t at = (size_t)((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (count - 1);
    while (slots[at].address != 0 && slots[at].address != address)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool table_grow(neap_py_types_t *types) {
    size_t count = 2 * types->slot_count;
    struct slot *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < types->slot_count; i++)
        if (types->slots[i].address)
            *slot_of(slots, count, types->slots[i].address) = types->slots[i];
    free(types->slots);
    types->slots = slots;
    types->slot_count = count;
    return true;
}

/* Caches a result, `type` or NULL, if there is room. */
static void table_put(neap_py_types_t *types, uint64_t address, struct neap_py_type *type) {
    if (2 * (types->slots_used + 1) > types->slot_count &&
        (types->slot_count >= 4 * (size_t)NEAP_PY_TYPES_MAX || !table_grow(types)))
        return;
    struct slot *slot = slot_of(types->slots, types->slot_count, address);
    types->slots_used += slot->address == 0;
    *slot = (struct slot){address, type};
}

/* --- meeting one --------------------------------------------------------------- */

static struct neap_py_type *meet(neap_py_types_t *types, uint64_t address, unsigned depth,
                                 unsigned meta_depth);

static struct neap_py_type *decode(neap_py_types_t *types, const struct neap__py_type_words *words,
                                   unsigned depth, unsigned meta_depth) {
    const struct neap_py_type *base = NULL, *metatype = NULL;
    if (words->metatype == types->root) /* not known yet while `type` itself and its base are being decoded */
        metatype = slot_of(types->slots, types->slot_count, types->root)->type;
    else {
        metatype = meet(types, words->metatype, depth + 1, meta_depth + 1);
        if (!metatype || !(metatype->tp_flags & NEAP_PY_TPFLAG_TYPE))
            return NULL;
    }
    if (words->base != 0) {
        base = meet(types, words->base, depth + 1, meta_depth);
        if (!base)
            return NULL;
    }
    if (types->bytes > BYTES_MOST || types->count >= NEAP_PY_TYPES_MAX ||
        !NEAP_ARRAY_RESERVE(types->by_index, types->room, types->count + 1))
        return NULL;
    struct neap_py_type *type =
        neap__py_type_decode(types->memory, types->version, words, base, metatype, &types->bytes);
    if (type) {
        type->index = types->count;
        types->by_index[types->count++] = type;
    }
    return type;
}

/* The lock is held. Pointers that are not types are not cached, because there are too many. */
static struct neap_py_type *meet(neap_py_types_t *types, uint64_t address, unsigned depth,
                                 unsigned meta_depth) {
    struct neap__py_type_words words;
    struct slot *slot = slot_of(types->slots, types->slot_count, address);
    if (address == 0 || slot->address == address)
        return slot->type;
    if (depth > DEPTH_MOST || meta_depth > META_DEPTH_MOST ||
        !neap__py_type_words_read(types->memory, types->version, address, &words))
        return NULL;
    if (words.metatype != types->root && address != types->root) {
        const struct neap_py_type *metatype = meet(types, words.metatype, depth + 1, meta_depth + 1);
        if (!metatype || !(metatype->tp_flags & NEAP_PY_TPFLAG_TYPE))
            return NULL;
    }
    struct neap_py_type *type = decode(types, &words, depth, meta_depth);
    table_put(types, address, type);
    return type;
}

void neap_py_lens_init(struct neap_py_lens *lens, neap_py_types_t *types) {
    memset(lens, 0, sizeof(*lens));
    lens->types = types;
    lens->memory = types->memory;
    lens->version = types->version;
}

/* Most addresses here are not types but words of buffers. They are rejected without the lock if possible:
 * a type does not lie in a pool, and its own type must be one whose objects are types. */
static bool may_be_type(struct neap_py_lens *lens, uint64_t address) {
    const neap_py_types_t *types = lens->types;
    uint64_t metatype;
    uint32_t holder, batch;
    if (address % NEAP_PY_WORD != 0 || address < 4096 || address >> 56 != 0)
        return false;
    if (types->blocks.find && types->blocks.block_bytes_max != 0 &&
        types->blocks.block_bytes_max < (uint32_t)types->version->heap_type_bytes &&
        types->blocks.find(types->blocks.context, address, &holder, &batch))
        return false;
    if (!neap__py_word(types->memory, address + NEAP_PY_OBJECT_TYPE, &metatype) ||
        metatype % NEAP_PY_WORD != 0 || metatype < 4096)
        return false;
    uint64_t slot = neap__py_front_slot(metatype);
    return lens->front[slot].address != metatype || (lens->front[slot].type->tp_flags & NEAP_PY_TPFLAG_TYPE);
}

const struct neap_py_type *neap__py_type_meet(struct neap_py_lens *lens, uint64_t address) {
    neap_py_types_t *types = lens->types;
    if (!may_be_type(lens, address))
        return NULL;
    pthread_mutex_lock(&types->lock);
    const struct neap_py_type *type = types->root ? meet(types, address, 0, 0) : NULL;
    pthread_mutex_unlock(&types->lock);
    if (type) {
        uint64_t slot = neap__py_front_slot(address);
        lens->front[slot].address = address;
        lens->front[slot].type = type;
    }
    return type;
}

/* --- the first: `type` ----------------------------------------------------------- */

/* Climbs from an object or a type to the type whose type is itself. */
static bool root_from(neap_py_types_t *types, uint64_t object) {
    for (unsigned step = 0; step < META_DEPTH_MOST; step++) {
        struct neap__py_type_words words;
        char name[NEAP_PY_NAME_MAX];
        uint64_t type;
        if (object % NEAP_PY_WORD != 0 || object < 4096 ||
            !neap__py_word(types->memory, object + NEAP_PY_OBJECT_TYPE, &type) || type % NEAP_PY_WORD != 0)
            return false;
        if (type != object) {
            object = type;
            continue;
        }
        if (!neap__py_type_words_read(types->memory, types->version, object, &words) ||
            !(words.tp_flags & NEAP_PY_TPFLAG_TYPE) || (words.tp_flags & NEAP_PY_TPFLAG_HEAP) ||
            !neap__py_text_c(types->memory, words.name, name, sizeof(name)) || strcmp(name, "type") != 0)
            return false;
        types->root = object;
        types->root = meet(types, object, 0, 0) ? object : 0;
        return types->root != 0;
    }
    return false;
}

/* The object may begin behind a GC head and managed words. */
static bool root_from_blocks(neap_py_types_t *types, const struct neap_block_source *blocks) {
    struct neap_block_batch *batch = malloc(sizeof(*batch));
    unsigned tried = 0;
    for (uint32_t holder = 0; batch && holder < blocks->holders && tried < ROOT_BLOCKS && !types->root;
         holder++) {
        struct neap_block_holder about;
        if (blocks->holder(blocks->context, holder, &about) != NEAP_OK)
            continue;
        for (uint32_t i = 0; i < about.batches && tried < ROOT_BLOCKS && !types->root; i++) {
            if (blocks->batch(blocks->context, holder, i, batch) != NEAP_OK)
                continue;
            for (uint32_t k = 0; k < batch->blocks && k < 64 && !types->root; k++)
                for (uint64_t prefix = 0; prefix <= NEAP_PY_GC_HEAD + NEAP_PY_MANAGED && !types->root;
                     prefix += NEAP_PY_GC_HEAD)
                    if ((batch->live[k / 64] >> k % 64 & 1) &&
                        batch->block_bytes > prefix + NEAP_PY_OBJECT_BYTES)
                        root_from(types, neap_block_batch_at(batch, k) + prefix);
            tried += 64;
        }
    }
    free(batch);
    return types->root != 0;
}

int neap_py_types_root(neap_py_types_t *types, uint64_t hint, const struct neap_block_source *blocks) {
    pthread_mutex_lock(&types->lock);
    if (blocks)
        types->blocks = *blocks;
    bool found =
        types->root || (hint && root_from(types, hint)) || (blocks && root_from_blocks(types, blocks));
    pthread_mutex_unlock(&types->lock);
    return found ? NEAP_OK : NEAP_ERROR_ABSENT;
}

uint32_t neap_py_types_count(neap_py_types_t *types) {
    pthread_mutex_lock(&types->lock);
    uint32_t count = types->count;
    pthread_mutex_unlock(&types->lock);
    return count;
}

const struct neap_py_type *neap_py_types_at(neap_py_types_t *types, uint32_t index) {
    pthread_mutex_lock(&types->lock);
    const struct neap_py_type *type = index < types->count ? types->by_index[index] : NULL;
    pthread_mutex_unlock(&types->lock);
    return type;
}
