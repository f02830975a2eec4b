/* containers/map/map_directory.h: the directory of a map: pointers to its groups.
 *
 *     leaves ─> [ leaf ─> 512 groups ] [ leaf ─> 512 groups ] [ leaf ─> the remaining groups ]
 *
 * The directory grows by linear hashing, one group at a time (map_model.h): a split or a
 * merge touches two groups and no others. Splits and merges affect memory use, not
 * correctness; one that fails for lack of memory is retried later.
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_DIRECTORY_H
#define NEAP_CONTAINERS_MAP_MAP_DIRECTORY_H

#include "containers/map/map_model.h"

/* Makes the first leaf if there is none. False if there is no memory. */
bool neap__map_directory_start(neap_map_t *map);

/* Splits a group if there are too few. Called after an entry was added. */
void neap__map_directory_grow(neap_map_t *map);

/* Merges the last group into another if there are too many. Called after an entry was removed. */
void neap__map_directory_shrink(neap_map_t *map);

/* Sets the number of groups and the fields that depend on it; `bytes` is the size of all groups. */
void neap__map_directory_resize(neap_map_t *map, uint32_t count, uint64_t bytes);

/* Frees the directory. There must be no groups left. */
void neap__map_directory_free(neap_map_t *map);

/* Moves a group to a slot of `bytes`, which must be enough for it; false if there is no memory. */
bool neap__map_directory_move(neap_map_t *map, struct neap__map_group **group, size_t bytes);

#endif
