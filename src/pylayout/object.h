/* pylayout/object.h: one object: what it is, what it owns, what it refers to.
 *
 *   block:  |prefix: managed words, GC head|refcount, type|fields|items or inline values|slack|
 *                                          '- object.address
 *
 * Three questions, asked apart since they cost differently: `at` looks at the
 * block only; `measure` also at what the object owns elsewhere (a dict's tables);
 * `visit` at whatever it refers to. All work is bounded by the sizes that the
 * target claims, and those by what can be read: an object that contradicts
 * itself is NEAP_ERROR_FORMAT and counted in the lens. Nothing is allocated.
 * Referents may be any address: classify them before use. Threads: a lens each.
 */
#ifndef NEAP_PYLAYOUT_OBJECT_H
#define NEAP_PYLAYOUT_OBJECT_H

#include "pylayout/type.h"

enum neap_py_object_flag {
    NEAP_PY_OBJECT_PARKED = 1u << 0,   /* refcount 0: kept on a free list for reuse */
    NEAP_PY_OBJECT_IMMORTAL = 1u << 1, /* never freed, by its refcount */
    NEAP_PY_OBJECT_STATIC = 1u << 2,   /* a static type: it has no GC head */
};

struct neap_py_object {
    uint64_t address; /* of ob_refcnt: what id() tells */
    const struct neap_py_type *type;
    uint64_t refcount;
    uint64_t items;        /* ob_size or what stands for it, 0 where there is none */
    uint64_t block_bytes;  /* that it needs of its block, prefix included */
    uint32_t inline_bytes; /* of these, for attributes behind the object */
    uint32_t flags;        /* enum neap_py_object_flag */
};

/* The object in a block of a batch, whose bytes are in place at `bytes`. False if the block holds
 * none: a buffer, or an object of a type that is none. Fast: one cached look-up, no reading. */
bool neap_py_object_in_block(struct neap_py_lens *lens, uint64_t block, const void *bytes,
                             uint32_t block_bytes, struct neap_py_object *object);

/* The object at `address` (of its refcount), wherever it lies; false if there is none. */
bool neap_py_object_at(struct neap_py_lens *lens, uint64_t address, struct neap_py_object *object);

/* --- what it owns ------------------------------------------------------ */

enum neap_py_buffer_kind {
    NEAP_PY_BUFFER_KEYS,    /* a dict's table of keys */
    NEAP_PY_BUFFER_VALUES,  /* instance values apart from the object */
    NEAP_PY_BUFFER_ITEMS,   /* a list's array */
    NEAP_PY_BUFFER_TABLE,   /* a set's table */
    NEAP_PY_BUFFER_STORAGE, /* of bytearray, array.array */
    NEAP_PY_BUFFER_TEXT,    /* characters apart from the str, its UTF-8 and wchar_t copies */
    NEAP_PY_BUFFER_CHAIN,   /* one link of many: a deque's blocks, an OrderedDict's nodes */
    NEAP_PY_BUFFER_FRAME,   /* of an interpreter's frames, code's extras and caches */
    NEAP_PY_BUFFER_OTHER,
};

struct neap_py_buffer {
    uint64_t address; /* as allocated: the start of a block */
    uint64_t bytes;   /* as asked for */
    uint8_t kind;     /* enum neap_py_buffer_kind */
    bool shared;      /* several objects own it: keys of instances of one class */
};

typedef void neap_py_buffer_visit(void *context, const struct neap_py_buffer *buffer);

struct neap_py_measure {
    uint64_t sizeof_bytes; /* what sys.getsizeof tells */
    uint64_t own_bytes;    /* that go with the object: its block's part and unshared buffers */
};

/* NEAP_ERROR_FORMAT if it contradicts itself (the measure is then of the block alone). `visit` may
 * be NULL. */
int neap_py_object_measure(struct neap_py_lens *lens, const struct neap_py_object *object,
                           struct neap_py_measure *measure, neap_py_buffer_visit *visit, void *context);

/* --- what it refers to ------------------------------------------------- */

enum neap_py_edge {
    NEAP_PY_EDGE_TYPE,      /* its type, for types made at run time */
    NEAP_PY_EDGE_DICT,      /* its __dict__ */
    NEAP_PY_EDGE_ATTRIBUTE, /* an attribute: `key` is the str object that names it */
    NEAP_PY_EDGE_MEMBER,    /* a slot or a field: `name` */
    NEAP_PY_EDGE_KEY,       /* a key of a dict or a member of a set */
    NEAP_PY_EDGE_VALUE,     /* a dict's value, `key` the object that is its key */
    NEAP_PY_EDGE_INDEX,     /* an item, `index` */
    NEAP_PY_EDGE_CLOSURE,   /* a function's cell, a cell's content */
    NEAP_PY_EDGE_LOCAL,     /* a frame's local, `index` in its code's names; `key` the name if at hand */
    NEAP_PY_EDGE_WORD,      /* a word of opaque memory at offset `index`: it may be no reference at all */
};

struct neap_py_referent {
    uint64_t address;
    uint64_t key; /* see the edges; 0 none */
    uint64_t index;
    const char *name; /* static, or of the type; NULL none */
    uint8_t edge;     /* enum neap_py_edge */
    bool exact;       /* false: found by scanning words */
};

/* False ends the walk. */
typedef bool neap_py_referent_visit(void *context, const struct neap_py_referent *referent);

/* Every referent that is not NULL, in the order of memory. NEAP_ERROR_FORMAT if the object contradicts
 * itself; what was visited until then stands. */
int neap_py_object_visit(struct neap_py_lens *lens, const struct neap_py_object *object,
                         neap_py_referent_visit *visit, void *context);

/* --- what to say of it ------------------------------------------------- */

/* A few words on it in `out`: "str, 1,204 characters"; with `contents`, what it holds too, shortened and
 * cleaned: "str 'spam'". At most `room` bytes, always terminated. */
void neap_py_object_describe(struct neap_py_lens *lens, const struct neap_py_object *object, bool contents,
                             char *out, size_t room);

/* The text of a str object in UTF-8, shortened to `room` and cleaned; false if it is none. */
bool neap_py_object_text(struct neap_py_lens *lens, uint64_t address, char *out, size_t room);

#endif
