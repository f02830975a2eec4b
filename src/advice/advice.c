/* advice/advice.c: chooses the containers to examine, and sorts the advice. */
#include "advice/advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice/advice_state.h"
#include "base/array.h"
#include "inspect/objects/largest.h"

static bool is_container(const struct neap_py_object *object) {
    bool known = object->type->kind == NEAP_PY_LIST || object->type->kind == NEAP_PY_DICT ||
                 object->type->kind == NEAP_PY_SET;
    return known && (object->type->flags & NEAP_PY_TYPE_BUILTIN);
}

static void containers_find(struct neap__advice_search *search, struct neap_largest_list *candidates) {
    uint32_t count;
    const uint32_t *order = neap_referrers_order(search->referrers, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct neap_py_object object;
        struct neap_py_measure measure;
        if (neap_census_object(search->census, &search->lens, order[i], &object) && is_container(&object) &&
            neap_py_object_measure(&search->lens, &object, &measure, NULL, NULL) == NEAP_OK &&
            measure.sizeof_bytes >= NEAP_ADVICE_ITEMS_LEAST * sizeof(uint64_t))
            neap_largest_add(candidates,
                             &(struct neap_largest){order[i], measure.sizeof_bytes, object.address});
    }
}

uint64_t neap_advice_saving(const struct neap_advice *advice) {
    uint64_t least = advice->now_bytes;
    for (unsigned i = 0; i < advice->option_count; i++)
        if (advice->options[i].bytes < least)
            least = advice->options[i].bytes;
    return advice->now_bytes - least;
}

void neap__advice_option(struct neap_advice *advice, uint64_t bytes, const char *format, ...) {
    if (advice->option_count == NEAP_ADVICE_OPTIONS)
        return;
    struct neap_advice_option *option = &advice->options[advice->option_count++];
    va_list values;
    va_start(values, format);
    vsnprintf(option->name, sizeof(option->name), format, values);
    va_end(values);
    option->bytes = bytes;
}

/* "'str'", or None if there are no values. */
static const char *kind_text(enum neap_kind kind, char out[8]) {
    if (kind == NEAP_KIND_NONE)
        return "None";
    snprintf(out, 8, "'%s'", neap_kind_name(kind));
    return out;
}

void neap__advice_options(struct neap_advice *advice, enum neap_kind key, enum neap_kind value,
                          const struct neap_size_measured_bytes *bytes) {
    char one[8], other[8];
    const struct {
        const char *name;
        uint64_t bytes;
    } options[] = {{"Map", bytes->map}, {"Trie", bytes->trie}, {"FrozenTrie", bytes->frozen}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].bytes)
            neap__advice_option(advice, options[i].bytes, "neap.%s(%s, %s)", options[i].name,
                                kind_text(key, one), kind_text(value, other));
}

void neap__advice_add(struct neap__advice_search *search, struct neap_advice *advice) {
    struct neap_advices *advices = search->advices;
    advice->now_bytes = advice->own_bytes + advice->key_bytes + advice->value_bytes;
    if (advice->items < NEAP_ADVICE_ITEMS_LEAST || neap_advice_saving(advice) == 0)
        return;
    if (!NEAP_ARRAY_RESERVE(advices->list, search->room, advices->count + 1)) {
        search->out_of_memory = true;
        return;
    }
    advices->list[advices->count++] = *advice;
}

static int saving_compare(const void *a, const void *b) {
    uint64_t one = neap_advice_saving(a), other = neap_advice_saving(b);
    return one > other ? -1 : one < other;
}

int neap_advice_find(const neap_referrers_t *referrers, neap_owner_paths_t *paths, size_t most,
                     struct neap_advices *advices) {
    struct neap__advice_search *search = calloc(1, sizeof(*search));
    struct neap_largest_list candidates = {calloc(most + 1, sizeof(struct neap_largest)), 0, most};
    memset(advices, 0, sizeof(*advices));
    int error = search && candidates.list ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        search->referrers = referrers;
        search->paths = paths;
        search->census = neap_referrers_census(referrers);
        search->advices = advices;
        search->resident_bytes =
            neap_process_image_resident(neap_census_view(search->census)->image, 0, UINT64_MAX);
        neap_py_lens_init(&search->lens, neap_census_view(search->census)->types);
        containers_find(search, &candidates);
        for (size_t i = 0; i < candidates.count; i++)
            neap__advice_container(search, candidates.list[i].ordinal);
        neap__advice_classes(search);
        neap__advice_strings(search);
        neap__advice_nested_tries(search);
        error = search->out_of_memory ? NEAP_ERROR_MEMORY : NEAP_OK;
    }
    if (error == NEAP_OK && advices->count)
        qsort(advices->list, advices->count, sizeof(*advices->list), saving_compare);
    if (error != NEAP_OK)
        neap_advice_clear(advices);
    free(candidates.list);
    free(search);
    return error;
}

void neap_advice_clear(struct neap_advices *advices) {
    free(advices->list);
    memset(advices, 0, sizeof(*advices));
}
