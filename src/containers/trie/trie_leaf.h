/* containers/trie/trie_leaf.h: up to 64 neighbouring entries of a trie, in one block.
 *
 *     room text prefix cell count wide | tags | lengths | values | prefix | texts | value texts
 *      4    4     4     1    1     1     n      n or 4n   n * width   bytes   bytes   if STR, BYTES
 *
 *     under the node "da", in order:    nce 2   ncer 3   nger 4
 *       prefix "n"   texts "ce" "cer" "ger"   lengths 2 3 3   values 2 3 4
 *
 * The text of an entry is the rest of its key after the path of the node and the
 * prefix of the leaf. A tag is a byte that depends only on the end of the whole key,
 * so an entry keeps its tag when it moves up or down the trie. A lookup compares all
 * tags and lengths at once and then usually one text. Lengths are bytes, or words in
 * a wide leaf. If values are texts, the column of values has their lengths.
 *
 * Removal, and setting a value of fixed width, change a leaf in place. All other
 * changes make a new block. The caller passes the shape of the trie, through which
 * memory is allocated.
 */
#ifndef NEAP_CONTAINERS_TRIE_TRIE_LEAF_H
#define NEAP_CONTAINERS_TRIE_TRIE_LEAF_H

#include <neap/kind.h>

#include "containers/trie/trie_page.h"

enum {
    TRIE_LEAF_ENTRIES_MAX = 64,
    TRIE_LEAF_BYTES_MAX = 4096, /* a larger leaf is split if it has two entries or more */
    TRIE_LENGTH_MAX = 255,      /* of a text in a leaf that is not wide */
};

struct neap__trie_leaf {
    uint32_t room_bytes;   /* of the block, with the header */
    uint32_t text_bytes;   /* sum over all texts */
    uint32_t prefix_bytes; /* of the common prefix of all entries */
    uint8_t cell;          /* index in its page; 0: a block of its own */
    uint8_t count;         /* entries, 1 to 64 */
    uint8_t wide;          /* lengths are words */
    uint8_t columns[];
};

/* The common properties of all leaves of a trie, and its memory. */
struct neap__trie_shape {
    struct neap__trie_memory *memory;
    enum neap_kind value;
    uint8_t value_width; /* bytes per value of fixed width; 0 for texts and NONE */
    bool value_is_text;
    bool dense; /* leaves are being moved; new ones are placed one after the other */
};

/* A sequence of bytes, borrowed. */
struct neap__trie_text {
    const uint8_t *data;
    size_t bytes;
};

/* An entry that is being moved between leaves. Its text is the concatenation of its pieces. */
enum { TRIE_PIECES = 3 };
struct neap__trie_entry {
    struct neap__trie_text piece[TRIE_PIECES];
    struct neap__trie_text value; /* as stored */
    uint8_t tag;
};

/* The starts of the columns of a leaf. */
struct neap__trie_columns {
    uint8_t *tags, *lengths, *values, *prefix, *texts, *value_texts;
};

struct neap__trie_columns neap__trie_leaf_columns(const struct neap__trie_shape *shape,
                                                  const struct neap__trie_leaf *leaf);

/* The tag of a whole key. */
uint8_t neap__trie_leaf_tag(struct neap__trie_text key);

/* The text of entry `index`, without the prefix; its value; the prefix of the leaf. All borrowed. */
struct neap__trie_text neap__trie_leaf_text(const struct neap__trie_shape *shape,
                                            const struct neap__trie_leaf *leaf, unsigned index);
struct neap__trie_text neap__trie_leaf_value(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf, unsigned index);
struct neap__trie_text neap__trie_leaf_prefix(const struct neap__trie_shape *shape,
                                              const struct neap__trie_leaf *leaf);
size_t neap__trie_leaf_length(const struct neap__trie_leaf *leaf, unsigned index);

/* Finds the entry with the tag whose prefix and text equal `rest`, the rest of a key; -1 if there is
 * none. */
int neap__trie_leaf_find(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                         struct neap__trie_text rest, uint8_t tag);

/* Index of the first entry that is not less than `rest`: 0 to count. */
unsigned neap__trie_leaf_lower_bound(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                     struct neap__trie_text rest);

/* Whether there is an entry at `index` and it equals `rest`. */
bool neap__trie_leaf_is_at(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           unsigned index, struct neap__trie_text rest);

/* Index of the first entry, from that of `rest` on, that does not begin with `rest`. */
unsigned neap__trie_leaf_prefix_end(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                    struct neap__trie_text rest);

/* Whether an entry can be added to this leaf: it begins with the prefix, and its lengths fit. */
bool neap__trie_leaf_takes(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           const struct neap__trie_entry *entry);

/* Makes a new leaf with an entry added before the one at `index` or, if `replaced` is 1, instead of it.
 * The leaf must take the entry (neap__trie_leaf_takes). The old leaf stays as it is. NULL if there is no
 * memory. */
struct neap__trie_leaf *neap__trie_leaf_with(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf, unsigned index,
                                             unsigned replaced, const struct neap__trie_entry *entry);

/* Overwrites a value of fixed width. */
void neap__trie_leaf_set_value(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf,
                               unsigned index, const void *value);

/* Removes an entry in place. The leaf must have two or more. Cannot fail. */
void neap__trie_leaf_remove(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf,
                            unsigned index);

/* Moves the leaf to less room, if that frees memory, and returns it. */
struct neap__trie_leaf *neap__trie_leaf_shrink(const struct neap__trie_shape *shape,
                                               struct neap__trie_leaf *leaf);

/* Lists all entries of a leaf and returns how many there are. `head` is put before the text of each. The
 * entries borrow from both. The last piece of each is its text in the leaf. */
unsigned neap__trie_leaf_entries(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                 struct neap__trie_text head, struct neap__trie_entry *entries);

/* Makes a leaf of `count` sorted entries without the first `drop` bytes of each; these must be part of the
 * common prefix of all. NULL if there is no memory. */
struct neap__trie_leaf *neap__trie_leaf_make(const struct neap__trie_shape *shape,
                                             const struct neap__trie_entry *entries, unsigned count,
                                             size_t drop);
/* Copies a leaf to a new block. NULL if there is no memory. */
struct neap__trie_leaf *neap__trie_leaf_copy(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf);
void neap__trie_leaf_free(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf);

/* A copy of an entry without its first `bytes`. */
struct neap__trie_entry neap__trie_entry_skip(const struct neap__trie_entry *entry, size_t bytes);

/* Length of the common prefix of two entries. */
size_t neap__trie_entry_common(const struct neap__trie_entry *a, const struct neap__trie_entry *b);
size_t neap__trie_entry_bytes(const struct neap__trie_entry *entry);
/* Byte `at` of an entry's text; -1 at its end. */
int neap__trie_entry_byte(const struct neap__trie_entry *entry, size_t at);

static inline struct neap__trie_place trie_leaf_place(const struct neap__trie_leaf *leaf) {
    return (struct neap__trie_place){(void *)(uintptr_t)leaf, leaf->room_bytes, leaf->cell};
}

/* Bytes that a leaf uses of its room. */
size_t neap__trie_leaf_used_bytes(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf);

/* Verifies the columns of a leaf. False with a static text in *why at the first fault. */
bool neap__trie_leaf_check(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           const char **why);

#endif
