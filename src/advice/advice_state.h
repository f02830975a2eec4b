/* advice/advice_state.h: the state of a search for advice. Only for advice.c and advice_*.c. */
#ifndef NEAP_ADVICE_ADVICE_STATE_H
#define NEAP_ADVICE_ADVICE_STATE_H

#include "advice/advice.h"
#include "advice/advice_column.h"
#include "advice/size_measured.h"

enum { NEAP_ADVICE_SHARED_MAX = 1 << 22 }; /* most shared items that are remembered per container */

struct neap__advice_search {
    const neap_referrers_t *referrers;
    const neap_census_t *census;
    neap_owner_paths_t *paths;
    struct neap_advices *advices;
    size_t room;
    uint64_t resident_bytes;        /* of the process, with what is in swap */
    enum neap_advice_part part;     /* the analysis that runs */
    uint64_t left_bytes;            /* that it may still read */
    struct neap_address_set tables; /* buffers of the containers that were examined */
    struct neap_py_lens lens;
    bool out_of_memory; /* not even the list of advice can grow */
};

/* Begins an analysis, with a budget of its own. */
void neap__advice_begin(struct neap__advice_search *search, enum neap_advice_part part);

/* Takes `bytes` from the budget. False if there are not as many left: the analysis ends, and this is noted.
 */
bool neap__advice_charge(struct neap__advice_search *search, uint64_t bytes);

static inline bool neap__advice_spent(const struct neap__advice_search *search) {
    return search->advices->gaps[search->part].out_of_budget;
}

/* Visits the referents of an object and charges for them. NEAP_ERROR_FORMAT as neap_py_object_visit;
 * NEAP_ERROR_BUSY if the budget ended before or meanwhile. */
int neap__advice_visit(struct neap__advice_search *search, const struct neap_py_object *object,
                       neap_py_referent_visit *visit, void *context);

/* Sums up now_bytes and appends a copy of `advice`, unless none of its options saves memory. */
void neap__advice_add(struct neap__advice_search *search, struct neap_advice *advice);

__attribute__((format(printf, 3, 4))) void neap__advice_option(struct neap_advice *advice, uint64_t bytes,
                                                               const char *format, ...);

/* Adds an option for each measured container with these kinds of keys and values. */
void neap__advice_options(struct neap_advice *advice, enum neap_kind key, enum neap_kind value,
                          const struct neap_size_measured_bytes *bytes);

/* Examines one container: a list, set or dict. */
void neap__advice_container(struct neap__advice_search *search, uint32_t ordinal);

/* Examine all classes with many instances; all strings; all tries made of nodes. */
void neap__advice_classes(struct neap__advice_search *search);
void neap__advice_strings(struct neap__advice_search *search);
void neap__advice_nested_tries(struct neap__advice_search *search);

#endif
