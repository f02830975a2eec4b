/* advice/size_estimate.c: formulas for data structures of CPython, SQLite and Redis. */
#include "advice/size_estimate.h"

enum {
    GC_HEAD = 16,
    OBJECT = 16,
    ARRAY_OBJECT = 64,   /* arrayobject, Modules/arraymodule.c */
    ARRAY_GC_MINOR = 10, /* array.array has a GC head from 3.10 on */
    BITS_OBJECT = 56,    /* python/neap/bits_object.h, in 64 bits */
    WORD_BITS = 64,

    PAGE = 4096,      /* SQLite's standard page */
    PAGE_HELD = 4360, /* with the headers of the page cache and of the B-tree: 3.40 */
    LEAF_HEADER = 8,
    INTERIOR_HEADER = 12,
    POINTER = 2,        /* in the array of cells */
    CHILD = 4,          /* page number in an interior cell */
    CONNECTION = 24104, /* an open connection, its schema and its page cache: 3.40; 3.53 has 49 kB more */
    CACHE_SLOTS = 256,  /* of the page cache's table at first */

    REDIS_NODE = 32,   /* dictEntry of 24 bytes, in jemalloc's class */
    REDIS_HASH = 1100, /* the key, its robj, the dict */
};

/* --- arrays, slots, bits --------------------------------------------------------------- */

uint64_t neap_size_estimate_array(unsigned minor, uint64_t items, unsigned item_bytes) {
    uint64_t object = ARRAY_OBJECT + (minor >= ARRAY_GC_MINOR ? GC_HEAD : 0);
    return object + items * item_bytes;
}

uint64_t neap_size_estimate_slots(unsigned slots) {
    return GC_HEAD + OBJECT + 8 * (uint64_t)slots;
}

uint64_t neap_size_estimate_bits(uint64_t count) {
    return BITS_OBJECT + (count > WORD_BITS ? (count + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t) : 0);
}

/* --- SQLite ------------------------------------------------------------------------- */

static unsigned varint_bytes(uint64_t value) {
    unsigned bytes = 1;
    while (value >= 128 && bytes < 9) {
        value >>= 7;
        bytes++;
    }
    return bytes;
}

static unsigned integer_bytes(int64_t value) {
    static const unsigned bits[] = {7, 15, 23, 31, 47}, bytes[] = {1, 2, 3, 4, 6};
    if (value == 0 || value == 1)
        return 0; /* the type alone gives the value */
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (value >= -(INT64_C(1) << bits[i]) && value < INT64_C(1) << bits[i])
            return bytes[i];
    return 8;
}

/* Adds a column of a record: the bytes of its type in the header, and its own. */
struct column {
    uint64_t head, body;
};

static struct column column_of(enum neap_size_estimate_cell kind, int64_t value) {
    switch (kind) {
    case NEAP_CELL_TEXT:
        return (struct column){varint_bytes(13 + 2 * (uint64_t)value), (uint64_t)value};
    case NEAP_CELL_INTEGER:
        return (struct column){1, integer_bytes(value)};
    default:
        return (struct column){1, 8};
    }
}

static uint64_t record_bytes(struct column one, struct column other) {
    uint64_t head = one.head + other.head + 1;
    if (head > 127)
        head++;
    return head + one.body + other.body;
}

/* The part of a payload that stays in the page of the B-tree. Adds its overflow pages to *overflow. */
static uint64_t payload_local(uint64_t payload, bool index, uint64_t *overflow) {
    uint64_t most = index ? (PAGE - 12) * 64 / 255 - 23 : PAGE - 35, least = (PAGE - 12) * 32 / 255 - 23;
    if (payload <= most)
        return payload;
    uint64_t local = least + (payload - least) % (PAGE - 4);
    if (local > most)
        local = least;
    *overflow += (payload - local + PAGE - 5) / (PAGE - 4);
    return local + 4;
}

