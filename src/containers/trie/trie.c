/* containers/trie/trie.c: makes and ends tries, and looks up keys. */
#include "containers/trie/trie_model.h"

neap_trie_t *neap_trie_new(enum neap_kind key, enum neap_kind value, const struct neap_allocator *allocator) {
    if (key < NEAP_KIND_STR || key > NEAP_KIND_U64 || (unsigned)value >= NEAP_KINDS)
        return NULL;
    neap_trie_t *trie = neap__container_memory_new(allocator, sizeof(*trie));
    if (!trie)
        return NULL;
    trie->key = key;
    trie->blocks.allocator = trie->memory.allocator;
    trie->shape = (struct neap__trie_shape){
        .memory = &trie->blocks,
        .value = value,
        .value_width = (uint8_t)neap_kind_width(value),
        .value_is_text = value == NEAP_KIND_STR || value == NEAP_KIND_BYTES,
    };
    return trie;
}

static void free_below(const struct neap__trie_shape *shape, trie_child_t child) {
    if (!trie_is_node(child)) {
        neap__trie_leaf_free(shape, trie_leaf_of(child));
        return;
    }
    struct neap__trie_node *node = trie_node_of(child);
    for (unsigned i = 0; i < node->count; i++)
        free_below(shape, trie_node_children(node)[i]);
    neap__trie_node_free(shape, node);
}

void neap_trie_destroy(neap_trie_t *trie) {
    if (!trie)
        return;
    neap_trie_cursor_destroy(trie->sweep);
    trie->sweep = NULL;
    if (!neap__container_memory_ends_all(&trie->memory))
        neap_trie_clear(trie);
    neap__container_memory_end(trie, sizeof(*trie));
}

void neap_trie_clear(neap_trie_t *trie) {
    neap_trie_cursor_destroy(trie->sweep);
    trie->sweep = NULL;
    free_below(&trie->shape, trie->root);
    neap__trie_memory_end(&trie->blocks);
    trie->root = 0;
    trie->count = 0;
    trie->key_bytes_max = 0;
    trie->keys_version++;
    trie->shape_version++;
}

enum neap_kind neap_trie_key_kind(const neap_trie_t *trie) {
    return trie->key;
}

enum neap_kind neap_trie_value_kind(const neap_trie_t *trie) {
    return trie->shape.value;
}

size_t neap_trie_count(const neap_trie_t *trie) {
    return trie->count;
}

size_t neap_trie_bytes(const neap_trie_t *trie) {
    return trie->blocks.bytes + sizeof(*trie);
}

uint64_t neap_trie_trim(neap_trie_t *trie) {
    return !trie->blocks.allocator.trim ? 0 : NEAP_TRIM(&trie->memory);
}

bool neap_trie_get(const neap_trie_t *trie, union neap_item key, union neap_item *value) {
    uint8_t place[TRIE_INTEGER_BYTES];
    struct neap__trie_text rest;
    if (NEAP_LIKELY(trie->key <= NEAP_KIND_BYTES && key.text.bytes > 0))
        rest = (struct neap__trie_text){key.text.data, key.text.bytes};
    else if (!neap__trie_key_encode(trie->key, key, place, &rest))
        return false;
    const uint8_t tag = neap__trie_leaf_tag(rest);
    trie_child_t child = trie->root;
    while (trie_is_node(child)) {
        const struct neap__trie_node *node = trie_node_of(child);
        const struct neap__trie_text prefix = trie_node_prefix(node);
        if (prefix.bytes > 0) {
            if (rest.bytes < prefix.bytes || memcmp(rest.data, prefix.data, prefix.bytes) != 0)
                return false;
            rest = trie_text_from(rest, prefix.bytes);
        }
        child = trie_node_children(node)[rest.bytes == 0 ? 0 : trie_node_index(node, rest.data[0])];
        if (trie_is_node(child))
            rest = trie_text_from(rest, 1);
    }
    const struct neap__trie_leaf *leaf = trie_leaf_of(child);
    __builtin_prefetch((const uint8_t *)leaf + 64); /* fetches the lengths together with the tags */
    const int index = !leaf ? -1 : neap__trie_leaf_find(&trie->shape, leaf, rest, tag);
    if (index >= 0 && value)
        *value = neap__trie_value_decode(trie->shape.value,
                                         neap__trie_leaf_value(&trie->shape, leaf, (unsigned)index));
    return index >= 0;
}

