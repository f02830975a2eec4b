/* containers/map/map_slot.c */
#include "containers/map/map_slot.h"

#include <assert.h>
#include <string.h>

#include "base/word.h"

enum {
    CLASS_LEAST = 1, /* the smallest slot that can be a hole */
    CLASS_LEAST_BYTES = 16 * (CLASS_LEAST + 1),
    HOLE_SHARE = 16, /* at most one slot in HOLE_SHARE is a hole */
    HOLE_OWNER = UINT32_MAX,
    TRAYS_FIRST = 4,
    LARGE_MAP_BYTES = 64 << 10,
    LARGE_MAP_TRAYS = 128
};

/* One block of slots. */
struct tray {
    unsigned char *start;
    uint32_t slots; /* number of slots that fit */
    uint32_t bytes;
};

/* A slot without a group, in the ring of its shelf. */
struct hole {
    uint32_t owner; /* HOLE_OWNER, in the place of a group's */
    uint32_t reserved;
    struct hole *previous, *next;
};

struct neap__map_shelf {
    struct tray *trays;
    struct hole *holes; /* any hole of the ring, or NULL */
    uint32_t tray_count, tray_room;
    uint32_t top; /* slots of the last tray that are used; all slots of other trays are */
    uint32_t hole_count;
    uint64_t slot_count; /* used slots, with holes */
};

/* A lone group's block. */
struct lone {
    uint64_t bytes; /* that the group may grow to */
    uint64_t reserved;
    struct neap__map_group group;
};

static uint32_t class_of(size_t bytes) {
    if (bytes <= CLASS_LEAST_BYTES)
        return CLASS_LEAST;
    if (bytes <= 128)
        return (uint32_t)(bytes - 1) / 16;
    unsigned octave = neap_word_highest(bytes - 1) - 7;
    return 8 + 8 * octave + (uint32_t)((bytes - 1) >> (octave + 4) & 7);
}

/* --- holes --- */

static void hole_add(struct neap__map_shelf *shelf, void *slot) {
    struct hole *hole = slot;
    hole->owner = HOLE_OWNER;
    hole->previous = hole->next = hole;
    if (shelf->holes) {
        hole->next = shelf->holes;
        hole->previous = shelf->holes->previous;
        hole->next->previous = hole->previous->next = hole;
    }
    shelf->holes = hole;
    shelf->hole_count++;
}

static void hole_remove(struct neap__map_shelf *shelf, struct hole *hole) {
    shelf->holes = hole->next != hole ? hole->next : NULL;
    hole->previous->next = hole->next;
    hole->next->previous = hole->previous;
    shelf->hole_count--;
}

/* --- trays --- */

/* Makes the shelves up to `class_index`. */
static bool shelves_reach(neap_map_t *map, uint32_t class_index) {
    if (class_index < map->shelf_count)
        return true;
    size_t old_bytes = map->shelf_count * sizeof(*map->shelves);
    size_t bytes = (class_index + 1) * sizeof(*map->shelves);
    struct neap__map_shelf *shelves = NEAP_REALLOC(&map->memory, map->shelves, old_bytes, bytes);
    if (!shelves)
        return false;
    memset(shelves + map->shelf_count, 0, bytes - old_bytes);
    map->shelves = shelves;
    map->shelf_count = class_index + 1;
    return true;
}

/* Bytes of the next tray. In a large map, trays have few sizes, which an allocator serves
 * without waste; parts that were never touched are not in memory. In a small map, a tray is
 * an eighth of the shelf. */
static uint32_t tray_bytes(const neap_map_t *map, const struct neap__map_shelf *shelf, uint32_t slot_bytes) {
    uint64_t bytes = map->memory.level.live_bytes / LARGE_MAP_TRAYS;
    if (bytes >= NEAP_MAP_TRAY_BYTES)
        return NEAP_MAP_TRAY_BYTES - NEAP_SHARED_LINK_BYTES;
    if (map->memory.level.live_bytes < LARGE_MAP_BYTES)
        bytes = shelf->slot_count * slot_bytes / 8;
    else if (bytes < NEAP_MAP_SLOT_BYTES_MAX)
        bytes = NEAP_MAP_SLOT_BYTES_MAX;
    return bytes < 2 * slot_bytes + NEAP_SHARED_LINK_BYTES
               ? slot_bytes
               : (UINT32_C(1) << neap_word_highest(bytes)) - NEAP_SHARED_LINK_BYTES;
}

