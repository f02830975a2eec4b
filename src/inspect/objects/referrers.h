/* inspect/objects/referrers.h: why an object is alive: the chain of references from a root down to it.
 *
 *   roots      modules of sys.modules; then locals of running functions; then what threads and
 *              the interpreter keep; then whatever nothing found so far refers to
 *     |  breadth first: each object is reached by a shortest chain from the first kind of root
 *     v
 *   parent[]   by ordinal of the census: the object that reached it, or a root
 *
 * Weak references keep nothing alive and are not followed. 4 bytes a block and 4 an
 * object, built once; looking up costs nothing. After it is made: any thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_REFERRERS_H
#define NEAP_INSPECT_OBJECTS_REFERRERS_H

#include "inspect/objects/census.h"

enum neap_root_kind {
    NEAP_ROOT_MODULE,      /* `name` */
    NEAP_ROOT_MODULES,     /* sys.modules: not looked into */
    NEAP_ROOT_LOCAL,       /* variable `name` of a running function `place`; "" a temporary */
    NEAP_ROOT_FRAME,       /* held by the frame of `place` */
    NEAP_ROOT_THREAD,      /* a thread's own */
    NEAP_ROOT_INTERPRETER, /* the interpreter's own */
    NEAP_ROOT_UNKNOWN,     /* nothing that was found refers to it: C code, or a stack */
    NEAP_ROOT_CYCLE,       /* only what it keeps alive itself refers to it: garbage so far */
};

struct neap_root {
    uint8_t kind;       /* enum neap_root_kind */
    char *name, *place; /* NULL where the kind has none */
};

/* What led to an object. */
struct neap_referrer {
    bool is_root;
    uint32_t number; /* of a root, or the ordinal of an object */
};

typedef struct neap_referrers neap_referrers_t;

/* NEAP_ERROR_MEMORY. `census` must outlive it. */
int neap_referrers_make(const neap_census_t *census, neap_referrers_t **referrers);
void neap_referrers_destroy(neap_referrers_t *referrers);

const neap_census_t *neap_referrers_census(const neap_referrers_t *referrers);

/* False for a block that holds no living object. */
bool neap_referrers_parent(const neap_referrers_t *referrers, uint32_t ordinal, struct neap_referrer *parent);

const struct neap_root *neap_referrers_root(const neap_referrers_t *referrers, uint32_t number);

/* Objects in the order in which they were reached, each after its parent. */
const uint32_t *neap_referrers_order(const neap_referrers_t *referrers, uint32_t *count);

/* Whether a referent is the object of block *ordinal, and of which. False for what is none. */
bool neap_referrers_resolve(const neap_census_t *census, const struct neap_py_referent *referent,
                            uint32_t *ordinal);

/* Calls `visit` for every object that refers to one of the `count` objects (ordinals, any order) until it
 * returns false: one pass over all objects. NEAP_ERROR_MEMORY. */
int neap_referrers_each(const neap_referrers_t *referrers, const uint32_t *objects, size_t count,
                        bool (*visit)(void *context, uint32_t object, uint32_t referrer), void *context);

#endif
