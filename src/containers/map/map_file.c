/* containers/map/map_file.c: saves and opens maps.
 *
 *   body   [ far texts of group 0 | group 0 | far texts of group 1 | group 1 | ... | offsets ]
 *
 * Groups have the same bytes as in memory, without the free end of their slot, and begin
 * at multiples of 4. There is an offset of 8 bytes for each group; all ones mean that the
 * group is empty.
 */
#include <errno.h>
#include <string.h>

#include "containers/map/map_directory.h"
#include "containers/map/map_group.h"
#include "containers/map/map_slot.h"

#define NO_GROUP UINT64_MAX

/* --- saving --- */

static int pad(struct neap__container_writer *writer) {
    static const char zeros[4];
    uint64_t over = neap__container_writer_offset(writer) % sizeof(zeros);
    return over == 0 ? NEAP_OK : neap__container_writer_write(writer, zeros, sizeof(zeros) - (size_t)over);
}

/* Writes a far text, or none, and sets the place in the group's copy to where it is. */
static int write_far(struct neap__container_writer *writer, const struct neap__map_shape *shape,
                     enum neap_kind kind, uint8_t *place, uint8_t length) {
    union neap_item text;
    if (length != NEAP_MAP_FAR)
        return NEAP_OK;
    if (!neap__map_field_item(shape, kind, place, sizeof(struct neap__map_far), length, &text))
        return NEAP_ERROR_FORMAT;
    struct neap__map_far far = {neap__container_writer_offset(writer), text.text.bytes};
    memcpy(place, &far, sizeof(far));
    return neap__container_writer_write(writer, text.text.data, text.text.bytes);
}

/* The far texts of a group; its copy then has their offsets. */
static int write_fars(struct neap__container_writer *writer, const struct neap__map_shape *shape,
                      struct neap__map_group *copy) {
    uint32_t offset = neap__map_group_head_bytes(shape, copy->count);
    int error = NEAP_OK;
    for (uint32_t i = 0; i < copy->count && error == NEAP_OK; i++) {
        struct neap__map_entry entry;
        if (!neap__map_group_entry(shape, copy, i, offset, &entry))
            return NEAP_ERROR_FORMAT;
        if (shape->key_lengths != 0)
            error = write_far(writer, shape, shape->key, neap__map_group_byte(copy, offset),
                              neap__map_group_key_lengths(copy)[i]);
        if (error == NEAP_OK && shape->value_lengths != 0)
            error =
                write_far(writer, shape, shape->value, neap__map_group_byte(copy, offset + entry.key_bytes),
                          neap__map_group_value_lengths(shape, copy)[i]);
        offset += entry.key_bytes + entry.value_bytes;
    }
    return error;
}

/* The working memory for saving. It has blocks of its own, because a save changes nothing in the map, which
 * other threads may read meanwhile. */
struct saving {
    struct neap__container_memory memory; /* of its own: other threads may save the same map */
    const neap_map_t *map;
    uint64_t *offsets;            /* one per group */
    struct neap__map_group *copy; /* of `room` bytes */
    size_t room;
};

static bool copy_reach(struct saving *saving, size_t bytes) {
    if (bytes <= saving->room)
        return true;
    void *copy = NEAP_REALLOC(&saving->memory, saving->copy, saving->room, bytes);
    if (!copy)
        return false;
    saving->copy = copy;
    saving->room = bytes;
    return true;
}

static int write_group(struct neap__container_writer *writer, struct saving *saving, uint32_t number) {
    const struct neap__map_group *group = neap__map_group_at(saving->map, number);
    saving->offsets[number] = NO_GROUP;
    if (!group)
        return neap_map_is_damaged(saving->map) ? NEAP_ERROR_FORMAT : NEAP_OK;
    if (!copy_reach(saving, group->used))
        return NEAP_ERROR_MEMORY;
    memcpy(saving->copy, group, group->used);
    saving->copy->owner = number;
    saving->copy->slot = saving->copy->reserved = 0;
    int error = write_fars(writer, &saving->map->shape, saving->copy);
    if (error == NEAP_OK)
        error = pad(writer);
    saving->offsets[number] = neap__container_writer_offset(writer);
    return error == NEAP_OK ? neap__container_writer_write(writer, saving->copy, saving->copy->used) : error;
}

