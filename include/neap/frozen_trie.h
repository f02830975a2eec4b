/* neap/frozen_trie.h: a trie for reading only, as small as it can be.
 *
 * It is made from a trie (neap/trie.h), lies in one piece, in memory or in a file,
 * and is what the keys have in common written once: each entry says how many bytes
 * it keeps of the key before it and spells the rest in an alphabet learned from
 * the keys, sixteen or thirty-two entries to a leaf:
 *
 *     dance 2 | keep 5: "r" 3 | keep 3: "ger" 4 | keep 2: "rt" 1
 *
 * A file is mapped, not read: opening takes the same time whatever its length, and
 * what is looked up is what comes into memory. Any number of processes share it.
 *
 * Threads: a frozen trie never changes; any number of threads may use one. A
 * cursor is one thread's.
 */
#ifndef NEAP_FROZEN_TRIE_H
#define NEAP_FROZEN_TRIE_H

#include <neap/trie.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct neap_frozen_trie neap_frozen_trie_t;

/* Makes the frozen form of a trie, which is as before and must not change meanwhile. `allocator` may be
 * NULL and is copied. NULL: no memory. The caller ends it with neap_frozen_trie_destroy. */
neap_frozen_trie_t *neap_trie_freeze(const neap_trie_t *trie, const struct neap_allocator *allocator);

/* Writes it to a file, which appears whole or not at all. NEAP_ERROR_PERMISSION, NEAP_ERROR_SYSTEM (errno).
 */
int neap_frozen_trie_save(const neap_frozen_trie_t *trie, const char *path);

/* Opens such a file. NEAP_ERROR_ABSENT, NEAP_ERROR_PERMISSION, NEAP_ERROR_SYSTEM; NEAP_ERROR_FORMAT
 * for what is not a frozen trie or has been cut; NEAP_ERROR_MEMORY. */
int neap_frozen_trie_open(const char *path, neap_frozen_trie_t **trie);

/* The same for the bytes of such a file in memory, aligned to 64, which outlive the trie. */
int neap_frozen_trie_view(const void *data, size_t bytes, neap_frozen_trie_t **trie);

/* Ends it. NULL is allowed. Its cursors must have ended before. */
void neap_frozen_trie_destroy(neap_frozen_trie_t *trie);

enum neap_kind neap_frozen_trie_key_kind(const neap_frozen_trie_t *trie);
enum neap_kind neap_frozen_trie_value_kind(const neap_frozen_trie_t *trie);
size_t neap_frozen_trie_count(const neap_frozen_trie_t *trie);

/* Bytes of it: in memory, or mapped. */
size_t neap_frozen_trie_bytes(const neap_frozen_trie_t *trie);

/* As for a trie; a text in *value is borrowed as long as the frozen trie lives. */
bool neap_frozen_trie_get(const neap_frozen_trie_t *trie, union neap_item key, union neap_item *value);
bool neap_frozen_trie_longest_prefix(const neap_frozen_trie_t *trie, union neap_item text, size_t limit,
                                     size_t *bytes, union neap_item *value);

/* Verifies all of it: the file's checksum, and that every key is in order and found. False and the
 * reason otherwise; only a damaged file, or having no memory for it, can make it so. */
bool neap_frozen_trie_check(const neap_frozen_trie_t *trie, const char **why);

typedef struct neap_frozen_cursor neap_frozen_cursor_t;

/* As for a trie. _next gives NEAP_ERROR_FORMAT where a file is damaged. */
neap_frozen_cursor_t *neap_frozen_cursor_new(const neap_frozen_trie_t *trie,
                                             const struct neap_trie_range *range);
void neap_frozen_cursor_destroy(neap_frozen_cursor_t *cursor);
int neap_frozen_cursor_next(neap_frozen_cursor_t *cursor, union neap_item *key, union neap_item *value);

/* Entries in a range: two searches. NEAP_ERROR_ARGUMENT for a bound that does not fit the kind. */
int neap_frozen_trie_range_count(const neap_frozen_trie_t *trie, const struct neap_trie_range *range,
                                 size_t *count);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
