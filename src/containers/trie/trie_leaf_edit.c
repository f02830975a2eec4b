/* containers/trie/trie_leaf_edit.c: makes leaves from entries or from other leaves. */
#include "containers/trie/trie_leaf.h"

#include <assert.h>
#include <string.h>

/* Searches may read up to 16 bytes past the columns of a leaf: see trie_leaf.c. */
enum { LEAF_BYTES_MIN = 48 };

static struct neap__trie_leaf *leaf_alloc(const struct neap__trie_shape *shape, size_t bytes) {
    const size_t wanted = bytes > LEAF_BYTES_MIN ? bytes : LEAF_BYTES_MIN;
    const struct neap__trie_place place = shape->dense ? neap__trie_memory_alloc_dense(shape->memory, wanted)
                                                       : neap__trie_memory_alloc(shape->memory, wanted);
    struct neap__trie_leaf *leaf = place.address;
    assert(place.room_bytes <= UINT32_MAX);
    if (leaf) {
        leaf->room_bytes = (uint32_t)place.room_bytes;
        leaf->cell = place.cell;
    }
    return leaf;
}

void neap__trie_leaf_free(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf) {
    if (leaf)
        neap__trie_memory_free(shape->memory, trie_leaf_place(leaf));
}

struct neap__trie_leaf *neap__trie_leaf_copy(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf) {
    const size_t used = neap__trie_leaf_used_bytes(shape, leaf);
    struct neap__trie_leaf *copy = leaf_alloc(shape, used);
    if (!copy)
        return NULL;
    const struct neap__trie_place place = trie_leaf_place(copy);
    memcpy(copy, leaf, used);
    copy->room_bytes = (uint32_t)place.room_bytes;
    copy->cell = place.cell;
    return copy;
}

/* --- entries --------------------------------------------------------------- */

size_t neap__trie_entry_bytes(const struct neap__trie_entry *entry) {
    return entry->piece[0].bytes + entry->piece[1].bytes + entry->piece[2].bytes;
}

int neap__trie_entry_byte(const struct neap__trie_entry *entry, size_t at) {
    for (int i = 0; i < TRIE_PIECES; i++) {
        if (at < entry->piece[i].bytes)
            return entry->piece[i].data[at];
        at -= entry->piece[i].bytes;
    }
    return -1;
}

size_t neap__trie_entry_common(const struct neap__trie_entry *a, const struct neap__trie_entry *b) {
    size_t common = 0;
    for (;; common++) {
        const int byte = neap__trie_entry_byte(a, common);
        if (byte < 0 || byte != neap__trie_entry_byte(b, common))
            return common;
    }
}

struct neap__trie_entry neap__trie_entry_skip(const struct neap__trie_entry *entry, size_t bytes) {
    struct neap__trie_entry rest = *entry;
    for (int i = 0; i < TRIE_PIECES && bytes > 0; i++) {
        const size_t here = bytes < rest.piece[i].bytes ? bytes : rest.piece[i].bytes;
        if (here > 0)
            rest.piece[i].data += here;
        rest.piece[i].bytes -= here;
        bytes -= here;
    }
    assert(bytes == 0);
    return rest;
}

static uint8_t *put(uint8_t *at, const void *data, size_t bytes) {
    if (bytes > 0)
        memcpy(at, data, bytes);
    return at + bytes;
}

/* Writes the first `bytes` of an entry's text. */
static uint8_t *put_text(uint8_t *at, const struct neap__trie_entry *entry, size_t bytes) {
    for (int i = 0; i < TRIE_PIECES; i++) {
        const size_t here = bytes < entry->piece[i].bytes ? bytes : entry->piece[i].bytes;
        at = put(at, entry->piece[i].data, here);
        bytes -= here;
    }
    return at;
}

static uint8_t *put_length(uint8_t *at, bool wide, size_t length) {
    const uint32_t word = (uint32_t)length;
    if (wide)
        return put(at, &word, sizeof(word));
    *at = (uint8_t)length;
    return at + 1;
}

unsigned neap__trie_leaf_entries(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                                 struct neap__trie_text head, struct neap__trie_entry *entries) {
    const struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    const struct neap__trie_text prefix = {c.prefix, leaf->prefix_bytes};
    const uint8_t *text = c.texts, *value = shape->value_is_text ? c.value_texts : c.values;
    for (unsigned i = 0; i < leaf->count; i++) {
        const size_t length = neap__trie_leaf_length(leaf, i);
        const size_t value_bytes = neap__trie_leaf_value(shape, leaf, i).bytes;
        entries[i] = (struct neap__trie_entry){
            {head, prefix, {text, length}},
            {value, value_bytes},
            c.tags[i],
        };
        text += length;
        value += value_bytes;
    }
    return leaf->count;
}

