/* heap/mesh_plan.h: which spans can lie on one another.
 *
 *   span a   |##      #   |
 *   span b   |   ##    #  |      no granule is covered twice: one group
 *   span c   |      #    #|
 *            '- together: |##  ## # ####|
 *
 * The fullest spans are placed first, each into the first of the newest groups that has room for it
 * at its places (first fit; only the newest groups are open for it, so that the time is linear).
 * Pure: it knows neither heaps nor pages.
 */
#ifndef NEAP_HEAP_MESH_PLAN_H
#define NEAP_HEAP_MESH_PLAN_H

#include <stdint.h>

enum {
    NEAP_MESH_OPEN = 1024,      /* groups that a span is tried on, if there is room for so many */
    NEAP_MESH_SPANS_MAX = 2048, /* spans of one plan */
    NEAP_MESH_WORDS_MAX = 1024, /* 64-bit words of a span's granules */
    NEAP_MESH_NO_GROUP = UINT32_MAX
};

struct neap__mesh_span {
    const uint64_t *words; /* its granules (heap/occupancy.h) */
    uint32_t granules;     /* how many are covered, not 0 */
    uint32_t group;        /* result: its group, or NEAP_MESH_NO_GROUP */
};

/* What a plan needs besides; contents of the arrays are of no meaning. */
struct neap__mesh_room {
    uint32_t order[NEAP_MESH_SPANS_MAX];
    uint32_t members[NEAP_MESH_SPANS_MAX]; /* of each group */
    uint64_t *open;                        /* words of the open groups, of as many as there is room for */
    uint32_t open_words;                   /* room there; at least those of one span */
};

/* Puts `count` spans, of `words` words each, into groups of two or more. Returns the number of
 * groups; they are numbered from 0. */
uint32_t neap__mesh_plan(struct neap__mesh_span *spans, uint32_t count, uint32_t words,
                         struct neap__mesh_room *room);

#endif
