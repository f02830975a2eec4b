/* containers/map/map_group.c */
#include "containers/map/map_group.h"

#include <assert.h>
#include <string.h>

bool neap__map_group_is_sound(const struct neap__map_shape *shape, const struct neap__map_group *group,
                              uint64_t room) {
    return room >= sizeof(*group) && group->used <= room &&
           neap__map_group_head_bytes(shape, group->count) <= group->used;
}

/* --- reading --- */

static uint32_t stored_bytes(uint8_t length) {
    return length == NEAP_MAP_FAR ? (uint32_t)sizeof(struct neap__map_far) : length;
}

bool neap__map_group_entry(const struct neap__map_shape *shape, const struct neap__map_group *group,
                           uint32_t index, uint32_t offset, struct neap__map_entry *entry) {
    uint32_t key_bytes = shape->key_bytes, value_bytes = shape->value_bytes;
    if (shape->key_lengths != 0)
        key_bytes = stored_bytes(neap__map_group_key_lengths(group)[index]);
    if (shape->value_lengths != 0)
        value_bytes = stored_bytes(neap__map_group_value_lengths(shape, group)[index]);
    *entry = (struct neap__map_entry){index, offset, key_bytes, value_bytes};
    return offset <= group->used && key_bytes + value_bytes <= group->used - offset;
}

/* Whether 32 bytes can be read at that address. */
static inline bool has_32(const struct neap__map_group *group, const uint8_t *bytes) {
    return (size_t)(bytes - (const uint8_t *)group) + 32 <= group->used;
}

/* Bytes of the first `count` texts, from their column of lengths. */
static inline uint32_t sum_of(const struct neap__map_group *group, const uint8_t *lengths, uint32_t count) {
    return NEAP_LIKELY(count <= 32 && has_32(group, lengths)) ? neap__simd_sum_32(lengths, count)
                                                              : neap__simd_sum(lengths, count);
}

uint32_t neap__map_group_offset(const struct neap__map_shape *shape, const struct neap__map_group *group,
                                uint32_t index) {
    uint32_t offset = neap__map_group_head_bytes(shape, group->count) +
                      index * ((uint32_t)shape->key_bytes + shape->value_bytes);
    if (shape->key_lengths != 0)
        offset += sum_of(group, neap__map_group_key_lengths(group), index);
    if (shape->value_lengths != 0)
        offset += sum_of(group, neap__map_group_value_lengths(shape, group), index);
    return offset;
}

/* memcmp() == 0; for the most frequent lengths, with words that overlap in the middle. */
static inline bool same_bytes(const uint8_t *a, const uint8_t *b, uint32_t bytes) {
    uint64_t a_words[4], b_words[4];
    if (bytes < 8 || bytes > 32)
        return memcmp(a, b, bytes) == 0;
    uint32_t half = bytes <= 16 ? 8 : 16;
    memcpy(&a_words[0], a, 8), memcpy(&a_words[1], a + half - 8, 8);
    memcpy(&a_words[2], a + bytes - half, 8), memcpy(&a_words[3], a + bytes - 8, 8);
    memcpy(&b_words[0], b, 8), memcpy(&b_words[1], b + half - 8, 8);
    memcpy(&b_words[2], b + bytes - half, 8), memcpy(&b_words[3], b + bytes - 8, 8);
    return ((a_words[0] ^ b_words[0]) | (a_words[1] ^ b_words[1]) | (a_words[2] ^ b_words[2]) |
            (a_words[3] ^ b_words[3])) == 0;
}

/* Whether the entry has this key. */
static inline bool is_key(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_entry *entry, const struct neap__map_field *key) {
    const uint8_t *bytes = neap__map_group_byte(group, entry->offset);
    if (key->length != NEAP_MAP_FAR)
        return same_bytes(bytes, key->bytes, key->stored_bytes);
    union neap_item item;
    return neap__map_field_item(shape, shape->key, bytes, entry->key_bytes, key->length, &item) &&
           item.text.bytes == key->item.text.bytes &&
           memcmp(item.text.data, key->item.text.data, item.text.bytes) == 0;
}

