/* containers/trie/trie_leaf.c: searches a leaf. */
#include "containers/trie/trie_leaf.h"

#include <assert.h>
#include <string.h>

#include "base/word.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static size_t load_length(const uint8_t *lengths, bool wide, unsigned index) {
    uint32_t length;
    if (NEAP_LIKELY(!wide))
        return lengths[index];
    memcpy(&length, lengths + index * sizeof(length), sizeof(length));
    return length;
}

/* The sum of the first `index` bytes, eight at a time; may read up to 7 bytes past them. */
static size_t sum_bytes(const uint8_t *bytes, unsigned index) {
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t sums = 0, word;
    unsigned i = 0;
    for (; i + 8 <= index; i += 8) {
        memcpy(&word, bytes + i, sizeof(word));
        sums += (word & even) + (word >> 8 & even);
    }
    if (i < index) {
        unsigned unwanted = 8 * (8 - (index - i));
        memcpy(&word, bytes + i, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word <<= unwanted;
#else
        word >>= unwanted;
#endif
        sums += (word & even) + (word >> 8 & even);
    }
    return (size_t)(sums * UINT64_C(0x0001000100010001) >> 48);
}

static size_t sum_lengths(const uint8_t *lengths, bool wide, unsigned index) {
    size_t sum = 0;
    if (NEAP_LIKELY(!wide))
        return sum_bytes(lengths, index);
    for (unsigned i = 0; i < index; i++)
        sum += load_length(lengths, true, i);
    return sum;
}

/* One bit for each of the first `count` bytes that equals `byte`; may read up to 15 bytes past them. */
static uint64_t equal_bytes(const uint8_t *bytes, unsigned count, uint8_t byte) {
    uint64_t equal = 0;
    assert(count >= 1 && count <= TRIE_LEAF_ENTRIES_MAX);
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8((char)byte);
    for (unsigned i = 0; i < count; i += 16) {
        __m128i chunk = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
        equal |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(chunk, wanted)) << i;
    }
    return equal & neap_word_span(0, count - 1);
#else
    for (unsigned i = 0; i < count; i++)
        equal |= (uint64_t)(bytes[i] == byte) << i;
    return equal;
#endif
}

struct neap__trie_columns neap__trie_leaf_columns(const struct neap__trie_shape *shape,
                                                  const struct neap__trie_leaf *leaf) {
    const size_t n = leaf->count, length_width = leaf->wide ? 4 : 1;
    struct neap__trie_columns c;
    c.tags = (uint8_t *)(uintptr_t)leaf->columns;
    c.lengths = c.tags + n;
    c.values = c.lengths + n * length_width;
    c.prefix = c.values + n * (shape->value_is_text ? length_width : shape->value_width);
    c.texts = c.prefix + leaf->prefix_bytes;
    c.value_texts = c.texts + leaf->text_bytes;
    return c;
}

/* The last bytes and the length of the key, mixed. */
uint8_t neap__trie_leaf_tag(struct neap__trie_text key) {
    uint64_t word = 0;
    if (NEAP_LIKELY(key.bytes >= 8)) {
        memcpy(&word, key.data + key.bytes - 8, 8);
    } else if (key.bytes >= 4) {
        uint32_t low, high;
        memcpy(&low, key.data, 4);
        memcpy(&high, key.data + key.bytes - 4, 4);
        word = (uint64_t)high << 32 | low;
    } else if (key.bytes > 0) {
        word = (uint64_t)key.data[0] | (uint64_t)key.data[key.bytes / 2] << 8 |
               (uint64_t)key.data[key.bytes - 1] << 16;
    }
    word = (word ^ key.bytes) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)((word ^ word >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
}

struct neap__trie_text neap__trie_leaf_prefix(const struct neap__trie_shape *shape,
                                              const struct neap__trie_leaf *leaf) {
    return (struct neap__trie_text){neap__trie_leaf_columns(shape, leaf).prefix, leaf->prefix_bytes};
}

size_t neap__trie_leaf_length(const struct neap__trie_leaf *leaf, unsigned index) {
    return load_length(leaf->columns + leaf->count, leaf->wide, index);
}

struct neap__trie_text neap__trie_leaf_text(const struct neap__trie_shape *shape,
                                            const struct neap__trie_leaf *leaf, unsigned index) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    assert(index < leaf->count);
    return (struct neap__trie_text){c.texts + sum_lengths(c.lengths, leaf->wide, index),
                                    load_length(c.lengths, leaf->wide, index)};
}

struct neap__trie_text neap__trie_leaf_value(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf, unsigned index) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    assert(index < leaf->count);
    if (!shape->value_is_text)
        return (struct neap__trie_text){c.values + (size_t)index * shape->value_width, shape->value_width};
    return (struct neap__trie_text){c.value_texts + sum_lengths(c.values, leaf->wide, index),
                                    load_length(c.values, leaf->wide, index)};
}

