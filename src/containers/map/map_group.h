/* containers/map/map_group.h: one group of a map: finding, adding and removing entries.
 *
 * A group is bytes in a slot (map_model.h draws it). These functions know neither the
 * directory nor the allocator: who adds has made room before, and far texts are made
 * and ended elsewhere (map_field.h). Reading is safe on a group of a file, if
 * neap__map_group_is_sound said so once; the entries are checked one by one here.
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
    uint32_t key_bytes;   /* as they lie there: of a far text, those of struct neap__map_far */
    uint32_t value_bytes; /* after the key */
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
    return neap__map_group_prints(group) + neap__map_group_slots(group->count) * (1u + shape->key_lengths);
}

static inline uint8_t *neap__map_group_byte(const struct neap__map_group *group, uint32_t offset) {
    return (uint8_t *)(uintptr_t)group + offset;
}

static inline uint8_t neap__map_group_print(uint64_t hash) {
    return (uint8_t)(hash >> 56);
}

/* Whether `group`, of which `room` bytes can be read, has its columns inside. */
bool neap__map_group_is_sound(const struct neap__map_shape *shape, const struct neap__map_group *group,
                              uint64_t room);

/* Whether the entry of that key is there. Touches no byte beyond `used`. */
bool neap__map_group_find(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_field *key, uint64_t hash, struct neap__map_entry *entry);

/* Where entry `index` begins, from the group's start; in a damaged group anywhere. */
uint32_t neap__map_group_offset(const struct neap__map_shape *shape, const struct neap__map_group *group,
                                uint32_t index);

/* The entry `index`, that begins at `offset`; false if it would reach beyond `used`. */
bool neap__map_group_entry(const struct neap__map_shape *shape, const struct neap__map_group *group,
                           uint32_t index, uint32_t offset, struct neap__map_entry *entry);

/* Bytes of the group with one entry of `entry_bytes` more. */
static inline size_t neap__map_group_bytes_with(const struct neap__map_shape *shape,
                                                const struct neap__map_group *group, size_t entry_bytes) {
    return group->used +
           (neap__map_group_head_bytes(shape, group->count + 1u) -
            neap__map_group_head_bytes(shape, group->count)) +
           entry_bytes;
}

/* Makes an empty group in a slot. */
void neap__map_group_init(struct neap__map_group *group);

/* Adds an entry at the end; its slot has room. */
void neap__map_group_append(const struct neap__map_shape *shape, struct neap__map_group *group, uint64_t hash,
                            const struct neap__map_field *key, const struct neap__map_field *value);

/* Entries of a group on their way into two: a bit each, which. */
struct neap__map_division {
    uint64_t second[NEAP_MAP_GROUP_COUNT_MAX / 64 + 1];
    uint32_t counts[2];
    size_t bytes[2]; /* that the two groups will have */
};

/* Divides by a bit of the hash: those that have it are the second. Far keys are in memory. */
void neap__map_group_divide(const struct neap__map_shape *shape, const struct neap__map_group *group,
                            uint64_t seed, uint64_t bit, struct neap__map_division *division);

/* Copies each entry to its part, an empty group in a slot that has room. `ends` are those of the
 * slots: of the group's, and of the parts'. */
void neap__map_group_deal(const struct neap__map_shape *shape, const struct neap__map_group *group,
                          const struct neap__map_division *division, struct neap__map_group *const parts[2],
                          const uint8_t *end, const uint8_t *const part_ends[2]);

/* Bytes of a group with all entries of two. */
size_t neap__map_group_bytes_of_both(const struct neap__map_shape *shape, const struct neap__map_group *a,
                                     const struct neap__map_group *b);

/* Copies all entries of both to an empty group, in a slot that has room. */
void neap__map_group_unite(const struct neap__map_shape *shape, struct neap__map_group *both,
                           const struct neap__map_group *a, const struct neap__map_group *b);

void neap__map_group_remove(const struct neap__map_shape *shape, struct neap__map_group *group,
                            const struct neap__map_entry *entry);

/* Sets an entry's value; its slot has room. */
void neap__map_group_set_value(const struct neap__map_shape *shape, struct neap__map_group *group,
                               const struct neap__map_entry *entry, const struct neap__map_field *value);

#endif