/* Finds the entry of a key among the candidates in `found`, whose bit 0 is entry `first`. */
static inline bool find_among(const struct neap__map_shape *shape, const struct neap__map_group *group,
                              const struct neap__map_field *key, uint32_t first, uint32_t found,
                              struct neap__map_entry *entry) {
    for (; found != 0; found &= found - 1) {
        uint32_t index = first + neap_word_lowest(found);
        if (shape->key_lengths != 0 && neap__map_group_key_lengths(group)[index] != key->length)
            continue;
        if (neap__map_group_entry(shape, group, index, neap__map_group_offset(shape, group, index), entry) &&
            is_key(shape, group, entry, key))
            return true;
    }
    return false;
}

bool neap__map_group_find(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_field *key, uint64_t hash, struct neap__map_entry *entry) {
    const uint8_t *prints = neap__map_group_prints(group);
    uint32_t count = group->count, at = 0;
    uint8_t print = neap__map_group_print(hash);
    if (NEAP_LIKELY(has_32(group, prints))) {
        uint32_t found = neap__simd_match_32(prints, print), least = count < 32 ? count : 32;
        if (find_among(shape, group, key, 0, found & (uint32_t)((UINT64_C(1) << least) - 1), entry))
            return true;
        at = 32;
    }
    for (; at < count; at += 16) {
        uint32_t left = count - at;
        uint32_t found =
            left > 8 ? neap__simd_match16(prints + at, print) : neap__simd_match8(prints + at, print);
        if (find_among(shape, group, key, at, left < 16 ? found & ((1u << left) - 1) : found, entry))
            return true;
    }
    return false;
}

/* --- changing --- */

void neap__map_group_init(struct neap__map_group *group) {
    group->used = sizeof(*group);
    group->count = 0;
    group->reserved = 0;
}

/* Sets the count and moves the columns and entries; `old` and `slots` are the lengths of columns before and
 * after. */
static void set_columns(const struct neap__map_shape *shape, struct neap__map_group *group, uint32_t count,
                        size_t old, size_t slots) {
    uint8_t *start = neap__map_group_prints(group);
    uint32_t data_bytes = group->used - neap__map_group_head_bytes(shape, group->count);
    if (old < slots) {
        memmove(start + slots * shape->columns, start + old * shape->columns, data_bytes);
        for (uint32_t c = shape->columns; c-- > 1;)
            memmove(start + c * slots, start + c * old, old);
    } else {
        for (uint32_t c = 1; c < shape->columns; c++)
            memmove(start + c * slots, start + c * old, slots);
        memmove(start + slots * shape->columns, start + old * shape->columns, data_bytes);
    }
    group->count = (uint16_t)count;
    group->used = neap__map_group_head_bytes(shape, count) + data_bytes;
}

/* Sets the count, and moves columns and entries if the length of columns changes. */
static inline void set_count(const struct neap__map_shape *shape, struct neap__map_group *group,
                             uint32_t count) {
    uint32_t old = neap__map_group_slots(group->count), slots = neap__map_group_slots(count);
    if (NEAP_UNLIKELY(old != slots))
        set_columns(shape, group, count, old, slots);
    else
        group->count = (uint16_t)count;
}

/* memcpy(); for the most frequent lengths, with words that overlap in the middle. */
static inline void copy_short(uint8_t *to, const uint8_t *from, uint32_t bytes) {
    if (bytes >= 8 && bytes <= 16) {
        uint64_t first, last;
        memcpy(&first, from, 8), memcpy(&last, from + bytes - 8, 8);
        memcpy(to, &first, 8), memcpy(to + bytes - 8, &last, 8);
    } else if (bytes >= 4 && bytes < 8) {
        uint32_t first, last;
        memcpy(&first, from, 4), memcpy(&last, from + bytes - 4, 4);
        memcpy(to, &first, 4), memcpy(to + bytes - 4, &last, 4);
    } else if (bytes > 0) {
        memcpy(to, from, bytes);
    }
}

