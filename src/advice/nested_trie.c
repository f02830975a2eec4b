/* advice/nested_trie.c: counts nodes from the leaves up, and walks over them from the top down. */
#include "advice/nested_trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static bool is_dict(const struct neap_py_type *type) {
    return type->kind == NEAP_PY_DICT && (type->flags & NEAP_PY_TYPE_BUILTIN);
}

static bool may_be_node(const struct neap_py_type *type) {
    return is_dict(type) || (type->kind == NEAP_PY_PLAIN && (type->flags & NEAP_PY_TYPE_HEAP));
}

static bool is_attribute(const struct neap_py_referent *referent) {
    return referent->edge == NEAP_PY_EDGE_ATTRIBUTE || referent->edge == NEAP_PY_EDGE_MEMBER ||
           referent->edge == NEAP_PY_EDGE_VALUE;
}

/* --- from the leaves up ------------------------------------------------------------------- */

enum { TURNS = 2 }; /* a node that comes before its parents counts in the next turn */

struct count {
    struct neap__advice_search *search;
    const struct neap__nested_tries *tries;
    uint64_t sum;
    const struct neap_py_type *child_type; /* the type of all children; NULL before the first */
    struct neap_py_object children;        /* for an instance: the dict of its children */
    unsigned child_dicts;
    bool mark; /* also set tries->children */
    bool failed;
};

static void bit_set(uint64_t *bits, uint32_t ordinal) {
    bits[ordinal / 64] |= UINT64_C(1) << (ordinal % 64);
}

/* Counts a referent, if it is a node. */
static bool below_add(struct count *count, const struct neap_py_referent *referent) {
    uint32_t ordinal;
    if (!neap_referrers_resolve(count->search->census, referent, &ordinal) ||
        count->tries->nodes[ordinal] == 0)
        return false;
    if (count->mark)
        bit_set(count->tries->children, ordinal);
    count->sum += count->tries->nodes[ordinal];
    return count->sum < neap_block_index_count(neap_census_index(count->search->census));
}

static bool is_short_text(struct neap_py_lens *lens, uint64_t address) {
    struct neap_py_object key;
    return neap_py_object_at(lens, address, &key) && neap_simple_value_kind_of(key.type) == NEAP_SIMPLE_STR &&
           key.items <= NEAP_NESTED_TRIE_KEY_CHARACTERS;
}

static bool entry_count(void *context, const struct neap_py_referent *referent) {
    struct count *count = context;
    struct neap_py_object value;
    if (referent->edge != NEAP_PY_EDGE_VALUE)
        return true;
    if (!neap_py_object_at(&count->search->lens, referent->address, &value)) {
        count->failed = true;
    } else if (may_be_node(value.type)) {
        count->failed = !is_short_text(&count->search->lens, referent->key) ||
                        (count->child_type && count->child_type != value.type) || !below_add(count, referent);
        count->child_type = value.type;
    } else {
        count->failed = neap_simple_value_kind_of(value.type) == NEAP_SIMPLE_OTHER;
    }
    return !count->failed;
}

static bool attribute_count(void *context, const struct neap_py_referent *referent) {
    struct count *count = context;
    struct neap_py_object value;
    if (referent->edge != NEAP_PY_EDGE_DICT && !is_attribute(referent))
        return true;
    if (!neap_py_object_at(&count->search->lens, referent->address, &value)) {
        count->failed = true;
    } else if (referent->edge == NEAP_PY_EDGE_DICT) {
        neap__advice_visit(count->search, &value, attribute_count, count);
    } else if (may_be_node(value.type)) {
        count->failed = !is_dict(value.type) || count->child_dicts++ > 0 || !below_add(count, referent);
        count->children = value;
    } else {
        count->failed = neap_simple_value_kind_of(value.type) == NEAP_SIMPLE_OTHER;
    }
    return !count->failed;
}

/* Notes the type of the first child. */
static bool child_type_find(void *context, const struct neap_py_referent *referent) {
    struct count *count = context;
    struct neap_py_object value;
    if (referent->edge == NEAP_PY_EDGE_VALUE &&
        neap_py_object_at(&count->search->lens, referent->address, &value) && may_be_node(value.type))
        count->child_type = value.type;
    return !count->child_type;
}

