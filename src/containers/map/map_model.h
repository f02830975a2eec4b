/* containers/map/map_model.h: the data model of a map.
 *
 *   hash ── low bits ──> directory ──> group ──> entries with the same low bits
 *        └─ top 8 bits: the fingerprint
 *
 *   group   | owner used count .. | fingerprint[] | key length[] | value length[] | entries ...|  free |
 *             header, 12 B          one byte per entry, room for a multiple of 8;   key, value
 *                                   lengths only where key or value is a text       back to back
 *
 * A search compares 16 fingerprints at a time. The sum of the lengths before an entry gives
 * its offset. A text of more than 254 bytes is far: its length is 255, and the group stores
 * a struct neap__map_far. Groups are the same in files, where a far text has an offset.
 *
 * The directory grows by linear hashing. With n groups, 2^l <= n < 2^(l+1), a hash belongs
 * to group (hash mod 2^(l+1)) or, if there is no such group yet, to (hash mod 2^l). When the
 * mean of all groups exceeds NEAP_MAP_GROUP_COUNT entries or NEAP_MAP_GROUP_BYTES, group
 * n - 2^l is split into itself and group n. Below seven eighths of both, the last group is
 * merged back. A group may have any length, so the longest need not be the one to split. It
 * holds at most 65,535 entries; a further insert returns NEAP_ERROR_MEMORY. The seed of the
 * hash is random, so an attacker cannot choose keys that collide.
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_MODEL_H
#define NEAP_CONTAINERS_MAP_MAP_MODEL_H

#include <neap/map.h>

#include "base/word.h"
#include "containers/common/container_file.h"
#include "containers/common/container_memory.h"

enum {
    NEAP_MAP_GROUP_COUNT = 24,   /* entries, mean */
    NEAP_MAP_GROUP_BYTES = 1024, /* of entries and columns, mean */
    NEAP_MAP_GROUP_COUNT_MAX = UINT16_MAX,
    NEAP_MAP_NEAR_BYTES_MAX = 254, /* of a text that lies in its group */
    NEAP_MAP_FAR = 255,            /* the length of a far text */
    NEAP_MAP_LEAF_GROUPS = 512,    /* groups per leaf of the directory */
};

/* The shape of groups, which follows from the kinds of keys and values. */
struct neap__map_shape {
    enum neap_kind key, value;
    uint8_t key_bytes, value_bytes;          /* of numbers; 0 for texts and none */
    uint8_t key_lengths, value_lengths;      /* columns of lengths: 1 for texts */
    uint8_t columns;                         /* bytes that an entry takes in all columns */
    const struct neap__container_file *file; /* contains the far texts; NULL: they are in memory */
};

struct neap__map_group {
    uint32_t owner; /* number of the group */
    uint32_t used;  /* bytes up to the end of the last entry, with this header */
    uint16_t count; /* entries */
    uint8_t slot;   /* class of the slot it lies in; 0 in files */
    uint8_t reserved;
};

/* Points to a text of more than NEAP_MAP_NEAR_BYTES_MAX bytes; unaligned. */
struct neap__map_far {
    uint64_t at; /* address, or offset in the body of the file */
    uint64_t bytes;
};

struct neap__map_shelf;

struct neap_map {
    struct neap__container_memory memory;
    struct neap__map_shape shape;
    bool is_file;
    bool damaged;
    uint64_t seed;
    uint64_t count;   /* entries */
    uint64_t changes; /* number of all changes of the set of keys */
    uint64_t bytes;   /* of all entries and their columns */
    uint64_t far_count;
    uint64_t group_mask;               /* 2^(l+1) - 1 */
    uint32_t group_count;              /* n, at least 1 */
    uint32_t last_removed;             /* group of the last entry that was removed; may be gone */
    uint32_t fetch_bytes;              /* bytes of a group to prefetch; 0: the map fits in the cache */
    uint32_t leaf_room;                /* pointers in `leaves` */
    uint32_t first_leaf_room;          /* room for groups in the first leaf; LEAF_GROUPS in all others */
    uint32_t shelf_count;              /* shelves in `shelves` */
    struct neap__map_group ***leaves;  /* the directory: NULL for an empty group */
    struct neap__map_shelf *shelves;   /* by slot class */
    struct neap__container_file file;  /* if is_file */
    const unsigned char *file_offsets; /* of the groups, 8 bytes each; all ones for an empty group */
};

/* The version and the head of a map's file. */
enum { NEAP_MAP_FILE_VERSION = 1 };

struct neap__map_head {
    uint32_t key, value; /* kinds */
    uint64_t seed, count, group_count, offsets_at;
};

/* Opens the bytes of a map's file in memory. They are aligned to 64 and must outlive the map. */
int neap__map_view(const void *data, size_t bytes, neap_map_t **map);

/* The pointer to group `number` in the directory, which must have that many groups. */
static inline struct neap__map_group **neap__map_place(const neap_map_t *map, uint64_t number) {
    return &map->leaves[number / NEAP_MAP_LEAF_GROUPS][number % NEAP_MAP_LEAF_GROUPS];
}

/* Number of the group that `hash` belongs to. */
static inline uint64_t neap__map_number(const neap_map_t *map, uint64_t hash) {
    uint64_t number = hash & map->group_mask;
    return number < map->group_count ? number : number & map->group_mask >> 1;
}

struct neap__map_shape neap__map_shape_of(enum neap_kind key, enum neap_kind value);

/* Reads the value of an entry of a group; `value` may be NULL. False if it is damaged. */
struct neap__map_entry;
bool neap__map_value(const neap_map_t *map, const struct neap__map_group *group,
                     const struct neap__map_entry *entry, union neap_item *value);

/* A group of a map from a file; NULL if it is empty or damaged. */
const struct neap__map_group *neap__map_group_in_file(const neap_map_t *map, uint64_t number);

/* Whether the file of a map was cut short, so that what was read of it may be zeros. */
static inline bool neap__map_is_cut(const neap_map_t *map) {
    return NEAP_UNLIKELY(map->is_file) && neap__container_file_is_cut(&map->file);
}

/* A group that can be searched safely; NULL if it is empty (or, in a file, damaged). */
static inline const struct neap__map_group *neap__map_group_at(const neap_map_t *map, uint64_t number) {
    if (NEAP_UNLIKELY(map->count == 0))
        return NULL;
    return NEAP_LIKELY(!map->is_file) ? *neap__map_place(map, number) : neap__map_group_in_file(map, number);
}

#endif
