/* containers/trie/trie_check.c: verifies the invariants of trie_model.h. */
#include "containers/trie/trie_model.h"

/* The sums over all blocks below a child. */
struct sum {
    size_t entries, bytes, cells;
};

static bool fails(const char **why, const char *text) {
    *why = text;
    return false;
}

/* Whether the letters of a node are sorted, and each child is of an allowed kind. */
static bool node_check(const struct neap__trie_node *node, const char **why) {
    const trie_child_t *children = trie_node_children(node);
    if (node->count < 1 || node->count > TRIE_CHILDREN_MAX)
        return fails(why, "a node has no child, or more than there are letters");
    if (trie_is_node(children[0]))
        return fails(why, "a node's first child is a node");
    for (unsigned i = 1; i < node->count; i++) {
        const int letter = node->letters[i - 1];
        const int next = i + 1 < node->count ? node->letters[i] : UINT8_MAX + 1;
        if (next <= letter)
            return fails(why, "a node's letters are not in order");
        if (trie_is_node(children[i]) && next != letter + 1)
            return fails(why, "a node stands for more than one letter");
    }
    return true;
}

static bool check_below(const struct neap__trie_shape *shape, trie_child_t child, struct sum *sum,
                        const char **why) {
    if (child == 0)
        return true;
    if (!trie_is_node(child)) {
        const struct neap__trie_leaf *leaf = trie_leaf_of(child);
        sum->entries += leaf->count;
        if (leaf->cell == 0)
            sum->bytes += leaf->room_bytes;
        else
            sum->cells += leaf->room_bytes / TRIE_CELL_BYTES;
        return neap__trie_leaf_check(shape, leaf, why);
    }
    const struct neap__trie_node *node = trie_node_of(child);
    const size_t before = sum->entries;
    if (!node_check(node, why))
        return false;
    sum->bytes += node->room_bytes;
    for (unsigned i = 0; i < node->count; i++)
        if (!check_below(shape, trie_node_children(node)[i], sum, why))
            return false;
    return sum->entries > before || fails(why, "a node has no entry below it");
}

/* Whether all keys are in order and a lookup finds each, which verifies paths, tags and lengths. */
static bool order_check(const neap_trie_t *trie, neap_trie_cursor_t *cursor, const char **why) {
    union neap_item key, value;
    size_t count = 0;
    int more;
    while ((more = neap_trie_cursor_next(cursor, &key, &value)) > 0) {
        union neap_item found;
        if (!neap_trie_get(trie, key, &found))
            return fails(why, "a key that is there is not found");
        if (trie->shape.value_is_text && found.text.data != value.text.data)
            return fails(why, "a key is found elsewhere than in its order");
        count++;
    }
    if (more < 0)
        return fails(why, "there is no memory to check with");
    return count == trie->count || fails(why, "some entries are not reached in order");
}

bool neap_trie_check(const neap_trie_t *trie, const char **why) {
    struct sum sum = {0};
    if (!check_below(&trie->shape, trie->root, &sum, why))
        return false;
    if (sum.entries != trie->count)
        return fails(why, "there are more or fewer entries than counted");
    if (sum.bytes + neap__trie_memory_page_bytes(&trie->blocks) != trie->blocks.bytes)
        return fails(why, "there are more or fewer bytes than counted");
    if (!neap__trie_memory_check(&trie->blocks, sum.cells, why))
        return false;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
    if (!cursor)
        return fails(why, "there is no memory to check with");
    const bool holds = order_check(trie, cursor, why);
    neap_trie_cursor_destroy(cursor);
    return holds;
}
