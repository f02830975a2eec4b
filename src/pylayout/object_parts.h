/* pylayout/object_parts.h: parts of objects that measuring and visiting share.
 *
 *   instance: |weak, dict or values|GC head|object|members|inline values|
 *   frame:    |function, code, previous, ...|locals and cells|stack|       inside generators and
 *                                                                          frame objects, or alone
 *
 * Room-internal. Everything is checked as far as its own words go; any thread.
 */
#ifndef NEAP_PYLAYOUT_OBJECT_PARTS_H
#define NEAP_PYLAYOUT_OBJECT_PARTS_H

#include "pylayout/dict_keys.h"
#include "pylayout/object.h"

/* Attributes of an instance that are in no dict object. */
struct neap__py_values {
    uint64_t dict;               /* dict object, 0 none; then the rest is 0 */
    uint64_t values;             /* address of the first value, 0 none */
    uint64_t room;               /* values there is room for */
    uint64_t block, block_bytes; /* where the values lie, 0 if within the object */
};

/* Managed attributes of an object (none for a type without). False if they contradict themselves. */
bool neap__py_values_read(struct neap_py_lens *lens, const struct neap_py_object *object,
                          struct neap__py_values *values);

/* Where the values' block begins, which has bytes of order in front in some versions. */
bool neap__py_values_block(struct neap_py_lens *lens, uint64_t values, const struct neap__py_keys *keys,
                           uint64_t *block, uint64_t *bytes);

/* Address of the word tp_dictoffset means; 0 if there is none. */
uint64_t neap__py_dict_word(const struct neap_py_object *object);

/* A frame as the interpreter keeps it, since 3.11. */
struct neap__py_iframe {
    uint64_t address, code, function, previous;
    uint64_t locals;      /* address of local 0 */
    uint64_t local_count; /* locals, cells and free variables */
    uint64_t stack_count; /* temporaries, NONE while the frame runs */
    uint64_t stack_room;  /* there is room for */
    uint64_t names;       /* tuple of str */
    uint8_t owner;
};
#define NEAP__PY_STACK_UNKNOWN UINT64_MAX

/* False if what lies there is no frame of Python code. */
bool neap__py_iframe_read(struct neap_py_lens *lens, uint64_t address, struct neap__py_iframe *frame);

/* Function, code, locals and temporaries. False if `visit` said so; *sound tells whether all was read. */
bool neap__py_iframe_visit(struct neap_py_lens *lens, const struct neap__py_iframe *frame,
                           neap_py_referent_visit *visit, void *context, bool *sound);

/* Item `index` of the tuple at `tuple`, which is one; 0 if there is none. */
uint64_t neap__py_tuple_item(struct neap_py_lens *lens, uint64_t tuple, uint64_t index);

/* Where the walk along a chain is; zeroed, at its start. */
struct neap__py_chain {
    uint64_t count, turtle;
};

/* Whether the link at `address` is one more: false if the chain runs in a circle, or chains have been
 * followed for long enough. */
static inline bool neap__py_chain_step(struct neap_py_lens *lens, struct neap__py_chain *chain,
                                       uint64_t address) {
    if (address == chain->turtle && chain->count != 0)
        return false;
    chain->count++;
    if ((chain->count & (chain->count - 1)) == 0)
        chain->turtle = address;
    return neap__py_loose_take(lens, 1);
}

/* Without the bits that references carry since 3.14; 0 for what is no reference. */
static inline uint64_t neap__py_reference(const struct neap_py_version *version, uint64_t word) {
    if (!version->iframe_code_tagged)
        return word;
    return (word & 3) == 3 ? 0 : word & ~UINT64_C(3);
}

#endif
