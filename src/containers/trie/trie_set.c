/* containers/trie/trie_set.c: adds entries to a trie.
 *
 * A change first allocates all blocks that it needs. Then it writes one child, which
 * makes the change, and then it frees the blocks that were replaced.
 */
#include "containers/trie/trie_model.h"

int neap__trie_replace_node(neap_trie_t *trie, trie_child_t *slot, const struct neap__trie_draft *draft) {
    struct neap__trie_node *old = trie_node_of(*slot), *node = neap__trie_node_make(&trie->shape, draft);
    if (!node)
        return NEAP_ERROR_MEMORY;
    *slot = trie_child_of_node(node);
    neap__trie_node_free(&trie->shape, old);
    trie->shape_version++;
    return 0;
}

static void replace_leaf(neap_trie_t *trie, trie_child_t *slot, struct neap__trie_leaf *leaf) {
    struct neap__trie_leaf *old = trie_leaf_of(*slot);
    *slot = trie_child_of_leaf(leaf);
    neap__trie_leaf_free(&trie->shape, old);
    trie->shape_version++;
}

/* The key differs from the prefix of a node after `common` bytes. Makes a new node above it, whose
 * prefix ends there and which also has the new entry. */
static int set_within_prefix(neap_trie_t *trie, const struct neap__trie_trail *trail,
                             struct neap__trie_entry *entry) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_draft draft, lower;
    struct neap__trie_node *old = trie_node_of(*trail->slot);
    neap__trie_node_draft(old, &lower);
    const struct neap__trie_text prefix = lower.prefix;
    const size_t common = trie_common(trail->rest, prefix);
    const uint8_t letter = prefix.data[common];
    lower.prefix = trie_text_from(prefix, common + 1);
    const struct neap__trie_entry rest = neap__trie_entry_skip(entry, common);
    const int byte = neap__trie_entry_byte(&rest, 0);

    struct neap__trie_leaf *leaf = neap__trie_leaf_make(shape, &rest, 1, 0);
    struct neap__trie_node *node = !leaf ? NULL : neap__trie_node_make(shape, &lower);
    if (!node) {
        neap__trie_leaf_free(shape, leaf);
        return NEAP_ERROR_MEMORY;
    }
    draft.prefix = (struct neap__trie_text){prefix.data, common};
    draft.count = 1;
    draft.child[0] = byte < letter ? trie_child_of_leaf(leaf) : 0;
    neap__trie_draft_insert(&draft, 1, letter, trie_child_of_node(node));
    if (letter < UINT8_MAX)
        neap__trie_draft_insert(&draft, 2, (uint8_t)(letter + 1),
                                byte > letter ? trie_child_of_leaf(leaf) : 0);
    if (neap__trie_replace_node(trie, trail->slot, &draft) == 0)
        return 0;
    neap__trie_node_free(shape, node);
    neap__trie_leaf_free(shape, leaf);
    return NEAP_ERROR_MEMORY;
}

/* The index at which to split entries that share `common` bytes: the one nearest to `wanted` whose
 * next byte differs from that of the entry before. */
static unsigned split_place(const struct neap__trie_entry *entries, unsigned count, size_t common,
                            unsigned wanted) {
    unsigned place = 0;
    for (unsigned i = 1; i < count; i++) {
        const unsigned gain = i < wanted ? wanted - i : i - wanted;
        const unsigned best = place < wanted ? wanted - place : place - wanted;
        if ((place == 0 || gain < best) &&
            neap__trie_entry_byte(&entries[i - 1], common) != neap__trie_entry_byte(&entries[i], common))
            place = i;
    }
    assert(place > 0);
    return place;
}

/* Narrows the child at *index of a draft to one letter, because it becomes a node. The other letters
 * go to its neighbours, or to empty children. */
static void narrow(struct neap__trie_draft *draft, unsigned *index, uint8_t letter) {
    if (*index == 0 || (draft->letter[*index] < letter && trie_is_node(draft->child[*index - 1]))) {
        neap__trie_draft_insert(draft, *index + 1, letter, draft->child[*index]);
        draft->child[*index] = 0;
        ++*index;
    }
    draft->letter[*index] = letter;
    const unsigned next = *index + 1;
    const int end = next < draft->count ? draft->letter[next] : UINT8_MAX + 1;
    if (end == letter + 1)
        return;
    if (next < draft->count && !trie_is_node(draft->child[next]))
        draft->letter[next] = (uint8_t)(letter + 1);
    else
        neap__trie_draft_insert(draft, next, (uint8_t)(letter + 1), 0);
}

/* Splits a leaf that is too large into two, for two ranges of letters: in its parent or, if all
 * entries begin with the same letter, below a new node. */
