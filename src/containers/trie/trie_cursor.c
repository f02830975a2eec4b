/* containers/trie/trie_cursor.c: the entries of a trie in order.
 *
 *     key:   d a | n | c e r        leaf:  nce 2   ncer 3   nger 4
 *            path  leaf's  text                       ^ index     ^ stop
 *                  prefix
 *
 * A cursor does not keep the path to its leaf. At the end of a leaf it walks down from
 * the root again, to the entry after its key. This happens once in about forty entries.
 * It does the same walk if the trie has changed meanwhile.
 *
 * Cursors of one trie may be made and used in several threads, so a cursor has memory of its own and
 * takes none from the trie's allocator.
 */
#include "containers/trie/trie_model.h"

struct neap_trie_cursor {
    struct neap__container_memory memory; /* of its own */
    const neap_trie_t *trie;
    const struct neap__trie_leaf *leaf; /* NULL before the first entry and at the end */
    const uint8_t *text;                /* of the next entry */
    unsigned index, stop;               /* the next entry; the end of the wanted entries */
    bool begun, ended;
    uint64_t keys_version, shape_version;
    uint8_t *key; /* of the last entry */
    size_t key_bytes, key_room;
    size_t start_bytes;                         /* of the key, the part that all entries of the leaf share */
    struct neap__trie_text first, last, prefix; /* bounds; data is NULL if there is none */
    uint8_t *bounds;                            /* the memory of the bounds */
};

/* The next child of a node that is not empty, from `index` on; `count` if there is none. */
static unsigned next_child(const struct neap__trie_node *node, unsigned index) {
    while (index < node->count && trie_node_children(node)[index] == 0)
        index++;
    return index;
}

static void path_put(neap_trie_cursor_t *cursor, struct neap__trie_text text) {
    assert(cursor->key_bytes + text.bytes <= cursor->key_room);
    if (text.bytes > 0)
        memcpy(cursor->key + cursor->key_bytes, text.data, text.bytes);
    cursor->key_bytes += text.bytes;
}

/* Moves to a child of a node. If it is a node, appends its letter to the path. */
static trie_child_t enter_child(neap_trie_cursor_t *cursor, const struct neap__trie_node *node,
                                unsigned index) {
    const trie_child_t child = trie_node_children(node)[index];
    if (trie_is_node(child))
        path_put(cursor, (struct neap__trie_text){&node->letters[index - 1], 1});
    return child;
}

/* The leftmost leaf below a child. */
static const struct neap__trie_leaf *leftmost(neap_trie_cursor_t *cursor, trie_child_t child) {
    while (trie_is_node(child)) {
        const struct neap__trie_node *node = trie_node_of(child);
        path_put(cursor, trie_node_prefix(node));
        child = enter_child(cursor, node, next_child(node, 0));
    }
    return trie_leaf_of(child);
}

/* Finds the first entry that is not less than `from` or, unless `included`, greater: its leaf and index,
 * with the path in the cursor's key. NULL if there is none. `from` may lie in the cursor's key. */
static const struct neap__trie_leaf *descend(neap_trie_cursor_t *cursor, struct neap__trie_text from,
                                             bool included, unsigned *index) {
    const struct neap__trie_node *turn = NULL; /* the deepest node that has a later child */
    unsigned turn_index = 0;
    size_t turn_bytes = 0;
    const struct neap__trie_shape *shape = &cursor->trie->shape;
    trie_child_t child = cursor->trie->root;
    *index = 0;
    cursor->key_bytes = 0;
    while (trie_is_node(child)) {
        const struct neap__trie_node *node = trie_node_of(child);
        const struct neap__trie_text prefix = trie_node_prefix(node);
        const size_t common = trie_common(from, prefix);
        assert(common <= from.bytes && common <= prefix.bytes);
        if (common < prefix.bytes) {
            if (common == from.bytes || from.data[common] < prefix.data[common])
                return leftmost(cursor, child);
            child = 0;
            break;
        }
        path_put(cursor, prefix);
        from = trie_text_from(from, common);
        const unsigned at = from.bytes == 0 ? 0 : trie_node_index(node, from.data[0]);
        const unsigned next = next_child(node, at + 1);
        if (next < node->count) {
            turn = node;
            turn_index = next;
            turn_bytes = cursor->key_bytes;
        }
        child = trie_node_children(node)[at];
        if (trie_is_node(child)) {
            from = trie_text_from(from, 1);
            enter_child(cursor, node, at);
        }
    }
    const struct neap__trie_leaf *leaf = trie_leaf_of(child);
    if (leaf) {
        *index = neap__trie_leaf_lower_bound(shape, leaf, from);
        if (!included && neap__trie_leaf_is_at(shape, leaf, *index, from))
            ++*index;
        if (*index < leaf->count)
            return leaf;
    }
    *index = 0;
    if (!turn)
        return NULL;
    cursor->key_bytes = turn_bytes;
    return leftmost(cursor, enter_child(cursor, turn, turn_index));
}