size_t neap__trie_leaf_used_bytes(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    size_t bytes = (size_t)(c.value_texts - (const uint8_t *)leaf);
    if (shape->value_is_text)
        bytes += sum_lengths(c.values, leaf->wide, leaf->count);
    return bytes;
}

/* A wide leaf is rare: its lengths are compared one by one. */
static uint64_t equal_lengths(const struct neap__trie_leaf *leaf, const uint8_t *lengths, size_t length) {
    uint64_t equal = 0;
    if (NEAP_LIKELY(!leaf->wide))
        return length <= TRIE_LENGTH_MAX ? equal_bytes(lengths, leaf->count, (uint8_t)length) : 0;
    for (unsigned i = 0; i < leaf->count; i++)
        equal |= (uint64_t)(load_length(lengths, true, i) == length) << i;
    return equal;
}

int neap__trie_leaf_find(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                         struct neap__trie_text rest, uint8_t tag) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    const size_t prefix = leaf->prefix_bytes;
    if (rest.bytes < prefix || memcmp(rest.data, c.prefix, prefix) != 0)
        return -1;
    uint64_t candidates =
        equal_bytes(c.tags, leaf->count, tag) & equal_lengths(leaf, c.lengths, rest.bytes - prefix);
    for (; candidates != 0; candidates &= candidates - 1) {
        const unsigned i = neap_word_lowest(candidates);
        const uint8_t *text = c.texts + sum_lengths(c.lengths, leaf->wide, i);
        if (NEAP_LIKELY(memcmp(text, rest.data + prefix, rest.bytes - prefix) == 0))
            return (int)i;
    }
    return -1;
}

/* Index of the first entry that is not before `rest`. If asked, entries that begin with `rest` count as
 * before. */
static unsigned bound(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                      struct neap__trie_text rest, bool past_those_that_begin_so) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    size_t common = rest.bytes < leaf->prefix_bytes ? rest.bytes : leaf->prefix_bytes, at = 0;
    int order = common == 0 ? 0 : memcmp(c.prefix, rest.data, common);
    if (order != 0 || rest.bytes <= leaf->prefix_bytes)
        return order < 0 || (order == 0 && past_those_that_begin_so) ? leaf->count : 0;
    rest = (struct neap__trie_text){rest.data + common, rest.bytes - common};

    uint32_t starts[TRIE_LEAF_ENTRIES_MAX];
    for (unsigned i = 0; i < leaf->count; i++) {
        starts[i] = (uint32_t)at;
        at += load_length(c.lengths, leaf->wide, i);
    }
    unsigned low = 0, high = leaf->count;
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        const size_t length = load_length(c.lengths, leaf->wide, middle);
        common = length < rest.bytes ? length : rest.bytes;
        order = memcmp(c.texts + starts[middle], rest.data, common);
        if (order < 0 || (order == 0 && (past_those_that_begin_so || length < rest.bytes)))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

unsigned neap__trie_leaf_lower_bound(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                     struct neap__trie_text rest) {
    return bound(shape, leaf, rest, false);
}

unsigned neap__trie_leaf_prefix_end(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                    struct neap__trie_text rest) {
    return bound(shape, leaf, rest, true);
}

bool neap__trie_leaf_is_at(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           unsigned index, struct neap__trie_text rest) {
    if (index == leaf->count)
        return false;
    const struct neap__trie_text prefix = neap__trie_leaf_prefix(shape, leaf);
    const struct neap__trie_text text = neap__trie_leaf_text(shape, leaf, index);
    return prefix.bytes + text.bytes == rest.bytes && memcmp(prefix.data, rest.data, prefix.bytes) == 0 &&
           memcmp(text.data, rest.data + prefix.bytes, text.bytes) == 0;
}

bool neap__trie_leaf_check(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           const char **why) {
    *why = "a leaf has no entry, or more than 64";
    if (leaf->count < 1 || leaf->count > TRIE_LEAF_ENTRIES_MAX)
        return false;
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    *why = "a leaf's texts are not as long as its lengths say";
    if (sum_lengths(c.lengths, leaf->wide, leaf->count) != leaf->text_bytes)
        return false;
    *why = "a leaf is larger than its block";
    if (neap__trie_leaf_used_bytes(shape, leaf) > leaf->room_bytes)
        return false;
    *why = "a leaf's entries are not in order";
    struct neap__trie_text before = neap__trie_leaf_text(shape, leaf, 0);
    for (unsigned i = 1; i < leaf->count; i++) {
        const struct neap__trie_text text = neap__trie_leaf_text(shape, leaf, i);
        const size_t common = before.bytes < text.bytes ? before.bytes : text.bytes;
        const int order = memcmp(before.data, text.data, common);
        if (order > 0 || (order == 0 && before.bytes >= text.bytes))
            return false;
        before = text;
    }
    return true;
}
