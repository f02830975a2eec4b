/* containers/map/map_model.h: the data model of a map.
 *
 *   hash ── low bits ──> directory ──> group ──> entries whose keys' hashes end alike
 *        └─ top 8 bits: the fingerprint
 *
 *   group   | owner used count .. | fingerprint[] | key length[] | value length[] | entries ...|  free |
 *             header, 12 B          a byte each, room for a multiple of 8 of them;  key, value
 *                                   the lengths only where key or value is a text   back to back
 *
 * An entry is found by its fingerprint, 16 at a time; where it begins follows from the
 * sum of the lengths before it. A text of more than 254 bytes is far: its length is 255,
 * and in the group there is a struct neap__map_far. Groups are the same in files, where
 * a far text is given by its offset.
 *
 * The directory grows by linear hashing: with n groups, 2^l <= n < 2^(l+1), a hash
 * belongs to group (hash mod 2^(l+1)), or if there is no such group yet, (hash mod 2^l).
 * When groups hold more than a mean of NEAP_MAP_GROUP_COUNT entries or
 * NEAP_MAP_GROUP_BYTES, group n - 2^l is split into itself and group n; below seven
 * eighths of both the last group is merged back. A group may have any length, so it need
 * not be the one that became long. Groups live in slots (map_slot.h) and can be moved.
 *
 * Nothing here but the groups' bytes is seen by hash functions' adversaries: the seed is
 * random. 65,535 keys in one group is the end all the same (NEAP_ERROR_MEMORY).
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
    NEAP_MAP_NEAR_BYTES_MAX = 254, /* of a text inside its group */
    NEAP_MAP_FAR = 255,            /* the length of one that is not */
    NEAP_MAP_LEAF_GROUPS = 512,    /* of the directory in one block */
};

/* What the kinds make of a group. */
struct neap__map_shape {
    enum neap_kind key, value;
    uint8_t key_bytes, value_bytes;          /* of numbers; 0 for texts and none */
    uint8_t key_lengths, value_lengths;      /* columns of lengths: 1 for texts */
    uint8_t columns;                         /* bytes an entry takes in all of them */
    const struct neap__container_file *file; /* that far texts are in; NULL: in memory */
};

struct neap__map_group {
    uint32_t owner; /* number of the group */
    uint32_t used;  /* bytes up to the end of the last entry, this header included */
    uint16_t count; /* entries */
    uint8_t slot;   /* class of the slot it lies in; 0 in files */
    uint8_t reserved;
};

/* Stands for a text of more than NEAP_MAP_NEAR_BYTES_MAX bytes; unaligned. */
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
    uint64_t changes; /* of the set of keys, ever */
    uint64_t bytes;   /* of all entries and their columns */
    uint64_t far_count;
    uint64_t group_mask;               /* 2^(l+1) - 1 */
    uint32_t group_count;              /* n, at least 1 */
    uint32_t fetch_bytes;              /* of a group, asked for before it is looked at; 0: cached */
    uint32_t leaf_room;                /* pointers in `leaves` */
    uint32_t first_leaf_room;          /* groups the first leaf has room for; all others LEAF_GROUPS */
    uint32_t shelf_count;              /* shelves in `shelves` */
    struct neap__map_group ***leaves;  /* the directory: NULL for an empty group */
    struct neap__map_shelf *shelves;   /* by slot class */
    struct neap__container_file file;  /* if is_file */
    const unsigned char *file_offsets; /* of the groups, 8 bytes each, all ones for an empty one */
};

/* The head of a map's file; its version. */
enum { NEAP_MAP_FILE_VERSION = 1 };

struct neap__map_head {
    uint32_t key, value; /* kinds */
    uint64_t seed, count, group_count, offsets_at;
};

/* Opens a map that lies in memory (aligned to 64, outlives the map), as if it were a file. */
int neap__map_view(const void *data, size_t bytes, neap_map_t **map);

/* Where group `number` is noted. The directory has it. */
static inline struct neap__map_group **neap__map_place(const neap_map_t *map, uint64_t number) {
    return &map->leaves[number / NEAP_MAP_LEAF_GROUPS][number % NEAP_MAP_LEAF_GROUPS];
}

/* Number of the group that `hash` belongs to. */
static inline uint64_t neap__map_number(const neap_map_t *map, uint64_t hash) {
    uint64_t number = hash & map->group_mask;
    return number < map->group_count ? number : number & map->group_mask >> 1;
}

struct neap__map_shape neap__map_shape_of(enum neap_kind key, enum neap_kind value);

/* The value of an entry of that group; `value` may be NULL. False if it is damaged. */
struct neap__map_entry;
bool neap__map_value(const neap_map_t *map, const struct neap__map_group *group,
                     const struct neap__map_entry *entry, union neap_item *value);

/* The group of a map that is a file; NULL if it is empty or damaged. */
const struct neap__map_group *neap__map_group_in_file(const neap_map_t *map, uint64_t number);

/* The group, sound enough to be searched; NULL if it is empty (or, in a file, damaged). */
static inline const struct neap__map_group *neap__map_group_at(const neap_map_t *map, uint64_t number) {
    if (NEAP_UNLIKELY(map->count == 0))
        return NULL;
    return NEAP_LIKELY(!map->is_file) ? *neap__map_place(map, number) : neap__map_group_in_file(map, number);
}

#endif
