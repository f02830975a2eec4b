/* containers/map/map_slot.h: the memory of groups: slots of equal size, densely packed.
 *
 *     shelf (a slot class: 16, 32 ... 128, 144 ... 256, 288 ... 4096 B; steps of 1/8)
 *       ├─ tray [ slot | slot | slot ... ]       all slots are full except for holes;
 *       ├─ tray [ slot | hole | slot ... ]       at most one slot in sixteen of a shelf
 *       └─ tray [ slot | slot |  top^   ]        is a hole
 *
 * A group that outgrows its slot moves to a larger one and leaves a hole. The next group
 * that comes to the shelf takes the hole. If there are too many holes, the last slot of
 * the shelf is moved into one. So the memory exceeds its contents by a few percent only,
 * in whatever order groups are made and freed. A tray is a block of at most
 * NEAP_MAP_TRAY_BYTES.
 *
 * A group begins with its number, `owner`, so that the directory can be updated when its
 * slot is moved. A group larger than the largest slot has a block of its own (slot class
 * NEAP_MAP_SLOT_LONE).
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_SLOT_H
#define NEAP_CONTAINERS_MAP_MAP_SLOT_H

#include "containers/map/map_model.h"

enum {
    NEAP_MAP_SLOT_CLASSES = 48,
    NEAP_MAP_SLOT_LONE = 255,
    NEAP_MAP_SLOT_BYTES_MAX = 4096,
    NEAP_MAP_TRAY_BYTES = 32768,
    NEAP_MAP_SPARE_BYTES = 512,
};

/* Bytes of a slot of class 0 to NEAP_MAP_SLOT_CLASSES - 1. */
static inline uint32_t neap__map_slot_class_bytes(uint32_t class_index) {
    if (class_index < 8)
        return 16 * (class_index + 1);
    return (128 + 16 * (class_index % 8 + 1)) << (class_index / 8 - 1);
}

/* The size to ask for if a group of `bytes` will grow: 1/share more. For a large group, the step to the
 * next slot class is enough room. */
static inline size_t neap__map_slot_spare(size_t bytes, unsigned share) {
    return bytes <= NEAP_MAP_SPARE_BYTES ? bytes + bytes / share : bytes;
}

/* Allocates a slot of at least `bytes` for group `owner`. Only `owner` and `slot` of its header are
 * set. NULL if there is no memory. Moves no slot. The caller must enter it in the directory before the
 * next call of neap__map_slot_free. */
struct neap__map_group *neap__map_slot_new(neap_map_t *map, uint32_t owner, size_t bytes);

/* Frees a slot to which the directory no longer points. Other slots may move; the directory is updated.
 * Cannot fail. */
void neap__map_slot_free(neap_map_t *map, struct neap__map_group *group);

/* Bytes that the group may grow to in its slot. */
size_t neap__map_slot_bytes(const struct neap__map_group *group);

/* Whether the group would fit into a slot that is `classes` classes smaller than its own. */
bool neap__map_slot_is_wide(const struct neap__map_group *group, unsigned classes);

/* Fills all holes. */
void neap__map_slot_pack(neap_map_t *map);

/* Frees all trays and shelves, with every group except those that have a block of their own. */
void neap__map_slot_free_all(neap_map_t *map);

/* Verifies the shelves, and that they hold `slots` groups. */
bool neap__map_slot_check(const neap_map_t *map, uint64_t slots, const char **why);

#endif