bool neap__trie_walk(const neap_trie_t *trie, struct neap__trie_text key, struct neap__trie_trail *trail) {
    *trail = (struct neap__trie_trail){.slot = (trie_child_t *)(uintptr_t)&trie->root, .rest = key};
    while (trie_is_node(*trail->slot)) {
        struct neap__trie_node *node = trie_node_of(*trail->slot);
        const struct neap__trie_text prefix = trie_node_prefix(node);
        if (trie_common(trail->rest, prefix) < prefix.bytes)
            return false;
        trail->rest = trie_text_from(trail->rest, prefix.bytes);
        trail->index = trail->rest.bytes == 0 ? 0 : trie_node_index(node, trail->rest.data[0]);
        trail->parent_slot = trail->slot;
        trail->slot = trie_node_children(node) + trail->index;
        if (trie_is_node(*trail->slot))
            trail->rest = trie_text_from(trail->rest, 1);
    }
    return true;
}

/* Index of the longest text of a leaf that `rest` begins with, or -1. */
static int leaf_longest_prefix(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                               struct neap__trie_text rest) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    const uint8_t *text = c.texts;
    int longest = -1;
    if (rest.bytes < leaf->prefix_bytes ||
        trie_common(rest, neap__trie_leaf_prefix(shape, leaf)) < leaf->prefix_bytes)
        return -1;
    rest = trie_text_from(rest, leaf->prefix_bytes);
    for (unsigned i = 0; i < leaf->count; i++) {
        const size_t length = neap__trie_leaf_length(leaf, i);
        if (length <= rest.bytes && memcmp(text, rest.data, length) == 0)
            longest = (int)i; /* entries with a common beginning are sorted by length */
        text += length;
    }
    return longest;
}

bool neap_trie_longest_prefix(const neap_trie_t *trie, union neap_item text, size_t limit, size_t *bytes,
                              union neap_item *value) {
    if (!neap__trie_has_prefixes(trie->key))
        return false;
    struct neap__trie_text rest = {text.text.bytes == 0 ? "" : text.text.data,
                                   text.text.bytes < limit ? text.text.bytes : limit};
    const uint8_t *start = rest.data;
    const struct neap__trie_shape *shape = &trie->shape;
    const struct neap__trie_leaf *found = NULL;
    unsigned index = 0;
    size_t longest = 0;
    trie_child_t child = trie->root;
    for (;;) {
        const struct neap__trie_node *node = trie_is_node(child) ? trie_node_of(child) : NULL;
        if (node) {
            const struct neap__trie_text prefix = trie_node_prefix(node);
            if (trie_common(rest, prefix) < prefix.bytes)
                break;
            rest = trie_text_from(rest, prefix.bytes);
        }
        /* A key that ends at a node is the first entry of its first child. */
        const trie_child_t here = !node ? child : trie_node_children(node)[0];
        const struct neap__trie_text to_here = !node ? rest : (struct neap__trie_text){rest.data, 0};
        const int at = here == 0 ? -1 : leaf_longest_prefix(shape, trie_leaf_of(here), to_here);
        if (at >= 0) {
            found = trie_leaf_of(here);
            index = (unsigned)at;
            longest =
                (size_t)(rest.data - start) + found->prefix_bytes + neap__trie_leaf_length(found, index);
        }
        if (!node || rest.bytes == 0)
            break;
        child = trie_node_children(node)[trie_node_index(node, rest.data[0])];
        if (trie_is_node(child))
            rest = trie_text_from(rest, 1);
    }
    if (!found)
        return false;
    if (bytes)
        *bytes = longest;
    if (value)
        *value = neap__trie_value_decode(shape->value, neap__trie_leaf_value(shape, found, index));
    return true;
}
