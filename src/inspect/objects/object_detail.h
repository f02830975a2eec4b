/* inspect/objects/object_detail.h: the largest objects of a type, each with a description, its owner path
 * and its referrers.
 *
 *     str, 1,204 characters     what
 *       app.cache._seen         path
 *       dict in app.cache       referrers: some of them, and their number
 *
 * The caller owns the result.
 */
#ifndef NEAP_INSPECT_OBJECTS_OBJECT_DETAIL_H
#define NEAP_INSPECT_OBJECTS_OBJECT_DETAIL_H

#include "inspect/objects/analysis.h"
#include "inspect/objects/largest.h"

enum { NEAP_OBJECT_DETAIL_REFERRERS = 3 };

struct neap_object_detail {
    struct neap_largest largest;
    char what[160];                                   /* "str, 1,204 characters" */
    char path[NEAP_OWNER_PATH_TEXT_ROOM];             /* the owner path, which keeps it alive */
    char referrers[NEAP_OBJECT_DETAIL_REFERRERS][80]; /* "dict in app.cache" */
    unsigned referrer_count;                          /* entries of `referrers` */
    uint64_t referrer_total;
};

struct neap_object_details {
    struct neap_object_detail *list; /* the largest first */
    size_t count;
    uint64_t total; /* number of objects of the type */
};

/* Finds at most `most` objects of `type`, a name as for neap_largest_find. With `contents`, descriptions
 * show the contents of objects. The analysis must be of depth NEAP_ANALYSIS_OWNERS. NEAP_ERROR_ABSENT if
 * no type has that name; NEAP_ERROR_MEMORY. The caller clears the result. */
int neap_object_details_find(const struct neap_analysis *analysis, const char *type, size_t most,
                             bool contents, struct neap_object_details *details);
void neap_object_details_clear(struct neap_object_details *details);

#endif
