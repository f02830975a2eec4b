/* containers/trie/trie_model.h: the trie as its own files see it.
 *
 *     trie ── root ──> node ──> node ──> leaf         trie_node.h, trie_leaf.h
 *                        └────> leaf
 *
 * Invariants, verified by neap_trie_check:
 * - The first child of a node is nothing or a leaf, since it has no letter.
 * - A child that is a node stands for one letter: the next child begins with the
 *   letter after it.
 * - Each leaf is where its entries belong, in order, and is not empty; a node has
 *   at least two entries below it; `count` and the bytes of blocks are sums over all.
 */
#ifndef NEAP_CONTAINERS_TRIE_TRIE_MODEL_H
#define NEAP_CONTAINERS_TRIE_TRIE_MODEL_H

#include <neap/trie.h>

#include "containers/common/container_memory.h"
#include "containers/trie/trie_node.h"

enum {
    TRIE_INTEGER_BYTES = 8,
    TRIE_TEXT_BYTES_MAX = 256 << 20,
    /* Leaves that have become small join: both together then have room for as much again. */
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
    uint64_t keys_version;     /* changes with the keys */
    uint64_t shape_version;    /* changes whenever a block may have moved */
    neap_trie_cursor_t *sweep; /* before the next leaf to move; NULL: the first */
    unsigned sweep_changes;    /* since the last leaf was looked at */
};

/* Where a walk down the trie has come to. */
struct neap__trie_trail {
    trie_child_t *slot;          /* where the child is kept: here or in its parent */
    trie_child_t *parent_slot;   /* where the parent is kept; NULL at the root */
    unsigned index;              /* the child's in its parent */
    struct neap__trie_text rest; /* of the key, from the child on; for a leaf with its letter */
};

/* What is compared and kept of a key or a value; `place` is where an integer is written to.
 * False: it does not fit the kind. */
bool neap__trie_key_encode(enum neap_kind kind, union neap_item key, uint8_t place[TRIE_INTEGER_BYTES],
                           struct neap__trie_text *text);
union neap_item neap__trie_key_decode(enum neap_kind kind, struct neap__trie_text text);
bool neap__trie_value_encode(enum neap_kind kind, union neap_item value, uint8_t place[TRIE_INTEGER_BYTES],
                             struct neap__trie_text *stored);
union neap_item neap__trie_value_decode(enum neap_kind kind, struct neap__trie_text stored);

/* The way to the leaf for a key (*trail->slot, may be nothing). False: the key leaves the trie
 * within the prefix of a node, which *trail->slot then is. */
bool neap__trie_walk(const neap_trie_t *trie, struct neap__trie_text key, struct neap__trie_trail *trail);

static inline struct neap__trie_node *trie_trail_parent(const struct neap__trie_trail *trail) {
    return !trail->parent_slot ? NULL : trie_node_of(*trail->parent_slot);
}

/* Puts the node of a draft in the place of the node there. NEAP_ERROR_MEMORY: as before. */
int neap__trie_replace_node(neap_trie_t *trie, trie_child_t *slot, const struct neap__trie_draft *draft);

/* Joins the leaf at the end of a trail with a neighbour where both together stay within the
 * limits, takes out what is empty, and makes paths without a choice one. Whether anything
 * changed; the trail is then void. Without memory nothing does. */
bool neap__trie_tidy(neap_trie_t *trie, const struct neap__trie_trail *trail, unsigned entries_max,
                     size_t bytes_max);

/* Goes to the end of the leaf that has the cursor's last key, wherever that is now. */
int neap__trie_cursor_skip_leaf(neap_trie_cursor_t *cursor);

/* To be called once for each key that went: has pages come free, by a bounded step. */
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
