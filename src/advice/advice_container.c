/* advice/advice_container.c: advice for one list, set or dict. A first pass over its items finds
 * their kinds, and a second pass adds them to Neap's containers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice/advice_state.h"
#include "advice/size_estimate.h"

struct walk {
    struct neap__advice_search *search;
    struct neap_advice_column keys, values; /* items of lists are values, items of sets are keys */
    struct neap_address_set shared;
    struct neap_simple_value_buffer key_text, value_text;
    struct neap_simple_value key; /* of the next value */
    struct neap_size_estimate_sqlite sqlite;
    struct neap_size_estimate_redis redis;
    struct neap_size_measured store;
};

/* --- what its items are ------------------------------------------------------------------ */

static enum neap_size_estimate_cell cell_of(const struct neap_simple_value *content, int64_t *number) {
    bool text = neap_simple_value_is_text(content->kind);
    *number = text ? (int64_t)content->item.text.bytes : content->item.i;
    return text ? NEAP_CELL_TEXT : content->kind == NEAP_SIMPLE_FLOAT ? NEAP_CELL_REAL : NEAP_CELL_INTEGER;
}

/* The length of a value as a text. */
static uint64_t decimal_bytes(const struct neap_simple_value *content) {
    enum { DOUBLE_DIGITS = 17 };
    return neap_simple_value_is_text(content->kind) ? content->item.text.bytes
           : content->kind == NEAP_SIMPLE_FLOAT     ? DOUBLE_DIGITS
                                                    : neap_size_estimate_digits(content->item.i);
}

static void row_add(struct walk *walk, const struct neap_simple_value *value) {
    int64_t key_number, value_number;
    enum neap_size_estimate_cell key_cell = cell_of(&walk->key, &key_number),
                                 value_cell = cell_of(value, &value_number);
    neap_size_estimate_sqlite_add(&walk->sqlite, key_cell, key_number, value_cell, value_number);
    neap_size_estimate_redis_add(&walk->redis, decimal_bytes(&walk->key), decimal_bytes(value));
}

/* What it cost to read a value: most texts are not copied, and one text may be that of many items. */
static uint64_t copied_bytes(const struct neap_simple_value *content,
                             const struct neap_simple_value_buffer *buffer) {
    bool copied = neap_simple_value_is_text(content->kind) && content->item.text.data == buffer->bytes;
    return copied ? content->item.text.bytes : 0;
}

static bool item_take(void *context, const struct neap_py_referent *referent) {
    struct walk *walk = context;
    struct neap_py_object item;
    struct neap_py_lens *lens = &walk->search->lens;
    bool key = referent->edge == NEAP_PY_EDGE_KEY, value = referent->edge == NEAP_PY_EDGE_VALUE;
    if (!key && !value && referent->edge != NEAP_PY_EDGE_INDEX)
        return true;
    struct neap_advice_column *column = key ? &walk->keys : &walk->values;
    if (!neap_py_object_at(lens, referent->address, &item)) {
        column->kind = NEAP_SIMPLE_OTHER;
        column->count++;
        return true;
    }
    struct neap_simple_value_buffer *text = key ? &walk->key_text : &walk->value_text;
    uint64_t bytes = column->bytes;
    struct neap_simple_value content = neap_advice_column_add(column, lens, &walk->shared, &item, text);
    bytes = column->bytes - bytes + copied_bytes(&content, text);
    if (key)
        walk->key = content;
    else if (value)
        row_add(walk, &content);
    return neap__advice_charge(walk->search, bytes);
}

/* --- what they would take elsewhere ------------------------------------------------------- */

/* Reads the item of a reference again, in the second pass. */
static struct neap_simple_value content_again(struct walk *walk, uint64_t address,
                                              struct neap_simple_value_buffer *buffer) {
    struct neap_py_object item;
    if (!neap_py_object_at(&walk->search->lens, address, &item))
        return (struct neap_simple_value){.kind = NEAP_SIMPLE_OTHER};
    return neap_simple_value_read(&walk->search->lens, &item, buffer);
}

static bool store_charge(const struct walk *walk, const struct neap_simple_value *content) {
    return !neap_simple_value_is_text(content->kind) ||
           neap__advice_charge(walk->search, content->item.text.bytes);
}

static bool set_item_store(void *context, const struct neap_py_referent *referent) {
    struct walk *walk = context;
    if (referent->edge != NEAP_PY_EDGE_KEY)
        return true;
    struct neap_simple_value key = content_again(walk, referent->address, &walk->key_text);
    return store_charge(walk, &key) &&
           neap_size_measured_add(&walk->store, key.item, (union neap_item){.i = 0});
}

static bool dict_item_store(void *context, const struct neap_py_referent *referent) {
    struct walk *walk = context;
    if (referent->edge == NEAP_PY_EDGE_KEY)
        walk->key = content_again(walk, referent->address, &walk->key_text);
    if (referent->edge != NEAP_PY_EDGE_VALUE)
        return true;
    struct neap_simple_value value = content_again(walk, referent->address, &walk->value_text);
    return store_charge(walk, &walk->key) && store_charge(walk, &value) &&
           neap_size_measured_add(&walk->store, walk->key.item, value.item);
}

