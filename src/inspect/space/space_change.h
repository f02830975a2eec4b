/* inspect/space/space_change.h: the differences between two maps of address space.
 *
 *     before  |arena|arena|      |glibc   |
 *     after   |arena|      |file |glibc     |
 *     change         gone   new            grown      a change has one kind before and one after
 *
 * The resident memory of a span counts as evenly distributed over it. Pure.
 */
#ifndef NEAP_INSPECT_SPACE_SPACE_CHANGE_H
#define NEAP_INSPECT_SPACE_SPACE_CHANGE_H

#include "inspect/space/space_map.h"

struct neap_space_change {
    uint64_t start, end;
    enum neap_span_kind before, after;        /* NEAP_SPAN_KINDS: nothing was mapped */
    uint64_t before_resident, after_resident; /* bytes */
    const char *label;                        /* of the later map, or of the earlier one; borrowed */
};

/* Finds all changes and sorts them, those with the largest change of memory first. The caller frees
 * *changes, which is NULL if there are none. Both maps must outlive it. NEAP_ERROR_MEMORY. */
int neap_space_changes_find(const struct neap_space_map *before, const struct neap_space_map *after,
                            struct neap_space_change **changes, size_t *count);

#endif
