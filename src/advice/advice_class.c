/* advice/advice_class.c: advice for instances that could have slots, and for equal strings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice/advice_state.h"
#include "advice/size_estimate.h"

enum { TEXTS_MAX = 1 << 24 };

/* --- instances ---------------------------------------------------------------------- */

struct instances {
    uint64_t count, own_bytes, dict_bytes;
    unsigned attributes; /* the largest number in one instance */
    bool wanted;
};

struct instance_walk {
    struct neap__advice_search *search;
    unsigned attributes;
    uint64_t dict_bytes;
};

static bool key_count(void *context, const struct neap_py_referent *referent) {
    struct instance_walk *walk = context;
    walk->attributes += referent->edge == NEAP_PY_EDGE_VALUE;
    return true;
}

static bool attribute_count(void *context, const struct neap_py_referent *referent) {
    struct instance_walk *walk = context;
    struct neap_py_object dict;
    struct neap_py_measure measure;
    if (referent->edge == NEAP_PY_EDGE_ATTRIBUTE)
        walk->attributes++;
    if (referent->edge == NEAP_PY_EDGE_DICT &&
        neap_py_object_at(&walk->search->lens, referent->address, &dict)) {
        walk->attributes = 0; /* all of them are in it */
        neap__advice_visit(walk->search, &dict, key_count, walk);
        if (neap_py_object_measure(&walk->search->lens, &dict, &measure, NULL, NULL) == NEAP_OK)
            walk->dict_bytes += measure.sizeof_bytes;
    }
    return true;
}

/* A class written in Python, directly derived from object, whose instances have a dict. */
static bool could_have_slots(const struct neap_py_type *type, const struct neap_census_sum *sum) {
    bool dict = type->dict_offset != 0 || (type->flags & NEAP_PY_TYPE_MANAGED_DICT);
    return sum->objects >= NEAP_ADVICE_ITEMS_LEAST && type->kind == NEAP_PY_PLAIN &&
           (type->flags & NEAP_PY_TYPE_HEAP) && dict && type->base && !type->base->base &&
           type->member_count == 0;
}

static void instance_take(struct neap__advice_search *search, const struct neap_py_object *object,
                          struct instances *sum) {
    struct instance_walk walk = {search, 0, 0};
    struct neap_py_measure measure;
    if (neap_py_object_measure(&search->lens, object, &measure, NULL, NULL) != NEAP_OK)
        return;
    neap__advice_visit(search, object, attribute_count, &walk);
    sum->count++;
    sum->own_bytes += measure.own_bytes;
    sum->dict_bytes += walk.dict_bytes;
    sum->attributes = walk.attributes > sum->attributes ? walk.attributes : sum->attributes;
}

static void class_advise(struct neap__advice_search *search, const struct neap_py_type *type,
                         const struct instances *sum) {
    struct neap_advice advice = {
        .kind = NEAP_ADVICE_CLASS,
        .owner_path = NEAP_OWNER_PATH_NONE,
        .items = sum->count,
        .own_bytes = sum->own_bytes,
        .value_bytes = sum->dict_bytes,
    };
    snprintf(advice.tail, sizeof(advice.tail), "instances of %.120s", type->name);
    neap__advice_option(&advice, sum->count * neap_size_estimate_slots(sum->attributes),
                        "__slots__ (%u names)", sum->attributes);
    neap__advice_add(search, &advice);
}

