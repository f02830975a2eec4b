/* inspect/space/space_change.h: what two maps of address space have not in common.
 *
 *     before  |arena|arena|      |glibc   |
 *     after   |arena|      |file |glibc     |
 *     change         gone   new            grown          stretches of one kind before and after
 *
 * Memory within a span counts evenly. Pure.
 */
#ifndef NEAP_INSPECT_SPACE_SPACE_CHANGE_H
#define NEAP_INSPECT_SPACE_SPACE_CHANGE_H

#include "inspect/space/space_map.h"

struct neap_space_change {
    uint64_t start, end;
    enum neap_span_kind before, after;        /* NEAP_SPAN_KINDS: nothing was mapped */
    uint64_t before_resident, after_resident; /* bytes */
    const char *label;                        /* of the map that has it, the later one if both; borrowed */
};

/* All stretches that differ, those whose memory changed most first. For the caller to free; NULL with
 * *count 0 if there is none. NEAP_ERROR_MEMORY. Both maps must outlive it. */
int neap_space_changes_find(const struct neap_space_map *before, const struct neap_space_map *after,
                            struct neap_space_change **changes, size_t *count);

#endif
