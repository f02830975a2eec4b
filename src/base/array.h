/* base/array.h: arrays that grow, for whoever keeps an array, its count and its room side by side.
 *
 *     if (!NEAP_ARRAY_RESERVE(list->items, list->room, (uint64_t)list->count + 1))
 *         return NEAP_ERROR_MEMORY;
 *     list->items[list->count++] = item;
 *
 * The array is memory of malloc, NULL with a room of 0 at first, and its owner frees it. It grows by half, so
 * that adding one by one stays cheap. What is new of it is not initialised. One owner, one thread.
 */
#ifndef NEAP_BASE_ARRAY_H
#define NEAP_BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { NEAP_ARRAY_ROOM_LEAST = 64 };

/* `items` with room for `wanted` and more, up to `most` items; *room says how many. NULL without memory, or
 * where so many cannot be: all is then as before. */
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

/* Whether `items` has, or could be given, room for `wanted` items; both variables are changed as needed.
 * `room` is an unsigned integer of any width. */
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
