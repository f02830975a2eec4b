/* inspect/objects/arena_age.h: the order in which the arenas of a Python were created, as far as known.
 *
 *     CPython   table of arenas:  | 0 | 1 | 2 | 3 | . . .     pools contain the number of their arena
 *     Neap      a region:         | unit 0 | unit 1 | . . .    the address of a slab is its number
 *
 * CPython does not record when an arena was created. But it uses the entries of its table for
 * the first time in this order, so an arena is at most as old as its entry. It may be younger:
 * an entry whose arena was freed is used again before a new one. CPython counts all arenas that
 * it created and the most that existed at once. The difference is how often an entry was used
 * again; if it is 0, the order of entries is the order of age. Pure; any thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_ARENA_AGE_H
#define NEAP_INSPECT_OBJECTS_ARENA_AGE_H

#include "inspect/python/python_view.h"

struct neap_arena_age {
    uint32_t *holders; /* indexes of the arenas or slabs, in this order; owned */
    uint32_t count;
    bool again_known;
    uint64_t again; /* how often an entry was used again; 0: holders are in the order of their age */
};

/* Finds the order. The caller frees `holders`. NEAP_ERROR_MEMORY. */
int neap_arena_age_find(const struct neap_python_view *view, struct neap_arena_age *age);

#endif
