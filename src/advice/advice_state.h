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
    uint64_t resident_bytes; /* of the process; a container with more bytes counts something twice */
    struct neap_py_lens lens;
    bool out_of_memory;
};

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
