/* inspect/objects/analysis.h: the chain of all that is found out about a Python's objects.
 *
 *     view ──> census ──> referrers ──> paths
 *              counts     who refers    the path that keeps
 *              objects    to whom       each object alive
 *
 * Each part reads the one before it, so they are made and destroyed together. Whoever only counts stops
 * after the census. One thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_ANALYSIS_H
#define NEAP_INSPECT_OBJECTS_ANALYSIS_H

#include "inspect/objects/owner_path.h"

enum neap_analysis_depth { NEAP_ANALYSIS_COUNTS, NEAP_ANALYSIS_OWNERS };

struct neap_analysis {
    neap_census_t *census;
    neap_referrers_t *referrers; /* this and the next: NULL for NEAP_ANALYSIS_COUNTS */
    neap_owner_paths_t *paths;
    struct neap_py_lens *lens; /* to read single objects with */
};

/* The census takes at most `threads` threads. `view` must outlive the analysis. NEAP_ERROR_MEMORY; the
 * analysis is then as if it had been closed. */
int neap_analysis_open(const struct neap_python_view *view, unsigned threads, enum neap_analysis_depth depth,
                       struct neap_analysis *analysis);

/* Frees all of it. A zeroed or closed analysis may be closed again. */
void neap_analysis_close(struct neap_analysis *analysis);

#endif