/* --- whole leaves ---------------------------------------------------------- */

struct neap__trie_leaf *neap__trie_leaf_make(const struct neap__trie_shape *shape,
                                             const struct neap__trie_entry *entries, unsigned count,
                                             size_t drop) {
    assert(count >= 1 && count <= TRIE_LEAF_ENTRIES_MAX);
    const size_t common = neap__trie_entry_common(&entries[0], &entries[count - 1]);
    size_t text_bytes = 0, value_text_bytes = 0;
    bool wide = false;
    assert(drop <= common);
    for (unsigned i = 0; i < count; i++) {
        const size_t length = neap__trie_entry_bytes(&entries[i]) - common;
        text_bytes += length;
        wide = wide || length > TRIE_LENGTH_MAX;
        if (shape->value_is_text) {
            value_text_bytes += entries[i].value.bytes;
            wide = wide || entries[i].value.bytes > TRIE_LENGTH_MAX;
        }
    }
    const size_t length_width = wide ? 4 : 1;
    const size_t value_width = shape->value_is_text ? length_width : shape->value_width;
    struct neap__trie_leaf *leaf = leaf_alloc(shape, offsetof(struct neap__trie_leaf, columns) +
                                                         count * (1 + length_width + value_width) + common -
                                                         drop + text_bytes + value_text_bytes);
    if (!leaf)
        return NULL;
    leaf->text_bytes = (uint32_t)text_bytes;
    leaf->prefix_bytes = (uint32_t)(common - drop);
    leaf->count = (uint8_t)count;
    leaf->wide = wide;

    struct neap__trie_columns c = neap__trie_leaf_columns(shape, leaf);
    struct neap__trie_entry rest = neap__trie_entry_skip(&entries[0], drop);
    put_text(c.prefix, &rest, common - drop);
    for (unsigned i = 0; i < count; i++) {
        rest = neap__trie_entry_skip(&entries[i], common);
        const size_t length = neap__trie_entry_bytes(&rest);
        c.tags[i] = rest.tag;
        c.lengths = put_length(c.lengths, wide, length);
        c.texts = put_text(c.texts, &rest, length);
        if (shape->value_is_text) {
            c.values = put_length(c.values, wide, rest.value.bytes);
            c.value_texts = put(c.value_texts, rest.value.data, rest.value.bytes);
        } else {
            c.values = put(c.values, rest.value.data, shape->value_width);
        }
    }
    return leaf;
}

/* --- one entry ------------------------------------------------------------- */

bool neap__trie_leaf_takes(const struct neap__trie_shape *shape, const struct neap__trie_leaf *leaf,
                           const struct neap__trie_entry *entry) {
    const struct neap__trie_text prefix = neap__trie_leaf_prefix(shape, leaf);
    const size_t bytes = neap__trie_entry_bytes(entry);
    if (bytes < prefix.bytes)
        return false;
    for (size_t i = 0; i < prefix.bytes; i++)
        if (neap__trie_entry_byte(entry, i) != prefix.data[i])
            return false;
    return leaf->wide || (bytes - prefix.bytes <= TRIE_LENGTH_MAX &&
                          (!shape->value_is_text || entry->value.bytes <= TRIE_LENGTH_MAX));
}

/* Copies a column of the old leaf with a gap; returns the address of the gap. */
static uint8_t *put_around(uint8_t *to, const uint8_t *from, size_t before, size_t removed, size_t added,
                           size_t end) {
    uint8_t *place = put(to, from, before);
    put(place + added, from + before + removed, end - before - removed);
    return place;
}

