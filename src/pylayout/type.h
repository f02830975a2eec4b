/* pylayout/type.h: decodes type objects of the target once and caches them.
 *
 *   ob_type --> front[] of a lens (one per thread, a few ns) --> types (shared, locked)
 *                                                         --> the target's memory, once per type
 *
 * A pointer is a type if its own type is one, which leads in a few steps to `type`, whose
 * type is `type` itself, and if each of its figures is in range. Names are bounded, and
 * control characters are removed. A struct neap_py_type is never changed or moved, and
 * lives as long as the neap_py_types_t that it belongs to.
 */
#ifndef NEAP_PYLAYOUT_TYPE_H
#define NEAP_PYLAYOUT_TYPE_H

#include "pylayout/pymalloc.h"

enum {
    NEAP_PY_TYPES_MAX = 1 << 20, /* further types are treated as opaque memory */
    NEAP_PY_NAME_MAX = 200,      /* bytes of a name, with the terminator */
    NEAP_PY_MEMBERS_MAX = 256,   /* slots and members of a type that are known by name */
    NEAP_PY_FRONT = 1 << 10,
    NEAP_PY_LOOSE_MAX = 1 << 28, /* see struct neap_py_lens */
};

/* Which layout the objects of a type have. A subclass has the kind of its built-in base type. */
enum neap_py_kind {
    NEAP_PY_OPAQUE, /* extension type: words are scanned conservatively */
    NEAP_PY_PLAIN,  /* object and classes written in Python: dict and slots only */
    NEAP_PY_INT,
    NEAP_PY_FLOAT,
    NEAP_PY_COMPLEX,
    NEAP_PY_STR,
    NEAP_PY_BYTES,
    NEAP_PY_BYTEARRAY,
    NEAP_PY_TUPLE,
    NEAP_PY_LIST,
    NEAP_PY_DICT,
    NEAP_PY_SET, /* and frozenset */
    NEAP_PY_TYPE,
    NEAP_PY_MODULE,
    NEAP_PY_FUNCTION,
    NEAP_PY_CODE,
    NEAP_PY_CELL,
    NEAP_PY_METHOD,
    NEAP_PY_CFUNCTION,
    NEAP_PY_FRAME,
    NEAP_PY_GENERATOR, /* and coroutine, async generator */
    NEAP_PY_WEAKREF,
    NEAP_PY_DEQUE,
    NEAP_PY_ODICT,
    NEAP_PY_ARRAY, /* array.array */
    NEAP_PY_KINDS
};

enum neap_py_type_flag {
    NEAP_PY_TYPE_GC = 1u << 0,            /* objects have a GC head */
    NEAP_PY_TYPE_HEAP = 1u << 1,          /* made at run time: by a class statement or a type spec */
    NEAP_PY_TYPE_MANAGED_DICT = 1u << 2,  /* dict or values in front of the object */
    NEAP_PY_TYPE_MANAGED_WEAK = 1u << 3,  /* weakref list in front of the object */
    NEAP_PY_TYPE_INLINE_VALUES = 1u << 4, /* attributes behind the object */
    NEAP_PY_TYPE_BUILTIN = 1u << 5,       /* a built-in type itself, not a subclass */
    NEAP_PY_TYPE_EXACT = 1u << 6,         /* all referents are known without scanning words */
};

struct neap_py_member {
    uint32_t offset; /* of the pointer in the object */
    const char *name;
};

struct neap_py_type {
    uint64_t address;
    uint32_t index;       /* 0, 1, 2, ... in the order of decoding; for tables by type */
    uint8_t kind;         /* enum neap_py_kind */
    uint8_t prefix_bytes; /* of GC head and managed words, between block and object */
    uint16_t flags;       /* enum neap_py_type_flag */
    uint64_t tp_flags;
    uint32_t basic_bytes, item_bytes;
    int32_t dict_offset; /* tp_dictoffset; 0: none */
    uint32_t weaklist_offset;
    uint64_t cached_keys; /* ht_cached_keys: names of managed and inline attributes; 0: none */
    uint32_t known_bytes; /* bytes of the object that the decoder of its kind reads; members, words follow */
    uint32_t member_count;
    const struct neap_py_member *members; /* slots and object members, by offset */
    const struct neap_py_type *base;      /* NULL for object */
    const struct neap_py_type *metatype;  /* NULL for `type` and `object`: `type` */
    const char *name;                     /* "dict", "app.cache.Entry" */
    const char *module;                   /* "builtins", "app.cache"; "" if unknown */
};

typedef struct neap_py_types neap_py_types_t;

/* NULL if there is no memory. */
neap_py_types_t *neap_py_types_new(const struct neap_memory *memory, const struct neap_py_version *version);
void neap_py_types_delete(neap_py_types_t *types);

/* Finds `type`, from `hint` (address of PyType_Type or of any object; 0 if unknown) or else through the
 * blocks of `blocks`. Call it before any lookup. NEAP_ERROR_ABSENT if no block has a type. */
int neap_py_types_root(neap_py_types_t *types, uint64_t hint, const struct neap_block_source *blocks);

/* The number of types decoded so far, and a type by its index; any thread. */
uint32_t neap_py_types_count(neap_py_types_t *types);
const struct neap_py_type *neap_py_types_at(neap_py_types_t *types, uint32_t index);

/* What one thread needs to read objects of the target. neap_py_lens_init sets it up. */
struct neap_py_lens {
    neap_py_types_t *types;
    const struct neap_memory *memory;
    const struct neap_py_version *version;
    struct {
        uint64_t address;
        const struct neap_py_type *type; /* with an address, never NULL */
    } front[NEAP_PY_FRONT];
    uint64_t rejected; /* structures that contradicted themselves, read through this lens */
    /* Counts links of chains, words of frames and names of a search. The size of a block does not bound
     * these, and a few bytes can claim them again and again. After NEAP_PY_LOOSE_MAX of them, further ones
     * count as contradictions. */
    uint64_t loose;
};

/* Adds `count` to `loose`; whether the bound is not reached yet. */
static inline bool neap__py_loose_take(struct neap_py_lens *lens, uint64_t count) {
    lens->loose += count <= NEAP_PY_LOOSE_MAX - lens->loose ? count : NEAP_PY_LOOSE_MAX - lens->loose;
    return lens->loose < NEAP_PY_LOOSE_MAX;
}

void neap_py_lens_init(struct neap_py_lens *lens, neap_py_types_t *types);

/* The slow path of neap_py_type_of. */
const struct neap_py_type *neap__py_type_meet(struct neap_py_lens *lens, uint64_t address);

static inline uint64_t neap__py_front_slot(uint64_t address) {
    return (address >> 4 ^ address >> 14) % NEAP_PY_FRONT;
}

/* The type at `address`; NULL if there is none. */
static inline const struct neap_py_type *neap_py_type_of(struct neap_py_lens *lens, uint64_t address) {
    uint64_t slot = neap__py_front_slot(address);
    if (lens->front[slot].address == address)
        return lens->front[slot].type;
    return neap__py_type_meet(lens, address);
}

#endif
