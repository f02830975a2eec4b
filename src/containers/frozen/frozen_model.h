/* containers/frozen/frozen_model.h: the format of a frozen trie.
 *
 *     head | common prefix of all keys | alphabet | slices     | offsets    | leaf leaf leaf ...
 *                                                   8 per leaf   5 per leaf
 *
 *     leaf:   length, first key | base | values | restarts | steps and pieces of the others, in bits
 *             values of fixed width: bits | least | each value minus the least, in that many bits;
 *                                    bits, marked | each value, if the least saves no bit
 *             values that are texts: length of each | texts
 *
 * Keys are stored without the prefix that all share. The slice of a leaf is the first eight
 * bytes of its first key as a number, so finding the leaf of a key is a search among numbers.
 * A step counts from the leaf's base, the length of the prefix that its keys share. Every
 * eighth entry is a restart: its step is relative to the leaf's first key, and the restarts
 * say where its bits begin, counted from the restart before. So a search can skip the
 * entries before it. Lengths are written in groups of seven bits.
 *
 * Everything read from a leaf is checked against the end of the leaves. Eight more bytes
 * follow the leaves and the offsets, because numbers are loaded eight bytes at a time.
 */
#ifndef NEAP_CONTAINERS_FROZEN_FROZEN_MODEL_H
#define NEAP_CONTAINERS_FROZEN_FROZEN_MODEL_H

#include <neap/frozen_trie.h>

#include "containers/common/container_file.h"
#include "containers/frozen/frozen_code.h"
#include "containers/common/container_memory.h"
#include "containers/trie/trie_model.h"

enum {
    FROZEN_VERSION = 1,
    FROZEN_OFFSET_BYTES = 5,
    FROZEN_VALUES_FROM_0 = 0x80, /* flag in the byte of bits: no least value follows */
    FROZEN_TAIL_BYTES = 8,
    FROZEN_LEAF_ENTRIES = 32, /* in all leaves but the last */
    FROZEN_RESTART_ENTRIES = 8,
    FROZEN_RESTARTS = FROZEN_LEAF_ENTRIES / FROZEN_RESTART_ENTRIES,
};

/* Offsets are in the body. */
struct neap__frozen_head {
    uint64_t count, leaf_count;
    uint64_t common_bytes, alphabet_at, alphabet_bytes;
    uint64_t slices_at, offsets_at, leaves_at, leaves_bytes;
    uint64_t key_bytes_max;
    uint32_t key, value; /* enum neap_kind */
};

struct neap_frozen_trie {
    struct neap__container_memory memory;
    struct neap__frozen_head head;
    const uint8_t *body;
    const uint64_t *slices;
    const uint8_t *offsets, *leaves;
    struct neap__container_file file; /* data is NULL if the body is a block of its own */
    bool is_mapped;                   /* the file must be closed */
    bool damaged;                     /* a call met a damaged leaf */
    size_t body_bytes;
    uint8_t value_width;
    bool value_is_text;
    struct neap__frozen_alphabet alphabet;
};

/* A leaf that is being read. */
struct neap__frozen_leaf {
    struct neap__trie_text first; /* its first key */
    size_t base;
    const uint8_t *values; /* packed, or texts */
    const uint8_t *value_lengths;
    uint64_t value_least;
    unsigned value_bits, count;
    struct neap__frozen_bits bits;     /* of the entries after the first */
    uint64_t restart[FROZEN_RESTARTS]; /* bits before entry 1, 8, 16, 24 */
};

/* The position of a key in a leaf, or where it would be. */
struct neap__frozen_scan {
    unsigned index; /* the first entry that is not less */
    bool equal;
    int prefix; /* index of the longest entry that the key begins with; -1: none */
    size_t prefix_bytes;
};

/* Sets the pointers by the head. False if the body does not agree with the head. */
bool neap__frozen_begin(neap_frozen_trie_t *trie);

/* Notes that a call met a damaged leaf, or zeros in the place of a file's lost end; returns false. */
bool neap__frozen_damage(const neap_frozen_trie_t *trie);

/* Whether the file was cut short, so that what was read of it may be zeros. */
static inline bool frozen_is_cut(const neap_frozen_trie_t *trie) {
    return trie->is_mapped && neap__container_file_is_cut(&trie->file);
}

/* The last leaf whose first key is not greater than `key`, or 0. `key` is without the common prefix. */
uint64_t neap__frozen_leaf_for(const neap_frozen_trie_t *trie, struct neap__trie_text key);

/* Begins to read a leaf. False if it is damaged. */
bool neap__frozen_leaf_open(const neap_frozen_trie_t *trie, uint64_t index, struct neap__frozen_leaf *leaf);

/* Searches for a key in a leaf that was just opened. With `with_prefix` it reads entry by entry and also
 * finds the longest entry that the key begins with. False if the leaf is damaged. */
bool neap__frozen_leaf_scan(const neap_frozen_trie_t *trie, struct neap__frozen_leaf *leaf,
                            struct neap__trie_text key, bool with_prefix, struct neap__frozen_scan *scan);

union neap_item neap__frozen_leaf_value(const neap_frozen_trie_t *trie, const struct neap__frozen_leaf *leaf,
                                        unsigned index);

/* The rank of a key: the number of entries that are less. False if the trie is damaged. */
bool neap__frozen_rank(const neap_frozen_trie_t *trie, struct neap__trie_text key, uint64_t *rank);

/* Returns 0 and the rest of a key after the common prefix in *rest. If the key does not begin with the
 * common prefix, returns -1 if it is less than all keys and 1 if it is greater. */
int neap__frozen_common(const neap_frozen_trie_t *trie, struct neap__trie_text key,
                        struct neap__trie_text *rest);

/* The ranks [*first, *last) of the entries in a range: see neap/trie.h. Returns 0, NEAP_ERROR_ARGUMENT or
 * NEAP_ERROR_FORMAT. */
int neap__frozen_range(const neap_frozen_trie_t *trie, const struct neap_trie_range *range, uint64_t *first,
                       uint64_t *last);

/* Converts a value to a number, with the same order if its kind has one; and back. */
uint64_t neap__frozen_value_number(enum neap_kind kind, struct neap__trie_text stored);
union neap_item neap__frozen_value_item(enum neap_kind kind, uint64_t number);

static inline uint64_t frozen_slice(struct neap__trie_text key) {
    uint64_t slice = 0;
    if (key.bytes >= 8) {
        memcpy(&slice, key.data, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        slice = __builtin_bswap64(slice);
#endif
        return slice;
    }
    for (unsigned i = 0; i < 8; i++)
        slice = slice << 8 | (i < key.bytes ? key.data[i] : 0u);
    return slice;
}

#endif
