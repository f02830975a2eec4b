/* inspect/objects/largest.h: the largest objects of one type.
 *
 * An object counts with its buffers. One pass over all objects; memory goes with the
 * number asked for. Any thread with a lens of its own.
 */
#ifndef NEAP_INSPECT_OBJECTS_LARGEST_H
#define NEAP_INSPECT_OBJECTS_LARGEST_H

#include "inspect/objects/census.h"

struct neap_largest {
    uint32_t ordinal;
    uint64_t bytes; /* with its buffers */
    uint64_t address;
};

/* Fills at most `count` of found[], the largest first; *found_count is how many there are, *total how
 * many objects of the type in all. `type` is a name as the census shows it ("app.Entry") or its last
 * part ("Entry"). NEAP_ERROR_ABSENT if no type has that name; NEAP_ERROR_MEMORY. */
int neap_largest_find(const neap_census_t *census, const char *type, size_t count, struct neap_largest *found,
                      size_t *found_count, uint64_t *total);

#endif