void neap__map_group_append(const struct neap__map_shape *shape, struct neap__map_group *group, uint64_t hash,
                            const struct neap__map_field *key, const struct neap__map_field *value) {
    uint32_t index = group->count;
    assert(index < NEAP_MAP_GROUP_COUNT_MAX);
    set_count(shape, group, index + 1);
    neap__map_group_prints(group)[index] = neap__map_group_print(hash);
    if (shape->key_lengths != 0)
        neap__map_group_key_lengths(group)[index] = key->length;
    if (shape->value_lengths != 0)
        neap__map_group_value_lengths(shape, group)[index] = value->length;
    uint8_t *place = neap__map_group_byte(group, group->used);
    copy_short(place, key->bytes, key->stored_bytes);
    copy_short(place + key->stored_bytes, value->bytes, value->stored_bytes);
    group->used += key->stored_bytes + value->stored_bytes;
}

/* Moves the bytes after `offset` + `old_bytes` to `offset` + `bytes`. */
static void resize(struct neap__map_group *group, uint32_t offset, uint32_t old_bytes, uint32_t bytes) {
    uint8_t *place = neap__map_group_byte(group, offset);
    memmove(place + bytes, place + old_bytes, group->used - offset - old_bytes);
    group->used = group->used - old_bytes + bytes;
}

void neap__map_group_remove(const struct neap__map_shape *shape, struct neap__map_group *group,
                            const struct neap__map_entry *entry) {
    uint32_t slots = neap__map_group_slots(group->count), behind = group->count - entry->index - 1u;
    resize(group, entry->offset, entry->key_bytes + entry->value_bytes, 0);
    for (size_t c = 0; c < shape->columns; c++) {
        uint8_t *gone = neap__map_group_prints(group) + c * slots + entry->index;
        memmove(gone, gone + 1, behind);
    }
    set_count(shape, group, group->count - 1u);
}

void neap__map_group_set_value(const struct neap__map_shape *shape, struct neap__map_group *group,
                               const struct neap__map_entry *entry, const struct neap__map_field *value) {
    uint32_t offset = entry->offset + entry->key_bytes;
    if (value->stored_bytes != entry->value_bytes)
        resize(group, offset, entry->value_bytes, value->stored_bytes);
    if (shape->value_lengths != 0)
        neap__map_group_value_lengths(shape, group)[entry->index] = value->length;
    if (value->stored_bytes > 0)
        memcpy(neap__map_group_byte(group, offset), value->bytes, value->stored_bytes);
}

/* --- dividing and uniting --- */

/* Stored bytes of entry `index`. */
static inline uint32_t bytes_of(const struct neap__map_shape *shape, const uint8_t *key_lengths,
                                const uint8_t *value_lengths, uint32_t index) {
    uint32_t bytes = (uint32_t)shape->key_bytes + shape->value_bytes;
    bytes += shape->key_lengths != 0 ? stored_bytes(key_lengths[index]) : 0;
    return bytes + (shape->value_lengths != 0 ? stored_bytes(value_lengths[index]) : 0);
}

void neap__map_group_divide(const struct neap__map_shape *shape, const struct neap__map_group *group,
                            uint64_t seed, uint64_t bit, struct neap__map_division *division) {
    const uint8_t *key_lengths = neap__map_group_key_lengths(group);
    const uint8_t *value_lengths = neap__map_group_value_lengths(shape, group);
    const uint8_t *at = neap__map_group_byte(group, neap__map_group_head_bytes(shape, group->count));
    size_t all = 0, second = 0;
    uint32_t seconds = 0;
    memset(division->second, 0, (group->count / 64 + 1u) * sizeof(division->second[0]));
    for (uint32_t i = 0; i < group->count; i++) {
        uint8_t length = shape->key_lengths != 0 ? key_lengths[i] : 0;
        uint32_t bytes = bytes_of(shape, key_lengths, value_lengths, i);
        uint64_t hash =
            neap__map_field_hash_stored(at, shape->key_bytes + stored_bytes(length), length, seed);
        unsigned side = (hash & bit) != 0;
        division->second[i / 64] |= (uint64_t)side << i % 64;
        seconds += side;
        second += (size_t)side * bytes;
        all += bytes;
        at += bytes;
    }
    division->counts[0] = group->count - seconds;
    division->counts[1] = seconds;
    division->bytes[0] = neap__map_group_head_bytes(shape, division->counts[0]) + all - second;
    division->bytes[1] = neap__map_group_head_bytes(shape, seconds) + second;
}