/* Measures keys and values in Neap's containers, up to the present size in `advice`. */
static void store_advise(struct walk *walk, const struct neap_py_object *object, struct neap_advice *advice) {
    enum neap_kind key, value = NEAP_KIND_NONE;
    bool dict = advice->kind == NEAP_ADVICE_DICT;
    if (!neap_advice_column_kind(&walk->keys, &key) ||
        (dict && !neap_advice_column_kind(&walk->values, &value)))
        return;
    neap_size_measured_open(&walk->store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, key, value, advice->items,
                            advice->now_bytes);
    neap__advice_visit(walk->search, object, dict ? dict_item_store : set_item_store, walk);
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&walk->store);
    neap__advice_options(advice, key, value, &bytes);
}

static bool is_cell(const struct neap_advice_column *column) {
    return column->kind != NEAP_SIMPLE_OTHER && column->kind != NEAP_SIMPLE_NONE;
}

static void dict_advise(struct walk *walk, const struct neap_py_object *object, struct neap_advice *advice) {
    store_advise(walk, object, advice);
    if (!is_cell(&walk->keys) || !is_cell(&walk->values) || walk->keys.kind == NEAP_SIMPLE_FLOAT)
        return;
    neap__advice_option(advice, neap_size_estimate_sqlite_end(&walk->sqlite), "SQLite in memory");
    neap__advice_option(advice, neap_size_estimate_redis_end(&walk->redis), "Redis, one hash");
}

/* Options for numbers: an array.array and, if they are 0 and 1 or positions, a neap.Bits. */
static void numbers_advise(struct walk *walk, const struct neap_advice_column *items,
                           struct neap_advice *advice) {
    enum neap_kind kind;
    char code = neap_advice_column_code(items);
    if (!code || walk->shared.lost || !neap_advice_column_kind(items, &kind))
        return;
    uint64_t bytes = neap_size_estimate_array(walk->search->lens.version->minor, items->count,
                                              (unsigned)neap_kind_width(kind));
    neap__advice_option(advice, bytes, "array.array('%c')", code);
    bool whole = items->kind != NEAP_SIMPLE_FLOAT && items->least >= 0;
    uint64_t bits = advice->kind == NEAP_ADVICE_SET ? (uint64_t)items->most + 1
                    : items->most <= 1              ? items->count
                                                    : 0;
    bytes = neap_size_estimate_bits(bits);
    if (whole && bits && bytes < advice->now_bytes)
        neap__advice_option(advice, bytes, "neap.Bits(%llu)", (unsigned long long)bits);
}

/* --- one container ------------------------------------------------------------------------ */

struct tables {
    struct neap__advice_search *search;
    bool taken; /* a table is one of a container that was examined before */
};

static void table_note(void *context, const struct neap_py_buffer *buffer) {
    struct tables *tables = context;
    bool added = true;
    if (!buffer->shared)
        neap_address_set_add(&tables->search->tables, buffer->address, 0, &added);
    tables->taken |= !added;
}

static void container_advise(struct walk *walk, const struct neap_py_object *object, uint32_t ordinal) {
    struct neap_py_measure measure;
    struct neap_advice advice = {.owner_path = NEAP_OWNER_PATH_NONE};
    struct tables tables = {walk->search, false};
    struct neap_advice_gap *gap = &walk->search->advices->gaps[NEAP_ADVICE_PART_CONTAINERS];
    if (neap_py_object_measure(&walk->search->lens, object, &measure, table_note, &tables) != NEAP_OK)
        return;
    gap->overlaps += tables.taken;
    if (tables.taken)
        return;
    neap__advice_visit(walk->search, object, item_take, walk);
    gap->out_of_memory |= walk->shared.lost;
    if (neap__advice_spent(walk->search))
        return;
    bool dict = object->type->kind == NEAP_PY_DICT, set = object->type->kind == NEAP_PY_SET;
    const struct neap_advice_column *items = dict || set ? &walk->keys : &walk->values;
    advice.own_bytes = measure.sizeof_bytes;
    advice.key_bytes = walk->keys.bytes;
    advice.value_bytes = walk->values.bytes;
    advice.now_bytes = advice.own_bytes + advice.key_bytes + advice.value_bytes;
    advice.items = items->count;
    advice.kind = dict ? NEAP_ADVICE_DICT : set ? NEAP_ADVICE_SET : NEAP_ADVICE_LIST;
    snprintf(advice.lead, sizeof(advice.lead), "%.11s of", object->type->name);
    snprintf(advice.tail, sizeof(advice.tail), "%s%s%s", neap_simple_value_name(items->kind),
             dict ? " to " : "", dict ? neap_simple_value_name(walk->values.kind) : "");
    if (dict) {
        dict_advise(walk, object, &advice);
    } else {
        numbers_advise(walk, items, &advice);
        if (set)
            store_advise(walk, object, &advice);
    }
    if (neap__advice_spent(walk->search))
        return; /* what was measured is of a part only */
    if (advice.option_count)
        advice.owner_path = neap_owner_paths_of(walk->search->paths, ordinal);
    neap__advice_add(walk->search, &advice);
}

void neap__advice_container(struct neap__advice_search *search, uint32_t ordinal) {
    struct neap_py_object object;
    struct walk walk = {.search = search, .shared.limit = NEAP_ADVICE_SHARED_MAX};
    if (neap_census_object(search->census, &search->lens, ordinal, &object))
        container_advise(&walk, &object, ordinal);
    neap_address_set_clear(&walk.shared);
    free(walk.key_text.bytes);
    free(walk.value_text.bytes);
}
