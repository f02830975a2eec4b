/* containers/map/map.c: makes and ends maps; finds, adds and removes single entries. */
#include <neap/map.h>

#include <string.h>

#include "containers/map/map_directory.h"
#include "containers/map/map_group.h"
#include "containers/map/map_slot.h"
#include "os/random.h"

/* --- making and ending --- */

struct neap__map_shape neap__map_shape_of(enum neap_kind key, enum neap_kind value) {
    bool key_text = key == NEAP_KIND_STR || key == NEAP_KIND_BYTES;
    bool value_text = value == NEAP_KIND_STR || value == NEAP_KIND_BYTES;
    return (struct neap__map_shape){
        .key = key,
        .value = value,
        .key_bytes = (uint8_t)neap_kind_width(key),
        .value_bytes = (uint8_t)neap_kind_width(value),
        .key_lengths = key_text,
        .value_lengths = value_text,
        .columns = (uint8_t)(1 + key_text + value_text),
    };
}

neap_map_t *neap_map_new(enum neap_kind key, enum neap_kind value, const struct neap_allocator *allocator) {
    if (key == NEAP_KIND_NONE || (unsigned)key >= NEAP_KINDS || (unsigned)value >= NEAP_KINDS)
        return NULL;
    neap_map_t *map = neap__container_memory_new(allocator, sizeof(*map));
    if (!map)
        return NULL;
    map->shape = neap__map_shape_of(key, value);
    map->seed = neap_os_random();
    neap__map_directory_resize(map, 1, 0);
    return map;
}

/* Frees the blocks of the far texts of a group, and the block of the group itself if it has one. */
static void group_end(neap_map_t *map, struct neap__map_group *group) {
    const struct neap__map_shape *shape = &map->shape;
    uint32_t offset = neap__map_group_head_bytes(shape, group->count);
    struct neap__map_entry entry;
    for (uint32_t i = 0; map->far_count > 0 && i < group->count; i++) {
        neap__map_group_entry(shape, group, i, offset, &entry);
        if (shape->key_lengths != 0 && neap__map_group_key_lengths(group)[i] == NEAP_MAP_FAR)
            neap__map_field_free(map, neap__map_group_byte(group, offset));
        if (shape->value_lengths != 0 && neap__map_group_value_lengths(shape, group)[i] == NEAP_MAP_FAR)
            neap__map_field_free(map, neap__map_group_byte(group, offset + entry.key_bytes));
        offset += entry.key_bytes + entry.value_bytes;
    }
    if (group->slot == NEAP_MAP_SLOT_LONE)
        neap__map_slot_free(map, group);
}

bool neap_map_clear(neap_map_t *map) {
    if (map->is_file)
        return false;
    map->changes += map->count > 0;
    for (uint32_t i = 0; map->count > 0 && i < map->group_count; i++) {
        if (*neap__map_place(map, i))
            group_end(map, *neap__map_place(map, i));
    }
    neap__map_slot_free_all(map);
    neap__map_directory_free(map);
    map->count = map->bytes = 0;
    return true;
}

void neap_map_destroy(neap_map_t *map) {
    if (!map)
        return;
    if (map->is_file && map->file.data)
        neap__container_file_close(&map->file);
    else if (!neap__container_memory_ends_all(&map->memory))
        neap_map_clear(map);
    neap__container_memory_end(map, sizeof(*map));
}

/* --- searching --- */

enum { LINE_BYTES = 64 };

/* The state of a search. */
struct search {
    struct neap__map_field key;
    uint64_t hash;
    uint32_t number;
    struct neap__map_group *group; /* NULL if it is empty */
    struct neap__map_entry entry;  /* if it was found */
};

/* Searches for a key and returns whether it is there. If the key fits its kind, `search` has its group also
 * if it is not there. */
static inline bool find(const neap_map_t *map, struct search *search) {
    search->hash = neap__map_field_hash(&map->shape, &search->key, map->seed);
    search->number = (uint32_t)neap__map_number(map, search->hash);
    search->group = (struct neap__map_group *)(uintptr_t)neap__map_group_at(map, search->number);
    /* Prefetches the whole group, so that there is one wait for memory and not three. */
    for (uint32_t at = 0; at < map->fetch_bytes; at += LINE_BYTES)
        __builtin_prefetch((const char *)search->group + at);
    return search->group &&
           neap__map_group_find(&map->shape, search->group, &search->key, search->hash, &search->entry);
}

