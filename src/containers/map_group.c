/* containers/map_group.c */
#include "containers/map_group.h"

#include <assert.h>
#include <string.h>

bool neap__map_group_is_sound(const struct neap__map_shape *shape, const struct neap__map_group *group,
                              uint64_t room) {
    return room >= sizeof *group && group->used <= room &&
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

uint32_t neap__map_group_offset(const struct neap__map_shape *shape, const struct neap__map_group *group,
                                uint32_t index) {
    uint32_t offset = neap__map_group_head_bytes(shape, group->count) +
                      index * ((uint32_t)shape->key_bytes + shape->value_bytes);
    if (shape->key_lengths != 0)
        offset += neap__lanes_sum(neap__map_group_key_lengths(group), index);
    if (shape->value_lengths != 0)
        offset += neap__lanes_sum(neap__map_group_value_lengths(shape, group), index);
    return offset;
}

/* Whether the entry has this key. */
static bool is_key(const struct neap__map_shape *shape, const struct neap__map_group *group,
                   const struct neap__map_entry *entry, const struct neap__map_part *key) {
    const uint8_t *bytes = neap__map_group_byte(group, entry->offset);
    if (key->length != NEAP_MAP_FAR)
        return memcmp(bytes, key->bytes, key->stored_bytes) == 0;
    union neap_item item;
    return neap__map_part_item(shape, shape->key, bytes, entry->key_bytes, key->length, &item) &&
           item.text.bytes == key->item.text.bytes &&
           memcmp(item.text.data, key->item.text.data, item.text.bytes) == 0;
}

bool neap__map_group_find(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_part *key, uint64_t hash, struct neap__map_entry *entry) {
    const uint8_t *prints = neap__map_group_prints(group);
    uint32_t count = group->count;
    uint8_t print = neap__map_group_print(hash);
    for (uint32_t at = 0; at < count; at += 16) {
        uint32_t left = count - at;
        uint32_t found =
            left > 8 ? neap__lanes_match16(prints + at, print) : neap__lanes_match8(prints + at, print);
        if (left < 16)
            found &= (1u << left) - 1;
        for (; found != 0; found &= found - 1) {
            uint32_t index = at + neap_word_lowest(found);
            if (shape->key_lengths != 0 && neap__map_group_key_lengths(group)[index] != key->length)
                continue;
            if (neap__map_group_entry(shape, group, index, neap__map_group_offset(shape, group, index),
                                      entry) &&
                is_key(shape, group, entry, key))
                return true;
        }
    }
    return false;
}

/* --- changing --- */

void neap__map_group_init(struct neap__map_group *group) {
    group->used = sizeof *group;
    group->count = 0;
    group->reserved = 0;
}

/* Sets the count, the columns and all that follows moved where it makes a difference. */
static void set_count(const struct neap__map_shape *shape, struct neap__map_group *group, uint32_t count) {
    uint32_t old = neap__map_group_slots(group->count), slots = neap__map_group_slots(count);
    uint8_t *start = neap__map_group_prints(group);
    uint32_t data_bytes = group->used - neap__map_group_head_bytes(shape, group->count);
    uint32_t kept = old < slots ? old : slots;
    if (old < slots) {
        memmove(start + slots * shape->columns, start + old * shape->columns, data_bytes);
        for (uint32_t c = shape->columns; c-- > 1;)
            memmove(start + c * slots, start + c * old, kept);
    } else if (old > slots) {
        for (uint32_t c = 1; c < shape->columns; c++)
            memmove(start + c * slots, start + c * old, kept);
        memmove(start + slots * shape->columns, start + old * shape->columns, data_bytes);
    }
    group->count = (uint16_t)count;
    group->used = neap__map_group_head_bytes(shape, count) + data_bytes;
}

void neap__map_group_append(const struct neap__map_shape *shape, struct neap__map_group *group, uint64_t hash,
                            const struct neap__map_part *key, const struct neap__map_part *value) {
    uint32_t index = group->count;
    assert(index < NEAP_MAP_GROUP_COUNT_MAX);
    set_count(shape, group, index + 1);
    neap__map_group_prints(group)[index] = neap__map_group_print(hash);
    if (shape->key_lengths != 0)
        neap__map_group_key_lengths(group)[index] = key->length;
    if (shape->value_lengths != 0)
        neap__map_group_value_lengths(shape, group)[index] = value->length;
    uint8_t *place = neap__map_group_byte(group, group->used);
    if (key->stored_bytes > 0)
        memcpy(place, key->bytes, key->stored_bytes);
    if (value->stored_bytes > 0)
        memcpy(place + key->stored_bytes, value->bytes, value->stored_bytes);
    group->used += key->stored_bytes + value->stored_bytes;
}

/* What lies behind `offset` + `old_bytes` moves to behind `offset` + `bytes`. */
static void resize(struct neap__map_group *group, uint32_t offset, uint32_t old_bytes, uint32_t bytes) {
    uint8_t *place = neap__map_group_byte(group, offset);
    memmove(place + bytes, place + old_bytes, group->used - offset - old_bytes);
    group->used = group->used - old_bytes + bytes;
}

void neap__map_group_remove(const struct neap__map_shape *shape, struct neap__map_group *group,
                            const struct neap__map_entry *entry) {
    uint32_t slots = neap__map_group_slots(group->count), behind = group->count - entry->index - 1u;
    resize(group, entry->offset, entry->key_bytes + entry->value_bytes, 0);
    for (uint32_t c = 0; c < shape->columns; c++) {
        uint8_t *gone = neap__map_group_prints(group) + c * slots + entry->index;
        memmove(gone, gone + 1, behind);
    }
    set_count(shape, group, group->count - 1u);
}

void neap__map_group_set_value(const struct neap__map_shape *shape, struct neap__map_group *group,
                               const struct neap__map_entry *entry, const struct neap__map_part *value) {
    uint32_t offset = entry->offset + entry->key_bytes;
    if (value->stored_bytes != entry->value_bytes)
        resize(group, offset, entry->value_bytes, value->stored_bytes);
    if (shape->value_lengths != 0)
        neap__map_group_value_lengths(shape, group)[entry->index] = value->length;
    if (value->stored_bytes > 0)
        memcpy(neap__map_group_byte(group, offset), value->bytes, value->stored_bytes);
}

/* --- dividing and uniting --- */

void neap__map_group_divide(const struct neap__map_shape *shape, const struct neap__map_group *group,
                            uint64_t seed, uint64_t bit, struct neap__map_division *division) {
    const uint8_t *key_lengths = neap__map_group_key_lengths(group);
    const uint8_t *value_lengths = neap__map_group_value_lengths(shape, group);
    const uint8_t *at = neap__map_group_byte(group, neap__map_group_head_bytes(shape, group->count));
    size_t bytes[2] = {0, 0};
    uint32_t counts[2] = {0, 0};
    memset(division->second, 0, (group->count / 64 + 1u) * sizeof division->second[0]);
    for (uint32_t i = 0; i < group->count; i++) {
        uint8_t length = shape->key_lengths != 0 ? key_lengths[i] : 0;
        uint32_t key_bytes = shape->key_bytes + stored_bytes(length);
        uint32_t value_bytes =
            shape->value_bytes + (shape->value_lengths != 0 ? stored_bytes(value_lengths[i]) : 0);
        unsigned side = (neap__map_part_hash_stored(at, key_bytes, length, seed) & bit) != 0;
        division->second[i / 64] |= (uint64_t)side << i % 64;
        counts[side]++;
        bytes[side] += key_bytes + value_bytes;
        at += key_bytes + value_bytes;
    }
    for (unsigned side = 0; side < 2; side++) {
        division->counts[side] = counts[side];
        division->bytes[side] = neap__map_group_head_bytes(shape, counts[side]) + bytes[side];
    }
}

struct neap__map_fill neap__map_group_fill(const struct neap__map_shape *shape, struct neap__map_group *group,
                                           uint32_t count) {
    group->count = (uint16_t)count;
    group->used = neap__map_group_head_bytes(shape, count);
    group->reserved = 0;
    return (struct neap__map_fill){group, 0};
}

/* memcpy, for the lengths that most entries have. */
static inline void copy_entry(uint8_t *to, const uint8_t *from, uint32_t bytes) {
    if (bytes < 8 || bytes > 32) {
        memcpy(to, from, bytes);
        return;
    }
    /* Both ends, that overlap in the middle. */
    if (bytes < 16) {
        memcpy(to, from, 8);
        memcpy(to + bytes - 8, from + bytes - 8, 8);
    } else {
        memcpy(to, from, 16);
        memcpy(to + bytes - 16, from + bytes - 16, 16);
    }
}

void neap__map_group_fill_from(const struct neap__map_shape *shape, struct neap__map_fill *fill,
                               const struct neap__map_group *from, const struct neap__map_division *division,
                               unsigned side) {
    struct neap__map_group *group = fill->group;
    const uint8_t *key_lengths = neap__map_group_key_lengths(from);
    const uint8_t *value_lengths = neap__map_group_value_lengths(shape, from);
    const uint8_t *at = neap__map_group_byte(from, neap__map_group_head_bytes(shape, from->count));
    uint8_t *end = neap__map_group_byte(group, group->used);
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t bytes = (uint32_t)shape->key_bytes + shape->value_bytes;
        bytes += shape->key_lengths != 0 ? stored_bytes(key_lengths[i]) : 0;
        bytes += shape->value_lengths != 0 ? stored_bytes(value_lengths[i]) : 0;
        if (division == NULL || (division->second[i / 64] >> i % 64 & 1) == side) {
            neap__map_group_prints(group)[fill->index] = neap__map_group_prints(from)[i];
            if (shape->key_lengths != 0)
                neap__map_group_key_lengths(group)[fill->index] = key_lengths[i];
            if (shape->value_lengths != 0)
                neap__map_group_value_lengths(shape, group)[fill->index] = value_lengths[i];
            copy_entry(end, at, bytes);
            end += bytes;
            fill->index++;
        }
        at += bytes;
    }
    group->used = (uint32_t)(end - (uint8_t *)group);
}