struct neap__trie_leaf *neap__trie_leaf_with(const struct neap__trie_shape *shape,
                                             const struct neap__trie_leaf *leaf, unsigned index,
                                             unsigned replaced, const struct neap__trie_entry *entry) {
    const unsigned n = leaf->count;
    const struct neap__trie_columns from = neap__trie_leaf_columns(shape, leaf);
    const size_t length_width = leaf->wide ? 4 : 1;
    const size_t value_width = shape->value_is_text ? length_width : shape->value_width;
    const struct neap__trie_entry rest = neap__trie_entry_skip(entry, leaf->prefix_bytes);
    const size_t length = neap__trie_entry_bytes(&rest), used = neap__trie_leaf_used_bytes(shape, leaf);
    /* The position in the columns of texts, and the bytes that are replaced there. */
    struct neap__trie_text old = {from.texts + leaf->text_bytes, 0},
                           old_value = {(const uint8_t *)leaf + used, 0};
    if (index < n) {
        old = neap__trie_leaf_text(shape, leaf, index);
        old_value = neap__trie_leaf_value(shape, leaf, index);
    }
    const size_t at = (size_t)(old.data - from.texts), removed = replaced ? old.bytes : 0;
    const size_t value_at = (size_t)(old_value.data - from.value_texts);
    const size_t value_removed = replaced ? old_value.bytes : 0;
    const size_t value_added = shape->value_is_text ? rest.value.bytes : 0;
    const size_t added = 1 - replaced;

    struct neap__trie_leaf *leaf_new =
        leaf_alloc(shape, used + added * (1 + length_width + value_width) + length - removed +
                              (shape->value_is_text ? value_added - value_removed : 0));
    if (!leaf_new)
        return NULL;
    leaf_new->text_bytes = (uint32_t)(leaf->text_bytes + length - removed);
    leaf_new->prefix_bytes = leaf->prefix_bytes;
    leaf_new->count = (uint8_t)(n + added);
    leaf_new->wide = leaf->wide;
    const struct neap__trie_columns to = neap__trie_leaf_columns(shape, leaf_new);
    *put_around(to.tags, from.tags, index, replaced, 1, n) = rest.tag;
    put_length(put_around(to.lengths, from.lengths, index * length_width, replaced * length_width,
                          length_width, n * length_width),
               leaf->wide, length);
    uint8_t *value = put_around(to.values, from.values, index * value_width, replaced * value_width,
                                value_width, n * value_width);
    put(to.prefix, from.prefix, leaf->prefix_bytes);
    put_text(put_around(to.texts, from.texts, at, removed, length, leaf->text_bytes), &rest, length);
    if (shape->value_is_text) {
        const size_t end = (size_t)((const uint8_t *)leaf + used - from.value_texts);
        put_length(value, leaf->wide, value_added);
        put(put_around(to.value_texts, from.value_texts, value_at, value_removed, value_added, end),
            rest.value.data, value_added);
    } else {
        put(value, rest.value.data, shape->value_width);
    }
    return leaf_new;
}

void neap__trie_leaf_set_value(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf,
                               unsigned index, const void *value) {
    assert(index < leaf->count && !shape->value_is_text);
    put(neap__trie_leaf_columns(shape, leaf).values + (size_t)index * shape->value_width, value,
        shape->value_width);
}

void neap__trie_leaf_remove(const struct neap__trie_shape *shape, struct neap__trie_leaf *leaf,
                            unsigned index) {
    assert(index < leaf->count && leaf->count > 1);
    const struct neap__trie_columns from = neap__trie_leaf_columns(shape, leaf);
    const size_t used = neap__trie_leaf_used_bytes(shape, leaf);
    const size_t length_width = leaf->wide ? 4 : 1;
    const size_t value_width = shape->value_is_text ? length_width : shape->value_width;
    const struct neap__trie_text text = neap__trie_leaf_text(shape, leaf, index);
    const struct neap__trie_text value = neap__trie_leaf_value(shape, leaf, index);
    /* The removed parts, from low to high. The bytes between two of them move down. */
    const struct neap__trie_text gone[] = {
        {from.tags + index, 1},
        {from.lengths + index * length_width, length_width},
        {from.values + index * value_width, value_width},
        text,
        {value.data, shape->value_is_text ? value.bytes : 0},
    };
    const unsigned last = sizeof(gone) / sizeof(gone[0]) - !shape->value_is_text;
    uint8_t *to = (uint8_t *)(uintptr_t)gone[0].data;
    for (unsigned i = 0; i < last; i++) {
        const uint8_t *start = gone[i].data + gone[i].bytes;
        const uint8_t *end = i + 1 == last ? (const uint8_t *)leaf + used : gone[i + 1].data;
        memmove(to, start, (size_t)(end - start));
        to += end - start;
    }
    leaf->text_bytes -= (uint32_t)text.bytes;
    leaf->count--;
}

struct neap__trie_leaf *neap__trie_leaf_shrink(const struct neap__trie_shape *shape,
                                               struct neap__trie_leaf *leaf) {
    const size_t used = neap__trie_leaf_used_bytes(shape, leaf);
    struct neap__trie_place place = trie_leaf_place(leaf);
    neap__trie_memory_shrink(shape->memory, &place, used > LEAF_BYTES_MIN ? used : LEAF_BYTES_MIN);
    leaf = place.address;
    leaf->room_bytes = (uint32_t)place.room_bytes;
    return leaf;
}