static uint32_t node_count(struct count *count, uint32_t ordinal) {
    struct neap__advice_search *search = count->search;
    struct neap_py_object object;
    if (!neap_census_object(search->census, &search->lens, ordinal, &object) || !may_be_node(object.type))
        return 0;
    bool dict = is_dict(object.type);
    if (dict && neap_block_is_live(count->tries->names, ordinal))
        return 0;
    if (neap__advice_visit(search, &object, dict ? entry_count : attribute_count, count) != NEAP_OK ||
        count->failed)
        return 0;
    if (dict)
        return (uint32_t)count->sum;
    if (count->child_dicts != 1)
        return 0;
    count->child_type = NULL;
    neap__advice_visit(search, &count->children, child_type_find, count);
    return !count->child_type || count->child_type == object.type ? (uint32_t)count->sum : 0;
}

struct names {
    struct neap__advice_search *search;
    struct neap__nested_tries *tries;
};

static bool names_note(void *context, const struct neap_py_referent *referent) {
    struct names *names = context;
    uint32_t ordinal;
    bool dict = referent->edge == NEAP_PY_EDGE_DICT;
    if (dict && neap_referrers_resolve(names->search->census, referent, &ordinal))
        bit_set(names->tries->names, ordinal);
    return !dict;
}

static void names_find(struct neap__advice_search *search, struct neap__nested_tries *tries,
                       uint32_t ordinal) {
    struct names names = {search, tries};
    struct neap_py_object object;
    if (!neap_census_object(search->census, &search->lens, ordinal, &object))
        return;
    const struct neap_py_type *type = object.type;
    if (type->dict_offset != 0 || (type->flags & NEAP_PY_TYPE_MANAGED_DICT))
        neap__advice_visit(search, &object, names_note, &names);
}

bool neap__nested_tries_find(struct neap__advice_search *search, struct neap__nested_tries *tries) {
    size_t blocks = neap_block_index_count(neap_census_index(search->census));
    uint32_t reached;
    const uint32_t *order = neap_referrers_order(search->referrers, &reached);
    *tries = (struct neap__nested_tries){calloc(blocks + 1, sizeof(*tries->nodes)),
                                         calloc(blocks / 64 + 1, sizeof(*tries->children)),
                                         calloc(blocks / 64 + 1, sizeof(*tries->names))};
    if (!tries->nodes || !tries->children || !tries->names)
        return false;
    for (uint32_t i = 0; i < reached && !neap__advice_spent(search); i++)
        names_find(search, tries, order[i]);
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (uint32_t i = reached;
             i-- > 0 && !neap__advice_spent(search);) { /* children usually come before their parents */
            struct count count = {.search = search, .tries = tries, .sum = 1};
            if (tries->nodes[order[i]] == 0)
                tries->nodes[order[i]] = node_count(&count, order[i]);
        }
    for (uint32_t i = 0; i < reached && !neap__advice_spent(search); i++) {
        struct count count = {.search = search, .tries = tries, .sum = 1, .mark = true};
        if (tries->nodes[order[i]] > 0)
            node_count(&count, order[i]);
    }
    return true;
}

void neap__nested_tries_clear(struct neap__nested_tries *tries) {
    free(tries->nodes);
    free(tries->children);
    free(tries->names);
}

/* --- from the top down --------------------------------------------------------------------- */

struct pending {
    uint64_t node, key; /* addresses; key 0 at the top */
    size_t way_bytes;   /* of the node above */
};

struct walk {
    struct neap__advice_search *search;
    const struct neap__nested_tries *tries;
    struct pending *stack;
    size_t count, room;
    unsigned char way[NEAP_NESTED_TRIE_WAY_MAX];
    size_t way_bytes, last_bytes;
    struct neap_simple_value_buffer key_text;
    bool (*visit)(void *context, const struct neap__nested_trie_step *step);
    void *context;
    bool failed;
};

/* Nodes that repeat, in one trie or in many that share them, are paid for each time. */
static bool tell(struct walk *walk, enum neap__nested_trie_role role, const struct neap_py_object *object,
                 uint64_t key) {
    const struct neap__nested_trie_step step = {role,      *object,         key,
                                                walk->way, walk->way_bytes, walk->last_bytes};
    walk->failed |= neap__advice_spent(walk->search) || !walk->visit(walk->context, &step);
    return !walk->failed;
}

