/* containers/trie/trie_node.h: a node of a trie, which divides keys by their next byte.
 *
 *     room prefix count | letters    | children     | prefix
 *      4     4      2     count - 1    count * word   bytes
 *
 *     the keys that begin with "da":
 *       prefix "da"   letters  b  n  o          children  0     leaf  node  leaf
 *                                               for      < b    b-m    n    o and on
 *
 * A child has all keys whose next byte is at least its letter and less than that of
 * the next child. The first child has no letter and also has the key that ends here.
 * A child is empty, a leaf, or a node. A node is for exactly one letter, which is not
 * compared again below it; in a leaf, the letter is the first byte of each entry. The
 * prefix of a node is the common prefix of all keys below it, from there on.
 *
 * To change a node, a new one is made from a draft; the caller puts it in its place.
 */
#ifndef NEAP_CONTAINERS_TRIE_TRIE_NODE_H
#define NEAP_CONTAINERS_TRIE_TRIE_NODE_H

#include <assert.h>
#include <string.h>

#include "base/word.h"
#include "containers/trie/trie_leaf.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TRIE_CHILDREN_MAX = 257 };

/* A pointer to a leaf, or to a node with the lowest bit set, or 0 if empty. */
typedef uintptr_t trie_child_t;

struct neap__trie_node {
    uint32_t room_bytes;
    uint32_t prefix_bytes;
    uint16_t count;    /* children, 1 to 257 */
    uint8_t letters[]; /* padded to a multiple of the word; children and prefix follow */
};

/* The contents of a node that is being made or changed. */
struct neap__trie_draft {
    struct neap__trie_text prefix; /* borrowed */
    unsigned count;
    trie_child_t child[TRIE_CHILDREN_MAX + 2];
    uint8_t letter[TRIE_CHILDREN_MAX + 2]; /* of child i from 1 on */
};

static inline bool trie_is_node(trie_child_t child) {
    return (child & 1) != 0;
}

static inline struct neap__trie_node *trie_node_of(trie_child_t child) {
    assert(trie_is_node(child));
    return (struct neap__trie_node *)(child - 1);
}

static inline struct neap__trie_leaf *trie_leaf_of(trie_child_t child) {
    assert(!trie_is_node(child));
    return (struct neap__trie_leaf *)child;
}

static inline trie_child_t trie_child_of_leaf(const struct neap__trie_leaf *leaf) {
    return (trie_child_t)leaf;
}

static inline trie_child_t trie_child_of_node(const struct neap__trie_node *node) {
    return (trie_child_t)node + 1;
}

/* Offset of the children, after the letters. Letters may be read 16 at a time. */
static inline size_t trie_node_children_at(unsigned count) {
    return neap_word_round_up_size(offsetof(struct neap__trie_node, letters) + count - 1,
                                   sizeof(trie_child_t));
}

static inline trie_child_t *trie_node_children(const struct neap__trie_node *node) {
    return (trie_child_t *)(void *)((uint8_t *)(uintptr_t)node + trie_node_children_at(node->count));
}

static inline struct neap__trie_text trie_node_prefix(const struct neap__trie_node *node) {
    return (struct neap__trie_text){(const uint8_t *)(trie_node_children(node) + node->count),
                                    node->prefix_bytes};
}

/* Index of the child for a byte: the number of letters that are not greater. */
static inline unsigned trie_node_index(const struct neap__trie_node *node, uint8_t byte) {
    const unsigned letters = node->count - 1u;
    unsigned i = 0;
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8((char)byte);
    for (; i < letters; i += 16) {
        const __m128i chunk = _mm_loadu_si128((const __m128i *)(const void *)(node->letters + i));
        const __m128i least = _mm_min_epu8(chunk, wanted);
        const unsigned reached = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(least, chunk));
        const unsigned here = (unsigned)__builtin_ctz(~reached);
        if (here < 16 || i + 16 >= letters)
            return i + here < letters ? i + here : letters;
    }
#endif
    for (; i < letters && node->letters[i] <= byte; i++)
        ;
    return i;
}

/* Makes a draft of a node. The draft borrows the prefix. */
void neap__trie_node_draft(const struct neap__trie_node *node, struct neap__trie_draft *draft);

/* Inserts a child before index `at` of a draft, 1 to count; removes one. */
void neap__trie_draft_insert(struct neap__trie_draft *draft, unsigned at, uint8_t letter, trie_child_t child);
void neap__trie_draft_remove(struct neap__trie_draft *draft, unsigned at);

/* Makes a node from a draft. NULL if there is no memory. */
struct neap__trie_node *neap__trie_node_make(const struct neap__trie_shape *shape,
                                             const struct neap__trie_draft *draft);
void neap__trie_node_free(const struct neap__trie_shape *shape, struct neap__trie_node *node);

#endif