static int write_body(struct neap__container_writer *writer, const void *context, void *head) {
    struct saving *saving = (struct saving *)(uintptr_t)context;
    const neap_map_t *map = saving->map;
    int error = NEAP_OK;
    for (uint32_t i = 0; i < map->group_count && error == NEAP_OK; i++)
        error = write_group(writer, saving, i);
    if (error == NEAP_OK)
        error = pad(writer);
    *(struct neap__map_head *)head = (struct neap__map_head){
        .key = (uint32_t)map->shape.key,
        .value = (uint32_t)map->shape.value,
        .seed = map->seed,
        .count = map->count,
        .group_count = map->group_count,
        .offsets_at = neap__container_writer_offset(writer),
    };
    if (error == NEAP_OK)
        error = neap__container_writer_write(writer, saving->offsets,
                                             map->group_count * sizeof(*saving->offsets));
    return error == NEAP_OK && neap_map_is_damaged(map) ? NEAP_ERROR_FORMAT : error;
}

int neap_map_save(const neap_map_t *map, const char *path) {
    struct neap__map_head head;
    struct saving *saving = neap__container_memory_new(NULL, sizeof(*saving));
    if (!saving)
        return NEAP_ERROR_MEMORY;
    saving->map = map;
    saving->offsets = NEAP_ALLOC(&saving->memory, map->group_count * sizeof(*saving->offsets));
    int error = !saving->offsets ? NEAP_ERROR_MEMORY
                                 : neap__container_file_save(path, NEAP_CONTAINER_MAP, NEAP_MAP_FILE_VERSION,
                                                             &head, sizeof(head), write_body, saving);
    int reason = errno;
    neap__container_memory_end(saving, sizeof(*saving));
    errno = reason;
    return error;
}

/* --- opening --- */

/* Takes over an open file; NEAP_ERROR_FORMAT if its head is invalid. */
static int map_of_file(const struct neap__container_file *file, const struct neap_allocator *allocator,
                       neap_map_t **map) {
    struct neap__map_head head;
    memcpy(&head, file->head, sizeof(head));
    if (head.key == NEAP_KIND_NONE || head.key >= NEAP_KINDS || head.value >= NEAP_KINDS ||
        head.group_count == 0 || head.group_count >= UINT32_MAX || head.count > file->body_bytes)
        return NEAP_ERROR_FORMAT;
    const unsigned char *offsets =
        neap__container_file_bytes(file, head.offsets_at, head.group_count * sizeof(uint64_t));
    if (!offsets)
        return NEAP_ERROR_FORMAT;
    neap_map_t *made = neap_map_new((enum neap_kind)head.key, (enum neap_kind)head.value, allocator);
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->is_file = true;
    made->file = *file;
    made->shape.file = &made->file;
    made->seed = head.seed;
    made->count = head.count;
    neap__map_directory_resize(made, (uint32_t)head.group_count, file->body_bytes);
    made->file_offsets = offsets;
    *map = made;
    return NEAP_OK;
}

int neap__map_view(const void *data, size_t bytes, neap_map_t **map) {
    struct neap__container_file file;
    int error = neap__container_file_view(data, bytes, NEAP_CONTAINER_MAP, NEAP_MAP_FILE_VERSION,
                                          sizeof(struct neap__map_head), &file);
    if (error != NEAP_OK)
        return error;
    file.data = NULL; /* the file need not be closed */
    return map_of_file(&file, NULL, map);
}

int neap_map_open(const char *path, const struct neap_allocator *allocator, neap_map_t **map) {
    struct neap__container_file file;
    int error = neap__container_file_open(path, NEAP_CONTAINER_MAP, NEAP_MAP_FILE_VERSION,
                                          sizeof(struct neap__map_head), &file);
    if (error != NEAP_OK)
        return error;
    error = map_of_file(&file, allocator, map);
    if (error != NEAP_OK)
        neap__container_file_close(&file);
    return error;
}

int neap_map_verify(const neap_map_t *map) {
    const char *why;
    if (!map->is_file)
        return NEAP_OK;
    if (map->file.data && neap__container_file_verify(&map->file) != NEAP_OK)
        return NEAP_ERROR_FORMAT;
    return neap_map_check(map, &why) ? NEAP_OK : NEAP_ERROR_FORMAT;
}
