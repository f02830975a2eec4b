/* inspect/objects/census.h: all objects of a Python, counted: not only those the collector tracks.
 *
 *   live blocks of pools and slabs ──> an object? ──> summed by type; its buffers claimed for it
 *        │                                  '── refers to, or is listed beside, an object
 *        │                                      outside of them ──> taken in likewise
 *        '── neither object nor claimed: a static variable of C code leads to it? else unknown
 *
 *   ordinal    0  1  2  3  4  5 ...      of the block index: pools and slabs, then outside
 *   objects    1  0  1  0  0  0          a bit each
 *   buffers    0  1  0  0  0  1
 *
 * Two threads walk, each with sums of its own. What contradicts itself is counted
 * in `rejected` and else left out; a buffer that looks like an object is none. Objects that are part of
 * a program's or a library's file (static types, small integers) are counted apart. Memory: 4 bits a block,
 * 48 bytes an object outside of pools. Read-only once made: any thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_CENSUS_H
#define NEAP_INSPECT_OBJECTS_CENSUS_H

#include "inspect/objects/block_index.h"
#include "inspect/space/memory_account.h"
#include "inspect/python/python_view.h"

struct neap_census_sum {
    uint64_t objects;
    uint64_t tracked;      /* of these, known to the garbage collector */
    uint64_t object_bytes; /* with what stands before them: GC head, managed words */
    uint64_t buffer_bytes; /* what they own elsewhere */
    uint64_t sizeof_bytes; /* what sys.getsizeof tells of them */
};

static inline uint64_t neap_census_sum_bytes(const struct neap_census_sum *sum) {
    return sum->object_bytes + sum->buffer_bytes;
}

static inline void neap_census_sum_add(struct neap_census_sum *sum, const struct neap_census_sum *more) {
    sum->objects += more->objects;
    sum->tracked += more->tracked;
    sum->object_bytes += more->object_bytes;
    sum->buffer_bytes += more->buffer_bytes;
    sum->sizeof_bytes += more->sizeof_bytes;
}

enum { NEAP_CENSUS_SIZES = 48 }; /* a sum for sizes of [2^i, 2^(i+1)) bytes */

struct neap_census_facts {
    struct neap_census_sum total;  /* all but the next two */
    struct neap_census_sum parked; /* on free lists: freed by the program, kept for reuse */
    struct neap_census_sum fixed;  /* part of a file: static types and the like */
    uint64_t outside_objects;      /* of the total, not in a pool or slab */
    uint64_t shared_bytes;         /* buffers of several owners, once; part of no sum */
    uint64_t live_blocks, object_blocks, buffer_blocks, parked_blocks, unknown_blocks;
    uint64_t code_blocks; /* C code's own: a static variable leads to them */
    uint64_t unknown_bytes, code_bytes;
    uint64_t exact_objects, scanned_objects;         /* whose references are known; found by scanning words */
    uint64_t rejected;                               /* structures that contradicted themselves */
    bool incomplete;                                 /* memory ran out for some outside of pools */
    struct neap_census_sum sizes[NEAP_CENSUS_SIZES]; /* by bytes with buffers */
};

typedef struct neap_census neap_census_t;

/* Counts with at most `threads` threads (one for a snapshot that is held). NEAP_ERROR_MEMORY. `view`
 * must outlive the census. */
int neap_census_make(const struct neap_python_view *view, unsigned threads, neap_census_t **census);
void neap_census_destroy(neap_census_t *census);

const struct neap_census_facts *neap_census_facts(const neap_census_t *census);
const struct neap_python_view *neap_census_view(const neap_census_t *census);

/* The sums of each type by its index; of `count` types. */
const struct neap_census_sum *neap_census_types(const neap_census_t *census, size_t *count);

/* Of the account of RSS: the lines of the heap. */
void neap_census_account(const neap_census_t *census, struct neap_account_heap *heap);

/* All blocks, and which of them hold an object, or a buffer of one. */
const neap_block_index_t *neap_census_index(const neap_census_t *census);
bool neap_census_is_object(const neap_census_t *census, uint32_t ordinal);
bool neap_census_is_buffer(const neap_census_t *census, uint32_t ordinal);
bool neap_census_is_fixed(const neap_census_t *census, uint32_t ordinal); /* part of a file */

/* The object of a block, parked ones too; false if there is none. A lens a thread. */
bool neap_census_object(const neap_census_t *census, struct neap_py_lens *lens, uint32_t ordinal,
                        struct neap_py_object *object);

#endif
