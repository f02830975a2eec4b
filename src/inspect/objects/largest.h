/* inspect/objects/largest.h: keeps the n largest of many items; finds the largest objects of a type.
 *
 *     neap_largest_add ──> list: a heap of the largest so far, its smallest on top
 *     neap_largest_sort ─> list: the largest first
 *
 * An object counts with its buffers. The search makes one pass over all objects and takes memory
 * for the number of objects that is asked for. Any thread, with a lens of its own.
 */
#ifndef NEAP_INSPECT_OBJECTS_LARGEST_H
#define NEAP_INSPECT_OBJECTS_LARGEST_H

#include "inspect/objects/census.h"

struct neap_largest {
    uint32_t ordinal;
    uint64_t bytes; /* with its buffers */
    uint64_t address;
};

struct neap_largest_list {
    struct neap_largest *list; /* owned by the caller, with room for `most` */
    size_t count, most;
};

/* Adds an item, unless there are `most` larger ones. Of items of equal size, the one with the lower
 * address counts as larger. */
void neap_largest_add(struct neap_largest_list *largest, const struct neap_largest *one);

/* Sorts the list. Do not add items afterwards. */
void neap_largest_sort(struct neap_largest_list *largest);

/* Finds the `count` largest objects of a type and writes them to found[], the largest first.
 * *found_count is how many it wrote, and *total how many objects the type has. `type` is a name as the
 * census shows it ("app.Entry") or its last part ("Entry"). NEAP_ERROR_ABSENT if no type has that name;
 * NEAP_ERROR_MEMORY. */
int neap_largest_find(const neap_census_t *census, const char *type, size_t count, struct neap_largest *found,
                      size_t *found_count, uint64_t *total);

#endif