static bool tray_add(neap_map_t *map, struct neap__map_shelf *shelf, uint32_t slot_bytes) {
    if (shelf->tray_count == shelf->tray_room) {
        uint32_t room = shelf->tray_room == 0 ? TRAYS_FIRST : 2 * shelf->tray_room;
        struct tray *trays = NEAP_REALLOC(&map->memory, shelf->trays, shelf->tray_room * sizeof(*trays),
                                          room * sizeof(*trays));
        if (!trays)
            return false;
        shelf->trays = trays;
        shelf->tray_room = room;
    }
    uint32_t bytes = tray_bytes(map, shelf, slot_bytes);
    unsigned char *start = NEAP_ALLOC(&map->memory, bytes);
    if (!start)
        return false;
    shelf->trays[shelf->tray_count++] = (struct tray){start, bytes / slot_bytes, bytes};
    shelf->top = 0;
    return true;
}

/* Removes the last slot of a shelf, and its tray if it was the only slot there. */
static void slot_drop(neap_map_t *map, struct neap__map_shelf *shelf) {
    shelf->slot_count--;
    if (--shelf->top > 0)
        return;
    struct tray *last = &shelf->trays[--shelf->tray_count];
    NEAP_FREE(&map->memory, last->start, last->bytes);
    if (shelf->tray_count > 0) {
        shelf->top = shelf->trays[shelf->tray_count - 1].slots;
    } else {
        NEAP_FREE(&map->memory, shelf->trays, shelf->tray_room * sizeof(*shelf->trays));
        shelf->trays = NULL;
        shelf->tray_room = 0;
    }
}

/* Removes one hole: moves the last slot into it. */
static void fill_hole(neap_map_t *map, struct neap__map_shelf *shelf, uint32_t slot_bytes) {
    assert(shelf->holes && shelf->tray_count > 0);
    void *last = shelf->trays[shelf->tray_count - 1].start + (size_t)(shelf->top - 1) * slot_bytes;
    if (((struct hole *)last)->owner == HOLE_OWNER) {
        hole_remove(shelf, last);
    } else {
        struct neap__map_group *group = last;
        struct hole *hole = shelf->holes;
        hole_remove(shelf, hole);
        memcpy(hole, group, group->used);
        *neap__map_place(map, group->owner) = (struct neap__map_group *)hole;
    }
    slot_drop(map, shelf);
}

/* --- slots --- */

static struct neap__map_group *lone_new(neap_map_t *map, uint32_t owner, size_t bytes) {
    size_t room = neap_word_round_up_size(bytes, (size_t)1 << (neap_word_highest(bytes) - 3));
    struct lone *lone = NEAP_ALLOC(&map->memory, offsetof(struct lone, group) + room);
    if (!lone)
        return NULL;
    lone->bytes = room;
    lone->group.owner = owner;
    lone->group.slot = NEAP_MAP_SLOT_LONE;
    return &lone->group;
}

static struct lone *lone_of(const struct neap__map_group *group) {
    return (struct lone *)((uintptr_t)group - offsetof(struct lone, group));
}

struct neap__map_group *neap__map_slot_new(neap_map_t *map, uint32_t owner, size_t bytes) {
    if (bytes > NEAP_MAP_SLOT_BYTES_MAX)
        return lone_new(map, owner, bytes);
    uint32_t class_index = class_of(bytes), slot_bytes = neap__map_slot_class_bytes(class_index);
    assert(slot_bytes >= bytes);
    if (!shelves_reach(map, class_index))
        return NULL;
    struct neap__map_shelf *shelf = &map->shelves[class_index];
    struct neap__map_group *group;
    if (shelf->holes) {
        group = (struct neap__map_group *)shelf->holes;
        hole_remove(shelf, shelf->holes);
    } else {
        bool full = shelf->tray_count == 0 || shelf->top == shelf->trays[shelf->tray_count - 1].slots;
        if (full && !tray_add(map, shelf, slot_bytes))
            return NULL;
        void *slot = shelf->trays[shelf->tray_count - 1].start + (size_t)shelf->top++ * slot_bytes;
        group = slot;
        shelf->slot_count++;
    }
    group->owner = owner;
    group->slot = (uint8_t)class_index;
    return group;
}

