/* cast/air/mounts.c: a sorted array. A station has some dozens of mounts. */
#include "cast/air/mounts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/array.h"

/* The place of `name`, or where it belongs. */
static size_t place_of(const struct cast_mounts *mounts, const char *name, bool *found) {
    size_t low = 0, high = mounts->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(mounts->items[middle]->name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cast_mount *cast_mounts_find(struct cast_mounts *mounts, const char *name) {
    bool found;
    neap_os_lock(&mounts->lock);
    size_t place = place_of(mounts, name, &found);
    struct cast_mount *mount = found ? cast_mount_hold(mounts->items[place]) : NULL;
    neap_os_unlock(&mounts->lock);
    return mount;
}

static int take_new(struct cast_mounts *mounts, size_t place, const char *name, uint64_t queue_bytes,
                    size_t most, struct cast_facts *facts) {
    if (mounts->count >= most)
        return NEAP_ERROR_MEMORY;
    if (!NEAP_ARRAY_RESERVE(mounts->items, mounts->room, mounts->count + 1))
        return NEAP_ERROR_MEMORY;
    struct cast_mount *made = cast_mount_new(name, queue_bytes, facts);
    if (!made)
        return NEAP_ERROR_MEMORY;
    memmove(mounts->items + place + 1, mounts->items + place,
            (mounts->count - place) * sizeof(struct cast_mount *));
    mounts->items[place] = made;
    mounts->count++;
    return NEAP_OK;
}

int cast_mounts_take(struct cast_mounts *mounts, const char *name, uint64_t queue_bytes, size_t most,
                     struct cast_facts *facts, struct cast_mount **mount) {
    bool found;
    int error = NEAP_OK;
    neap_os_lock(&mounts->lock);
    size_t place = place_of(mounts, name, &found);
    if (!found)
        error = take_new(mounts, place, name, queue_bytes, most, facts);
    else if (atomic_load(&mounts->items[place]->state) != CAST_MOUNT_WAITING)
        error = NEAP_ERROR_BUSY;
    else
        cast_mount_resume(mounts->items[place], facts);
    if (error == NEAP_OK) {
        *mount = cast_mount_hold(mounts->items[place]);
        atomic_fetch_add(&mounts->version, 1);
    }
    neap_os_unlock(&mounts->lock);
    if (error != NEAP_OK)
        cast_facts_clear(facts);
    return error;
}

void cast_mounts_end(struct cast_mounts *mounts, struct cast_mount *mount) {
    bool found, ended = false;
    neap_os_lock(&mounts->lock);
    size_t place = place_of(mounts, mount->name, &found);
    if (found && mounts->items[place] == mount && atomic_load(&mount->state) == CAST_MOUNT_WAITING) {
        atomic_store(&mount->state, CAST_MOUNT_ENDED);
        mounts->count--;
        memmove(mounts->items + place, mounts->items + place + 1,
                (mounts->count - place) * sizeof(struct cast_mount *));
        atomic_fetch_add(&mounts->version, 1);
        ended = true;
    }
    neap_os_unlock(&mounts->lock);
    if (ended)
        cast_mount_drop(mount);
}

void cast_mounts_each(struct cast_mounts *mounts, void (*each)(void *context, struct cast_mount *mount),
                      void *context) {
    neap_os_lock(&mounts->lock);
    for (size_t i = 0; i < mounts->count; i++)
        each(context, mounts->items[i]);
    neap_os_unlock(&mounts->lock);
}

void cast_mounts_clear(struct cast_mounts *mounts) {
    for (size_t i = 0; i < mounts->count; i++)
        cast_mount_drop(mounts->items[i]);
    free(mounts->items);
    mounts->items = NULL;
    mounts->count = mounts->room = 0;
}
