/* neap/trie.h: a sorted mapping from texts or integers to small values.
 *
 * A trie keeps bytes, not objects. Keys that begin alike share what they have in
 * common, and up to 64 neighbours live in one block, a leaf, so that an entry
 * costs little more than the rest of its key and its value:
 *
 *     leaf:  prefix "da"    nce 2   ncer 3   nger 4   rt 1
 *
 *     had more than 64 keys begin so:
 *
 *     node "da"   letters          n        o
 *                 children  leaf   node     leaf
 *                 for       < n    n        o and on
 *                                  └─ ... leaf  ce 2   cer 3   ger 4
 *
 * A frozen trie is the same in a form of its own for reading only, in a third of
 * the memory, which can be saved to a file and opened by any number of processes.
 *
 * Keys are ordered by their bytes: texts by code points, integers by value.
 *
 * Threads: one thread at a time may call for one trie; reading functions (those
 * that take a const trie) may run at the same time, and those of a frozen trie
 * always. Errors are those of neap/error.h; what failed has changed nothing.
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

/* Makes an empty trie. `key` is STR, BYTES or an integer kind, `value` any kind.
 * `allocator` may be NULL (a heap of its own) and is copied. NULL: no memory, or a
 * kind that cannot be. The caller owns the trie and ends it with neap_trie_destroy. */
neap_trie_t *neap_trie_new(enum neap_kind key, enum neap_kind value, const struct neap_allocator *allocator);

/* Ends a trie. NULL is allowed. Its cursors must have ended before. */
void neap_trie_destroy(neap_trie_t *trie);

enum neap_kind neap_trie_key_kind(const neap_trie_t *trie);
enum neap_kind neap_trie_value_kind(const neap_trie_t *trie);

/* Entries. */
size_t neap_trie_count(const neap_trie_t *trie);

/* Whether there is such a key; its value in *value, which may be NULL. A text is
 * borrowed until the trie changes. Keys that do not fit the kind are not there. */
bool neap_trie_get(const neap_trie_t *trie, union neap_item key, union neap_item *value);

/* Adds an entry or replaces its value. NEAP_ERROR_MEMORY; NEAP_ERROR_ARGUMENT for a key or
 * value that does not fit its kind, or text of more than 256 MiB. */
int neap_trie_set(neap_trie_t *trie, union neap_item key, union neap_item value);

/* Removes an entry, and the nodes that only it needed. False: it was not there. */
bool neap_trie_remove(neap_trie_t *trie, union neap_item key);

/* Removes all entries and gives their memory back. */
void neap_trie_clear(neap_trie_t *trie);

/* Of the keys that `text` begins with, the longest of at most `limit` bytes: its bytes and
 * value, both of which may be NULL. False: none. STR and BYTES only. */
bool neap_trie_longest_prefix(const neap_trie_t *trie, union neap_item text, size_t limit, size_t *bytes,
                              union neap_item *value);

/* Makes the trie as small as it can be: neighbouring leaves become one where they fit,
 * paths without a choice one node, and blocks move together. Gives the pages back.
 * NEAP_ERROR_MEMORY: it went part of the way; no entry is lost. */
int neap_trie_compact(neap_trie_t *trie);

/* Bytes of all blocks that the trie holds now. */
size_t neap_trie_bytes(const neap_trie_t *trie);

/* Gives free pages back to the system now; returns the bytes. */
uint64_t neap_trie_trim(neap_trie_t *trie);

/* Verifies every invariant; false at the first that does not hold, its static text in *why.
 * Costs a walk over all entries. */
bool neap_trie_check(const neap_trie_t *trie, const char **why);

/* --- in order ------------------------------------------------------------ */

/* Which entries a cursor gives: those whose key begins with `prefix` (STR, BYTES; length 0
 * for all), is at least `first` and less than `last`. All borrowed during the call only. */
struct neap_trie_range {
    union neap_item prefix, first, last;
    bool has_prefix, has_first, has_last;
};

typedef struct neap_trie_cursor neap_trie_cursor_t;

/* Makes a cursor before the first entry of a range; `range` NULL for all. NULL: no memory.
 * The caller ends it before the trie. */
neap_trie_cursor_t *neap_trie_cursor_new(const neap_trie_t *trie, const struct neap_trie_range *range);
void neap_trie_cursor_destroy(neap_trie_cursor_t *cursor);

/* Goes on to the next entry: 1 and the entry, its texts borrowed until the next call or change;
 * either may be NULL. 0 at the end. A trie that changed meanwhile is no harm: it goes on after
 * the key that was last. NEAP_ERROR_MEMORY: a longer key than before has no room; call again. */
int neap_trie_cursor_next(neap_trie_cursor_t *cursor, union neap_item *key, union neap_item *value);

/* Whether keys came or went since the cursor was made. */
bool neap_trie_cursor_changed(const neap_trie_cursor_t *cursor);

/* Entries in a range, counted leaf by leaf. NEAP_ERROR_MEMORY. */
int neap_trie_range_count(const neap_trie_t *trie, const struct neap_trie_range *range, size_t *count);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
