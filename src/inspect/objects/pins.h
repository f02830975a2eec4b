/* inspect/objects/pins.h: arenas and slabs that are nearly empty, and the objects in them.
 *
 *   places   |#....|  |..#..|  |.#..#|     nearly empty arenas or slabs, the emptiest first
 *              |         |       |  |
 *   pins       str       str   list str    every block in use there: an object, or a buffer of one
 *              '----.----'       |   |
 *   groups      app.cache._seen  |   '--   pins of one type with one owner path
 * (inspect/objects/owner_path.h) app.log
 *
 * A place is filled to less than an eighth. It goes back to the system when its last block is
 * freed, that is, when all groups in it are freed. `cumulative_bytes` of a group is the memory
 * that goes back when this group and all groups before it are freed. The caller owns the result;
 * any thread may read it.
 */
#ifndef NEAP_INSPECT_OBJECTS_PINS_H
#define NEAP_INSPECT_OBJECTS_PINS_H

#include "inspect/objects/owner_path.h"

enum { NEAP_PIN_SHARE = 8 }; /* nearly empty: less than 1/8 of the bytes are used */

struct neap_pin_place {
    uint64_t address, bytes; /* of the arena or slab */
    uint64_t resident_bytes; /* in memory; these can go back */
    uint64_t used_bytes;
    uint32_t used_blocks;
    uint32_t first_pin, pin_count; /* in pins[] */
    uint32_t group_count;          /* number of groups that have a pin in it */
};

struct neap_pin {
    uint32_t block;  /* ordinal of the block */
    uint32_t object; /* ordinal of the object in it, or of the buffer's owner; NEAP_BLOCK_NONE: unknown */
    uint32_t group;
};

struct neap_pin_group {
    uint32_t owner_path;               /* NEAP_OWNER_PATH_NONE: blocks that belong to no Python object */
    const struct neap_py_type *type;   /* NULL likewise */
    uint64_t objects;                  /* number of pins */
    uint64_t bytes;                    /* of their blocks */
    uint32_t places, alone_places;     /* places with a pin of the group; places with no other group */
    uint64_t place_bytes, alone_bytes; /* resident bytes of these places */
    uint64_t cumulative_bytes;
};

struct neap_pins {
    uint64_t place_total, total_bytes; /* number of all arenas or slabs, and their resident bytes */
    struct neap_pin_place *places;     /* emptiest first */
    struct neap_pin *pins;             /* by place */
    struct neap_pin_group *groups;     /* the one with the most place_bytes first */
    size_t place_count, pin_count, group_count;
    uint64_t resident_bytes; /* of all places: goes back if all pins are freed */
};

/* Finds the pins. NEAP_ERROR_MEMORY. The caller clears the result. */
int neap_pins_find(const neap_referrers_t *referrers, neap_owner_paths_t *paths, struct neap_pins *pins);
void neap_pins_clear(struct neap_pins *pins);

#endif
