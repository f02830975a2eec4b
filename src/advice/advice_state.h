/* advice/advice_state.h: advice while it is found. For advice.c and advice_*.c alone. */
#ifndef NEAP_ADVICE_ADVICE_STATE_H
#define NEAP_ADVICE_ADVICE_STATE_H

#include "advice/advice.h"
#include "advice/advice_column.h"
#include "advice/size_measured.h"

enum { NEAP_ADVICE_SHARED_MAX = 1 << 22 }; /* items of one thing that others refer to, remembered */

struct neap__advice_search {
    const neap_referrers_t *referrers;
    const neap_census_t *census;
    neap_owner_paths_t *paths;
    struct neap_advices *advices;
    size_t room;
    uint64_t resident_bytes; /* of the process: whoever meets more in one thing meets something twice */
    struct neap_py_lens lens;
    bool out_of_memory;
};

/* Appends a copy of `advice`, with what is now summed up; one without an option that saves is left out. */
void neap__advice_add(struct neap__advice_search *search, struct neap_advice *advice);

__attribute__((format(printf, 3, 4))) void neap__advice_option(struct neap_advice *advice, uint64_t bytes,
                                                               const char *format, ...);

/* Options for the containers of such keys and values that were measured. */
void neap__advice_options(struct neap_advice *advice, enum neap_kind key, enum neap_kind value,
                          const struct neap_size_measured_bytes *bytes);

/* One container: a list, set or dict. */
void neap__advice_container(struct neap__advice_search *search, uint32_t ordinal);

/* All classes with many instances; all strings; all tries made of nodes. */
void neap__advice_classes(struct neap__advice_search *search);
void neap__advice_strings(struct neap__advice_search *search);
void neap__advice_nested_tries(struct neap__advice_search *search);

#endif
