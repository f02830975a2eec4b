/* base/array.h: arrays that grow. The caller keeps the array, its count and its room.
 *
 *     if (!NEAP_ARRAY_RESERVE(list->items, list->room, (uint64_t)list->count + 1))
 *         return NEAP_ERROR_MEMORY;
 *     list->items[list->count++] = item;
 *
 * The array is NULL with a room of 0 at first. It comes from realloc, and its owner frees it. It grows by
 * half, so that adding items one by one is cheap. New items are not initialised. One thread at a time.
 */
#ifndef NEAP_BASE_ARRAY_H
#define NEAP_BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { NEAP_ARRAY_ROOM_LEAST = 64 };

/* Gives `items` room for at least `wanted` and at most `most` items. Returns the array, which may have
 * moved, and sets *room. NULL if there is no memory or `wanted` is too many; nothing has changed then. */
static inline void *neap_array_grow(void *items, size_t item_bytes, size_t *room, uint64_t wanted,
                                    uint64_t most) {
    uint64_t limit = SIZE_MAX / 2 / item_bytes;
    uint64_t more = *room + *room / 2 + NEAP_ARRAY_ROOM_LEAST;
    most = most < limit ? most : limit;
    if (wanted > most)
        return NULL;
    more = more > most ? most : more < wanted ? wanted : more;
    void *grown = realloc(items, (size_t)more * item_bytes);
    if (grown)
        *room = (size_t)more;
    return grown;
}

/* Gives `items` room for `wanted` items and changes both variables if necessary. False if there is no
 * memory. `room` is an unsigned integer of any width. */
#define NEAP_ARRAY_RESERVE(items, room, wanted)                                                              \
    ((wanted) <= (room) || __extension__({                                                                   \
         size_t neap_array_room = (room);                                                                    \
         void *neap_array_grown =                                                                            \
             neap_array_grow(items, sizeof(*(items)), &neap_array_room, wanted, (__typeof__(room))-1);       \
         if (neap_array_grown) {                                                                             \
             (items) = neap_array_grown;                                                                     \
             (room) = (__typeof__(room))neap_array_room;                                                     \
         }                                                                                                   \
         neap_array_grown != NULL;                                                                           \
     }))

#endif
