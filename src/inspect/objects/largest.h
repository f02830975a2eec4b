/* inspect/objects/largest.h: the largest of many, and the largest objects of one type.
 *
 *     neap_largest_add ──> list: a heap of the largest so far, its smallest on top
 *     neap_largest_sort ─> list: the largest first
 *
 * Of one type, an object counts with its buffers. One pass over all objects; memory goes
 * with the number asked for. Any thread with a lens of its own.
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
    struct neap_largest *list; /* the caller's, of room for `most` */
    size_t count, most;
};

/* Adds one, unless `most` larger ones are there; of equal ones, that with the lower address is larger. */
void neap_largest_add(struct neap_largest_list *largest, const struct neap_largest *one);

/* Nothing is added to it afterwards. */
void neap_largest_sort(struct neap_largest_list *largest);

/* Fills at most `count` of found[], the largest first; *found_count is how many there are, *total how
 * many objects of the type in all. `type` is a name as the census shows it ("app.Entry") or its last
 * part ("Entry"). NEAP_ERROR_ABSENT if no type has that name; NEAP_ERROR_MEMORY. */
int neap_largest_find(const neap_census_t *census, const char *type, size_t count, struct neap_largest *found,
                      size_t *found_count, uint64_t *total);

#endif
