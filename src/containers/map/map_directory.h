/* containers/map/map_directory.h: how many groups a map has, and where they are noted.
 *
 *     leaves ─> [ leaf ─> 512 groups ] [ leaf ─> 512 groups ] [ leaf ─> the rest ]
 *
 * Linear hashing, one group at a time (map_model.h): a split or a merge touches two
 * groups and never the others. Both are a matter of thrift and not of truth, so what
 * fails for want of memory is left for the next time.
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_DIRECTORY_H
#define NEAP_CONTAINERS_MAP_MAP_DIRECTORY_H

#include "containers/map/map_model.h"

/* Makes the first leaf, if there is none. False without memory. */
bool neap__map_directory_start(neap_map_t *map);

/* After an entry was added: splits a group if there are too few. */
void neap__map_directory_grow(neap_map_t *map);

/* After an entry was removed: merges the last group away if there are too many. */
void neap__map_directory_shrink(neap_map_t *map);

/* Sets the number of groups, and what follows from it; `bytes` is what they all take. */
void neap__map_directory_resize(neap_map_t *map, uint32_t count, uint64_t bytes);

/* Frees the directory; no group is left. */
void neap__map_directory_free(neap_map_t *map);

/* Moves a group to a slot of `bytes`, at least its own; false without memory. */
bool neap__map_directory_move(neap_map_t *map, struct neap__map_group **group, size_t bytes);

#endif
