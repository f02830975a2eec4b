/* cast/air/listener_table.c: chunks are mappings of their own, so that their memory goes back when they
 * empty. */
#include "cast/air/listener_table.h"

#include <string.h>

#include <neap/error.h>

#include "os/memory.h"

_Static_assert(sizeof(struct cast_listener) <= 144,
               "promised: a listener takes at most a quarter of a kilobyte");

enum { CHUNK_BYTES = CAST_CHUNK_RECORDS * sizeof(struct cast_listener) };

static struct cast_listener *chunk_new(void) {
    void *chunk;
    return neap_os_map(CHUNK_BYTES, &chunk) == NEAP_OK ? chunk : NULL;
}

struct cast_listener *cast_listener_table_add(struct cast_listener_table *table, uint32_t *index) {
    size_t at = 0;
    while (at < CAST_TABLE_CHUNKS_MOST && table->used[at] == CAST_CHUNK_RECORDS)
        at++;
    if (at == CAST_TABLE_CHUNKS_MOST || (!table->chunks[at] && !(table->chunks[at] = chunk_new())))
        return NULL;
    struct cast_listener *record = table->chunks[at];
    while (record->used)
        record++;
    memset(record, 0, sizeof(*record));
    record->used = true;
    table->used[at]++;
    table->count++;
    if (at >= table->end)
        table->end = at + 1;
    *index = (uint32_t)(at * CAST_CHUNK_RECORDS + (size_t)(record - table->chunks[at]));
    return record;
}

struct cast_listener *cast_listener_table_at(const struct cast_listener_table *table, uint32_t index) {
    if (index >= cast_listener_table_end(table) || !table->chunks[index / CAST_CHUNK_RECORDS])
        return NULL;
    struct cast_listener *record = table->chunks[index / CAST_CHUNK_RECORDS] + index % CAST_CHUNK_RECORDS;
    return record->used ? record : NULL;
}

void cast_listener_table_remove(struct cast_listener_table *table, uint32_t index) {
    size_t at = index / CAST_CHUNK_RECORDS;
    table->chunks[at][index % CAST_CHUNK_RECORDS].used = false;
    table->count--;
    if (--table->used[at] == 0) {
        neap_os_release(table->chunks[at], CHUNK_BYTES);
        table->chunks[at] = NULL;
    }
    while (table->end > 0 && !table->chunks[table->end - 1])
        table->end--;
}

bool cast_listener_table_check(const struct cast_listener_table *table, const char **why) {
    size_t count = 0;
    for (size_t at = 0; at < CAST_TABLE_CHUNKS_MOST; at++) {
        size_t used = 0;
        for (size_t i = 0; table->chunks[at] && i < CAST_CHUNK_RECORDS; i++)
            used += table->chunks[at][i].used;
        if (used != table->used[at])
            return *why = "the count of a chunk is wrong", false;
        if (table->chunks[at] && (used == 0 || at >= table->end))
            return *why = "an empty chunk is kept", false;
        count += used;
    }
    return *why = "the count of the table is wrong", count == table->count;
}