/* Index of the first entry after a bound, in a leaf whose path is in the key. If `begins`, entries that
 * begin with the bound are not after it. */
static unsigned leaf_stop(const neap_trie_cursor_t *cursor, const struct neap__trie_leaf *leaf,
                          struct neap__trie_text bound, bool begins) {
    const size_t bytes = cursor->key_bytes;
    const size_t common = trie_common((struct neap__trie_text){cursor->key, bytes}, bound);
    if (common < bytes) { /* the path differs from the bound, or continues it */
        if (common == bound.bytes)
            return begins ? leaf->count : 0;
        return cursor->key[common] < bound.data[common] ? leaf->count : 0;
    }
    bound = trie_text_from(bound, bytes);
    return begins ? neap__trie_leaf_prefix_end(&cursor->trie->shape, leaf, bound)
                  : neap__trie_leaf_lower_bound(&cursor->trie->shape, leaf, bound);
}

/* Moves to the leaf with the next wanted entry: after the last key, or at it if `included`; at the
 * start, from the first bound on. */
static int seek(neap_trie_cursor_t *cursor, bool included) {
    const neap_trie_t *trie = cursor->trie;
    const struct neap__trie_shape *shape = &trie->shape;
    if (trie->key_bytes_max > cursor->key_room) {
        uint8_t *key = NEAP_REALLOC(&cursor->memory, cursor->key, cursor->key_room, trie->key_bytes_max);
        if (!key)
            return NEAP_ERROR_MEMORY;
        cursor->key = key;
        cursor->key_room = trie->key_bytes_max;
    }
    const struct neap__trie_text from =
        cursor->begun ? (struct neap__trie_text){cursor->key, cursor->key_bytes} : cursor->first;
    unsigned index;
    const struct neap__trie_leaf *leaf = descend(cursor, from, included || !cursor->begun, &index);
    cursor->shape_version = trie->shape_version;
    cursor->leaf = NULL;
    if (!leaf)
        return 0;
    unsigned stop = leaf->count;
    if (cursor->prefix.data)
        stop = leaf_stop(cursor, leaf, cursor->prefix, true);
    if (cursor->last.data) {
        const unsigned last = leaf_stop(cursor, leaf, cursor->last, false);
        stop = last < stop ? last : stop;
    }
    if (index >= stop)
        return 0;
    path_put(cursor, neap__trie_leaf_prefix(shape, leaf));
    cursor->start_bytes = cursor->key_bytes;
    cursor->text = neap__trie_leaf_text(shape, leaf, index).data;
    cursor->index = index;
    cursor->stop = stop;
    cursor->leaf = leaf;
    return 0;
}

/* Moves to the last wanted entry of the leaf. */
static void leave_leaf(neap_trie_cursor_t *cursor) {
    const struct neap__trie_text text =
        neap__trie_leaf_text(&cursor->trie->shape, cursor->leaf, cursor->stop - 1);
    memcpy(cursor->key + cursor->start_bytes, text.data, text.bytes);
    cursor->key_bytes = cursor->start_bytes + text.bytes;
    cursor->index = cursor->stop;
}

int neap__trie_cursor_skip_leaf(neap_trie_cursor_t *cursor) {
    assert(cursor->begun);
    const int error = seek(cursor, true);
    if (error == 0 && cursor->leaf)
        leave_leaf(cursor);
    return error;
}

/* Stores a bound as bytes in the cursor from `at` on, if it is wanted. */
static struct neap__trie_text keep_bound(neap_trie_cursor_t *cursor, bool wanted, struct neap__trie_text text,
                                         size_t *at) {
    if (!wanted)
        return (struct neap__trie_text){0};
    uint8_t *place = cursor->bounds + *at;
    if (text.bytes > 0)
        memcpy(place, text.data, text.bytes);
    *at += text.bytes;
    return (struct neap__trie_text){place, text.bytes};
}