static int split(neap_trie_t *trie, const struct neap__trie_trail *trail,
                 const struct neap__trie_entry *entries, unsigned count, unsigned wanted) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_node *parent = trie_trail_parent(trail);
    struct neap__trie_draft draft;
    struct neap__trie_leaf *old = trie_leaf_of(*trail->slot);
    const size_t common = neap__trie_entry_common(&entries[0], &entries[count - 1]);
    const unsigned place = split_place(entries, count, common, wanted);
    const uint8_t letter = (uint8_t)neap__trie_entry_byte(&entries[place], common);
    struct neap__trie_leaf *low = neap__trie_leaf_make(shape, entries, place, common);
    struct neap__trie_leaf *high =
        !low ? NULL : neap__trie_leaf_make(shape, entries + place, count - place, common);
    if (!high) {
        neap__trie_leaf_free(shape, low);
        return NEAP_ERROR_MEMORY;
    }

    struct neap__trie_node *node = NULL;
    if (common > 0 || !parent) {
        const size_t letters = !parent ? 0 : 1; /* that are in the parent */
        draft.prefix = (struct neap__trie_text){trail->rest.data + letters, common - letters};
        draft.count = 1;
        draft.child[0] = trie_child_of_leaf(low);
        neap__trie_draft_insert(&draft, 1, letter, trie_child_of_leaf(high));
        node = neap__trie_node_make(shape, &draft);
        if (!node)
            goto failed;
    }
    if (parent) {
        unsigned index = trail->index;
        neap__trie_node_draft(parent, &draft);
        if (!node) {
            draft.child[index] = trie_child_of_leaf(low);
            neap__trie_draft_insert(&draft, index + 1, letter, trie_child_of_leaf(high));
        } else {
            narrow(&draft, &index, trail->rest.data[0]);
            draft.child[index] = trie_child_of_node(node);
        }
        if (neap__trie_replace_node(trie, trail->parent_slot, &draft) < 0)
            goto failed;
    } else {
        *trail->slot = trie_child_of_node(node);
        trie->shape_version++;
    }
    neap__trie_leaf_free(shape, old);
    return 0;

failed:
    if (node)
        neap__trie_node_free(shape, node);
    neap__trie_leaf_free(shape, low);
    neap__trie_leaf_free(shape, high);
    return NEAP_ERROR_MEMORY;
}

/* Adds the entry at `index` of the leaf, or replaces the entry there if `replaced` is 1, in the case
 * that the leaf must be split. */
static int remake(neap_trie_t *trie, const struct neap__trie_trail *trail, unsigned index, unsigned replaced,
                  const struct neap__trie_entry *entry) {
    struct neap__trie_entry entries[TRIE_LEAF_ENTRIES_MAX + 1];
    struct neap__trie_leaf *leaf = trie_leaf_of(*trail->slot);
    unsigned count = neap__trie_leaf_entries(&trie->shape, leaf, (struct neap__trie_text){0}, entries);
    if (!replaced) {
        memmove(entries + index + 1, entries + index, (count - index) * sizeof(entries[0]));
        count++;
    }
    entries[index] = *entry;
    const size_t bytes =
        neap__trie_leaf_used_bytes(&trie->shape, leaf) + neap__trie_entry_bytes(entry) + entry->value.bytes;
    if (count > TRIE_LEAF_ENTRIES_MAX || (count > 1 && bytes > TRIE_LEAF_BYTES_MAX)) {
        /* If keys are added in order, they will probably continue so, and the lower leaf gets no more. */
        const unsigned wanted = index + 1 == count ? count - 1 : count / 2;
        return split(trie, trail, entries, count, wanted);
    }
    leaf = neap__trie_leaf_make(&trie->shape, entries, count, 0);
    if (!leaf)
        return NEAP_ERROR_MEMORY;
    replace_leaf(trie, trail->slot, leaf);
    return 0;
}

static int set_in_leaf(neap_trie_t *trie, const struct neap__trie_trail *trail,
                       const struct neap__trie_entry *entry) {
    const struct neap__trie_shape *shape = &trie->shape;
    struct neap__trie_leaf *leaf = trie_leaf_of(*trail->slot);
    if (!leaf) {
        leaf = neap__trie_leaf_make(shape, entry, 1, 0);
        if (!leaf)
            return NEAP_ERROR_MEMORY;
        *trail->slot = trie_child_of_leaf(leaf);
        return 1;
    }
    const unsigned index = neap__trie_leaf_lower_bound(shape, leaf, trail->rest);
    const unsigned replaced = neap__trie_leaf_is_at(shape, leaf, index, trail->rest);
    if (replaced && !shape->value_is_text) {
        neap__trie_leaf_set_value(shape, leaf, index, entry->value.data);
        return 0;
    }
    const size_t bytes = neap__trie_leaf_used_bytes(shape, leaf) + trail->rest.bytes + entry->value.bytes;
    if ((replaced || leaf->count < TRIE_LEAF_ENTRIES_MAX) && bytes <= TRIE_LEAF_BYTES_MAX &&
        neap__trie_leaf_takes(shape, leaf, entry)) {
        leaf = neap__trie_leaf_with(shape, leaf, index, replaced, entry);
        if (!leaf)
            return NEAP_ERROR_MEMORY;
        replace_leaf(trie, trail->slot, leaf);
        return !replaced;
    }
    const int error = remake(trie, trail, index, replaced, entry);
    return error < 0 ? error : !replaced;
}

int neap_trie_set(neap_trie_t *trie, union neap_item key, union neap_item value) {
    uint8_t key_place[TRIE_INTEGER_BYTES], value_place[TRIE_INTEGER_BYTES];
    struct neap__trie_text text, stored;
    struct neap__trie_trail trail;
    if (!neap__trie_key_encode(trie->key, key, key_place, &text) ||
        !neap__trie_value_encode(trie->shape.value, value, value_place, &stored))
        return NEAP_ERROR_ARGUMENT;
    const bool to_leaf = neap__trie_walk(trie, text, &trail);
    struct neap__trie_entry entry = {.value = stored, .tag = neap__trie_leaf_tag(text)};
    entry.piece[TRIE_PIECES - 1] = trail.rest;
    const int added = to_leaf ? set_in_leaf(trie, &trail, &entry) : set_within_prefix(trie, &trail, &entry);
    if (added < 0)
        return added;
    if (added > 0 || !to_leaf) {
        trie->count++;
        trie->keys_version++;
        trie->shape_version++;
        if (text.bytes > trie->key_bytes_max)
            trie->key_bytes_max = text.bytes;
    }
    return 0;
}
