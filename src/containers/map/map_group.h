/* containers/map/map_group.h: finds, adds and removes entries of one group of a map.
 *
 * A group is a sequence of bytes in a slot (map_model.h draws it). These functions use
 * neither the directory nor the allocator: the caller makes room before it adds an entry,
 * and map_field.h allocates and frees far texts. Reading a group of a file is safe after
 * neap__map_group_is_sound returned true once; entries are then checked one by one.
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_GROUP_H
#define NEAP_CONTAINERS_MAP_MAP_GROUP_H

#include "base/word.h"
#include "containers/map/map_simd.h"
#include "containers/map/map_field.h"

/* One entry of a group. */
struct neap__map_entry {
    uint32_t index;       /* among the group's */
    uint32_t offset;      /* of its key from the group's start */
    uint32_t key_bytes;   /* as stored; for a far text, the size of struct neap__map_far */
    uint32_t value_bytes; /* as stored, after the key */
};

static inline uint32_t neap__map_group_slots(uint32_t count) {
    return (count + 7) & ~7u;
}

/* Where the entries of a group of `count` begin, from its start. */
static inline uint32_t neap__map_group_head_bytes(const struct neap__map_shape *shape, uint32_t count) {
    return (uint32_t)sizeof(struct neap__map_group) + neap__map_group_slots(count) * shape->columns;
}

/* The columns: fingerprints, lengths of keys, lengths of values (if there are such). */
static inline uint8_t *neap__map_group_prints(const struct neap__map_group *group) {
    return (uint8_t *)(uintptr_t)(group + 1);
}

static inline uint8_t *neap__map_group_key_lengths(const struct neap__map_group *group) {
    return neap__map_group_prints(group) + neap__map_group_slots(group->count);
}

static inline uint8_t *neap__map_group_value_lengths(const struct neap__map_shape *shape,
                                                     const struct neap__map_group *group) {
    uint32_t offset = neap__map_group_slots(group->count) * (1u + shape->key_lengths);
    return neap__map_group_prints(group) + offset;
}

static inline uint8_t *neap__map_group_byte(const struct neap__map_group *group, uint32_t offset) {
    return (uint8_t *)(uintptr_t)group + offset;
}

static inline uint8_t neap__map_group_print(uint64_t hash) {
    return (uint8_t)(hash >> 56);
}

/* Whether the columns of `group` lie within the `room` bytes that can be read. */
bool neap__map_group_is_sound(const struct neap__map_shape *shape, const struct neap__map_group *group,
                              uint64_t room);

/* Finds the entry of a key; false if there is none. Reads no byte beyond `used`. */
bool neap__map_group_find(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_field *key, uint64_t hash, struct neap__map_entry *entry);

/* Offset of entry `index` from the group's start; in a damaged group it can be any number. */
uint32_t neap__map_group_offset(const struct neap__map_shape *shape, const struct neap__map_group *group,
                                uint32_t index);

/* Reads entry `index`, which begins at `offset`; false if it would reach beyond `used`. */
bool neap__map_group_entry(const struct neap__map_shape *shape, const struct neap__map_group *group,
                           uint32_t index, uint32_t offset, struct neap__map_entry *entry);

/* Bytes of the group with one more entry of `entry_bytes`. */
static inline size_t neap__map_group_bytes_with(const struct neap__map_shape *shape,
                                                const struct neap__map_group *group, size_t entry_bytes) {
    return group->used +
           (neap__map_group_head_bytes(shape, group->count + 1u) -
            neap__map_group_head_bytes(shape, group->count)) +
           entry_bytes;
}

/* Makes an empty group in a slot. */
void neap__map_group_init(struct neap__map_group *group);

/* Adds an entry at the end. The slot must have room. */
void neap__map_group_append(const struct neap__map_shape *shape, struct neap__map_group *group, uint64_t hash,
                            const struct neap__map_field *key, const struct neap__map_field *value);

/* How the entries of a group are divided between two groups. */
struct neap__map_division {
    uint64_t second[NEAP_MAP_GROUP_COUNT_MAX / 64 + 1]; /* one bit per entry: it goes to the second */
    uint32_t counts[2];
    size_t bytes[2]; /* that the two groups will have */
};

/* Divides the entries by a bit of their hash; those with the bit go to the second group. Far keys must be
 * in memory. */
void neap__map_group_divide(const struct neap__map_shape *shape, const struct neap__map_group *group,
                            uint64_t seed, uint64_t bit, struct neap__map_division *division);

/* Copies each entry to its part. The parts are empty groups in slots with enough room. `end` and
 * `part_ends` are the ends of the slots of the group and of the parts. */
void neap__map_group_deal(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_division *division, struct neap__map_group *const parts[2],
                          const uint8_t *end, const uint8_t *const part_ends[2]);

/* Bytes of a group with all entries of two groups. */
size_t neap__map_group_bytes_of_both(const struct neap__map_shape *shape, const struct neap__map_group *a,
                                     const struct neap__map_group *b);

/* Copies all entries of both to an empty group, whose slot must have room. */
void neap__map_group_unite(const struct neap__map_shape *shape, struct neap__map_group *both,
                           const struct neap__map_group *a, const struct neap__map_group *b);

void neap__map_group_remove(const struct neap__map_shape *shape, struct neap__map_group *group,
                            const struct neap__map_entry *entry);

/* Sets the value of an entry. The slot must have room. */
void neap__map_group_set_value(const struct neap__map_shape *shape, struct neap__map_group *group,
                               const struct neap__map_entry *entry, const struct neap__map_field *value);

#endif
