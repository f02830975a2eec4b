/* inspect/objects/census_rows.h: a census as rows: by type, owner, size, or age of arena.
 *
 *     type    dict, str, app.cache.Entry ...
 *     owner   app.cache._entries, json ... : the first steps of the path that keeps an object alive
 *     size    64 to 127 bytes ...          : an object with its buffers
 *     arena   tenths of the arenas or slabs, as they came to be (inspect/objects/arena_age.h)
 *
 * The rows of arenas count what lies in them: blocks, whole; outside of arenas is a row
 * by itself.
 * Plain data, owned by the caller.
 */
#ifndef NEAP_INSPECT_OBJECTS_CENSUS_ROWS_H
#define NEAP_INSPECT_OBJECTS_CENSUS_ROWS_H

#include "inspect/objects/owner_path.h"

enum neap_census_key { NEAP_CENSUS_TYPE, NEAP_CENSUS_OWNER, NEAP_CENSUS_SIZE, NEAP_CENSUS_ARENA };

struct neap_census_row {
    char *kind; /* what the row is about; owned */
    struct neap_census_sum sum;
    uint64_t bytes; /* all of it: what rows are sorted by */
};

struct neap_census_rows {
    struct neap_census_row *rows; /* those with the most bytes first; of sizes and arenas in their order */
    size_t count;
    uint64_t objects, bytes; /* of all rows */
    bool again_known;        /* of arenas: whether it is known ... */
    uint64_t again;          /* ... how often a place of theirs was taken again */
};

/* `paths` is needed for owners only. NEAP_ERROR_MEMORY. */
int neap_census_rows_make(const neap_census_t *census, enum neap_census_key key,
                          const neap_referrers_t *referrers, neap_owner_paths_t *paths,
                          struct neap_census_rows *rows);
void neap_census_rows_clear(struct neap_census_rows *rows);

#endif
