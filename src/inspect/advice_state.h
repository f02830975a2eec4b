/* inspect/advice_state.h: advice while it is found. For advice.c, advice_container.c, advice_class.c alone.
 */
#ifndef NEAP_INSPECT_ADVICE_STATE_H
#define NEAP_INSPECT_ADVICE_STATE_H

#include "inspect/address_set.h"
#include "inspect/advice.h"

struct neap__advice_search {
    const neap_referrers_t *referrers;
    const neap_census_t *census;
    neap_holders_t *holders;
    struct neap_advices *advices;
    size_t room;
    struct neap_py_lens lens;
    bool starved;
};

/* Appends a copy of `advice`, with what is now summed up; one without an option that saves is left out. */
void neap__advice_add(struct neap__advice_search *search, struct neap_advice *advice);

__attribute__((format(printf, 3, 4))) void neap__advice_option(struct neap_advice *advice, uint64_t bytes,
                                                               const char *format, ...);

/* One container: a list, set or dict. */
void neap__advice_container(struct neap__advice_search *search, uint32_t ordinal);

/* All classes with many instances; all strings. */
void neap__advice_classes(struct neap__advice_search *search);
void neap__advice_strings(struct neap__advice_search *search);

#endif
