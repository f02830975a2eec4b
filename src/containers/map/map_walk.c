/* containers/map/map_walk.c: reads groups and entries; walks over all entries; copies maps. */
#include <string.h>

#include "containers/map/map_directory.h"
#include "containers/map/map_group.h"
#include "containers/map/map_slot.h"

/* --- one group, one entry --- */

static void note_damage(const neap_map_t *map) {
    /* Several threads may read a map at once, so this flag is set atomically. */
    __atomic_store_n((bool *)(uintptr_t)&map->damaged, true, __ATOMIC_RELAXED);
}

/* Contents of a file are checked before they are used. */
const struct neap__map_group *neap__map_group_in_file(const neap_map_t *map, uint64_t number) {
    uint64_t offset;
    memcpy(&offset, map->file_offsets + number * sizeof(offset), sizeof(offset));
    if (offset == UINT64_MAX)
        return NULL;
    const unsigned char *start =
        neap__container_file_bytes(&map->file, offset, sizeof(struct neap__map_group));
    const struct neap__map_group *group = (const void *)start;
    if (!start || offset % sizeof(uint32_t) != 0 ||
        !neap__map_group_is_sound(&map->shape, group, map->file.body_bytes - offset)) {
        note_damage(map);
        return NULL;
    }
    return group;
}

bool neap__map_value(const neap_map_t *map, const struct neap__map_group *group,
                     const struct neap__map_entry *entry, union neap_item *value) {
    uint8_t length = 0;
    if (!value)
        return true;
    if (map->shape.value_lengths != 0)
        length = neap__map_group_value_lengths(&map->shape, group)[entry->index];
    if (neap__map_field_item(&map->shape, map->shape.value,
                             neap__map_group_byte(group, entry->offset + entry->key_bytes),
                             entry->value_bytes, length, value))
        return true;
    note_damage(map);
    return false;
}

static bool key_of(const neap_map_t *map, const struct neap__map_group *group,
                   const struct neap__map_entry *entry, union neap_item *key) {
    uint8_t length = 0;
    if (!key)
        return true;
    if (map->shape.key_lengths != 0)
        length = neap__map_group_key_lengths(group)[entry->index];
    if (neap__map_field_item(&map->shape, map->shape.key, neap__map_group_byte(group, entry->offset),
                             entry->key_bytes, length, key))
        return true;
    note_damage(map);
    return false;
}

/* --- all entries --- */

/* Entry `index` of a group; false if it is damaged. */
static bool entry_items(const neap_map_t *map, const struct neap__map_group *group, uint32_t index,
                        union neap_item *key, union neap_item *value) {
    struct neap__map_entry entry;
    uint32_t offset = neap__map_group_offset(&map->shape, group, index);
    if (!neap__map_group_entry(&map->shape, group, index, offset, &entry)) {
        note_damage(map);
        return false;
    }
    return key_of(map, group, &entry, key) && neap__map_value(map, group, &entry, value);
}

bool neap_map_next(const neap_map_t *map, struct neap_map_cursor *cursor, union neap_item *key,
                   union neap_item *value) {
    for (; cursor->group < map->group_count; *cursor = (struct neap_map_cursor){.group = cursor->group + 1}) {
        const struct neap__map_group *group = neap__map_group_at(map, cursor->group);
        while (group && cursor->entry < group->count) {
            if (entry_items(map, group, (uint32_t)cursor->entry++, key, value))
                return !neap__map_is_cut(map);
        }
    }
    return false;
}

bool neap_map_any(const neap_map_t *map, union neap_item *key, union neap_item *value) {
    const uint32_t all = map->group_count;
    /* From the group of the last removal downwards and round. Where an earlier search has emptied many
     * groups, none of them is looked at again before all others. */
    uint32_t number = map->last_removed < all ? map->last_removed : all - 1;
    for (uint32_t i = 0; i < all; i++) {
        const struct neap__map_group *group = neap__map_group_at(map, number);
        if (group && group->count > 0 && entry_items(map, group, group->count - 1u, key, value))
            return !neap__map_is_cut(map);
        number = number > 0 ? number - 1 : all - 1;
    }
    return false;
}

neap_map_t *neap_map_copy(const neap_map_t *map, const struct neap_allocator *allocator) {
    neap_map_t *copy = neap_map_new(map->shape.key, map->shape.value, allocator);
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    while (copy && neap_map_next(map, &cursor, &key, &value)) {
        if (neap_map_put(copy, key, value, NULL) != NEAP_OK) {
            neap_map_destroy(copy);
            return NULL;
        }
    }
    if (copy && neap_map_is_damaged(map)) {
        neap_map_destroy(copy);
        return NULL;
    }
    return copy;
}

/* --- figures --- */

enum neap_kind neap_map_key_kind(const neap_map_t *map) {
    return map->shape.key;
}

enum neap_kind neap_map_value_kind(const neap_map_t *map) {
    return map->shape.value;
}

uint64_t neap_map_count(const neap_map_t *map) {
    return map->count;
}

uint64_t neap_map_changes(const neap_map_t *map) {
    return map->changes;
}

uint64_t neap_map_bytes(const neap_map_t *map) {
    return map->is_file ? map->file.bytes : map->memory.level.live_bytes;
}

bool neap_map_is_file(const neap_map_t *map) {
    return map->is_file;
}

bool neap_map_is_damaged(const neap_map_t *map) {
    return __atomic_load_n(&map->damaged, __ATOMIC_RELAXED) || neap__map_is_cut(map);
}

uint64_t neap_map_trim(neap_map_t *map) {
    if (map->is_file)
        return 0;
    for (uint32_t i = 0; map->count > 0 && i < map->group_count; i++) {
        struct neap__map_group *group = *neap__map_place(map, i);
        if (group && neap__map_slot_is_wide(group, 1))
            neap__map_directory_move(map, &group, group->used);
    }
    neap__map_slot_pack(map);
    return NEAP_TRIM(&map->memory);
}
