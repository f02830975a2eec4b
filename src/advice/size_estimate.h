/* advice/size_estimate.h: formulas for the memory that the same contents would take elsewhere.
 *
 *     array      one object and its items           slots     instances without a dict
 *     bits       one object and its words
 *     sqlite     pages of two B-trees: rows in order of insertion, and an index sorted by key
 *     redis      one hash: per item a node, a key and a value, each in jemalloc's size classes
 *
 * The formulas follow the data structures and take the actual contents.
 * tests/system/test_advise.py compares each with the real store. Pure; any thread.
 */
#ifndef NEAP_ADVICE_SIZE_ESTIMATE_H
#define NEAP_ADVICE_SIZE_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes are those of sys.getsizeof, before an allocator rounds them. */

/* Size of an array.array made from a list in Python 3.`minor`, with its GC head if it has one. */
uint64_t neap_size_estimate_array(unsigned minor, uint64_t items, unsigned item_bytes);

/* Size of an instance of a class with `slots` __slots__ and no dict. */
uint64_t neap_size_estimate_slots(unsigned slots);

/* Size of a neap.Bits with `count` bits. */
uint64_t neap_size_estimate_bits(uint64_t count);

/* --- SQLite in memory: create table t(k, v); insert all; create index i on t(k) --------- */

enum neap_size_estimate_cell { NEAP_CELL_TEXT, NEAP_CELL_INTEGER, NEAP_CELL_REAL };

/* A zeroed one is empty. */
struct neap_size_estimate_sqlite {
    uint64_t rows;
    uint64_t table_pages, used; /* leaves so far; used bytes of the last one */
    uint64_t index_bytes;       /* of all cells of the index */
    uint64_t index_cell_most;   /* of its largest cell */
};

/* Adds a row. For TEXT, `key` is the length in bytes; for INTEGER, it is the value. The same holds for
 * `value`. */
void neap_size_estimate_sqlite_add(struct neap_size_estimate_sqlite *sqlite,
                                   enum neap_size_estimate_cell key_kind, int64_t key,
                                   enum neap_size_estimate_cell value_kind, int64_t value);

/* Bytes that SQLite holds after all rows were added. */
uint64_t neap_size_estimate_sqlite_end(const struct neap_size_estimate_sqlite *sqlite);

/* --- Redis: HSET of one hash -------------------------------------------------------------- */

struct neap_size_estimate_redis {
    uint64_t items, bytes;
};

/* Adds an item. Redis keeps keys and values as texts; the parameters are their lengths. */
void neap_size_estimate_redis_add(struct neap_size_estimate_redis *redis, uint64_t key_bytes,
                                  uint64_t value_bytes);
uint64_t neap_size_estimate_redis_end(const struct neap_size_estimate_redis *redis);

/* Characters of a decimal number, including its sign. */
unsigned neap_size_estimate_digits(int64_t value);

#endif
