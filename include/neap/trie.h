/* neap/trie.h: a sorted mapping from texts or integers to small values.
 *
 * A trie keeps bytes and not objects. Up to 64 neighbouring keys lie in one block, a
 * leaf, which stores their common prefix once. With more keys, there are nodes:
 *
 *     leaf:  prefix "da"    nce 2   ncer 3   nger 4   rt 1
 *
 *     node "da"   letters          n        o
 *                 children  leaf   node     leaf
 *                 for       < n    n        o and on
 *                                  └─ ... leaf  ce 2   cer 3   ger 4
 *
 * A frozen trie (neap/frozen_trie.h) is a smaller form for reading only, which can be
 * saved to a file and opened by any number of processes.
 *
 * Texts are ordered by code points, byte strings by their bytes, integers by value.
 *
 * Threads: one thread at a time may change a trie. Functions that take a const trie may
 * run at the same time as each other: they write nothing that another thread could see, and
 * take no memory from the trie's allocator. A call that fails has changed nothing.
 */
#ifndef NEAP_TRIE_H
#define NEAP_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/allocator.h>
#include <neap/error.h>
#include <neap/kind.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* --- the trie ------------------------------------------------------------ */

typedef struct neap_trie neap_trie_t;

/* Makes an empty trie. `key` is STR, BYTES or an integer kind, `value` is any kind.
 * `allocator` may be NULL and is copied. Returns NULL if there is no memory or a kind is
 * not allowed. The caller owns the trie and ends it with neap_trie_destroy. */
neap_trie_t *neap_trie_new(enum neap_kind key, enum neap_kind value, const struct neap_allocator *allocator);

/* Ends a trie. NULL is allowed. Its cursors must have ended before. */
void neap_trie_destroy(neap_trie_t *trie);

enum neap_kind neap_trie_key_kind(const neap_trie_t *trie);
enum neap_kind neap_trie_value_kind(const neap_trie_t *trie);

/* How many entries there are. */
size_t neap_trie_count(const neap_trie_t *trie);

/* Looks up a key and returns whether it is there; if so, its value is in *value. `value` may be
 * NULL. A text is borrowed until the trie changes. A key that does not fit the kind is not there. */
bool neap_trie_get(const neap_trie_t *trie, union neap_item key, union neap_item *value);

/* Adds an entry or replaces its value. NEAP_ERROR_MEMORY; NEAP_ERROR_ARGUMENT for a key or
 * value that does not fit its kind, or a text of more than 256 MiB. Texts are copied; they may lie in this
 * trie. */
int neap_trie_set(neap_trie_t *trie, union neap_item key, union neap_item value);

/* Removes an entry, and the nodes that only this entry needed. Returns false if the key is not
 * there. */
bool neap_trie_remove(neap_trie_t *trie, union neap_item key);

/* Removes all entries and gives their memory back. */
void neap_trie_clear(neap_trie_t *trie);

/* Finds the longest key that `text` begins with and that has at most `limit` bytes. Its length goes
 * to *bytes and its value to *value; both may be NULL. False if there is none. STR and BYTES only. */
bool neap_trie_longest_prefix(const neap_trie_t *trie, union neap_item text, size_t limit, size_t *bytes,
                              union neap_item *value);

/* Makes the trie as small as it can be: merges neighbouring leaves that fit into one, merges nodes
 * with a single child, and moves blocks together. Gives the free pages back.
 * NEAP_ERROR_MEMORY: only a part was done; no entry is lost. */
int neap_trie_compact(neap_trie_t *trie);

/* Bytes of all blocks that the trie holds. */
size_t neap_trie_bytes(const neap_trie_t *trie);

/* Gives free pages back to the system now; returns the bytes. */
uint64_t neap_trie_trim(neap_trie_t *trie);

/* Verifies every invariant. Returns false, with a static text in *why, at the first that does not
 * hold. Walks over all entries. */
bool neap_trie_check(const neap_trie_t *trie, const char **why);

/* --- in order ------------------------------------------------------------ */

/* A cursor returns the entries whose key begins with `prefix` (STR and BYTES only; length 0
 * for all), is at least `first` and is less than `last`. Texts are borrowed during the call only. */
struct neap_trie_range {
    union neap_item prefix, first, last;
    bool has_prefix, has_first, has_last;
};

typedef struct neap_trie_cursor neap_trie_cursor_t;

/* Makes a cursor before the first entry of a range; NULL for `range` means all entries. Returns NULL
 * if there is no memory, or if a bound does not fit the kind of keys (neap_trie_range_count says which). The
 * caller ends the cursor before the trie. One thread at a time may use a cursor. */
neap_trie_cursor_t *neap_trie_cursor_new(const neap_trie_t *trie, const struct neap_trie_range *range);
void neap_trie_cursor_destroy(neap_trie_cursor_t *cursor);

/* Moves to the next entry. Returns 1 and the entry, or 0 at the end. Texts are borrowed until the next
 * call or change; `key` and `value` may be NULL. The trie may change between calls: the cursor then
 * continues after the last key it returned. NEAP_ERROR_MEMORY: there is no memory for a longer key
 * than before; the call may be repeated. */
int neap_trie_cursor_next(neap_trie_cursor_t *cursor, union neap_item *key, union neap_item *value);

/* Whether keys were added or removed since the cursor was made. */
bool neap_trie_cursor_changed(const neap_trie_cursor_t *cursor);

/* Counts the entries in a range, leaf by leaf. NEAP_ERROR_MEMORY; NEAP_ERROR_ARGUMENT for a bound that does
 * not fit the kind of keys, or a prefix of a number. */
int neap_trie_range_count(const neap_trie_t *trie, const struct neap_trie_range *range, size_t *count);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
