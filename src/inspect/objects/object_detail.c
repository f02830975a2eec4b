/* inspect/objects/object_detail.c: finds the objects, and then all their referrers in one pass. */
#include "inspect/objects/object_detail.h"

#include <stdio.h>
#include <stdlib.h>

struct detail_place {
    uint32_t ordinal, place; /* of an object, and its index in the list */
};

struct detail_search {
    const struct neap_analysis *analysis;
    struct neap_object_details *details;
    struct detail_place *places; /* by ordinal */
};

static int place_order(const void *a, const void *b) {
    const struct detail_place *one = a, *other = b;
    return (one->ordinal > other->ordinal) - (one->ordinal < other->ordinal);
}

static struct neap_object_detail *detail_of(const struct detail_search *search, uint32_t ordinal) {
    const struct detail_place key = {.ordinal = ordinal};
    const struct detail_place *found =
        bsearch(&key, search->places, search->details->count, sizeof(key), place_order);
    return found ? &search->details->list[found->place] : NULL;
}

static bool referrer_add(void *context, uint32_t object, uint32_t referrer) {
    const struct detail_search *search = context;
    const struct neap_analysis *analysis = search->analysis;
    struct neap_object_detail *detail = detail_of(search, object);
    struct neap_py_object from;
    char path[NEAP_OWNER_PATH_TEXT_ROOM];
    if (!detail)
        return true;
    detail->referrer_total++;
    if (detail->referrer_count < NEAP_OBJECT_DETAIL_REFERRERS &&
        neap_census_object(analysis->census, analysis->lens, referrer, &from)) {
        uint32_t owner_path = neap_owner_paths_of(analysis->paths, referrer);
        snprintf(detail->referrers[detail->referrer_count++], sizeof(detail->referrers[0]), "%.30s in %.45s",
                 from.type->name, neap_owner_paths_text(analysis->paths, owner_path, path, sizeof(path)));
    }
    return true;
}

static void detail_make(const struct neap_analysis *analysis, const struct neap_largest *largest,
                        bool contents, struct neap_object_detail *detail) {
    struct neap_py_object object;
    detail->largest = *largest;
    if (neap_census_object(analysis->census, analysis->lens, largest->ordinal, &object))
        neap_py_object_describe(analysis->lens, &object, contents, detail->what, sizeof(detail->what));
    neap_owner_paths_text(analysis->paths, neap_owner_paths_of(analysis->paths, largest->ordinal),
                          detail->path, sizeof(detail->path));
}

static int referrers_find(struct detail_search *search) {
    size_t count = search->details->count;
    uint32_t *ordinals = calloc(count + 1, sizeof(*ordinals));
    search->places = calloc(count + 1, sizeof(*search->places));
    int error = ordinals && search->places ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        for (uint32_t i = 0; i < count; i++) {
            ordinals[i] = search->details->list[i].largest.ordinal;
            search->places[i] = (struct detail_place){ordinals[i], i};
        }
        qsort(search->places, count, sizeof(*search->places), place_order);
        error = neap_referrers_each(search->analysis->referrers, ordinals, count, referrer_add, search);
    }
    free(search->places);
    free(ordinals);
    return error;
}

int neap_object_details_find(const struct neap_analysis *analysis, const char *type, size_t most,
                             bool contents, struct neap_object_details *details) {
    struct neap_object_details made = {0};
    struct detail_search search = {.analysis = analysis, .details = &made};
    struct neap_largest *largest = calloc(most + 1, sizeof(*largest));
    int error = largest ? neap_largest_find(analysis->census, type, most, largest, &made.count, &made.total)
                        : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK && !(made.list = calloc(made.count + 1, sizeof(*made.list))))
        error = NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        for (size_t i = 0; i < made.count; i++)
            detail_make(analysis, &largest[i], contents, &made.list[i]);
        error = referrers_find(&search);
    }
    free(largest);
    if (error == NEAP_OK)
        *details = made;
    else
        free(made.list);
    return error;
}

void neap_object_details_clear(struct neap_object_details *details) {
    free(details->list);
    *details = (struct neap_object_details){0};
}
