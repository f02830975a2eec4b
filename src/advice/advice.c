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

/* --- budget --------------------------------------------------------------------------- */

#define BUDGET_LEAST (UINT64_C(64) << 20)

void neap__advice_begin(struct neap__advice_search *search, enum neap_advice_part part) {
    /* How often the memory may be read. A table and the references in it are paid for apart, and texts too:
     * each pass over sound memory costs at most three times its bytes. Tries are passed over six times. */
    static const unsigned times[NEAP_ADVICE_PARTS] = {
        [NEAP_ADVICE_PART_CONTAINERS] = 6,
        [NEAP_ADVICE_PART_CLASSES] = 6,
        [NEAP_ADVICE_PART_STRINGS] = 4,
        [NEAP_ADVICE_PART_TRIES] = 16,
    };
    search->part = part;
    search->left_bytes = search->resident_bytes * times[part] + BUDGET_LEAST;
}

bool neap__advice_charge(struct neap__advice_search *search, uint64_t bytes) {
    bool enough = bytes <= search->left_bytes;
    search->left_bytes = enough ? search->left_bytes - bytes : 0;
    search->advices->gaps[search->part].out_of_budget |= !enough;
    return enough;
}

/* A visit that pays. */
struct charged {
    struct neap__advice_search *search;
    neap_py_referent_visit *visit;
    void *context;
};

static bool charged_visit(void *context, const struct neap_py_referent *referent) {
    const struct charged *charged = context;
    return neap__advice_charge(charged->search, sizeof(uint64_t)) &&
           charged->visit(charged->context, referent);
}

/* The tables are paid for before they are read, since a table may hold no referent at all. */
int neap__advice_visit(struct neap__advice_search *search, const struct neap_py_object *object,
                       neap_py_referent_visit *visit, void *context) {
    struct charged charged = {search, visit, context};
    struct neap_py_measure measure;
    if (neap__advice_spent(search))
        return NEAP_ERROR_BUSY;
    (void)neap_py_object_measure(&search->lens, object, &measure, NULL, NULL); /* of the block, if it fails */
    if (!neap__advice_charge(search, measure.sizeof_bytes))
        return NEAP_ERROR_BUSY;
    int error = neap_py_object_visit(&search->lens, object, charged_visit, &charged);
    return neap__advice_spent(search) ? NEAP_ERROR_BUSY : error;
}

/* --- the list ------------------------------------------------------------------------- */

uint64_t neap_advice_saving(const struct neap_advice *advice) {
    uint64_t least = advice->now_bytes;
    for (unsigned i = 0; i < advice->option_count; i++)
        if (!advice->options[i].unmade && advice->options[i].bytes < least)
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
    option->unmade = false;
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
        unsigned which;
    } options[] = {{"Map", bytes->map, NEAP_MEASURED_MAP},
                   {"Trie", bytes->trie, NEAP_MEASURED_TRIE},
                   {"FrozenTrie", bytes->frozen, NEAP_MEASURED_FROZEN}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        bool unmade = bytes->unmade & options[i].which;
        if (!options[i].bytes && !unmade)
            continue;
        neap__advice_option(advice, options[i].bytes, "neap.%s(%s, %s)", options[i].name, kind_text(key, one),
                            kind_text(value, other));
        advice->options[advice->option_count - 1].unmade = unmade;
    }
}

void neap__advice_add(struct neap__advice_search *search, struct neap_advice *advice) {
    struct neap_advices *advices = search->advices;
    advice->now_bytes = advice->own_bytes + advice->key_bytes + advice->value_bytes;
    bool unmade = false;
    for (unsigned i = 0; i < advice->option_count; i++)
        unmade |= advice->options[i].unmade;
    if (advice->items < NEAP_ADVICE_ITEMS_LEAST || (neap_advice_saving(advice) == 0 && !unmade))
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

static uint64_t resident_bytes(const struct neap_process_image *image) {
    uint64_t bytes = neap_process_image_resident(image, 0, UINT64_MAX);
    for (size_t i = 0; i < image->mapping_count; i++)
        bytes += image->mappings[i].swap_bytes;
    return bytes;
}

static void parts_examine(struct neap__advice_search *search, const struct neap_largest_list *containers) {
    neap__advice_begin(search, NEAP_ADVICE_PART_CONTAINERS);
    for (size_t i = 0; i < containers->count && !neap__advice_spent(search); i++)
        neap__advice_container(search, containers->list[i].ordinal);
    neap__advice_begin(search, NEAP_ADVICE_PART_CLASSES);
    neap__advice_classes(search);
    neap__advice_begin(search, NEAP_ADVICE_PART_STRINGS);
    neap__advice_strings(search);
    neap__advice_begin(search, NEAP_ADVICE_PART_TRIES);
    neap__advice_nested_tries(search);
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
        search->resident_bytes = resident_bytes(neap_census_view(search->census)->image);
        neap_py_lens_init(&search->lens, neap_census_view(search->census)->types);
        containers_find(search, &candidates);
        parts_examine(search, &candidates);
        error = search->out_of_memory ? NEAP_ERROR_MEMORY : NEAP_OK;
    }
    if (error == NEAP_OK && advices->count)
        qsort(advices->list, advices->count, sizeof(*advices->list), saving_compare);
    if (error != NEAP_OK)
        neap_advice_clear(advices);
    free(candidates.list);
    if (search)
        neap_address_set_clear(&search->tables);
    free(search);
    return error;
}

void neap_advice_clear(struct neap_advices *advices) {
    free(advices->list);
    memset(advices, 0, sizeof(*advices));
}
