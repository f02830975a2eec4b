/* neap/map.h: a hash map that holds bytes and not objects, and shrinks with its entries.
 *
 *     neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL);
 *     union neap_item key = {.text = {"dart", 4}}, value = {.u = 7};
 *     neap_map_put(map, key, value, NULL);
 *     if (neap_map_get(map, key, &value)) ...
 *     neap_map_destroy(map);
 *
 * An entry takes the bytes of its key and value, and 4 to 8 more. Texts of up to 254
 * bytes lie side by side in small groups; longer ones have blocks of their own. The map
 * grows and shrinks by one group at a time, so no call takes long, and memory goes back
 * as the map shrinks. Each map hashes with a random seed of its own.
 *
 * For float keys, -0.0 equals 0.0, and all NaNs are one key.
 *
 * A map can be saved to a file. A file opens in constant time as a map that cannot be
 * changed; all processes that have it open share its pages.
 *
 * Threads: one thread at a time; any number while no thread changes the map: a function that takes a
 * const map writes nothing that another thread could see. A text that
 * a map returns lies in the map and is valid until the map is next changed.
 */
#ifndef NEAP_MAP_H
#define NEAP_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/allocator.h>
#include <neap/error.h>
#include <neap/kind.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct neap_map neap_map_t;

/* Makes an empty map. With NEAP_KIND_NONE for `value` it is a set. `allocator` may be NULL
 * and is copied. Returns NULL if there is no memory or if `key` is NEAP_KIND_NONE. The caller
 * owns the map and ends it with neap_map_destroy. */
neap_map_t *neap_map_new(enum neap_kind key, enum neap_kind value, const struct neap_allocator *allocator);

/* Ends a map, and its mapping if it was opened from a file. NULL is allowed. */
void neap_map_destroy(neap_map_t *map);

enum neap_kind neap_map_key_kind(const neap_map_t *map);
enum neap_kind neap_map_value_kind(const neap_map_t *map);

/* How many entries there are. */
uint64_t neap_map_count(const neap_map_t *map);

/* All memory that the map holds, in bytes; for a map from a file, the length of the file. */
uint64_t neap_map_bytes(const neap_map_t *map);

/* Whether the map was opened from a file. Calls that would change such a map fail with
 * NEAP_ERROR_PERMISSION. */
bool neap_map_is_file(const neap_map_t *map);

/* Looks up `key` and returns whether it is there; if so, its value is in *value. `value` may be
 * NULL. A key out of its kind's range is not there. */
bool neap_map_get(const neap_map_t *map, union neap_item key, union neap_item *value);

/* Adds an entry, or replaces its value if the key is there; *replaced says which. `replaced` may
 * be NULL. Texts are copied; they may lie in this map. Returns NEAP_ERROR_ARGUMENT if a number
 * does not fit its kind, or NEAP_ERROR_MEMORY; the map is then as before. */
int neap_map_put(neap_map_t *map, union neap_item key, union neap_item value, bool *replaced);

/* Adds `amount` to the number under the key, with one search. A key that is not there counts
 * as 0 and is added. `amount` is signed (.i) for all integer kinds, .f for floats. The new
 * number goes to *sum; `sum` may be NULL. Returns NEAP_ERROR_ARGUMENT if values are not numbers
 * or the sum does not fit, or NEAP_ERROR_MEMORY; the map is then as before. */
int neap_map_add(neap_map_t *map, union neap_item key, union neap_item amount, union neap_item *sum);

/* Removes an entry. Returns false if there is none, or if the map is from a file. Cannot fail
 * otherwise. */
bool neap_map_remove(neap_map_t *map, union neap_item key);

/* Removes all entries. Returns false if the map is from a file. */
bool neap_map_clear(neap_map_t *map);

/* Makes a copy that can be changed, also of a map from a file. Returns NULL if there is no
 * memory, or if the file is damaged. `allocator` as for neap_map_new. */
neap_map_t *neap_map_copy(const neap_map_t *map, const struct neap_allocator *allocator);

/* Packs groups closer and gives free memory back to the system now. Otherwise this happens
 * bit by bit as the map changes. Walks over the map. Returns the bytes given back. */
uint64_t neap_map_trim(neap_map_t *map);

/* --- all entries, in no particular order ---
 *
 *     struct neap_map_cursor cursor = {0};
 *     while (neap_map_next(map, &cursor, &key, &value)) ...
 *
 * While a cursor is in use, values of existing keys may be replaced. After any other change a
 * cursor still works, but may leave out entries or return some twice; neap_map_changes shows
 * whether there was such a change. */
struct neap_map_cursor {
    uint64_t group, entry;
};

/* Returns the next entry; false at the end. `key` and `value` may be NULL. */
bool neap_map_next(const neap_map_t *map, struct neap_map_cursor *cursor, union neap_item *key,
                   union neap_item *value);

/* Returns any entry; false if there is none. The search begins where an entry was last removed, so that
 * emptying a map by removing each entry that this returns takes linear time. */
bool neap_map_any(const neap_map_t *map, union neap_item *key, union neap_item *value);

/* A number that goes up with every key that is added or removed. */
uint64_t neap_map_changes(const neap_map_t *map);

/* --- files --- */

/* Saves the map. The file is written without a name or under a temporary one beside `path`, synced, and
 * renamed, so that after a crash there is the old file or the whole new one. A link at `path` is followed if
 * it is the caller's or root's. Returns NEAP_ERROR_PERMISSION, NEAP_ERROR_ABSENT (no such folder),
 * NEAP_ERROR_MEMORY, NEAP_ERROR_SYSTEM (errno has the cause). NEAP_ERROR_FORMAT: at `path` lies a folder
 * (errno EISDIR) or another thing that is no regular file (ENODEV); or this map is a file and is damaged
 * (EIO). */
int neap_map_save(const neap_map_t *map, const char *path);

/* Opens a saved map in constant time. Only pages that are read take memory. As for a Bits (neap/bits.h), a
 * handler of SIGBUS is installed with the first file. Returns
 * NEAP_ERROR_FORMAT if the file is not a map's or is cut short (neap_map_verify checks its
 * contents), NEAP_ERROR_ABSENT, _PERMISSION, _MEMORY, _SYSTEM. */
int neap_map_open(const char *path, const struct neap_allocator *allocator, neap_map_t **map);

/* Reads all of a map from a file. Returns NEAP_ERROR_FORMAT unless the checksum is right and
 * every structure is sound; NEAP_OK for a map that is not from a file. */
int neap_map_verify(const neap_map_t *map);

/* Whether a call on this map from a file has met a damaged structure, or a file that another process cut
 * short. That call then acted as if there were no entry. Every structure is checked before it is followed. A
 * file that is cut reads as zeros from there on, also through texts that were returned before: ask this after
 * a text of a file was used. */
bool neap_map_is_damaged(const neap_map_t *map);

/* Verifies every invariant of the data model. Returns false, with a static text in *why, at the
 * first that does not hold. Walks over all entries. */
bool neap_map_check(const neap_map_t *map, const char **why);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
