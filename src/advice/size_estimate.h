/* advice/size_estimate.h: what the same contents would take elsewhere, byte for byte.
 *
 *     array      one object and its items           slots     instances without a dict
 *     bits       one object and its words
 *     sqlite     pages of two B-trees, filled in turn: rows, and an index sorted by key
 *     redis      one hash: a node, a key, a value an item, each in jemalloc's size classes
 *
 * Formulas of the data structures, fed with the real contents, each held against the real
 * thing by tests/system/test_advise.py. Pure; any thread.
 */
#ifndef NEAP_ADVICE_SIZE_ESTIMATE_H
#define NEAP_ADVICE_SIZE_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value takes: sys.getsizeof's figures, before the allocator rounds. */

/* An array.array of Python 3.`minor` made from a list: with its GC head where it has one. */
uint64_t neap_size_estimate_array(unsigned minor, uint64_t items, unsigned item_bytes);

/* An instance of a class with so many __slots__ and no dict. */
uint64_t neap_size_estimate_slots(unsigned slots);

/* A neap.Bits of so many bits. */
uint64_t neap_size_estimate_bits(uint64_t count);

/* --- SQLite in memory: create table t(k, v); insert all; create index i on t(k) --------- */

enum neap_size_estimate_cell { NEAP_CELL_TEXT, NEAP_CELL_INTEGER, NEAP_CELL_REAL };

/* A zeroed one is empty. */
struct neap_size_estimate_sqlite {
    uint64_t rows;
    uint64_t table_pages, used; /* leaves so far; bytes used of the last */
    uint64_t index_bytes;       /* of all cells of the index */
    uint64_t index_cell_most;   /* the largest of them */
};

/* Adds a row: a key of so many bytes (TEXT) or with that value (INTEGER), likewise the value. */
void neap_size_estimate_sqlite_add(struct neap_size_estimate_sqlite *sqlite,
                                   enum neap_size_estimate_cell key_kind, int64_t key,
                                   enum neap_size_estimate_cell value_kind, int64_t value);

/* Bytes that the library holds then. */
uint64_t neap_size_estimate_sqlite_end(const struct neap_size_estimate_sqlite *sqlite);

/* --- Redis: HSET of one hash -------------------------------------------------------------- */

struct neap_size_estimate_redis {
    uint64_t items, bytes;
};

/* Keys and values are texts to Redis, of so many bytes. */
void neap_size_estimate_redis_add(struct neap_size_estimate_redis *redis, uint64_t key_bytes,
                                  uint64_t value_bytes);
uint64_t neap_size_estimate_redis_end(const struct neap_size_estimate_redis *redis);

/* Digits of a decimal, its sign included. */
unsigned neap_size_estimate_digits(int64_t value);

#endif