enum { COPY_BYTES = 32 }; /* most entries are not longer */

/* Copies an entry. Copies a fixed number of bytes if both sides have room, because a processor cannot
 * predict the length of the next entry. */
static inline void copy_entry(uint8_t *to, const uint8_t *to_end, const uint8_t *from,
                              const uint8_t *from_end, uint32_t bytes) {
    if (NEAP_LIKELY(bytes <= COPY_BYTES && from_end - from >= COPY_BYTES && to_end - to >= COPY_BYTES))
        memcpy(to, from, COPY_BYTES);
    else
        memcpy(to, from, bytes);
}

void neap__map_group_deal(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_division *division, struct neap__map_group *const parts[2],
                          const uint8_t *end, const uint8_t *const part_ends[2]) {
    const uint8_t *prints = neap__map_group_prints(group);
    const uint8_t *key_lengths = neap__map_group_key_lengths(group);
    const uint8_t *value_lengths = neap__map_group_value_lengths(shape, group);
    const uint8_t *at = neap__map_group_byte(group, neap__map_group_head_bytes(shape, group->count));
    uint8_t *to[2], *column[2]; /* where the next entry goes, and its byte in the first column */
    size_t slots[2];
    for (unsigned side = 0; side < 2; side++) {
        parts[side]->count = (uint16_t)division->counts[side];
        parts[side]->used = (uint32_t)division->bytes[side];
        parts[side]->reserved = 0;
        to[side] = neap__map_group_byte(parts[side], neap__map_group_head_bytes(shape, parts[side]->count));
        column[side] = neap__map_group_prints(parts[side]);
        slots[side] = neap__map_group_slots(parts[side]->count);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        unsigned side = division->second[i / 64] >> i % 64 & 1;
        uint32_t bytes = bytes_of(shape, key_lengths, value_lengths, i);
        uint8_t *columns = column[side]++;
        columns[0] = prints[i];
        if (shape->key_lengths != 0)
            columns[slots[side]] = key_lengths[i];
        if (shape->value_lengths != 0)
            columns[slots[side] * (1u + shape->key_lengths)] = value_lengths[i];
        copy_entry(to[side], part_ends[side], at, end, bytes);
        to[side] += bytes;
        at += bytes;
    }
}

static uint32_t entries_bytes(const struct neap__map_shape *shape, const struct neap__map_group *group) {
    return group->used - neap__map_group_head_bytes(shape, group->count);
}

size_t neap__map_group_bytes_of_both(const struct neap__map_shape *shape, const struct neap__map_group *a,
                                     const struct neap__map_group *b) {
    return (size_t)neap__map_group_head_bytes(shape, (uint32_t)a->count + b->count) +
           entries_bytes(shape, a) + entries_bytes(shape, b);
}

void neap__map_group_unite(const struct neap__map_shape *shape, struct neap__map_group *both,
                           const struct neap__map_group *a, const struct neap__map_group *b) {
    uint32_t slots = neap__map_group_slots((uint32_t)a->count + b->count);
    both->used = (uint32_t)neap__map_group_bytes_of_both(shape, a, b);
    both->count = (uint16_t)(a->count + b->count);
    both->reserved = 0;
    for (size_t c = 0; c < shape->columns; c++) {
        uint8_t *column = neap__map_group_prints(both) + c * slots;
        memcpy(column, neap__map_group_prints(a) + c * neap__map_group_slots(a->count), a->count);
        memcpy(column + a->count, neap__map_group_prints(b) + c * neap__map_group_slots(b->count), b->count);
    }
    uint8_t *to = neap__map_group_byte(both, neap__map_group_head_bytes(shape, both->count));
    memcpy(to, neap__map_group_byte(a, neap__map_group_head_bytes(shape, a->count)), entries_bytes(shape, a));
    memcpy(to + entries_bytes(shape, a), neap__map_group_byte(b, neap__map_group_head_bytes(shape, b->count)),
           entries_bytes(shape, b));
}
