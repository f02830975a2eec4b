/* inspect/objects/census_state.h: a census while it is made. For census.c and census_*.c alone.
 *
 *   walk     spans of the index, by several workers ── candidates: addresses outside of all spans
 *   outside  one worker: candidates that prove to be objects, and what they refer to, until none is new
 */
#ifndef NEAP_INSPECT_OBJECTS_CENSUS_STATE_H
#define NEAP_INSPECT_OBJECTS_CENSUS_STATE_H

#include "inspect/objects/address_set.h"
#include "inspect/objects/census.h"

struct neap_census {
    const struct neap_python_view *view;
    neap_block_index_t *index;
    uint64_t *objects, *buffers; /* a bit a block */
    size_t word_count;
    struct neap_census_sum *types; /* by index of the type */
    size_t type_count;
    struct neap_census_facts facts;
    struct neap_account_heap account;
    uint32_t next_span; /* of the walk; atomic */
};

enum { NEAP__CENSUS_RECENT = 1 << 10, NEAP__CENSUS_SCRATCH = 1 << 16 };

/* Addresses still to be looked at, the last first. */
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
    struct neap__census_pending *pending; /* where new ones go too, once the walk is done */
    struct neap_address_set shared;       /* shared buffers outside of blocks; value: bytes */
    struct neap_address_set doubts;       /* what contradicted itself; value: bytes of its prefix */
    uint64_t recent[NEAP__CENSUS_RECENT]; /* candidates met just before: most edges lead to a few */
    uint64_t buffer_bytes;                /* of the object at hand */
    uint64_t outside_object_bytes, outside_buffer_bytes; /* neither in pools and slabs nor in files */
    /* Objects that are what they say do not have more bytes in all than the process: this bounds the work. */
    uint64_t charged_bytes, budget_bytes;
    bool out_of_memory; /* memory ran out */
    bool undo;          /* buffers are not to be claimed */
    bool contradicts;   /* the object at hand does */
    bool inexact;       /* of the object at hand: words were scanned */
    unsigned char scratch[NEAP__CENSUS_SCRATCH];
};

/* Sums up one object and claims its buffers; what it refers to becomes candidates. False, and no
 * sums, if it contradicts itself. */
bool neap__census_take(struct neap__census_worker *worker, const struct neap_py_object *object, bool tracked,
                       bool fixed);

/* Takes an object out of the sums again that proved to be none. */
void neap__census_take_back(struct neap__census_worker *worker, const struct neap_py_object *object,
                            bool tracked);

/* Whether the collector knows it; the next on its list becomes a candidate. */
bool neap__census_is_tracked(struct neap__census_worker *worker, const struct neap_py_object *object);

/* Makes the address a candidate, unless a block of the index has it. */
void neap__census_offer(struct neap__census_worker *worker, uint64_t address);

/* Walks spans until none is left. */
void neap__census_walk(struct neap__census_worker *worker);

/* The rest, with the candidates of all workers; sums stay in the first. */
void neap__census_outside(struct neap__census_worker *workers, size_t count);

/* Counts the blocks of C code; objects and buffers are known. False without memory. */
bool neap__census_static(struct neap_census *census);

/* Whether a program's or a library's file has the address: code, constants, variables. */
bool neap__census_is_fixed(const struct neap_census *census, uint64_t address);

/* False without memory. */
bool neap__census_push(struct neap__census_pending *pending, uint64_t address);

/* Room in the bitmaps for all blocks of the index; false without memory. */
bool neap__census_bits(struct neap_census *census);

#endif
