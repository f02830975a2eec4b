/* containers/trie/trie_model.h: the data model of a trie.
 *
 *     trie ── root ──> node ──> node ──> leaf         trie_node.h, trie_leaf.h
 *                        └────> leaf
 *
 * Invariants, verified by neap_trie_check:
 * - The first child of a node is empty or a leaf, because it has no letter.
 * - A child that is a node is for exactly one letter: the next child has the letter
 *   after it.
 * - Each leaf is where its entries belong, is sorted, and is not empty. A node has
 *   at least two entries below it. `count` and the bytes of blocks are correct sums.
 */
#ifndef NEAP_CONTAINERS_TRIE_TRIE_MODEL_H
#define NEAP_CONTAINERS_TRIE_TRIE_MODEL_H

#include <neap/trie.h>

#include "containers/common/container_memory.h"
#include "containers/trie/trie_node.h"

enum {
    TRIE_INTEGER_BYTES = 8,
    TRIE_TEXT_BYTES_MAX = 256 << 20,
    /* Two leaves are joined up to this size, so that the result has room to grow. */
    TRIE_JOIN_ENTRIES_MAX = 40,
    TRIE_JOIN_BYTES_MAX = 1024,
};

struct neap_trie {
    struct neap__container_memory memory;
    struct neap__trie_memory blocks;
    struct neap__trie_shape shape;
    enum neap_kind key;
    trie_child_t root;
    size_t count;
    size_t key_bytes_max;      /* no key is longer */
    uint64_t keys_version;     /* changes when a key is added or removed */
    uint64_t shape_version;    /* changes when a block may have moved */
    neap_trie_cursor_t *sweep; /* before the next leaf to move; NULL: the first */
    unsigned sweep_changes;    /* changes since a leaf was last examined */
};

/* The position of a walk down the trie. */
struct neap__trie_trail {
    trie_child_t *slot;          /* the pointer to the child: trie->root, or in the parent */
    trie_child_t *parent_slot;   /* the pointer to the parent; NULL at the root */
    unsigned index;              /* of the child in its parent */
    struct neap__trie_text rest; /* of the key, from the child on; for a leaf with its letter */
};

/* Encode a key or a value into the bytes that are compared and stored. The bytes of an integer are
 * written to `place`. False if it does not fit the kind. */
bool neap__trie_key_encode(enum neap_kind kind, union neap_item key, uint8_t place[TRIE_INTEGER_BYTES],
                           struct neap__trie_text *text);
union neap_item neap__trie_key_decode(enum neap_kind kind, struct neap__trie_text text);
bool neap__trie_value_encode(enum neap_kind kind, union neap_item value, uint8_t place[TRIE_INTEGER_BYTES],
                             struct neap__trie_text *stored);
union neap_item neap__trie_value_decode(enum neap_kind kind, struct neap__trie_text stored);

/* Whether keys of a kind are texts, which have prefixes. */
static inline bool neap__trie_has_prefixes(enum neap_kind kind) {
    return kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES;
}

/* As neap_trie_cursor_new, with the reason: NEAP_ERROR_MEMORY or NEAP_ERROR_ARGUMENT. */
int neap__trie_cursor_make(const neap_trie_t *trie, const struct neap_trie_range *range,
                           neap_trie_cursor_t **cursor);

/* Walks to the leaf for a key, which *trail->slot then is; it may be empty. False if the key differs
 * from the prefix of a node; *trail->slot then is that node. */
bool neap__trie_walk(const neap_trie_t *trie, struct neap__trie_text key, struct neap__trie_trail *trail);

static inline struct neap__trie_node *trie_trail_parent(const struct neap__trie_trail *trail) {
    return !trail->parent_slot ? NULL : trie_node_of(*trail->parent_slot);
}

/* Replaces the node in a slot by one made from a draft. On NEAP_ERROR_MEMORY all is as before. */
int neap__trie_replace_node(neap_trie_t *trie, trie_child_t *slot, const struct neap__trie_draft *draft);

/* Joins the leaf at the end of a trail with a neighbour if both together stay within the limits,
 * removes empty children, and merges nodes with a single child. Returns whether anything changed;
 * the trail is then invalid. If there is no memory, nothing changes. */
bool neap__trie_tidy(neap_trie_t *trie, const struct neap__trie_trail *trail, unsigned entries_max,
                     size_t bytes_max);

/* Moves the cursor to the end of the leaf that contains its last key now. */
int neap__trie_cursor_skip_leaf(neap_trie_cursor_t *cursor);

/* Moves leaves in a bounded step, so that pages become free. Call it once per removed key. */
void neap__trie_sweep(neap_trie_t *trie);

static inline size_t trie_common(struct neap__trie_text a, struct neap__trie_text b) {
    const size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
    size_t common = 0;
    while (common < bytes && a.data[common] == b.data[common])
        common++;
    return common;
}

static inline struct neap__trie_text trie_text_from(struct neap__trie_text text, size_t at) {
    assert(at <= text.bytes);
    return at == 0 ? text : (struct neap__trie_text){text.data + at, text.bytes - at};
}

#endif