void neap_size_estimate_sqlite_add(struct neap_size_estimate_sqlite *sqlite,
                                   enum neap_size_estimate_cell key_kind, int64_t key,
                                   enum neap_size_estimate_cell value_kind, int64_t value) {
    struct column key_column = column_of(key_kind, key);
    uint64_t rowid = ++sqlite->rows;
    uint64_t payload = record_bytes(key_column, column_of(value_kind, value)), overflow = 0;
    uint64_t cell =
        varint_bytes(payload) + varint_bytes(rowid) + payload_local(payload, false, &overflow) + POINTER;
    sqlite->table_pages += overflow + (sqlite->rows == 1);
    if (sqlite->used + cell > PAGE - LEAF_HEADER) {
        sqlite->table_pages++;
        sqlite->used = 0;
    }
    sqlite->used += cell;
    payload = record_bytes(key_column, column_of(NEAP_CELL_INTEGER, (int64_t)rowid));
    overflow = 0;
    cell = varint_bytes(payload) + payload_local(payload, true, &overflow) + POINTER;
    sqlite->table_pages += overflow;
    sqlite->index_bytes += cell;
    if (cell > sqlite->index_cell_most)
        sqlite->index_cell_most = cell;
}

/* Interior pages above `pages` children, if each child takes `cell` bytes of an interior page. */
static uint64_t interior_pages(uint64_t pages, uint64_t cell) {
    uint64_t sum = 0, children = (PAGE - INTERIOR_HEADER) / cell + 1;
    while (pages > 1) {
        pages = (pages + children - 1) / children;
        sum += pages;
    }
    return sum;
}

/* The cells of the index are sorted and fill leaf after leaf. Between two leaves, one cell moves up. The
 * free room at the end of a leaf is half a cell on average. */
static uint64_t index_pages(const struct neap_size_estimate_sqlite *sqlite) {
    double cell = (double)sqlite->index_bytes / (double)sqlite->rows;
    double leaf = (PAGE - LEAF_HEADER - (cell - 1) / 2) + cell; /* with the cell that moves up */
    uint64_t leaves = (uint64_t)((double)sqlite->index_bytes / leaf) + 1;
    return leaves + interior_pages(leaves, (uint64_t)cell + CHILD);
}

uint64_t neap_size_estimate_sqlite_end(const struct neap_size_estimate_sqlite *sqlite) {
    uint64_t pages = 1, slots = CACHE_SLOTS; /* page 1 is the schema */
    if (sqlite->rows) {
        uint64_t rowid = varint_bytes(sqlite->rows);
        pages += sqlite->table_pages + interior_pages(sqlite->table_pages, CHILD + rowid + POINTER);
        pages += index_pages(sqlite);
    }
    while (slots <= pages)
        slots *= 2;
    return pages * PAGE_HELD + slots * sizeof(uint64_t) + CONNECTION;
}

/* --- Redis --------------------------------------------------------------------------- */

/* jemalloc's classes: steps of 16 to 128, then four between powers of two. */
static uint64_t jemalloc_class(uint64_t bytes) {
    if (bytes <= 8)
        return 8;
    if (bytes <= 128)
        return (bytes + 15) & ~UINT64_C(15);
    uint64_t step = UINT64_C(1) << (61 - __builtin_clzll(bytes - 1));
    return (bytes + step - 1) & ~(step - 1);
}

/* A string of Redis: header, text, terminator. */
static uint64_t sds_bytes(uint64_t length) {
    uint64_t header = length < 32 ? 1 : length < 256 ? 3 : length < 65536 ? 5 : 9;
    return jemalloc_class(header + length + 1);
}

void neap_size_estimate_redis_add(struct neap_size_estimate_redis *redis, uint64_t key_bytes,
                                  uint64_t value_bytes) {
    redis->items++;
    redis->bytes += REDIS_NODE + sds_bytes(key_bytes) + sds_bytes(value_bytes);
}

uint64_t neap_size_estimate_redis_end(const struct neap_size_estimate_redis *redis) {
    uint64_t table = 4;
    while (table < redis->items)
        table *= 2;
    return REDIS_HASH + redis->bytes + table * sizeof(uint64_t);
}

unsigned neap_size_estimate_digits(int64_t value) {
    unsigned digits = value < 0 ? 2 : 1;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; left >= 10; left /= 10)
        digits++;
    return digits;
}