static bool push(struct walk *walk, uint64_t node, uint64_t key) {
    if (!NEAP_ARRAY_RESERVE(walk->stack, walk->room, walk->count + 1))
        return false;
    walk->stack[walk->count++] = (struct pending){node, key, walk->way_bytes};
    return true;
}

static bool is_node(const struct walk *walk, const struct neap_py_referent *referent) {
    uint32_t ordinal;
    return neap_referrers_resolve(walk->search->census, referent, &ordinal) &&
           walk->tries->nodes[ordinal] > 0;
}

static bool entry_walk(void *context, const struct neap_py_referent *referent) {
    struct walk *walk = context;
    struct neap_py_object object;
    bool value = referent->edge == NEAP_PY_EDGE_VALUE;
    if (value && is_node(walk, referent))
        walk->failed |= !push(walk, referent->address, referent->key);
    else if (!neap_py_object_at(&walk->search->lens, referent->address, &object))
        walk->failed = true;
    else
        tell(walk, value ? NEAP_NESTED_TRIE_VALUE : NEAP_NESTED_TRIE_KEY, &object, referent->key);
    return !walk->failed;
}

static bool attribute_walk(void *context, const struct neap_py_referent *referent) {
    struct walk *walk = context;
    struct neap_py_object object;
    bool names = referent->edge == NEAP_PY_EDGE_DICT;
    if (!names && !is_attribute(referent))
        return true;
    if (!neap_py_object_at(&walk->search->lens, referent->address, &object)) {
        walk->failed = true;
    } else if (!names && !is_node(walk, referent)) {
        tell(walk, NEAP_NESTED_TRIE_VALUE, &object, 0);
    } else if (tell(walk, NEAP_NESTED_TRIE_NODE, &object, 0)) {
        neap__advice_visit(walk->search, &object, names ? attribute_walk : entry_walk, walk);
    }
    return !walk->failed;
}

/* Sets the way to a node: the way of its parent, and its key. */
static bool way_set(struct walk *walk, const struct pending *pending) {
    struct neap_py_object key;
    walk->way_bytes = pending->way_bytes;
    walk->last_bytes = 0;
    if (!pending->key)
        return true;
    if (!neap_py_object_at(&walk->search->lens, pending->key, &key))
        return false;
    struct neap_simple_value content = neap_simple_value_read(&walk->search->lens, &key, &walk->key_text);
    if (content.kind != NEAP_SIMPLE_STR ||
        content.item.text.bytes > NEAP_NESTED_TRIE_WAY_MAX - walk->way_bytes)
        return false;
    memcpy(walk->way + walk->way_bytes, content.item.text.data, content.item.text.bytes);
    walk->last_bytes = content.item.text.bytes;
    walk->way_bytes += walk->last_bytes;
    return true;
}

/* Reverses the last children, because the last pushed is popped first. */
static void stack_turn(struct walk *walk, size_t first) {
    for (size_t last = walk->count; first + 1 < last; first++) {
        struct pending kept = walk->stack[first];
        walk->stack[first] = walk->stack[--last];
        walk->stack[last] = kept;
    }
}

static bool node_walk(struct walk *walk, const struct pending *pending) {
    struct neap_py_object object;
    size_t before = walk->count;
    if (!way_set(walk, pending) || !neap_py_object_at(&walk->search->lens, pending->node, &object) ||
        !tell(walk, NEAP_NESTED_TRIE_NODE, &object, 0))
        return false;
    bool dict = is_dict(object.type);
    if (dict && object.items == 0)
        return tell(walk, NEAP_NESTED_TRIE_EMPTY, &object, 0);
    neap__advice_visit(walk->search, &object, dict ? entry_walk : attribute_walk, walk);
    stack_turn(walk, before);
    return !walk->failed;
}

bool neap__nested_trie_walk(struct neap__advice_search *search, const struct neap__nested_tries *tries,
                            uint32_t top,
                            bool (*visit)(void *context, const struct neap__nested_trie_step *step),
                            void *context) {
    struct neap_py_object object;
    struct walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return false;
    walk->search = search;
    walk->tries = tries;
    walk->visit = visit;
    walk->context = context;
    bool ok =
        neap_census_object(search->census, &search->lens, top, &object) && push(walk, object.address, 0);
    while (ok && walk->count > 0) {
        struct pending next = walk->stack[--walk->count];
        ok = node_walk(walk, &next);
    }
    free(walk->key_text.bytes);
    free(walk->stack);
    free(walk);
    return ok;
}
