/* inspect/objects/arena_age.h: in which order the arenas of a Python came to be, as far as it can be known.
 *
 *     CPython   table of arenas:  | 0 | 1 | 2 | 3 | . . .     an arena's number stands in its pools
 *     Neap      a region:         | unit 0 | unit 1 | . . .    a slab's number is its address
 *
 * Nobody keeps when an arena was made. But places are taken for the first time in this
 * order, so what lies in a place is at most as old as that, and may be younger: a place
 * that came free is taken again before a new one. CPython counts how many arenas it ever
 * made and how many it had at most; their difference is how often that happened, and where
 * it is none, the order is that of age. Pure; any thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_ARENA_AGE_H
#define NEAP_INSPECT_OBJECTS_ARENA_AGE_H

#include "inspect/python/python_view.h"

struct neap_arena_age {
    uint32_t *holders; /* numbers of the arenas or slabs, those in the earliest places first; owned */
    uint32_t count;
    bool again_known;
    uint64_t again; /* how often a place was taken again; 0: they are in the order of their age */
};

/* NEAP_ERROR_MEMORY. The caller frees `holders`. */
int neap_arena_age_find(const struct neap_python_view *view, struct neap_arena_age *age);

#endif
