/* inspect/objects/analysis.c: makes the parts in order, and destroys them in reverse order. */
#include "inspect/objects/analysis.h"

#include <stdlib.h>

static int owners_make(struct neap_analysis *analysis) {
    int error = neap_referrers_make(analysis->census, &analysis->referrers);
    if (error == NEAP_OK && !(analysis->paths = neap_owner_paths_new(analysis->referrers)))
        error = NEAP_ERROR_MEMORY;
    return error;
}

int neap_analysis_open(const struct neap_python_view *view, unsigned threads, enum neap_analysis_depth depth,
                       struct neap_analysis *analysis) {
    struct neap_analysis made = {.lens = malloc(sizeof(*made.lens))};
    int error = made.lens ? neap_census_make(view, threads, &made.census) : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        neap_py_lens_init(made.lens, view->types);
        if (depth == NEAP_ANALYSIS_OWNERS)
            error = owners_make(&made);
    }
    if (error != NEAP_OK)
        neap_analysis_close(&made);
    *analysis = made;
    return error;
}

void neap_analysis_close(struct neap_analysis *analysis) {
    neap_owner_paths_destroy(analysis->paths);
    neap_referrers_destroy(analysis->referrers);
    neap_census_destroy(analysis->census);
    free(analysis->lens);
    *analysis = (struct neap_analysis){0};
}
