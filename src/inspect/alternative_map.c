/* inspect/alternative_map.c: entries dealt out to groups, groups to slots. */
#include "inspect/alternative_map.h"

#include <stdlib.h>
#include <string.h>

/* As in containers/map_model.h and map_slot.h. */
enum {
    GROUP_COUNT = 24,
    GROUP_BYTES = 1024,
    GROUP_HEADER = 12,
    NEAR_BYTES_MAX = 254,
    FAR_BYTES = 16, /* of a text that is not near, in its group */
    SLOT_CLASSES = 48,
    SLOT_BYTES_MAX = 4096,
    TRAY_BYTES = 32768,
    TRAY_SHARE = 8, /* of its shelf */
};

/* What lies in a group of a text, and what elsewhere. */
static uint64_t text_bytes(struct neap_alternative_map *map, uint64_t text) {
    if (text == UINT64_MAX)
        return 0;
    if (text <= NEAR_BYTES_MAX)
        return text;
    map->far_bytes += text;
    return FAR_BYTES;
}

void neap_alternative_map_add(struct neap_alternative_map *map, uint64_t key_text, uint64_t value_text) {
    if (map->count == map->room) {
        size_t room = map->room ? 2 * map->room : 4096;
        uint16_t *sizes = map->starved ? NULL : realloc(map->sizes, room * sizeof(*sizes));
        if (!sizes) {
            map->starved = true;
            return;
        }
        map->sizes = sizes;
        map->room = room;
    }
    map->sizes[map->count++] = (uint16_t)(text_bytes(map, key_text) + text_bytes(map, value_text));
}

static uint64_t slot_class_bytes(unsigned class_index) {
    return class_index < 8 ? 16 * (class_index + 1)
                           : (128 + 16 * (uint64_t)(class_index % 8 + 1)) << (class_index / 8 - 1);
}

static unsigned slot_class_of(uint64_t bytes) {
    unsigned class_index = 0;
    while (class_index < SLOT_CLASSES - 1 && slot_class_bytes(class_index) < bytes)
        class_index++;
    return class_index;
}

/* The number of a group among `groups`, by linear hashing; `mask` is 2^(l+1) - 1. */
static uint64_t group_of(uint64_t number, uint64_t groups, uint64_t mask) {
    uint64_t hash = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    uint64_t group = (hash ^ hash >> 31) & mask;
    return group < groups ? group : group & mask >> 1;
}

struct group {
    uint32_t count, bytes;
};

/* Slots of all groups, with the half of a tray that each shelf leaves unused. */
static uint64_t slots_bytes(const struct group *groups, uint64_t count, unsigned columns) {
    uint64_t shelves[SLOT_CLASSES] = {0}, sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t bytes = GROUP_HEADER + (uint64_t)((groups[i].count + 7) & ~7u) * columns + groups[i].bytes;
        if (bytes > SLOT_BYTES_MAX) {
            sum += bytes;
            continue;
        }
        unsigned class_index = slot_class_of(bytes);
        shelves[class_index] += slot_class_bytes(class_index);
    }
    for (unsigned i = 0; i < SLOT_CLASSES; i++) {
        uint64_t tray = shelves[i] / TRAY_SHARE < TRAY_BYTES ? shelves[i] / TRAY_SHARE : TRAY_BYTES;
        sum += shelves[i] + tray / 2;
    }
    return sum + count * sizeof(uint64_t); /* the directory */
}

uint64_t neap_alternative_map_end(struct neap_alternative_map *map, unsigned key_number,
                                  unsigned value_number) {
    unsigned columns = 1u + (key_number == 0) + (value_number == 0);
    uint64_t bytes = map->count * (columns + key_number + value_number), result = 0, mask = 1;
    for (size_t i = 0; i < map->count; i++)
        bytes += map->sizes[i];
    uint64_t count = (map->count + GROUP_COUNT - 1) / GROUP_COUNT,
             by_bytes = (bytes + GROUP_BYTES - 1) / GROUP_BYTES;
    count = count > by_bytes ? count : by_bytes;
    count = count > 0 ? count : 1;
    while (mask < count)
        mask = 2 * mask + 1;
    struct group *groups = map->starved ? NULL : calloc((size_t)count, sizeof(*groups));
    for (size_t i = 0; groups && i < map->count; i++) {
        struct group *group = &groups[group_of(i, count, mask)];
        group->count++;
        group->bytes += map->sizes[i] + key_number + value_number;
    }
    if (groups)
        result = slots_bytes(groups, count, columns) + map->far_bytes;
    free(groups);
    free(map->sizes);
    memset(map, 0, sizeof(*map));
    return result;
}
