/* inspect/objects/pins.h: arenas and slabs that are nearly empty, and what holds them.
 *
 *   places   |#....|  |..#..|  |.#..#|     filled to less than an eighth, emptiest first
 *              |         |       |  |
 *   pins       str       str   list str    every block in use there: an object, or a buffer of one
 *              '----.----'       |   |
 *   groups      app.cache._seen  |   '--   pins of one type with one owner path
 * (inspect/objects/owner_path.h) app.log
 *
 * A place goes back to the system when its last block is freed, so it goes when all the
 * groups in it go: `cumulative_bytes` of a group is what goes with it and all that stand
 * before it. Plain data once made, owned by the caller; any thread.
 */
#ifndef NEAP_INSPECT_OBJECTS_PINS_H
#define NEAP_INSPECT_OBJECTS_PINS_H

#include "inspect/objects/owner_path.h"

enum { NEAP_PIN_SHARE = 8 }; /* nearly empty: used less than one of so many bytes */

struct neap_pin_place {
    uint64_t address, bytes; /* of the arena or slab */
    uint64_t resident_bytes; /* of it in memory: what goes */
    uint64_t used_bytes;
    uint32_t used_blocks;
    uint32_t first_pin, pin_count; /* in pins[] */
    uint32_t group_count;          /* different ones in it */
};

struct neap_pin {
    uint32_t block;  /* ordinal of what lies there */
    uint32_t object; /* ordinal of the object: itself, or the buffer's owner; NEAP_BLOCK_NONE: unknown */
    uint32_t group;
};

struct neap_pin_group {
    uint32_t owner_path;               /* NEAP_OWNER_PATH_NONE: blocks that are no Python object's */
    const struct neap_py_type *type;   /* NULL: the same */
    uint64_t objects;                  /* pins */
    uint64_t bytes;                    /* of their blocks */
    uint32_t places, alone_places;     /* that it is in; of these, alone */
    uint64_t place_bytes, alone_bytes; /* resident bytes of these */
    uint64_t cumulative_bytes;
};

struct neap_pins {
    uint64_t place_total, total_bytes; /* arenas or slabs in all, and their resident bytes */
    struct neap_pin_place *places;     /* emptiest first */
    struct neap_pin *pins;             /* by place */
    struct neap_pin_group *groups;     /* that with the most place_bytes first */
    size_t place_count, pin_count, group_count;
    uint64_t resident_bytes; /* of all places: what goes if all pins go */
};

/* NEAP_ERROR_MEMORY. Clear what it made. */
int neap_pins_find(const neap_referrers_t *referrers, neap_owner_paths_t *paths, struct neap_pins *pins);
void neap_pins_clear(struct neap_pins *pins);

#endif