static int keep_bounds(neap_trie_cursor_t *cursor, const struct neap_trie_range *range) {
    const enum neap_kind kind = cursor->trie->key;
    uint8_t first_place[TRIE_INTEGER_BYTES], last_place[TRIE_INTEGER_BYTES], place[TRIE_INTEGER_BYTES];
    struct neap__trie_text first = {0}, last = {0}, prefix = {0};
    if ((range->has_first && !neap__trie_key_encode(kind, range->first, first_place, &first)) ||
        (range->has_last && !neap__trie_key_encode(kind, range->last, last_place, &last)) ||
        (range->has_prefix &&
         (!neap__trie_has_prefixes(kind) || !neap__trie_key_encode(kind, range->prefix, place, &prefix))))
        return NEAP_ERROR_ARGUMENT;
    cursor->bounds = NEAP_ALLOC(&cursor->memory, first.bytes + last.bytes + prefix.bytes + 1);
    if (!cursor->bounds)
        return NEAP_ERROR_MEMORY;
    size_t at = 0;
    cursor->first = keep_bound(cursor, range->has_first, first, &at);
    cursor->last = keep_bound(cursor, range->has_last, last, &at);
    cursor->prefix = keep_bound(cursor, range->has_prefix, prefix, &at);
    /* No key with the prefix is less than the prefix. */
    const size_t common = trie_common(cursor->first, cursor->prefix);
    assert(common <= cursor->first.bytes);
    if (common == cursor->first.bytes ||
        (common < cursor->prefix.bytes && cursor->first.data[common] < cursor->prefix.data[common]))
        cursor->first = cursor->prefix;
    return 0;
}

int neap__trie_cursor_make(const neap_trie_t *trie, const struct neap_trie_range *range,
                           neap_trie_cursor_t **cursor) {
    neap_trie_cursor_t *made = neap__container_memory_new(NULL, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->trie = trie;
    made->keys_version = trie->keys_version;
    made->key_room = trie->key_bytes_max + 1;
    made->key = NEAP_ALLOC(&made->memory, made->key_room);
    int error = !made->key ? NEAP_ERROR_MEMORY : 0;
    if (error == 0 && range)
        error = keep_bounds(made, range);
    if (error < 0)
        neap_trie_cursor_destroy(made);
    else
        *cursor = made;
    return error;
}

neap_trie_cursor_t *neap_trie_cursor_new(const neap_trie_t *trie, const struct neap_trie_range *range) {
    neap_trie_cursor_t *cursor = NULL;
    neap__trie_cursor_make(trie, range, &cursor);
    return cursor;
}

void neap_trie_cursor_destroy(neap_trie_cursor_t *cursor) {
    if (cursor)
        neap__container_memory_end(cursor, sizeof(*cursor));
}

int neap_trie_range_count(const neap_trie_t *trie, const struct neap_trie_range *range, size_t *count) {
    neap_trie_cursor_t *cursor;
    size_t sum = 0;
    if (!range) {
        *count = trie->count;
        return 0;
    }
    int more = neap__trie_cursor_make(trie, range, &cursor);
    if (more < 0)
        return more;
    while ((more = neap_trie_cursor_next(cursor, NULL, NULL)) > 0) {
        sum += cursor->stop - cursor->index + 1; /* the rest of the leaf, from the current entry on */
        leave_leaf(cursor);
    }
    neap_trie_cursor_destroy(cursor);
    if (more == 0)
        *count = sum;
    return more;
}

int neap_trie_cursor_next(neap_trie_cursor_t *cursor, union neap_item *key, union neap_item *value) {
    const struct neap__trie_shape *shape = &cursor->trie->shape;
    if (cursor->ended)
        return 0;
    if (!cursor->leaf || cursor->index == cursor->stop ||
        cursor->shape_version != cursor->trie->shape_version) {
        /* If the leaf has entries after the last wanted one, no wanted entries follow. */
        const bool more = !cursor->leaf || cursor->shape_version != cursor->trie->shape_version ||
                          cursor->stop == cursor->leaf->count;
        const int error = more ? seek(cursor, false) : 0;
        if (error < 0)
            return error;
        if (!more || !cursor->leaf) {
            cursor->ended = true;
            return 0;
        }
        cursor->begun = true;
    }
    const size_t length = neap__trie_leaf_length(cursor->leaf, cursor->index);
    memcpy(cursor->key + cursor->start_bytes, cursor->text, length);
    cursor->key_bytes = cursor->start_bytes + length;
    cursor->text += length;
    if (key)
        *key = neap__trie_key_decode(cursor->trie->key,
                                     (struct neap__trie_text){cursor->key, cursor->key_bytes});
    if (value)
        *value =
            neap__trie_value_decode(shape->value, neap__trie_leaf_value(shape, cursor->leaf, cursor->index));
    cursor->index++;
    return 1;
}

bool neap_trie_cursor_changed(const neap_trie_cursor_t *cursor) {
    return cursor->keys_version != cursor->trie->keys_version;
}
