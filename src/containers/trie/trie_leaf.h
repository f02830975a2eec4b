/* containers/trie/trie_leaf.h: up to 64 neighbouring entries of a trie, in one block.
 *
 *     room text prefix cell count wide | tags | lengths | values | prefix | texts | value texts
 *      4    4     4     1    1     1     n      n or 4n   n * width   bytes   text    of STR, BYTES
 *
 *     under the node "da", in order:    nce 2   ncer 3   nger 4
 *       prefix "n"   texts "ce" "cer" "ger"   lengths 2 3 3   values 2 3 4
 *
 * A text is what follows the node's path and the leaf's prefix, which all its
 * entries share. A tag is a byte that depends on the end of the whole key alone:
 * a lookup compares all tags and lengths at once and then, as a rule, one text,
 * and an entry may move up and down the trie with its tag. Lengths are bytes, in
 * a wide leaf words; values that are texts have lengths in the place of values.
 *
 * A leaf is never changed where others would see it half done: but for removal
 * and values of fixed width, changes make a new block. No memory of its own: who
 * calls passes the shape of the trie.
 */
#ifndef NEAP_CONTAINERS_TRIE_TRIE_LEAF_H
#define NEAP_CONTAINERS_TRIE_TRIE_LEAF_H

#include <neap/kind.h>

#include "containers/trie/trie_page.h"

enum {
    TRIE_LEAF_ENTRIES_MAX = 64,
    TRIE_LEAF_BYTES_MAX = 4096, /* a leaf of two entries or more that is larger is split */
    TRIE_LENGTH_MAX = 255,      /* of a text in a leaf that is not wide */
};

struct neap__trie_leaf {
    uint32_t room_bytes;   /* the block, header included */
    uint32_t text_bytes;   /* of all texts together */
    uint32_t prefix_bytes; /* what all texts would begin with */
    uint8_t cell;          /* of its page; 0: a block of its own */
    uint8_t count;         /* entries, 1 to 64 */
    uint8_t wide;          /* lengths are words */
    uint8_t columns[];
};

/* What all leaves of a trie have in common, and where they come from. */
struct neap__trie_shape {
    struct neap__trie_memory *memory;
    enum neap_kind value;
    uint8_t value_width; /* bytes in a leaf a value of fixed width; 0 for texts and NONE */
    bool value_is_text;
    bool dense; /* leaves are being moved: new ones lie one after the other */
};

/* Some bytes, borrowed. */
struct neap__trie_text {
    const uint8_t *data;
    size_t bytes;
};

/* One entry on its way from leaf to leaf: its text is its pieces one after the other. */
enum { TRIE_PIECES = 3 };
struct neap__trie_entry {
    struct neap__trie_text piece[TRIE_PIECES];
    struct neap__trie_text value; /* as stored */
    uint8_t tag;
};

/* Where the columns of a leaf begin. */
struct neap__trie_columns {
    uint8_t *tags, *lengths, *values, *prefix, *texts, *value_texts;
};

struct neap__trie_columns neap__trie_leaf_columns(const struct neap__trie_shape *shape,
                                                  const struct neap__trie_leaf *leaf);

/* The tag of a whole key. */
uint8_t neap__trie_leaf_tag(struct neap__trie_text key);

/* Entry `index` without and its value; borrowed. */
struct neap__trie_text neap__trie_leaf_text(const struct neap__trie_shape *shape,
                                            const struct neap__trie_leaf *leaf, unsigned index);
struct neap__trie_text neap__trie_leaf_value(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf, unsigned index);
struct neap__trie_text neap__trie_leaf_prefix(const struct neap__trie_shape *shape,
                                              const struct neap__trie_leaf *leaf);
size_t neap__trie_leaf_length(const struct neap__trie_leaf *leaf, unsigned index);

/* The entry whose prefix and text are `rest`, the rest of a key with that tag; -1: none. */
int neap__trie_leaf_find(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                         struct neap__trie_text rest, uint8_t tag);

/* The first entry that is not less than `rest`: 0 to count. */
unsigned neap__trie_leaf_lower_bound(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                     struct neap__trie_text rest);

/* Whether there is an entry at `index`, and it is `rest`. */
bool neap__trie_leaf_is_at(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           unsigned index, struct neap__trie_text rest);

/* The first entry of those from `rest` on that does not begin with it. */
unsigned neap__trie_leaf_prefix_end(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                    struct neap__trie_text rest);

/* Whether an entry can be added to this leaf as it is: it has its prefix and fits its lengths. */
bool neap__trie_leaf_takes(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           const struct neap__trie_entry *entry);

/* A new leaf with an entry that it takes at `index`, before the one that was there or, if `replaced`
 * is 1, in its place. The old one is as before. NULL: no memory. */
struct neap__trie_leaf *neap__trie_leaf_with(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf, unsigned index,
                                             unsigned replaced, const struct neap__trie_entry *entry);

/* Overwrites a value of fixed width. */
void neap__trie_leaf_set_value(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf,
                               unsigned index, const void *value);

/* Takes an entry out where it is, one of two or more. Cannot fail. */
void neap__trie_leaf_remove(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf,
                            unsigned index);

/* The same leaf in less room if that frees anything. */
struct neap__trie_leaf *neap__trie_leaf_shrink(const struct neap__trie_shape *shape,
                                               struct neap__trie_leaf *leaf);

/* All entries of a leaf, each behind `head`; returns how many. They borrow from both. The last
 * piece of each is its text. */
unsigned neap__trie_leaf_entries(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                 struct neap__trie_text head, struct neap__trie_entry *entries);

/* Makes a leaf of `count` sorted entries, without the first `drop` bytes of each, which are within
 * what all have in common. NULL: no memory. */
struct neap__trie_leaf *neap__trie_leaf_make(const struct neap__trie_shape *shape,
                                             const struct neap__trie_entry *entries, unsigned count,
                                             size_t drop);
/* The same leaf elsewhere. NULL: no memory. */
struct neap__trie_leaf *neap__trie_leaf_copy(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf);
void neap__trie_leaf_free(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf);

/* A copy of an entry without its first `bytes`. */
struct neap__trie_entry neap__trie_entry_skip(const struct neap__trie_entry *entry, size_t bytes);

/* Bytes that two entries have in common from the start. */
size_t neap__trie_entry_common(const struct neap__trie_entry *a, const struct neap__trie_entry *b);
size_t neap__trie_entry_bytes(const struct neap__trie_entry *entry);
/* Byte `at` of an entry's text; -1 at its end. */
int neap__trie_entry_byte(const struct neap__trie_entry *entry, size_t at);

static inline struct neap__trie_place trie_leaf_place(const struct neap__trie_leaf *leaf) {
    return (struct neap__trie_place){(void *)(uintptr_t)leaf, leaf->room_bytes, leaf->cell};
}

/* Bytes that a leaf uses of its room. */
size_t neap__trie_leaf_used_bytes(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf);

/* Whether the columns are in themselves as they should be. */
bool neap__trie_leaf_check(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           const char **why);

#endif
