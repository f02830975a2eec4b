/* containers/map/map_directory.c */
#include "containers/map/map_directory.h"

#include <string.h>

#include "containers/map/map_group.h"
#include "containers/map/map_slot.h"

enum {
    LEAF_ROOM_FIRST = 4,
    CACHED_BYTES = 1 << 20,
    FETCH_BYTES_MAX = 1024,
};

#define GROUPS_MAX (UINT32_MAX - 1) /* the owner of a hole is not the number of a group */

/* --- leaves --- */

static uint32_t leaf_count(const neap_map_t *map) {
    return map->first_leaf_room == 0 ? 0 : (map->group_count - 1) / NEAP_MAP_LEAF_GROUPS + 1;
}

/* The first leaf grows in powers of two, so that a small map has a small directory. */
static bool first_leaf_reach(neap_map_t *map, uint32_t room) {
    if (map->first_leaf_room >= room)
        return true;
    struct neap__map_group **old = map->leaves[0];
    size_t old_bytes = map->first_leaf_room * sizeof(*old);
    struct neap__map_group **leaf = NEAP_REALLOC(&map->memory, old, old_bytes, room * sizeof(*leaf));
    if (!leaf)
        return false;
    memset(leaf + map->first_leaf_room, 0, room * sizeof(*leaf) - old_bytes);
    map->leaves[0] = leaf;
    map->first_leaf_room = room;
    return true;
}

static bool leaves_reach(neap_map_t *map, uint32_t leaf) {
    if (leaf < map->leaf_room)
        return true;
    uint32_t room = map->leaf_room == 0                ? 1
                    : map->leaf_room < LEAF_ROOM_FIRST ? LEAF_ROOM_FIRST
                                                       : 2 * map->leaf_room;
    struct neap__map_group ***leaves =
        NEAP_REALLOC(&map->memory, map->leaves, map->leaf_room * sizeof(*leaves), room * sizeof(*leaves));
    if (!leaves)
        return false;
    memset(leaves + map->leaf_room, 0, (room - map->leaf_room) * sizeof(*leaves));
    map->leaves = leaves;
    map->leaf_room = room;
    return true;
}

/* Makes an empty entry in the directory for the next group, `number`. */
static bool directory_reach(neap_map_t *map, uint32_t number) {
    uint32_t leaf = number / NEAP_MAP_LEAF_GROUPS, room = 1;
    if (!leaves_reach(map, leaf))
        return false;
    while (room <= number && room < NEAP_MAP_LEAF_GROUPS)
        room *= 2;
    if (leaf == 0)
        return first_leaf_reach(map, room);
    if (!map->leaves[leaf]) {
        size_t bytes = NEAP_MAP_LEAF_GROUPS * sizeof(**map->leaves);
        map->leaves[leaf] = NEAP_ALLOC(&map->memory, bytes);
        if (!map->leaves[leaf])
            return false;
        memset(map->leaves[leaf], 0, bytes);
    }
    return true;
}

static void leaf_free(neap_map_t *map, uint32_t leaf) {
    uint32_t room = leaf == 0 ? map->first_leaf_room : NEAP_MAP_LEAF_GROUPS;
    NEAP_FREE(&map->memory, map->leaves[leaf], room * sizeof(**map->leaves));
    map->leaves[leaf] = NULL;
}

bool neap__map_directory_start(neap_map_t *map) {
    return map->first_leaf_room > 0 || directory_reach(map, 0);
}

static uint32_t highest_bit(uint32_t number) {
    return UINT32_C(1) << neap_word_highest(number);
}

void neap__map_directory_resize(neap_map_t *map, uint32_t count, uint64_t bytes) {
    map->group_count = count;
    map->group_mask = 2 * (uint64_t)highest_bit(count) - 1;
    /* Most groups are not longer than this. A map that fits in the cache needs no prefetch. */
    uint64_t long_group = bytes / count + bytes / count / 4;
    map->fetch_bytes = bytes < CACHED_BYTES           ? 0
                       : long_group < FETCH_BYTES_MAX ? (uint32_t)long_group
                                                      : FETCH_BYTES_MAX;
}

void neap__map_directory_free(neap_map_t *map) {
    for (uint32_t i = 0; i < leaf_count(map); i++)
        leaf_free(map, i);
    NEAP_FREE(&map->memory, map->leaves, map->leaf_room * sizeof(*map->leaves));
    map->leaves = NULL;
    map->leaf_room = map->first_leaf_room = 0;
    neap__map_directory_resize(map, 1, 0);
}

