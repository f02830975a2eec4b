/* containers/trie/trie_compact.c: makes a trie smaller in place, at once or step by step.
 *
 * Leaves grow and shrink, so pages of leaves become sparse. But leaves can be moved. While
 * keys are removed, the trie is swept: after every few removals the next leaf in order
 * joins a neighbour, or moves from a sparse page to a fuller one, so that pages become
 * free. No call takes long because of it.
 *
 * neap_trie_compact visits all leaves in order. It joins neighbours that fit into one leaf,
 * removes nodes with a single child, and makes each leaf anew, so that it has the longest
 * prefix and no slack, and lies in a full page.
 */
#include "containers/trie/trie_model.h"

enum {
    SWEEP_BYTES_MIN = 64 << 10, /* a smaller trie is not swept */
    SWEEP_CHANGES = 3,          /* removed keys per leaf that is examined */
};

/* Replaces a leaf by a new one. */
static void replace(neap_trie_t *trie, trie_child_t *slot, struct neap__trie_leaf *leaf) {
    struct neap__trie_leaf *old = trie_leaf_of(*slot);
    *slot = trie_child_of_leaf(leaf);
    neap__trie_leaf_free(&trie->shape, old);
    trie->shape_version++;
}

void neap__trie_sweep(neap_trie_t *trie) {
    uint8_t place[TRIE_INTEGER_BYTES];
    union neap_item key;
    struct neap__trie_text text;
    struct neap__trie_trail trail;
    if (trie->blocks.bytes < SWEEP_BYTES_MIN || ++trie->sweep_changes < SWEEP_CHANGES)
        return;
    trie->sweep_changes = 0;
    if (!trie->sweep && !(trie->sweep = neap_trie_cursor_new(trie, NULL)))
        return;
    if (neap_trie_cursor_next(trie->sweep, &key, NULL) <= 0) {
        neap_trie_cursor_destroy(trie->sweep); /* at the end, or without memory, it starts again */
        trie->sweep = NULL;
        return;
    }
    neap__trie_key_encode(trie->key, key, place, &text);
    neap__trie_walk(trie, text, &trail);
    trie->shape.dense = true;
    if (!neap__trie_tidy(trie, &trail, TRIE_JOIN_ENTRIES_MAX, TRIE_JOIN_BYTES_MAX) &&
        neap__trie_memory_is_sparse(&trie->blocks, trie_leaf_place(trie_leaf_of(*trail.slot)))) {
        struct neap__trie_leaf *leaf = neap__trie_leaf_copy(&trie->shape, trie_leaf_of(*trail.slot));
        if (leaf)
            replace(trie, trail.slot, leaf);
    }
    trie->shape.dense = false;
    neap__trie_cursor_skip_leaf(trie->sweep);
}

/* Makes the leaf at the end of a trail anew, and its parent too if it is the first leaf there.
 * False if there is no memory. */
static bool renew(neap_trie_t *trie, const struct neap__trie_trail *trail) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_entry entries[TRIE_LEAF_ENTRIES_MAX];
    struct neap__trie_leaf *old = trie_leaf_of(*trail->slot);
    const unsigned count = neap__trie_leaf_entries(shape, old, (struct neap__trie_text){0}, entries);
    trie->shape.dense = true;
    struct neap__trie_leaf *leaf = neap__trie_leaf_make(shape, entries, count, 0);
    trie->shape.dense = false;
    if (!leaf)
        return false;
    replace(trie, trail->slot, leaf);
    if (!trail->parent_slot)
        return true;
    for (unsigned i = 0; i < trail->index; i++)
        if (trie_node_children(trie_trail_parent(trail))[i] != 0)
            return true;
    struct neap__trie_draft draft;
    neap__trie_node_draft(trie_trail_parent(trail), &draft);
    return neap__trie_replace_node(trie, trail->parent_slot, &draft) == 0;
}

int neap_trie_compact(neap_trie_t *trie) {
    union neap_item key;
    int more;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
    if (!cursor)
        return NEAP_ERROR_MEMORY;
    while ((more = neap_trie_cursor_next(cursor, &key, NULL)) > 0) {
        uint8_t place[TRIE_INTEGER_BYTES];
        struct neap__trie_text text;
        struct neap__trie_trail trail;
        neap__trie_key_encode(trie->key, key, place, &text);
        do {
            neap__trie_walk(trie, text, &trail);
        } while (neap__trie_tidy(trie, &trail, TRIE_LEAF_ENTRIES_MAX, TRIE_LEAF_BYTES_MAX));
        if (!renew(trie, &trail)) {
            more = NEAP_ERROR_MEMORY;
            break;
        }
        more = neap__trie_cursor_skip_leaf(cursor);
        if (more < 0)
            break;
    }
    neap_trie_cursor_destroy(cursor);
    neap_trie_trim(trie);
    return more;
}
