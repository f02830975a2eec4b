/* pylayout/object.h: decodes one object: its type and size, its buffers, its references.
 *
 *   block:  |prefix: managed words, GC head|refcount, type|fields|items or inline values|slack|
 *                                          '- object.address
 *
 * There are three functions because their costs differ: `at` reads the block only,
 * `measure` also the buffers that the object owns (a dict's tables), and `visit` its
 * references. The work is bounded by the sizes that the target claims, and these
 * must lie in readable memory. An object that contradicts itself gives
 * NEAP_ERROR_FORMAT and is counted in the lens. Nothing is allocated. A referent may
 * be any address; classify it before use. Threads: each needs a lens of its own.
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
    uint64_t address; /* of ob_refcnt, as id() returns it */
    const struct neap_py_type *type;
    uint64_t refcount;
    uint64_t items;        /* ob_size or its equivalent; 0 if there is none */
    uint64_t block_bytes;  /* bytes of its block that it needs, with the prefix */
    uint32_t inline_bytes; /* the part of block_bytes for attributes behind the object */
    uint32_t flags;        /* enum neap_py_object_flag */
};

/* Decodes the object in a block of a batch, whose contents are at `bytes`. False if the block holds no
 * object: it is a buffer, or its type is not one. Fast: it makes one cached lookup and reads nothing. */
bool neap_py_object_in_block(struct neap_py_lens *lens, uint64_t block, const void *bytes,
                             uint32_t block_bytes, struct neap_py_object *object);

/* Decodes the object at `address` (of its refcount), anywhere in memory; false if there is none. */
bool neap_py_object_at(struct neap_py_lens *lens, uint64_t address, struct neap_py_object *object);

/* --- buffers ----------------------------------------------------------- */

enum neap_py_buffer_kind {
    NEAP_PY_BUFFER_KEYS,    /* the table of keys of a dict */
    NEAP_PY_BUFFER_VALUES,  /* instance values in a block of their own */
    NEAP_PY_BUFFER_ITEMS,   /* the array of a list */
    NEAP_PY_BUFFER_TABLE,   /* the table of a set */
    NEAP_PY_BUFFER_STORAGE, /* of a bytearray or array.array */
    NEAP_PY_BUFFER_TEXT,    /* characters of a str in a block of their own; UTF-8 and wchar_t copies */
    NEAP_PY_BUFFER_CHAIN,   /* a link of a chain: a deque's blocks, an OrderedDict's nodes */
    NEAP_PY_BUFFER_FRAME,   /* of frames of the interpreter; extras and caches of code */
    NEAP_PY_BUFFER_OTHER,
};

struct neap_py_buffer {
    uint64_t address; /* start of the allocated block */
    uint64_t bytes;   /* as asked for */
    uint8_t kind;     /* enum neap_py_buffer_kind */
    bool shared;      /* several objects own it, as the keys of instances of one class */
};

typedef void neap_py_buffer_visit(void *context, const struct neap_py_buffer *buffer);

struct neap_py_measure {
    uint64_t sizeof_bytes; /* as sys.getsizeof counts */
    uint64_t own_bytes;    /* freed with the object: its part of the block, and unshared buffers */
};

/* Measures an object and calls `visit`, which may be NULL, for each of its buffers. NEAP_ERROR_FORMAT if
 * the object contradicts itself; the measure is then of the block alone. */
int neap_py_object_measure(struct neap_py_lens *lens, const struct neap_py_object *object,
                           struct neap_py_measure *measure, neap_py_buffer_visit *visit, void *context);

/* --- references -------------------------------------------------------- */

enum neap_py_edge {
    NEAP_PY_EDGE_TYPE,      /* its type, for types made at run time */
    NEAP_PY_EDGE_DICT,      /* its __dict__ */
    NEAP_PY_EDGE_ATTRIBUTE, /* an attribute: `key` is the str object that names it */
    NEAP_PY_EDGE_MEMBER,    /* a slot or a field: `name` */
    NEAP_PY_EDGE_KEY,       /* a key of a dict or a member of a set */
    NEAP_PY_EDGE_VALUE,     /* a dict's value, `key` the object that is its key */
    NEAP_PY_EDGE_INDEX,     /* an item, `index` */
    NEAP_PY_EDGE_CLOSURE,   /* a function's cell, a cell's content */
    NEAP_PY_EDGE_LOCAL,     /* a frame's local, `index` in its code's names; `key` the name if known */
    NEAP_PY_EDGE_WORD,      /* a word of opaque memory at offset `index`; it may not be a reference */
};

struct neap_py_referent {
    uint64_t address;
    uint64_t key; /* see the edges; 0: none */
    uint64_t index;
    const char *name; /* static or owned by the type; NULL: none */
    uint8_t edge;     /* enum neap_py_edge */
    bool exact;       /* false: found by scanning words */
};

/* Return false to end the walk. */
typedef bool neap_py_referent_visit(void *context, const struct neap_py_referent *referent);

/* Calls `visit` for every referent that is not NULL, in the order of memory. NEAP_ERROR_FORMAT if the
 * object contradicts itself; referents visited until then are valid. */
int neap_py_object_visit(struct neap_py_lens *lens, const struct neap_py_object *object,
                         neap_py_referent_visit *visit, void *context);

/* --- description ------------------------------------------------------- */

/* Writes a short description to `out`: "str, 1,204 characters". With `contents` it shows the contents,
 * shortened and cleaned: "str 'spam'". At most `room` bytes, always terminated. */
void neap_py_object_describe(struct neap_py_lens *lens, const struct neap_py_object *object, bool contents,
                             char *out, size_t room);

/* Writes the text of a str object in UTF-8, shortened to `room` and cleaned. False if it is not a str. */
bool neap_py_object_text(struct neap_py_lens *lens, uint64_t address, char *out, size_t room);

#endif
