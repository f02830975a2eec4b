/* pylayout/object_parts.h: decoders for parts of objects, shared by measuring and visiting.
 *
 *   instance: |weak, dict or values|GC head|object|members|inline values|
 *   frame:    |function, code, previous, ...|locals and cells|stack|       inside generators and
 *                                                                          frame objects, or alone
 *
 * Internal to this module. Each part is checked by its own words only. Any thread.
 */
#ifndef NEAP_PYLAYOUT_OBJECT_PARTS_H
#define NEAP_PYLAYOUT_OBJECT_PARTS_H

#include "pylayout/dict_keys.h"
#include "pylayout/object.h"

/* Attributes of an instance that are in no dict object. */
struct neap__py_values {
    uint64_t dict;               /* dict object; if it is not 0, the other members are 0 */
    uint64_t values;             /* address of the first value; 0: none */
    uint64_t room;               /* number of values that fit */
    uint64_t block, block_bytes; /* the block of the values; 0 if they lie within the object */
};

/* Reads the managed attributes of an object; there are none if its type has none. False if they contradict
 * themselves. */
bool neap__py_values_read(struct neap_py_lens *lens, const struct neap_py_object *object,
                          struct neap__py_values *values);

/* Finds the block of the values. In some versions it begins with bytes for their order. */
bool neap__py_values_block(struct neap_py_lens *lens, uint64_t values, const struct neap__py_keys *keys,
                           uint64_t *block, uint64_t *bytes);

/* Address of the word at tp_dictoffset; 0 if there is none. */
uint64_t neap__py_dict_word(const struct neap_py_object *object);

/* A frame of the interpreter, since 3.11. */
struct neap__py_iframe {
    uint64_t address, code, function, previous;
    uint64_t locals;      /* address of local 0 */
    uint64_t local_count; /* locals, cells and free variables */
    uint64_t stack_count; /* temporaries, NONE while the frame runs */
    uint64_t stack_room;  /* number of temporaries that fit */
    uint64_t names;       /* tuple of str */
    uint8_t owner;
};
#define NEAP__PY_STACK_UNKNOWN UINT64_MAX

/* False if there is no frame of Python code at `address`. */
bool neap__py_iframe_read(struct neap_py_lens *lens, uint64_t address, struct neap__py_iframe *frame);

/* Visits function, code, locals and temporaries. Returns false if `visit` did; *sound says whether all
 * could be read. */
bool neap__py_iframe_visit(struct neap_py_lens *lens, const struct neap__py_iframe *frame,
                           neap_py_referent_visit *visit, void *context, bool *sound);

/* Item `index` of the tuple object at `tuple`; 0 if there is none. */
uint64_t neap__py_tuple_item(struct neap_py_lens *lens, uint64_t tuple, uint64_t index);

/* The state of a walk along a chain; zeroed at its start. */
struct neap__py_chain {
    uint64_t count, turtle;
};

/* Counts the link at `address`. False if the chain is a circle, or the limit for all chains is reached. */
static inline bool neap__py_chain_step(struct neap_py_lens *lens, struct neap__py_chain *chain,
                                       uint64_t address) {
    if (address == chain->turtle && chain->count != 0)
        return false;
    chain->count++;
    if ((chain->count & (chain->count - 1)) == 0)
        chain->turtle = address;
    return neap__py_loose_take(lens, 1);
}

/* The address in a reference, without the tag bits that it has since 3.14; 0 if it is not a reference. */
static inline uint64_t neap__py_reference(const struct neap_py_version *version, uint64_t word) {
    if (!version->iframe_code_tagged)
        return word;
    return (word & 3) == 3 ? 0 : word & ~UINT64_C(3);
}

#endif