bool neap_map_get(const neap_map_t *map, union neap_item key, union neap_item *value) {
    struct search search;
    return neap__map_field_key(&map->shape, key, &search.key) && find(map, &search) &&
           neap__map_value(map, search.group, &search.entry, value) && !neap__map_is_cut(map);
}

/* --- putting --- */

/* Makes room for `bytes` in the slot of a group. A group that moves gets a quarter more, so that it
 * does not move again soon. */
static bool make_room(neap_map_t *map, struct neap__map_group **group, size_t bytes) {
    if (bytes <= neap__map_slot_bytes(*group))
        return true;
    return neap__map_directory_move(map, group, neap__map_slot_spare(bytes, 4));
}

/* Moves a group that has become smaller to a smaller slot, if the difference is more than make_room adds, so
 * that it does not move back and forth. */
static void settle(neap_map_t *map, struct neap__map_group *group) {
    if (neap__map_slot_is_wide(group, 3))
        neap__map_directory_move(map, &group, group->used); /* if that fails, it stays in its slot */
}

/* Sets the value of an entry that was found. A far text of it must have its block. */
static bool replace(neap_map_t *map, struct search *search, const struct neap__map_field *value) {
    const struct neap__map_shape *shape = &map->shape;
    struct neap__map_group *group = search->group;
    uint32_t old_bytes = search->entry.value_bytes;
    if (!make_room(map, &group, group->used - old_bytes + value->stored_bytes))
        return false;
    uint8_t *place = neap__map_group_byte(group, search->entry.offset + search->entry.key_bytes);
    uint8_t old[sizeof(struct neap__map_far)];
    bool was_far = shape->value_lengths != 0 &&
                   neap__map_group_value_lengths(shape, group)[search->entry.index] == NEAP_MAP_FAR;
    if (was_far)
        memcpy(old, place, sizeof(old));
    neap__map_group_set_value(shape, group, &search->entry, value);
    if (was_far)
        neap__map_field_free(map, old);
    map->bytes += (uint64_t)value->stored_bytes - old_bytes;
    if (value->stored_bytes < old_bytes)
        settle(map, group);
    return true;
}

/* Adds an entry for a key that was not found. Its far texts must have their blocks. */
static bool insert(neap_map_t *map, struct search *search, const struct neap__map_field *value) {
    const struct neap__map_shape *shape = &map->shape;
    struct neap__map_group *group = search->group;
    size_t entry_bytes = search->key.stored_bytes + value->stored_bytes;
    if (!group) {
        if (!neap__map_directory_start(map))
            return false;
        group = neap__map_slot_new(map, search->number, neap__map_group_head_bytes(shape, 1) + entry_bytes);
        if (!group)
            return false;
        neap__map_group_init(group);
        *neap__map_place(map, search->number) = group;
    } else if (group->count == NEAP_MAP_GROUP_COUNT_MAX ||
               !make_room(map, &group, neap__map_group_bytes_with(shape, group, entry_bytes))) {
        return false;
    }
    neap__map_group_append(shape, group, search->hash, &search->key, value);
    map->count++;
    map->changes++;
    map->bytes += shape->columns + entry_bytes;
    neap__map_directory_grow(map);
    return true;
}

/* Allocates the blocks of far texts, and inserts. */
static int insert_kept(neap_map_t *map, struct search *search, struct neap__map_field *value) {
    if (!neap__map_field_keep(map, &search->key))
        return NEAP_ERROR_MEMORY;
    if (neap__map_field_keep(map, value)) {
        if (insert(map, search, value))
            return NEAP_OK;
        neap__map_field_drop(map, value);
    }
    neap__map_field_drop(map, &search->key);
    return NEAP_ERROR_MEMORY;
}

/* The text of a field that goes into a group, copied before anything in the map moves: it may lie there.
 * (A long one is copied to its block first of all.) */
struct near_text {
    uint8_t bytes[NEAP_MAP_NEAR_BYTES_MAX];
};

static void take_near(struct neap__map_field *field, struct near_text *copy) {
    if (field->bytes == field->stored)
        return;
    memcpy(copy->bytes, field->bytes, field->stored_bytes);
    field->bytes = copy->bytes;
}