/* --- groups --- */

bool neap__map_directory_move(neap_map_t *map, struct neap__map_group **group, size_t bytes) {
    struct neap__map_group *old = *group;
    struct neap__map_group *fresh = neap__map_slot_new(map, old->owner, bytes);
    if (!fresh)
        return false;
    uint8_t slot = fresh->slot;
    memcpy(fresh, old, old->used);
    fresh->slot = slot;
    *neap__map_place(map, old->owner) = fresh;
    neap__map_slot_free(map, old);
    *group = fresh;
    return true;
}

static const uint8_t *slot_end(const struct neap__map_group *group) {
    return neap__map_group_byte(group, 0) + neap__map_slot_bytes(group);
}

/* Splits a group into itself and group `number`; both have entries in the directory. False if there is no
 * memory. */
static bool split(neap_map_t *map, struct neap__map_group *group, uint32_t number) {
    struct neap__map_division division;
    struct neap__map_group *parts[2];
    uint32_t owners[2] = {group->owner, number};
    neap__map_group_divide(&map->shape, group, map->seed, number - group->owner, &division);
    if (division.counts[1] == 0)
        return true;
    if (division.counts[0] == 0) {
        *neap__map_place(map, group->owner) = NULL;
        *neap__map_place(map, number) = group;
        group->owner = number;
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        parts[i] = neap__map_slot_new(map, owners[i], neap__map_slot_spare(division.bytes[i], 8));
        if (!parts[i]) {
            if (i == 1)
                neap__map_slot_free(map, parts[0]);
            return false;
        }
    }
    const uint8_t *part_ends[2] = {slot_end(parts[0]), slot_end(parts[1])};
    neap__map_group_deal(&map->shape, group, &division, parts, slot_end(group), part_ends);
    for (unsigned i = 0; i < 2; i++)
        *neap__map_place(map, owners[i]) = parts[i];
    neap__map_slot_free(map, group);
    return true;
}

/* Merges the groups at two entries into one at `to`. False if that is not possible. */
static bool merge(neap_map_t *map, struct neap__map_group **to, struct neap__map_group **from) {
    struct neap__map_group *first = *to, *second = *from;
    uint32_t count = (uint32_t)first->count + second->count;
    if (count > NEAP_MAP_GROUP_COUNT_MAX)
        return false;
    struct neap__map_group *both =
        neap__map_slot_new(map, first->owner, neap__map_group_bytes_of_both(&map->shape, first, second));
    if (!both)
        return false;
    neap__map_group_unite(&map->shape, both, first, second);
    *to = both;
    neap__map_slot_free(map, first);
    second = *from; /* it may have been moved meanwhile */
    *from = NULL;
    neap__map_slot_free(map, second);
    return true;
}

/* --- growing and shrinking --- */

void neap__map_directory_grow(neap_map_t *map) {
    uint64_t groups = map->group_count;
    uint32_t number = map->group_count;
    if ((map->count <= groups * NEAP_MAP_GROUP_COUNT && map->bytes <= groups * NEAP_MAP_GROUP_BYTES) ||
        number >= GROUPS_MAX || !directory_reach(map, number))
        return;
    struct neap__map_group *group = *neap__map_place(map, number - highest_bit(number));
    if (!group || split(map, group, number))
        neap__map_directory_resize(map, number + 1, map->bytes);
}

void neap__map_directory_shrink(neap_map_t *map) {
    uint64_t groups = map->group_count;
    if (groups == 1 || 8 * map->count >= 7 * groups * NEAP_MAP_GROUP_COUNT ||
        8 * map->bytes >= 7 * groups * NEAP_MAP_GROUP_BYTES)
        return;
    uint32_t number = map->group_count - 1, kept = number - highest_bit(number);
    struct neap__map_group **to = neap__map_place(map, kept), **from = neap__map_place(map, number);
    if (!*to && *from) {
        (*from)->owner = kept;
        *to = *from;
        *from = NULL;
    } else if (*from && !merge(map, to, from)) {
        return;
    }
    neap__map_directory_resize(map, number, map->bytes);
    if (number % NEAP_MAP_LEAF_GROUPS == 0)
        leaf_free(map, number / NEAP_MAP_LEAF_GROUPS);
}
