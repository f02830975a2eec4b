/* inspect/objects/census.h: counts all objects of a Python, not only those the garbage collector tracks.
 *
 *   live blocks of pools and slabs ──> an object? ──> added to its type; its buffers are marked
 *        │                                  '── refers to, or is on a collector's list with,
 *        │                                      an object outside ──> counted likewise
 *        '── neither object nor buffer: a static variable of C code points to it? else unknown
 *
 *   ordinal    0  1  2  3  4  5 ...      of the block index: pools and slabs, then outside
 *   objects    1  0  1  0  0  0          one bit each
 *   buffers    0  1  0  0  0  1
 *
 * Several threads walk, each with sums of its own. A structure that contradicts itself is counted
 * in `rejected` and left out. A buffer that looks like an object does not count as one. Objects in the
 * file of a program or library (static types, small integers) have a sum of their own. Memory: 4 bits
 * per block, 48 bytes per object outside of pools. Once made, it is read-only: any thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_CENSUS_H
#define NEAP_INSPECT_OBJECTS_CENSUS_H

#include "inspect/objects/block_index.h"
#include "inspect/space/memory_account.h"
#include "inspect/python/python_view.h"

struct neap_census_sum {
    uint64_t objects;
    uint64_t tracked;      /* objects that the garbage collector tracks */
    uint64_t object_bytes; /* with the words before them: GC head, managed words */
    uint64_t buffer_bytes; /* of their buffers */
    uint64_t sizeof_bytes; /* as sys.getsizeof counts */
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

enum { NEAP_CENSUS_SIZES = 48 }; /* sum i is for sizes of [2^i, 2^(i+1)) bytes */

struct neap_census_facts {
    struct neap_census_sum total;  /* all objects but the next two */
    struct neap_census_sum parked; /* on free lists: freed by the program, kept for reuse */
    struct neap_census_sum fixed;  /* in a file: static types and the like */
    uint64_t outside_objects;      /* objects of the total that are in no pool or slab */
    uint64_t shared_bytes;         /* buffers with several owners, counted once and in no sum */
    uint64_t live_blocks, object_blocks, buffer_blocks, parked_blocks, unknown_blocks;
    uint64_t code_blocks; /* blocks of C code, reached from a static variable */
    uint64_t unknown_bytes, code_bytes;
    uint64_t exact_objects, scanned_objects;         /* references known by layout; by scanning words */
    uint64_t rejected;                               /* structures that contradicted themselves */
    bool incomplete;                                 /* no memory to count some objects outside of pools */
    struct neap_census_sum sizes[NEAP_CENSUS_SIZES]; /* by the size of objects with their buffers */
};

typedef struct neap_census neap_census_t;

/* Makes a census with at most `threads` threads (a snapshot with way HOLD allows one). `view` must
 * outlive the census. NEAP_ERROR_MEMORY. */
int neap_census_make(const struct neap_python_view *view, unsigned threads, neap_census_t **census);
void neap_census_destroy(neap_census_t *census);

const struct neap_census_facts *neap_census_facts(const neap_census_t *census);
const struct neap_python_view *neap_census_view(const neap_census_t *census);

/* The sums of each type, by the index of the type; *count is the number of types. */
const struct neap_census_sum *neap_census_types(const neap_census_t *census, size_t *count);

/* Fills the part of the memory account that is about the heap. */
void neap_census_account(const neap_census_t *census, struct neap_account_heap *heap);

/* The block index; and whether a block holds an object, or a buffer of an object. */
const neap_block_index_t *neap_census_index(const neap_census_t *census);
bool neap_census_is_object(const neap_census_t *census, uint32_t ordinal);
bool neap_census_is_buffer(const neap_census_t *census, uint32_t ordinal);
bool neap_census_is_fixed(const neap_census_t *census, uint32_t ordinal); /* in a file */

/* Reads the object of a block, also a parked one; false if there is none. Each thread needs a lens. */
bool neap_census_object(const neap_census_t *census, struct neap_py_lens *lens, uint32_t ordinal,
                        struct neap_py_object *object);

#endif
