/* containers/trie/trie_remove.c: removes entries from a trie and makes it smaller.
 *
 * An entry is removed in place, which cannot fail. Joining leaves and nodes afterwards
 * needs memory for a moment. If there is none, the trie is correct, but larger than
 * necessary.
 */
#include "containers/trie/trie_model.h"

/* Makes one leaf from two neighbours of a node; NULL if they do not fit or there is no memory. */
static struct neap__trie_leaf *joined(const neap_trie_t *trie, const struct neap__trie_leaf *low,
                                      const struct neap__trie_leaf *high, unsigned entries_max,
                                      size_t bytes_max) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_entry entries[2 * TRIE_LEAF_ENTRIES_MAX];
    const size_t prefixes = (size_t)low->prefix_bytes * low->count + (size_t)high->prefix_bytes * high->count;
    if (low->count + high->count > (int)entries_max ||
        neap__trie_leaf_used_bytes(shape, low) + neap__trie_leaf_used_bytes(shape, high) + prefixes >
            bytes_max)
        return NULL;
    unsigned count = neap__trie_leaf_entries(shape, low, (struct neap__trie_text){0}, entries);
    count += neap__trie_leaf_entries(shape, high, (struct neap__trie_text){0}, entries + count);
    return neap__trie_leaf_make(shape, entries, count, 0);
}

/* Joins the child at `at` and the next one if they are leaves that fit, or if one is empty. Enters the
 * children that are no longer needed in freed[2]. */
static bool join(const neap_trie_t *trie, struct neap__trie_draft *draft, unsigned at, unsigned entries_max,
                 size_t bytes_max, struct neap__trie_leaf **made, struct neap__trie_leaf *freed[2]) {
    if (at + 1 >= draft->count || trie_is_node(draft->child[at]) || trie_is_node(draft->child[at + 1]))
        return false;
    struct neap__trie_leaf *low = trie_leaf_of(draft->child[at]), *high = trie_leaf_of(draft->child[at + 1]);
    if (!low || !high) {
        draft->child[at] |= draft->child[at + 1];
        neap__trie_draft_remove(draft, at + 1);
        return true;
    }
    *made = joined(trie, low, high, entries_max, bytes_max);
    if (!*made)
        return false;
    freed[0] = low;
    freed[1] = high;
    draft->child[at] = trie_child_of_leaf(*made);
    neap__trie_draft_remove(draft, at + 1);
    return true;
}

/* Number of children of a draft that are not empty; and the last of them. */
static unsigned live_children(const struct neap__trie_draft *draft, unsigned *last) {
    unsigned live = 0;
    for (unsigned i = 0; i < draft->count; i++) {
        if (draft->child[i] == 0)
            continue;
        *last = i;
        live++;
    }
    return live;
}

/* Replaces a node by its only child, with the path of the node before that of the child. */
static bool collapse(neap_trie_t *trie, const struct neap__trie_trail *trail,
                     const struct neap__trie_draft *draft, unsigned only) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_node *node = trie_trail_parent(trail);
    const trie_child_t child = draft->child[only];
    if (!trie_is_node(child)) {
        struct neap__trie_entry entries[TRIE_LEAF_ENTRIES_MAX];
        /* The letter in the parent of the parent and the path are contiguous in the key that led here. */
        const size_t letters = trail->parent_slot == &trie->root ? 0 : 1;
        const struct neap__trie_text path = {trail->rest.data - draft->prefix.bytes - letters,
                                             draft->prefix.bytes + letters};
        struct neap__trie_leaf *old = trie_leaf_of(child);
        const unsigned count = neap__trie_leaf_entries(shape, old, path, entries);
        struct neap__trie_leaf *leaf = neap__trie_leaf_make(shape, entries, count, 0);
        if (!leaf)
            return false;
        *trail->parent_slot = trie_child_of_leaf(leaf);
        neap__trie_leaf_free(shape, old);
    } else {
        struct neap__trie_node *lower = trie_node_of(child);
        const size_t above = draft->prefix.bytes + 1, bytes = above + lower->prefix_bytes;
        uint8_t *path = neap__trie_memory_block(&trie->blocks, bytes);
        if (!path)
            return false;
        struct neap__trie_draft whole;
        neap__trie_node_draft(lower, &whole);
        memcpy(path, draft->prefix.data, draft->prefix.bytes);
        path[above - 1] = draft->letter[only];
        memcpy(path + above, whole.prefix.data, whole.prefix.bytes);
        whole.prefix = (struct neap__trie_text){path, bytes};
        struct neap__trie_node *made = neap__trie_node_make(shape, &whole);
        neap__trie_memory_block_free(&trie->blocks, path, bytes);
        if (!made)
            return false;
        *trail->parent_slot = trie_child_of_node(made);
        neap__trie_node_free(shape, lower);
    }
    neap__trie_node_free(shape, node);
    trie->shape_version++;
    return true;
}

bool neap__trie_tidy(neap_trie_t *trie, const struct neap__trie_trail *trail, unsigned entries_max,
                     size_t bytes_max) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_node *parent = trie_trail_parent(trail);
    struct neap__trie_leaf *made = NULL, *freed[2] = {NULL, NULL};
    struct neap__trie_draft draft;
    unsigned only = 0;
    if (!parent)
        return false;
    neap__trie_node_draft(parent, &draft);
    const unsigned live = live_children(&draft, &only);
    if (live == 0) {
        *trail->parent_slot = 0;
        neap__trie_node_free(shape, parent);
        return true;
    }
    if (live == 1)
        return collapse(trie, trail, &draft, only);
    if (!join(trie, &draft, trail->index, entries_max, bytes_max, &made, freed) &&
        (trail->index == 0 || !join(trie, &draft, trail->index - 1, entries_max, bytes_max, &made, freed)))
        return false;
    if (neap__trie_replace_node(trie, trail->parent_slot, &draft) < 0) {
        neap__trie_leaf_free(shape, made);
        return false;
    }
    neap__trie_leaf_free(shape, freed[0]);
    neap__trie_leaf_free(shape, freed[1]);
    return true;
}

bool neap_trie_remove(neap_trie_t *trie, union neap_item key) {
    uint8_t place[TRIE_INTEGER_BYTES];
    struct neap__trie_text text;
    struct neap__trie_trail trail;
    if (!neap__trie_key_encode(trie->key, key, place, &text) || !neap__trie_walk(trie, text, &trail))
        return false;
    struct neap__trie_leaf *leaf = trie_leaf_of(*trail.slot);
    const int index =
        !leaf ? -1 : neap__trie_leaf_find(&trie->shape, leaf, trail.rest, neap__trie_leaf_tag(text));
    if (index < 0)
        return false;
    trie->count--;
    trie->keys_version++;
    trie->shape_version++;
    if (leaf->count > 1) {
        neap__trie_leaf_remove(&trie->shape, leaf, (unsigned)index);
        leaf = neap__trie_leaf_shrink(&trie->shape, leaf);
        *trail.slot = trie_child_of_leaf(leaf);
    } else {
        neap__trie_leaf_free(&trie->shape, leaf);
        *trail.slot = 0;
        leaf = NULL;
    }
    /* Each step removes a block and makes the next step above possible. */
    while ((!leaf || leaf->count <= TRIE_JOIN_ENTRIES_MAX / 2) &&
           neap__trie_tidy(trie, &trail, TRIE_JOIN_ENTRIES_MAX, TRIE_JOIN_BYTES_MAX)) {
        if (!neap__trie_walk(trie, text, &trail))
            break;
        leaf = trie_leaf_of(*trail.slot);
    }
    neap__trie_sweep(trie);
    return true;
}