int neap_map_put(neap_map_t *map, union neap_item key, union neap_item value, bool *replaced) {
    struct search search;
    struct neap__map_field field;
    struct near_text key_copy, value_copy;
    if (map->is_file)
        return NEAP_ERROR_PERMISSION;
    if (!neap__map_field_key(&map->shape, key, &search.key) ||
        !neap__map_field_value(&map->shape, value, &field))
        return NEAP_ERROR_ARGUMENT;
    bool found = find(map, &search);
    take_near(&field, &value_copy);
    if (found) {
        if (!neap__map_field_keep(map, &field))
            return NEAP_ERROR_MEMORY;
        if (!replace(map, &search, &field)) {
            neap__map_field_drop(map, &field);
            return NEAP_ERROR_MEMORY;
        }
    } else {
        take_near(&search.key, &key_copy);
        int error = insert_kept(map, &search, &field);
        if (error != NEAP_OK)
            return error;
    }
    if (replaced)
        *replaced = found;
    return NEAP_OK;
}

/* Adds number and amount as `kind`, to what is then stored; false if the sum does not fit. */
static bool sum_of(enum neap_kind kind, union neap_item number, union neap_item amount,
                   union neap_item *sum) {
    bool overflow = false;
    if (kind >= NEAP_KIND_F32)
        sum->f = number.f + amount.f;
    else if (kind >= NEAP_KIND_U8)
        overflow = __builtin_add_overflow(number.u, amount.i, &sum->u);
    else
        overflow = __builtin_add_overflow(number.i, amount.i, &sum->i);
    if (overflow || !neap_kind_fits(kind, *sum))
        return false;
    if (kind == NEAP_KIND_F32)
        sum->f = (double)(float)sum->f;
    return true;
}

int neap_map_add(neap_map_t *map, union neap_item key, union neap_item amount, union neap_item *sum) {
    struct search search;
    struct neap__map_field field;
    struct near_text key_copy;
    union neap_item number = {.u = 0}, result;
    enum neap_kind kind = map->shape.value;
    if (map->is_file)
        return NEAP_ERROR_PERMISSION;
    if (map->shape.value_bytes == 0 || !neap__map_field_key(&map->shape, key, &search.key))
        return NEAP_ERROR_ARGUMENT;
    bool found = find(map, &search);
    if (found)
        neap__map_value(map, search.group, &search.entry, &number);
    else if (kind >= NEAP_KIND_F32)
        number.f = 0;
    if (!sum_of(kind, number, amount, &result))
        return NEAP_ERROR_ARGUMENT;
    neap__map_field_value(&map->shape, result, &field);
    if (found) {
        neap__map_group_set_value(&map->shape, search.group, &search.entry, &field);
    } else {
        take_near(&search.key, &key_copy);
        int error = insert_kept(map, &search, &field);
        if (error != NEAP_OK)
            return error;
    }
    if (sum)
        *sum = result;
    return NEAP_OK;
}

/* --- removing --- */

bool neap_map_remove(neap_map_t *map, union neap_item key) {
    const struct neap__map_shape *shape = &map->shape;
    struct search search;
    if (map->is_file || !neap__map_field_key(shape, key, &search.key) || !find(map, &search))
        return false;
    struct neap__map_group *group = search.group;
    const struct neap__map_entry *entry = &search.entry;
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.ArraySubscript): `find` filled it in */
    if (shape->key_lengths != 0 && neap__map_group_key_lengths(group)[entry->index] == NEAP_MAP_FAR)
        neap__map_field_free(map, neap__map_group_byte(group, entry->offset));
    if (shape->value_lengths != 0 &&
        neap__map_group_value_lengths(shape, group)[entry->index] == NEAP_MAP_FAR)
        neap__map_field_free(map, neap__map_group_byte(group, entry->offset + entry->key_bytes));
    neap__map_group_remove(shape, group, entry);
    map->count--;
    map->changes++;
    map->last_removed = search.number;
    map->bytes -= shape->columns + entry->key_bytes + entry->value_bytes;
    if (group->count == 0) {
        *neap__map_place(map, search.number) = NULL;
        neap__map_slot_free(map, group);
    } else {
        settle(map, group);
    }
    neap__map_directory_shrink(map);
    return true;
}