void neap__map_slot_free(neap_map_t *map, struct neap__map_group *group) {
    if (group->slot == NEAP_MAP_SLOT_LONE) {
        struct lone *lone = lone_of(group);
        NEAP_FREE(&map->memory, lone, offsetof(struct lone, group) + (size_t)lone->bytes);
        return;
    }
    uint32_t slot_bytes = neap__map_slot_class_bytes(group->slot);
    struct neap__map_shelf *shelf = &map->shelves[group->slot];
    hole_add(shelf, group);
    /* At most two, so that a call is short; each call makes one hole. */
    for (int i = 0; i < 2 && (uint64_t)shelf->hole_count * HOLE_SHARE > shelf->slot_count; i++)
        fill_hole(map, shelf, slot_bytes);
}

size_t neap__map_slot_bytes(const struct neap__map_group *group) {
    return group->slot == NEAP_MAP_SLOT_LONE ? (size_t)lone_of(group)->bytes
                                             : neap__map_slot_class_bytes(group->slot);
}

bool neap__map_slot_is_wide(const struct neap__map_group *group, unsigned classes) {
    if (group->slot == NEAP_MAP_SLOT_LONE)
        return group->used < lone_of(group)->bytes / 4 * 3;
    return group->slot >= CLASS_LEAST + classes &&
           group->used <= neap__map_slot_class_bytes(group->slot - classes);
}

void neap__map_slot_pack(neap_map_t *map) {
    for (uint32_t i = 0; i < map->shelf_count; i++) {
        while (map->shelves[i].holes)
            fill_hole(map, &map->shelves[i], neap__map_slot_class_bytes(i));
    }
}

void neap__map_slot_free_all(neap_map_t *map) {
    for (uint32_t i = 0; i < map->shelf_count; i++) {
        struct neap__map_shelf *shelf = &map->shelves[i];
        for (uint32_t t = 0; t < shelf->tray_count; t++)
            NEAP_FREE(&map->memory, shelf->trays[t].start, shelf->trays[t].bytes);
        NEAP_FREE(&map->memory, shelf->trays, shelf->tray_room * sizeof(*shelf->trays));
    }
    NEAP_FREE(&map->memory, map->shelves, map->shelf_count * sizeof(*map->shelves));
    map->shelves = NULL;
    map->shelf_count = 0;
}

/* --- checking --- */

/* Counts the groups of one tray; false if the directory does not point to one of them. */
static bool tray_check(const neap_map_t *map, const struct tray *tray, uint32_t slots, uint32_t class_index,
                       uint64_t *groups, uint64_t *holes) {
    for (uint32_t i = 0; i < slots; i++) {
        void *slot = tray->start + (size_t)i * neap__map_slot_class_bytes(class_index);
        const struct neap__map_group *group = slot;
        if (group->owner == HOLE_OWNER) {
            ++*holes;
            continue;
        }
        if (group->owner >= map->group_count || *neap__map_place(map, group->owner) != group ||
            group->slot != class_index)
            return false;
        ++*groups;
    }
    return true;
}

bool neap__map_slot_check(const neap_map_t *map, uint64_t slots, const char **why) {
    uint64_t all_groups = 0;
    for (uint32_t c = 0; c < map->shelf_count; c++) {
        const struct neap__map_shelf *shelf = &map->shelves[c];
        uint64_t groups = 0, holes = 0, ring = 0;
        for (uint32_t t = 0; t < shelf->tray_count; t++) {
            uint32_t dealt = t + 1 == shelf->tray_count ? shelf->top : shelf->trays[t].slots;
            if (!tray_check(map, &shelf->trays[t], dealt, c, &groups, &holes)) {
                *why = "a slot's group is not where the directory has it";
                return false;
            }
        }
        for (const struct hole *h = shelf->holes; h; h = h->next == shelf->holes ? NULL : h->next)
            ring++;
        *why = "a shelf's counts are not those of its slots";
        if (holes != shelf->hole_count || ring != holes || groups + holes != shelf->slot_count)
            return false;
        all_groups += groups;
    }
    *why = "groups are missing from the shelves, or too many";
    return all_groups == slots;
}
