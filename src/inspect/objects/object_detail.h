/* inspect/objects/object_detail.h: the largest objects of a type, each with what it is, what keeps it
 * alive and what refers to it.
 *
 *     str, 1,204 characters     what
 *       app.cache._seen         path: of the owner
 *       dict in app.cache       referrers: some, and how many in all
 *
 * Plain data once made, owned by the caller.
 */
#ifndef NEAP_INSPECT_OBJECTS_OBJECT_DETAIL_H
#define NEAP_INSPECT_OBJECTS_OBJECT_DETAIL_H

#include "inspect/objects/analysis.h"
#include "inspect/objects/largest.h"

enum { NEAP_OBJECT_DETAIL_REFERRERS = 3 };

struct neap_object_detail {
    struct neap_largest largest;
    char what[160];                                   /* "str, 1,204 characters" */
    char path[NEAP_OWNER_PATH_TEXT_ROOM];             /* what keeps it alive */
    char referrers[NEAP_OBJECT_DETAIL_REFERRERS][80]; /* "dict in app.cache" */
    unsigned referrer_count;                          /* of these */
    uint64_t referrer_total;
};

struct neap_object_details {
    struct neap_object_detail *list; /* the largest first */
    size_t count;
    uint64_t total; /* objects of the type in all */
};

/* At most `most` objects of `type`, a name as for neap_largest_find; with `contents`, what they contain is
 * told too. The analysis is one of NEAP_ANALYSIS_OWNERS. NEAP_ERROR_ABSENT if no type has that name;
 * NEAP_ERROR_MEMORY. Clear what it made. */
int neap_object_details_find(const struct neap_analysis *analysis, const char *type, size_t most,
                             bool contents, struct neap_object_details *details);
void neap_object_details_clear(struct neap_object_details *details);

#endif