void neap__advice_classes(struct neap__advice_search *search) {
    const struct neap_python_view *view = neap_census_view(search->census);
    size_t count;
    const struct neap_census_sum *sums = neap_census_types(search->census, &count);
    struct instances *classes = calloc(count + 1, sizeof(*classes));
    bool any = false;
    if (!classes) {
        search->advices->gaps[NEAP_ADVICE_PART_CLASSES].out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        classes[i].wanted =
            sums[i].objects && could_have_slots(neap_py_types_at(view->types, (uint32_t)i), &sums[i]);
        any |= classes[i].wanted;
    }
    uint32_t reached;
    const uint32_t *order = neap_referrers_order(search->referrers, &reached);
    for (uint32_t i = 0; any && i < reached && !neap__advice_spent(search); i++) {
        struct neap_py_object object;
        if (neap_census_object(search->census, &search->lens, order[i], &object) &&
            object.type->index < count && classes[object.type->index].wanted)
            instance_take(search, &object, &classes[object.type->index]);
    }
    for (size_t i = 0; i < count && !neap__advice_spent(search); i++)
        if (classes[i].count)
            class_advise(search, neap_py_types_at(view->types, (uint32_t)i), &classes[i]);
    free(classes);
}

/* --- strings -------------------------------------------------------------------------- */

/* Sums the bytes of strings that equal an earlier one, and of the first strings that have such equals. */
struct texts {
    struct neap_address_set seen; /* hash -> bytes << 1 | whether there was another */
    uint64_t strings, bytes, different, different_bytes;
    struct neap_simple_value_buffer buffer;
};

/* A hash of the text of a str: equal texts have equal hashes. */
static uint64_t text_hash(const union neap_item *item) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) + item->text.bytes, word;
    const unsigned char *at = item->text.data;
    size_t left = item->text.bytes;
    for (; left > 0; at += sizeof(word)) {
        size_t part = left < sizeof(word) ? left : sizeof(word);
        word = 0;
        memcpy(&word, at, part);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 32;
        left -= part;
    }
    return hash ? hash : 1; /* a set has no member 0 */
}

static void text_take(struct neap__advice_search *search, const struct neap_py_object *object,
                      struct texts *texts) {
    struct neap_py_measure measure;
    bool added;
    if (neap_py_object_measure(&search->lens, object, &measure, NULL, NULL) != NEAP_OK ||
        !neap__advice_charge(search, measure.sizeof_bytes))
        return;
    struct neap_simple_value content = neap_simple_value_read(&search->lens, object, &texts->buffer);
    if (content.kind != NEAP_SIMPLE_STR)
        return;
    struct neap_address_entry *entry =
        neap_address_set_add(&texts->seen, text_hash(&content.item), measure.sizeof_bytes << 1, &added);
    if (!entry || added)
        return;
    if (!(entry->value & 1)) {
        texts->strings++;
        texts->different++;
        texts->bytes += entry->value >> 1;
        texts->different_bytes += entry->value >> 1;
        entry->value |= 1;
    }
    texts->strings++;
    texts->bytes += measure.sizeof_bytes;
}

void neap__advice_strings(struct neap__advice_search *search) {
    struct texts texts = {.seen.limit = TEXTS_MAX};
    uint32_t reached;
    const uint32_t *order = neap_referrers_order(search->referrers, &reached);
    for (uint32_t i = 0; i < reached && !neap__advice_spent(search); i++) {
        struct neap_py_object object;
        if (neap_census_object(search->census, &search->lens, order[i], &object) &&
            neap_simple_value_kind_of(object.type) == NEAP_SIMPLE_STR &&
            !neap_census_is_fixed(search->census, order[i]))
            text_take(search, &object, &texts);
    }
    struct neap_advice advice = {
        .kind = NEAP_ADVICE_STRINGS,
        .owner_path = NEAP_OWNER_PATH_NONE,
        .items = texts.strings,
        .own_bytes = texts.bytes,
    };
    snprintf(advice.tail, sizeof(advice.tail), "str with %llu different texts",
             (unsigned long long)texts.different);
    neap__advice_option(&advice, texts.different_bytes, "one str each (sys.intern)");
    /* What was counted is there, also if more was not counted. */
    if (texts.strings >= NEAP_ADVICE_ITEMS_LEAST)
        neap__advice_add(search, &advice);
    search->advices->gaps[NEAP_ADVICE_PART_STRINGS].out_of_memory |= texts.seen.lost;
    neap_address_set_clear(&texts.seen);
    free(texts.buffer.bytes);
}
