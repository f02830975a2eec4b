/* inspect/advice_container.c: one list, set or dict, item after item. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/advice_state.h"
#include "inspect/alternative.h"
#include "inspect/alternative_map.h"
#include "inspect/content.h"

/* What all keys, or all values, are: one built-in kind, or a mixture. */
enum { MIXED = NEAP_PY_KINDS };

struct column {
    unsigned kind;         /* enum neap_py_kind, MIXED, or NEAP_PY_OPAQUE before the first */
    uint64_t count, bytes; /* items; bytes of those that only this refers to */
    bool wide;             /* an int beyond 64 bits, a text that cannot be read */
    int64_t least, most;   /* of ints */
};

struct walk {
    struct neap__advice_search *search;
    struct column keys, values;
    struct neap_address_set shared; /* items that are referred to more than once -> times seen here */
    struct neap_alternative_sqlite sqlite;
    struct neap_alternative_redis redis;
    struct neap_alternative_map map;
    bool key_known;
    enum neap_cell key_cell;
    int64_t key_number; /* value of an int, length of a text */
    uint64_t key_bytes; /* as text */
};

/* An item that is seen more often is counted when all that refer to it have been. */
static void bytes_add(struct walk *walk, struct column *column, const struct neap_py_object *item) {
    struct neap_py_measure measure = {0, 0};
    if (item->flags & (NEAP_PY_OBJECT_IMMORTAL | NEAP_PY_OBJECT_STATIC | NEAP_PY_OBJECT_PARKED))
        return;
    if (item->refcount > 1) {
        struct neap_address_entry *entry = neap_address_set_add(&walk->shared, item->address, 0, NULL);
        if (!entry || ++entry->value != item->refcount)
            return;
    }
    if (neap_py_object_measure(&walk->search->lens, item, &measure, NULL, NULL) == NEAP_OK)
        column->bytes += measure.sizeof_bytes;
}

static enum neap_cell cell_of(const struct neap_py_object *item) {
    return item->type->kind == NEAP_PY_INT     ? NEAP_CELL_INTEGER
           : item->type->kind == NEAP_PY_FLOAT ? NEAP_CELL_REAL
                                               : NEAP_CELL_TEXT;
}

/* Notes the item's kind; for ints and texts *number is its value or length, and *bytes what it
 * takes as a decimal or text. */
static void column_add(struct walk *walk, struct column *column, const struct neap_py_object *item,
                       int64_t *number, uint64_t *bytes) {
    struct neap_content_text text;
    unsigned kind = item->type->flags & NEAP_PY_TYPE_BUILTIN ? item->type->kind : MIXED;
    column->kind = column->count == 0 || column->kind == kind ? kind : MIXED;
    *number = 0;
    *bytes = 17; /* of a double as decimal */
    if (kind == NEAP_PY_INT) {
        column->wide |= !neap_content_int(&walk->search->lens, item, number);
        column->least = column->count == 0 || *number < column->least ? *number : column->least;
        column->most = column->count == 0 || *number > column->most ? *number : column->most;
        *bytes = neap_alternative_digits(*number);
    } else if (kind == NEAP_PY_STR) {
        bool known = neap_content_text(&walk->search->lens, item, &text);
        column->wide |= !known;
        *bytes = known ? text.utf8_bytes : 0;
        *number = (int64_t)*bytes;
    }
    column->count++;
    bytes_add(walk, column, item);
}

static bool item_take(void *context, const struct neap_py_referent *referent) {
    struct walk *walk = context;
    struct neap_py_object item;
    int64_t number;
    uint64_t bytes;
    bool key = referent->edge == NEAP_PY_EDGE_KEY, value = referent->edge == NEAP_PY_EDGE_VALUE;
    if (!key && !value && referent->edge != NEAP_PY_EDGE_INDEX)
        return true;
    if (!neap_py_object_at(&walk->search->lens, referent->address, &item)) {
        walk->values.kind = MIXED;
        walk->values.count++;
        return true;
    }
    column_add(walk, key ? &walk->keys : &walk->values, &item, &number, &bytes);
    if (key) {
        walk->key_cell = cell_of(&item);
        walk->key_number = number;
        walk->key_bytes = bytes;
        walk->key_known = true;
    } else if (value && walk->key_known) {
        neap_alternative_sqlite_add(&walk->sqlite, walk->key_cell, walk->key_number, cell_of(&item), number);
        neap_alternative_redis_add(&walk->redis, walk->key_bytes, bytes);
        neap_alternative_map_add(&walk->map, walk->key_cell == NEAP_CELL_TEXT ? walk->key_bytes : UINT64_MAX,
                                 cell_of(&item) == NEAP_CELL_TEXT ? bytes : UINT64_MAX);
        walk->key_known = false;
    }
    return true;
}

static const char *kind_name(unsigned kind) {
    switch (kind) {
    case NEAP_PY_INT:
        return "int";
    case NEAP_PY_FLOAT:
        return "float";
    case NEAP_PY_STR:
        return "str";
    default:
        return "objects";
    }
}

