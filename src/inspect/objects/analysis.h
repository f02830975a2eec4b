/* inspect/objects/analysis.h: census, referrers and owner paths of a Python's objects, made together.
 *
 *     view ──> census ──> referrers ──> paths
 *              counts     who refers    the path that keeps
 *              objects    to whom       each object alive
 *
 * Each part reads the one before it, so one call makes them all and one destroys them. A caller that
 * only needs counts asks for the census alone. One thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_ANALYSIS_H
#define NEAP_INSPECT_OBJECTS_ANALYSIS_H

#include "inspect/objects/owner_path.h"

enum neap_analysis_depth { NEAP_ANALYSIS_COUNTS, NEAP_ANALYSIS_OWNERS };

struct neap_analysis {
    neap_census_t *census;
    neap_referrers_t *referrers; /* NULL for NEAP_ANALYSIS_COUNTS, as is the next */
    neap_owner_paths_t *paths;
    struct neap_py_lens *lens; /* for reading single objects */
};

/* Makes the parts; the census uses at most `threads` threads. `view` must outlive the analysis. Returns
 * NEAP_ERROR_MEMORY; the analysis then is closed. */
int neap_analysis_open(const struct neap_python_view *view, unsigned threads, enum neap_analysis_depth depth,
                       struct neap_analysis *analysis);

/* Frees all parts. A zeroed or closed analysis may be closed again. */
void neap_analysis_close(struct neap_analysis *analysis);

#endif
