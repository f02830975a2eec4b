/* inspect/objects/census_state.h: the state of a census while it is made. Only for census.c and census_*.c.
 *
 *   walk     several workers walk over the spans of the index; addresses outside of all spans that
 *            objects refer to become candidates
 *   outside  one worker decodes the candidates, and the candidates that these refer to, until none is left
 */
#ifndef NEAP_INSPECT_OBJECTS_CENSUS_STATE_H
#define NEAP_INSPECT_OBJECTS_CENSUS_STATE_H

#include "inspect/objects/address_set.h"
#include "inspect/objects/census.h"

struct neap_census {
    const struct neap_python_view *view;
    neap_block_index_t *index;
    uint64_t *objects, *buffers; /* one bit per block */
    size_t word_count;
    struct neap_census_sum *types; /* by index of the type */
    size_t type_count;
    struct neap_census_facts facts;
    struct neap_account_heap account;
    uint32_t next_span; /* of the walk; atomic */
};

enum { NEAP__CENSUS_RECENT = 1 << 10, NEAP__CENSUS_SCRATCH = 1 << 16 };

/* A stack of addresses that are still to be decoded. */
struct neap__census_pending {
    uint64_t *addresses;
    size_t count, room;
};

/* What one thread has found so far. */
struct neap__census_worker {
    struct neap_census *census;
    struct neap_py_lens lens;
    struct neap_census_sum *types;
    size_t type_room;
    struct neap_census_facts facts;
    struct neap_address_set outside;      /* candidates */
    struct neap__census_pending *pending; /* after the walk, new candidates are added here too */
    struct neap_address_set shared;       /* shared buffers outside of blocks; value: bytes */
    struct neap_address_set doubts;       /* objects that contradicted themselves; value: prefix bytes */
    uint64_t recent[NEAP__CENSUS_RECENT]; /* a cache of candidates; most references lead to a few */
    uint64_t buffer_bytes;                /* of the current object */
    uint64_t outside_object_bytes, outside_buffer_bytes; /* neither in pools and slabs nor in files */
    /* Real objects cannot have more bytes in total than the process. This bounds the work. */
    uint64_t charged_bytes, budget_bytes;
    bool out_of_memory; /* memory ran out */
    bool undo;          /* remove the marks of buffers instead of setting them */
    bool contradicts;   /* the current object contradicts itself */
    bool inexact;       /* words of the current object were scanned */
    unsigned char scratch[NEAP__CENSUS_SCRATCH];
};

/* Adds one object to the sums, marks its buffers and makes its referents candidates. Returns false and
 * adds nothing if the object contradicts itself. */
bool neap__census_take(struct neap__census_worker *worker, const struct neap_py_object *object, bool tracked,
                       bool fixed);

/* Removes from the sums an object that has turned out not to be one. */
void neap__census_take_back(struct neap__census_worker *worker, const struct neap_py_object *object,
                            bool tracked);

/* Whether the garbage collector tracks the object; the next object on its list becomes a candidate. */
bool neap__census_is_tracked(struct neap__census_worker *worker, const struct neap_py_object *object);

/* Makes the address a candidate, unless it lies in a block of the index. */
void neap__census_offer(struct neap__census_worker *worker, uint64_t address);

/* Walks spans until none is left. */
void neap__census_walk(struct neap__census_worker *worker);

/* Counts the objects outside of spans, from the candidates of all workers; sums go to the first one. */
void neap__census_outside(struct neap__census_worker *workers, size_t count);

/* Counts the blocks of C code. Objects and buffers must be marked. False if there is no memory. */
bool neap__census_static(struct neap_census *census);

/* Whether the address lies in the code, constants or variables of a program or library. */
bool neap__census_is_fixed(const struct neap_census *census, uint64_t address);

/* Pushes an address. False if there is no memory. */
bool neap__census_push(struct neap__census_pending *pending, uint64_t address);

/* Grows the bitmaps to all blocks of the index; false if there is no memory. */
bool neap__census_bits(struct neap_census *census);

#endif
