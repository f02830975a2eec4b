/* inspect/objects/referrers.h: for each object, the chain of references from a root that keeps it alive.
 *
 *   roots      modules of sys.modules; then locals of running functions; then objects of threads and
 *              of the interpreter; then objects to which no object reached so far refers
 *     |  breadth first: each object is reached by a shortest chain from the first kind of root
 *     v
 *   parent[]   by ordinal of the census: the object that reached it, or a root
 *
 * Weak references keep nothing alive and are not followed. It is built once and takes 4 bytes per
 * block and 4 per object. After that, any thread may use it.
 */
#ifndef NEAP_INSPECT_OBJECTS_REFERRERS_H
#define NEAP_INSPECT_OBJECTS_REFERRERS_H

#include "inspect/objects/census.h"

enum neap_root_kind {
    NEAP_ROOT_MODULE,      /* `name` */
    NEAP_ROOT_MODULES,     /* sys.modules itself */
    NEAP_ROOT_LOCAL,       /* variable `name` of a running function `place`; "" for a temporary */
    NEAP_ROOT_FRAME,       /* referred to by the frame of `place` */
    NEAP_ROOT_THREAD,      /* referred to by a thread state */
    NEAP_ROOT_INTERPRETER, /* referred to by the interpreter */
    NEAP_ROOT_UNKNOWN,     /* no known object refers to it; perhaps C code or a stack does */
    NEAP_ROOT_CYCLE,       /* only objects that it keeps alive refer to it: not yet collected garbage */
};

struct neap_root {
    uint8_t kind;       /* enum neap_root_kind */
    char *name, *place; /* NULL if the kind has none */
};

/* A root or object that leads to an object. */
struct neap_referrer {
    bool is_root;
    uint32_t number; /* index of a root, or ordinal of an object */
};

typedef struct neap_referrers neap_referrers_t;

/* Makes the referrers. `census` must outlive them. NEAP_ERROR_MEMORY. */
int neap_referrers_make(const neap_census_t *census, neap_referrers_t **referrers);
void neap_referrers_destroy(neap_referrers_t *referrers);

const neap_census_t *neap_referrers_census(const neap_referrers_t *referrers);

/* Finds what led to an object. False if the block holds no live object. */
bool neap_referrers_parent(const neap_referrers_t *referrers, uint32_t ordinal, struct neap_referrer *parent);

const struct neap_root *neap_referrers_root(const neap_referrers_t *referrers, uint32_t number);

/* The ordinals of all objects in the order in which they were reached; each is after its parent. */
const uint32_t *neap_referrers_order(const neap_referrers_t *referrers, uint32_t *count);

/* Finds the block of a referent. False if the referent is not an object of the census. */
bool neap_referrers_resolve(const neap_census_t *census, const struct neap_py_referent *referent,
                            uint32_t *ordinal);

/* Calls `visit` for every object that refers to one of the `count` objects (ordinals, in any order), until
 * `visit` returns false. Makes one pass over all objects. NEAP_ERROR_MEMORY. */
int neap_referrers_each(const neap_referrers_t *referrers, const uint32_t *objects, size_t count,
                        bool (*visit)(void *context, uint32_t object, uint32_t referrer), void *context);

#endif
