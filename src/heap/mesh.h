/* heap/mesh.h: sparse pages of slabs share pages in memory; no address changes.
 *
 *   three pages in memory            one, mapped at all three addresses
 *   a |##      #   | ─────┐
 *   b |   ##    #  | ─────┼──────> |##  ## # ####|   a page of a file (os/page_file.h)
 *   c |      #    #| ─────┘
 *
 * Whoever writes to one of them gets a copy of his own from the kernel, as after a fork. So a meshed
 * page serves like any other, also in a forked child, and can be meshed again later. Two things
 * differ, which the unit's mask `meshed` says of each page:
 *
 *   - What is free on it does not read as zero. It counts as resident, so no one expects that.
 *   - It is not given back by a purge but by a new mapping (neap__mesh_lift), when its slab has ended.
 *
 * A pass looks at all slabs. A slab that did not change between two looks is settled. Its pages are
 * meshed if they are sparse and this process's own (not shared with a parent or a child, which would
 * cost memory). Whole units are tried first, then four pages, then single ones, because each
 * address range that is laid costs a mapping. The other threads of the process are stopped
 * meanwhile (os/world.h), for about a millisecond at a time.
 *
 * Hardened and checked heaps do not mesh: their free memory has contents that are verified.
 */
#ifndef NEAP_HEAP_MESH_H
#define NEAP_HEAP_MESH_H

#include "heap/region.h"

/* A build with -Dmesh_often=true, for tests, meshes at every chance. */
#ifdef NEAP_MESH_OFTEN
#define NEAP_MESH_PACE(usual, often) (often)
#else
#define NEAP_MESH_PACE(usual, often) (usual)
#endif

enum {
    NEAP_MESH_UNIT_WORDS =
        4, /* behind a unit's bitmap: the file that each page is mapped from, 16 bits each */
    NEAP_MESH_LOOK_MS = NEAP_MESH_PACE(400, 10),       /* between two passes, at least */
    NEAP_MESH_LOOK_MS_MAX = NEAP_MESH_PACE(30000, 10), /* and at most, where little comes of them or writes
                                                          undo them */
    NEAP_MESH_BUSY_MS = NEAP_MESH_PACE(10000, 0),      /* between two passes while the program is busy */
    NEAP_MESH_PAGES_MIN = NEAP_MESH_PACE(128, 1),      /* that a pass frees: fewer are little */
    NEAP_MESH_HEAP_PAGES_MIN = NEAP_MESH_PACE(1024, 0) /* in memory: smaller heaps are left alone by
                                                          neap__mesh_step */
};

/* Lets the heap mesh. NEAP_ERROR_MEMORY; NEAP_ERROR_SYSTEM if the heap is hardened or checked. */
int neap__mesh_start(neap_heap_t *heap);

/* Frees what meshing itself holds. Nothing in another heap. */
void neap__mesh_end(neap_heap_t *heap);

/* One pass over all slabs, in many small steps. Takes the lock itself and lets go of it in between.
 * `all`: also slabs that are not settled. Returns bytes of memory that became free; 0 also if the heap does
 * not mesh, or another thread is at it. */
uint64_t neap__mesh_pass(neap_heap_t *heap, bool all);

/* A pass if it is time for one, for the thread that purges. `news`: the program has freed something since the
 * last call. Returns the milliseconds until the next pass; 0 if none is due before there is news. */
uint32_t neap__mesh_step(neap_heap_t *heap, bool news);

/* In a forked child: a pass that another thread was at goes on no longer. */
void neap__mesh_forked(neap_heap_t *heap);

/* Gives meshed pages (bits of `mask`) of a unit back, which no block touches: they read as zero then. Lock
 * held. Returns those that stay, because the system refused. */
unsigned neap__mesh_lift(neap_heap_t *heap, struct neap__place place, unsigned mask);

#endif
