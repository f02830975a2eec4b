/* cast/air/address_count.c: linear probing; a row that empties pulls those behind it up. */
#include "cast/air/address_count.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "os/random.h"

enum { ROWS_LEAST = 64 };

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void key_of(const uint8_t address[16], uint8_t key[16]) {
    memcpy(key, address, 16);
    if (memcmp(address, v4_prefix, sizeof(v4_prefix)) != 0)
        memset(key + 8, 0, 8);
}

static size_t home_of(const struct cast_address_counts *counts, const uint8_t key[16]) {
    return (size_t)XXH3_64bits_withSeed(key, 16, counts->secret) & (counts->row_count - 1);
}

/* The row of a key, or the free one where the search ended. */
static size_t row_of(const struct cast_address_counts *counts, const uint8_t key[16]) {
    size_t at = home_of(counts, key);
    while (counts->rows[at].count != 0 && memcmp(counts->rows[at].address, key, 16) != 0)
        at = (at + 1) & (counts->row_count - 1);
    return at;
}

/* Lays the rows into a table in which they fill at most a third. The old table stays if there is no memory.
 */
static bool rows_renew(struct cast_address_counts *counts) {
    struct cast_address_counts made = {.row_count = ROWS_LEAST, .secret = neap_os_random()};
    while (made.row_count < counts->used * 3)
        made.row_count *= 2;
    made.rows = calloc(made.row_count, sizeof(*made.rows));
    if (!made.rows)
        return false;
    for (size_t i = 0; i < counts->row_count; i++)
        if (counts->rows[i].count != 0)
            made.rows[row_of(&made, counts->rows[i].address)] = counts->rows[i];
    free(counts->rows);
    counts->rows = made.rows;
    counts->row_count = made.row_count;
    counts->secret = made.secret;
    return true;
}

bool cast_address_counts_add(struct cast_address_counts *counts, const uint8_t address[16], uint64_t most) {
    uint8_t key[16];
    bool added = false;
    key_of(address, key);
    neap_os_lock(&counts->lock);
    if ((counts->used + 1) * 4 <= counts->row_count * 3 || rows_renew(counts)) {
        struct cast_address_row *row = &counts->rows[row_of(counts, key)];
        added = row->count < most && row->count < UINT32_MAX;
        if (added && row->count++ == 0) {
            memcpy(row->address, key, 16);
            counts->used++;
        }
    }
    neap_os_unlock(&counts->lock);
    return added;
}

/* Moves rows up that were displaced by the one at `hole`, so that no search ends too early. */
static void hole_close(struct cast_address_counts *counts, size_t hole) {
    size_t mask = counts->row_count - 1;
    for (size_t at = (hole + 1) & mask; counts->rows[at].count != 0; at = (at + 1) & mask) {
        size_t home = home_of(counts, counts->rows[at].address);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it would lie before its home */
        counts->rows[hole] = counts->rows[at];
        counts->rows[at].count = 0;
        hole = at;
    }
}

void cast_address_counts_remove(struct cast_address_counts *counts, const uint8_t address[16]) {
    uint8_t key[16];
    key_of(address, key);
    neap_os_lock(&counts->lock);
    size_t at = counts->row_count > 0 ? row_of(counts, key) : 0;
    if (counts->row_count > 0 && counts->rows[at].count > 0 && --counts->rows[at].count == 0) {
        hole_close(counts, at);
        if (--counts->used * 16 < counts->row_count && counts->row_count > ROWS_LEAST)
            rows_renew(counts); /* smaller; the large one serves on if there is no memory */
    }
    neap_os_unlock(&counts->lock);
}

void cast_address_counts_clear(struct cast_address_counts *counts) {
    free(counts->rows);
    counts->rows = NULL;
    counts->row_count = counts->used = 0;
}