static bool is_cell(const struct column *column) {
    return !column->wide &&
           (column->kind == NEAP_PY_INT || column->kind == NEAP_PY_FLOAT || column->kind == NEAP_PY_STR);
}

/* The code of the array.array type that holds all of a column; 0 if none does. */
static char array_code(const struct column *column, unsigned *item_bytes) {
    static const char with_sign[] = {[1] = 'b', [2] = 'h', [4] = 'i', [8] = 'q'};
    static const char without[] = {[1] = 'B', [2] = 'H', [4] = 'I', [8] = 'Q'};
    *item_bytes = 8;
    if (column->kind == NEAP_PY_FLOAT)
        return 'd';
    if (column->kind != NEAP_PY_INT || column->wide)
        return 0;
    *item_bytes = neap_alternative_array_item(column->least, column->most);
    bool fits = column->least >= -(INT64_C(1) << (8 * *item_bytes - 1)) &&
                (*item_bytes == 8 || column->most < INT64_C(1) << (8 * *item_bytes - 1));
    return fits ? with_sign[*item_bytes] : without[*item_bytes];
}

static void array_advise(struct neap__advice_search *search, struct neap_advice *advice,
                         const struct column *column) {
    unsigned item_bytes;
    char code = array_code(column, &item_bytes);
    if (code)
        neap__advice_option(advice,
                            neap_alternative_array(search->lens.version->minor, column->count, item_bytes),
                            "array.array('%c')", code);
}

/* The kind of neap.Map that a column takes; its bytes, 0 for a text. */
static unsigned map_kind(const struct column *column, char *name, size_t room) {
    if (column->kind == NEAP_PY_STR) {
        snprintf(name, room, "str");
        return 0;
    }
    if (column->kind == NEAP_PY_FLOAT) {
        snprintf(name, room, "f64");
        return sizeof(double);
    }
    unsigned bytes = neap_alternative_array_item(column->least, column->most);
    bool fits = column->least >= -(INT64_C(1) << (8 * bytes - 1)) &&
                (bytes == 8 || column->most < INT64_C(1) << (8 * bytes - 1));
    snprintf(name, room, "%c%u", fits ? 'i' : 'u', 8 * bytes);
    return bytes;
}

static void map_advise(struct neap_advice *advice, struct walk *walk) {
    char key[8], value[8];
    unsigned key_bytes = map_kind(&walk->keys, key, sizeof(key));
    unsigned value_bytes = map_kind(&walk->values, value, sizeof(value));
    uint64_t bytes = neap_alternative_map_end(&walk->map, key_bytes, value_bytes);
    if (bytes)
        neap__advice_option(advice, bytes, "neap.Map('%s', '%s')", key, value);
}

void neap__advice_container(struct neap__advice_search *search, uint32_t ordinal) {
    struct neap_py_object object;
    struct neap_py_measure measure;
    struct neap_advice advice = {.holder = NEAP_HOLDER_NONE};
    struct walk walk = {.search = search, .shared.limit = 1 << 22};
    if (!neap_census_object(search->census, &search->lens, ordinal, &object) ||
        neap_py_object_measure(&search->lens, &object, &measure, NULL, NULL) != NEAP_OK)
        return;
    neap_py_object_visit(&search->lens, &object, item_take, &walk);
    advice.own_bytes = measure.sizeof_bytes;
    advice.key_bytes = walk.keys.bytes;
    advice.value_bytes = walk.values.bytes;
    bool dict = object.type->kind == NEAP_PY_DICT, set = object.type->kind == NEAP_PY_SET;
    const struct column *items = set ? &walk.keys : &walk.values;
    advice.items = dict ? walk.keys.count : items->count;
    advice.kind = dict ? NEAP_ADVICE_DICT : set ? NEAP_ADVICE_SET : NEAP_ADVICE_LIST;
    snprintf(advice.lead, sizeof(advice.lead), "%.11s of", object.type->name);
    snprintf(advice.tail, sizeof(advice.tail), "%s%s%s", kind_name(dict ? walk.keys.kind : items->kind),
             dict ? " to " : "", dict ? kind_name(walk.values.kind) : "");
    if (dict && is_cell(&walk.keys) && is_cell(&walk.values) && walk.keys.kind != NEAP_PY_FLOAT) {
        map_advise(&advice, &walk);
        neap__advice_option(&advice, neap_alternative_sqlite_end(&walk.sqlite), "SQLite in memory");
        neap__advice_option(&advice, neap_alternative_redis_end(&walk.redis), "Redis, one hash");
    } else if (!dict && !walk.shared.lost) {
        array_advise(search, &advice, items);
    }
    neap_address_set_clear(&walk.shared);
    free(walk.map.sizes);
    if (advice.option_count)
        advice.holder = neap_holders_of(search->holders, ordinal);
    neap__advice_add(search, &advice);
}
