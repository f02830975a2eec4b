/* neap/frozen_trie.h: a compressed trie that cannot be changed.
 *
 * A frozen trie is made from a trie (neap/trie.h). It is one contiguous piece of
 * memory or of a file. An entry stores how many bytes its key shares with the key
 * before it, and spells the rest of the key in an alphabet that is learned from all
 * keys. A leaf has sixteen or thirty-two entries:
 *
 *     dance 2 | keep 5: "r" 3 | keep 3: "ger" 4 | keep 2: "rt" 1
 *
 * A file is mapped and not read. So opening takes constant time, lookups bring only
 * the pages they touch into memory, and all processes that open the file share them.
 *
 * Threads: a frozen trie never changes, so any number of threads may use it. A
 * cursor belongs to one thread.
 */
#ifndef NEAP_FROZEN_TRIE_H
#define NEAP_FROZEN_TRIE_H

#include <neap/trie.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct neap_frozen_trie neap_frozen_trie_t;

/* Makes the frozen form of a trie. The trie itself stays as it is and must not be changed during the
 * call. `allocator` may be NULL and is copied. Returns NULL if there is no memory. The caller ends the
 * frozen trie with neap_frozen_trie_destroy. */
neap_frozen_trie_t *neap_trie_freeze(const neap_trie_t *trie, const struct neap_allocator *allocator);

/* Saves it as a file. The file is replaced as a whole: after a crash there is the old one or the new
 * one. A link at `path` is followed if it is the caller's or root's. NEAP_ERROR_PERMISSION, NEAP_ERROR_ABSENT
 * (no such folder), NEAP_ERROR_SYSTEM (errno). NEAP_ERROR_FORMAT: at `path` lies a folder (errno EISDIR) or
 * another thing that is no regular file (ENODEV); or this trie is a file and was cut short (EIO). */
int neap_frozen_trie_save(const neap_frozen_trie_t *trie, const char *path);

/* Opens a saved file. As for a Bits (neap/bits.h), a handler of SIGBUS is installed with the first file.
 * NEAP_ERROR_ABSENT, NEAP_ERROR_PERMISSION, NEAP_ERROR_SYSTEM, NEAP_ERROR_MEMORY;
 * NEAP_ERROR_FORMAT if it is not a frozen trie or is cut short. */
int neap_frozen_trie_open(const char *path, neap_frozen_trie_t **trie);

/* The same for the bytes of a saved file in memory. They must be aligned to 64 and outlive the trie. */
int neap_frozen_trie_view(const void *data, size_t bytes, neap_frozen_trie_t **trie);

/* Ends it. NULL is allowed. Its cursors must have ended before. */
void neap_frozen_trie_destroy(neap_frozen_trie_t *trie);

enum neap_kind neap_frozen_trie_key_kind(const neap_frozen_trie_t *trie);
enum neap_kind neap_frozen_trie_value_kind(const neap_frozen_trie_t *trie);
size_t neap_frozen_trie_count(const neap_frozen_trie_t *trie);

/* Its size in bytes, in memory or mapped. */
size_t neap_frozen_trie_bytes(const neap_frozen_trie_t *trie);

/* As for a trie. A text in *value is borrowed and valid as long as the frozen trie exists. */
bool neap_frozen_trie_get(const neap_frozen_trie_t *trie, union neap_item key, union neap_item *value);
bool neap_frozen_trie_longest_prefix(const neap_frozen_trie_t *trie, union neap_item text, size_t limit,
                                     size_t *bytes, union neap_item *value);

/* Whether a call has met a damaged leaf, or a file that another process cut short. Such a call acted as if
 * there were no entry. A file that is cut reads as zeros from there on, also through texts that were returned
 * before: ask this after a text of a file was used. */
bool neap_frozen_trie_is_damaged(const neap_frozen_trie_t *trie);

/* Verifies the checksum of the file, and that every key is in order and is found by a lookup. Returns
 * false with the reason in *why if the file is damaged, or if there is no memory for the test. */
bool neap_frozen_trie_check(const neap_frozen_trie_t *trie, const char **why);

typedef struct neap_frozen_cursor neap_frozen_cursor_t;

/* As for a trie. neap_frozen_cursor_next returns NEAP_ERROR_FORMAT where the file is damaged or cut short. */
neap_frozen_cursor_t *neap_frozen_cursor_new(const neap_frozen_trie_t *trie,
                                             const struct neap_trie_range *range);
void neap_frozen_cursor_destroy(neap_frozen_cursor_t *cursor);
int neap_frozen_cursor_next(neap_frozen_cursor_t *cursor, union neap_item *key, union neap_item *value);

/* Counts the entries in a range with two searches. NEAP_ERROR_ARGUMENT for a bound that does not fit
 * the kind. */
int neap_frozen_trie_range_count(const neap_frozen_trie_t *trie, const struct neap_trie_range *range,
                                 size_t *count);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
