/* containers/map/map_slot.h: where the groups of a map lie: equal slots, packed densely.
 *
 *     shelf (a slot class: 16, 32 ... 128, 144 ... 256, 288 ... 4096 B; steps of 1/8)
 *       ├─ tray [ slot | slot | slot ... ]       all full but for holes,
 *       ├─ tray [ slot | hole | slot ... ]       and at most one slot in sixteen
 *       └─ tray [ slot | slot |  top^   ]        of a shelf is a hole
 *
 * A group that outgrows its slot moves to a larger one, and leaves a hole. A hole is
 * taken by the next group that comes to that shelf; where there are too many, the
 * shelf's last slot is moved into one, so that memory follows what is in it within a
 * few percent, whatever order groups come and go in. A tray is one block,
 * NEAP_MAP_TRAY_BYTES at most.
 *
 * Moving a slot needs to know whose it is: a group begins with its number, `owner`,
 * and the directory is set to the new place. Groups larger than the largest slot have
 * a block of their own (slot class NEAP_MAP_SLOT_LONE).
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

/* What to ask for in the place of `bytes` of a group that will grow: a share more. In large groups
 * the step to the next slot class is room enough. */
static inline size_t neap__map_slot_spare(size_t bytes, unsigned share) {
    return bytes <= NEAP_MAP_SPARE_BYTES ? bytes + bytes / share : bytes;
}

/* A slot of at least `bytes` for group `owner`; nothing of it is set but the header's `owner`
 * and `slot`. NULL without memory. No slot moves; the directory is to know of this one
 * before the next call of neap__map_slot_free. */
struct neap__map_group *neap__map_slot_new(neap_map_t *map, uint32_t owner, size_t bytes);

/* Ends a slot that no directory place points to any more. Others may move; the places of
 * their groups follow. Never fails. */
void neap__map_slot_free(neap_map_t *map, struct neap__map_group *group);

/* Bytes that the group may grow to where it is. */
size_t neap__map_slot_bytes(const struct neap__map_group *group);

/* Whether the group would go into a slot that is so many classes smaller than its own. */
bool neap__map_slot_is_wide(const struct neap__map_group *group, unsigned classes);

/* Fills all holes. */
void neap__map_slot_pack(neap_map_t *map);

/* Frees all trays and shelves, and with them every group but the lone. */
void neap__map_slot_free_all(neap_map_t *map);

/* Verifies the shelves, and that they hold `slots` groups. */
bool neap__map_slot_check(const neap_map_t *map, uint64_t slots, const char **why);

#endif
