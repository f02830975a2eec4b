/* cast/air/listener_table.h: all listeners of one loop, in records that do not move.
 *
 *     chunks: [ 512 records ][ 512 records ][ NULL ]…   the lowest free place is used first,
 *                                                        and an empty chunk goes back to the system
 *
 * One thread at a time.
 */
#ifndef CAST_AIR_LISTENER_TABLE_H
#define CAST_AIR_LISTENER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/air/listener.h"

enum { CAST_CHUNK_RECORDS = 512, CAST_TABLE_CHUNKS_MOST = 2048 };

struct cast_listener_table {
    struct cast_listener *chunks[CAST_TABLE_CHUNKS_MOST];
    uint16_t used[CAST_TABLE_CHUNKS_MOST]; /* records of each chunk that are in use */
    size_t count;                          /* of all */
    size_t end;                            /* chunks at and after this index are NULL */
};

/* An unused record, all zero but for `used`; *index is its place. NULL if there is no memory or no place. */
struct cast_listener *cast_listener_table_add(struct cast_listener_table *table, uint32_t *index);

/* The record at a place; NULL if none is in use there. */
struct cast_listener *cast_listener_table_at(const struct cast_listener_table *table, uint32_t index);

void cast_listener_table_remove(struct cast_listener_table *table, uint32_t index);

/* Places at or after this one are not in use. */
static inline uint32_t cast_listener_table_end(const struct cast_listener_table *table) {
    return (uint32_t)table->end * CAST_CHUNK_RECORDS;
}

bool cast_listener_table_check(const struct cast_listener_table *table, const char **why);

#endif
