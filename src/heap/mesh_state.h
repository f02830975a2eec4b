/* heap/mesh_state.h: what the files of the mesher share. The header of the module is heap/mesh.h.
 *
 *   mesh_look.c ──> looks: units ──> mesh_group.c ──> lays, in parts ──> mesh_lay.c
 *                                    (mesh_plan.h)    one file each
 *
 * All functions want the heap's lock.
 */
#ifndef NEAP_HEAP_MESH_STATE_H
#define NEAP_HEAP_MESH_STATE_H

#include "heap/mesh.h"
#include "heap/mesh_plan.h"
#include "heap/occupancy.h"
#include "os/residence.h"
#include "os/world.h"

enum {
    NEAP_MESH_UNITS = 128,     /* looked at together */
    NEAP_MESH_OPEN_UNITS = 64, /* of a plan: room for so many open groups of whole units, or more of less */
    NEAP_MESH_FILE_PAGES = 16, /* of one file: it goes when the last of its mappings goes, so it is small */
    NEAP_MESH_FILES_A_STOP = 16,
    NEAP_MESH_LAYS_A_STOP = 128, /* address ranges laid while the threads are stopped */
    NEAP_MESH_FILES_MAX = UINT16_MAX
};

/* Spans of one length. */
struct neap__mesh_level {
    uint32_t pages;
    uint32_t fill_share; /* spans that are covered by more than one part in so many are left out */
    uint32_t kept_share; /* of the pages that a group holds, at most one part in so many may stay in memory */
};

/* A unit that may be meshed. */
struct neap__mesh_look {
    struct neap__place place;
    uint16_t may;    /* bit a page: in memory, and no other process's */
    uint16_t absent; /* bit a page: nothing is there and no block touches it */
    uint16_t taken;  /* bit a page: laid already, in a longer span */
};

/* A span of a unit, in a group. */
struct neap__mesh_lay {
    uint32_t unit;   /* of the looks */
    uint32_t page;   /* the first of the span */
    uint32_t offset; /* in the file, bytes */
    bool begun;      /* the system was asked to lay it: it is mapped from the file, or as before */
};

struct neap__mesh_file {
    uint32_t mapped_pages; /* of all units, from this file; 0: there is no such file */
    uint32_t pages;        /* of the file, in memory */
    uint32_t lays;         /* mappings that were made of it */
};

struct neap__mesh {
    struct neap__mesh_look units[NEAP_MESH_UNITS];
    uint32_t unit_count;
    struct neap__mesh_span spans[NEAP_MESH_SPANS_MAX];
    struct neap__mesh_lay lays[NEAP_MESH_SPANS_MAX]; /* what each span is */
    struct neap__mesh_room room;
    uint32_t chosen[NEAP_MESH_LAYS_A_STOP];   /* numbers of the lays of one file */
    uint64_t entries[NEAP_LAYOUT_UNIT_PAGES]; /* of pagemap */
    uint64_t *words;                          /* granules of all units looked at */
    neap_os_residence_t *residence;
    struct neap_os_world world;
    uint32_t lays_live, lays_max;
    bool busy;             /* a thread is at a pass */
    bool laid_once;        /* core dumps contain what is meshed */
    uint32_t timeouts;     /* stops that were given up in this pass */
    uint32_t passes_left;  /* before the next news */
    uint32_t next_ms;      /* heap time of the next pass */
    uint32_t passed_ms;    /* heap time of the last pass; 0 before the first */
    uint64_t asked_ns;     /* when it was last asked whether the program rests */
    uint64_t ran_ns;       /* processor time of the program until then */
    uint32_t interval_ms;  /* between two passes, for now; 0 before the first */
    uint64_t purged_pages; /* given back by the heap when the interval was last shortened */
    struct neap__mesh_file files[NEAP_MESH_FILES_MAX + 1]; /* 0 is none */
    uint32_t file_low;                                     /* none below is free */
};

/* A part of the work: some whole groups, into one file. */
struct neap__mesh_part {
    uint32_t first, count; /* of the order */
    uint32_t groups;
    uint32_t number; /* of the file */
};

/* What is done while the threads are stopped. */
struct neap__mesh_work {
    neap_heap_t *heap;
    const struct neap__mesh_level *level;
    const uint32_t *order; /* numbers of lays */
    uint32_t count, part_count;
    struct neap__mesh_part parts[NEAP_MESH_FILES_A_STOP];
    uint32_t parts_done; /* of part_count: what one stop has no time for is left to the next */
    void *lost;
    int error;
};

/* The number of the file that each page of a unit is mapped from, behind its bitmap. */
static inline uint16_t *neap__mesh_files_of(const neap_heap_t *heap, neap__unit_t *unit) {
    return (uint16_t *)(void *)(unit->bitmap + heap->bitmap_words);
}

static inline uint32_t neap__mesh_unit_words(const neap_heap_t *heap) {
    return neap__occupancy_words(1u << heap->unit_shift);
}

static inline uint32_t neap__mesh_page_words(const neap_heap_t *heap) {
    return neap__occupancy_words(1u << heap->page_shift);
}

static inline uint64_t *neap__mesh_words_of(const neap_heap_t *heap, uint32_t look) {
    return heap->mesh->words + (size_t)look * neap__mesh_unit_words(heap);
}

static inline unsigned neap__mesh_span_mask(const struct neap__mesh_level *level, uint32_t page) {
    return ((1u << level->pages) - 1) << page;
}

/* A page that was mapped from file `number` no longer is. The kernel ends the file with the last. */
void neap__mesh_forget(neap_heap_t *heap, uint32_t number);

/* Of a unit's meshed pages, those in `mask` have a copy of their own. */
void neap__mesh_set_copied(neap_heap_t *heap, neap__unit_t *unit, unsigned mask);

_Noreturn void neap__mesh_die_lost(const void *address);

/* Looks at the units of a region from *index on, until there are enough or none is left. */
void neap__mesh_look_at(neap_heap_t *heap, uint32_t region, uint32_t *index, bool all);

/* Meshes what can be of the units that were looked at. Lets go of the lock while it plans. Returns the pages
 * that became free; *error says whether to go on. */
uint32_t neap__mesh_group_all(neap_heap_t *heap, int *error);

/* Stops the threads and does the work, which is empty then. Returns the pages that became free; *error says
 * whether to go on. */
uint32_t neap__mesh_lay_all(struct neap__mesh_work *work, int *error);

#endif
