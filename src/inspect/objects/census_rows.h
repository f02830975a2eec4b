/* inspect/objects/census_rows.h: sums of a census by type, owner, size, or age of arena.
 *
 *     type    dict, str, app.cache.Entry ...
 *     owner   app.cache._entries, json ... : the first steps of the path that keeps an object alive
 *     size    64 to 127 bytes ...          : an object with its buffers
 *     arena   tenths of the arenas or slabs, in the order of inspect/objects/arena_age.h
 *
 * The rows by arena count the whole blocks in the arenas; one more row counts objects
 * outside of arenas. The caller owns the rows.
 */
#ifndef NEAP_INSPECT_OBJECTS_CENSUS_ROWS_H
#define NEAP_INSPECT_OBJECTS_CENSUS_ROWS_H

#include "inspect/objects/owner_path.h"

enum neap_census_key { NEAP_CENSUS_TYPE, NEAP_CENSUS_OWNER, NEAP_CENSUS_SIZE, NEAP_CENSUS_ARENA };

struct neap_census_row {
    char *kind; /* what the row is about; owned */
    struct neap_census_sum sum;
    uint64_t bytes; /* of objects and buffers; rows are sorted by it */
};

struct neap_census_rows {
    struct neap_census_row *rows; /* the largest first; rows by size and by arena are in their order */
    size_t count;
    uint64_t objects, bytes; /* of all rows */
    bool again_known;        /* for NEAP_CENSUS_ARENA: whether `again` is known */
    uint64_t again;          /* how often an entry for an arena was used again */
};

/* Makes the rows. `referrers` and `paths` are needed for NEAP_CENSUS_OWNER only. NEAP_ERROR_MEMORY. */
int neap_census_rows_make(const neap_census_t *census, enum neap_census_key key,
                          const neap_referrers_t *referrers, neap_owner_paths_t *paths,
                          struct neap_census_rows *rows);
void neap_census_rows_clear(struct neap_census_rows *rows);

#endif
