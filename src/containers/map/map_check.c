/* containers/map/map_check.c: verifies the invariants of map_model.h. */
#include "containers/map/map_group.h"
#include "containers/map/map_slot.h"

/* The sums of a walk over the groups. */
struct tally {
    uint64_t count, bytes, far_count, slots;
};

#define DEMAND(condition, text)                                                                              \
    do {                                                                                                     \
        *why = text;                                                                                         \
        if (!(condition))                                                                                    \
            return false;                                                                                    \
    } while (0)

static uint8_t key_length(const neap_map_t *map, const struct neap__map_group *group, uint32_t index) {
    return map->shape.key_lengths != 0 ? neap__map_group_key_lengths(group)[index] : 0;
}

static uint8_t value_length(const neap_map_t *map, const struct neap__map_group *group, uint32_t index) {
    return map->shape.value_lengths != 0 ? neap__map_group_value_lengths(&map->shape, group)[index] : 0;
}

static bool entry_check(const neap_map_t *map, const struct neap__map_group *group, uint32_t number,
                        const struct neap__map_entry *entry, const char **why) {
    union neap_item item;
    struct neap__map_field key;
    struct neap__map_entry found;
    uint8_t length = key_length(map, group, entry->index);
    DEMAND(neap__map_field_item(&map->shape, map->shape.key, neap__map_group_byte(group, entry->offset),
                                entry->key_bytes, length, &item),
           "a key lies outside of the file");
    DEMAND(neap__map_field_key(&map->shape, item, &key), "a key does not fit its kind");
    DEMAND(key.length == length, "a long text lies in its group, or a short one elsewhere");
    uint64_t hash = neap__map_field_hash(&map->shape, &key, map->seed);
    DEMAND(neap__map_number(map, hash) == number, "an entry is in a group of other hashes");
    DEMAND(neap__map_group_find(&map->shape, group, &key, hash, &found), "an entry cannot be found");
    DEMAND(found.index == entry->index && found.offset == entry->offset, "a key is there twice");
    DEMAND(neap__map_value(map, group, entry, &item), "a value lies outside of the file");
    return true;
}

static bool group_check(const neap_map_t *map, const struct neap__map_group *group, uint32_t number,
                        struct tally *tally, const char **why) {
    struct neap__map_entry entry;
    uint32_t offset = neap__map_group_head_bytes(&map->shape, group->count);
    DEMAND(group->owner == number, "a group has another's number");
    DEMAND(group->count > 0, "an empty group is there");
    DEMAND(map->is_file || group->used <= neap__map_slot_bytes(group), "a group is longer than its slot");
    for (uint32_t i = 0; i < group->count; i++) {
        DEMAND(neap__map_group_entry(&map->shape, group, i, offset, &entry),
               "a group ends before its entries");
        if (!entry_check(map, group, number, &entry, why))
            return false;
        offset += entry.key_bytes + entry.value_bytes;
        tally->bytes += map->shape.columns + entry.key_bytes + entry.value_bytes;
        tally->far_count += key_length(map, group, i) == NEAP_MAP_FAR;
        tally->far_count += value_length(map, group, i) == NEAP_MAP_FAR;
    }
    DEMAND(offset == group->used, "a group goes on after its entries");
    tally->count += group->count;
    tally->slots += group->slot != NEAP_MAP_SLOT_LONE;
    return true;
}

bool neap_map_check(const neap_map_t *map, const char **why) {
    struct tally tally = {0};
    DEMAND(map->group_count > 0, "there is no group");
    DEMAND(map->group_mask == (UINT64_C(2) << neap_word_highest(map->group_count)) - 1,
           "the mask does not fit the number of groups");
    for (uint32_t i = 0; i < map->group_count; i++) {
        const struct neap__map_group *group = neap__map_group_at(map, i);
        if (group && !group_check(map, group, i, &tally, why))
            return false;
    }
    DEMAND(!neap_map_is_damaged(map), "the file is damaged");
    DEMAND(tally.count == map->count, "the entries are not as many as counted");
    if (map->is_file)
        return true;
    DEMAND(tally.bytes == map->bytes, "the entries' bytes are not as many as counted");
    DEMAND(tally.far_count == map->far_count, "the long texts are not as many as counted");
    return neap__map_slot_check(map, tally.slots, why);
}
