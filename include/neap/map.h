/* neap/map.h: a hash map that holds bytes, not objects, and follows what it holds.
 *
 *     neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL);
 *     union neap_item key = {.text = {"dart", 4}}, value = {.u = 7};
 *     neap_map_put(map, key, value, NULL);
 *     if (neap_map_get(map, key, &value)) ...
 *     neap_map_destroy(map);
 *
 * An entry takes the bytes of its key and value, and 4 to 8 more: texts up to 254
 * bytes lie beside each other in small groups, longer ones in blocks of their own. No
 * call waits for the whole map: it grows and shrinks by one group at a time, and gives
 * memory back as it shrinks. Hashing is keyed with a random seed for each map.
 *
 * Keys that are floats: -0.0 is 0.0, and every NaN is the same key.
 *
 * A map can be saved to a file, and a file be opened as a map that cannot be changed:
 * in constant time, the pages shared among all processes that have it open.
 *
 * Threads: one at a time; any number while nobody changes the map. Texts that a map
 * gives out lie in it, and are valid until it is next changed.
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

/* Makes an empty map. `value` may be NEAP_KIND_NONE: a set. `allocator` may be NULL and
 * is copied. Returns NULL without memory, or if `key` is NEAP_KIND_NONE. The caller owns
 * the map and ends it with neap_map_destroy. */
neap_map_t *neap_map_new(enum neap_kind key, enum neap_kind value, const struct neap_allocator *allocator);

/* Ends a map, and its mapping if it was opened from a file. NULL is allowed. */
void neap_map_destroy(neap_map_t *map);

enum neap_kind neap_map_key_kind(const neap_map_t *map);
enum neap_kind neap_map_value_kind(const neap_map_t *map);

/* Entries. */
uint64_t neap_map_count(const neap_map_t *map);

/* All memory the map holds, in bytes; for one from a file, the file's length. */
uint64_t neap_map_bytes(const neap_map_t *map);

/* Whether it was opened from a file. What would change it fails with NEAP_ERROR_PERMISSION. */
bool neap_map_is_file(const neap_map_t *map);

/* Whether `key` is there; its value then is in *value, which may be NULL. A key out of its
 * kind's range is not there. */
bool neap_map_get(const neap_map_t *map, union neap_item key, union neap_item *value);

/* Puts the value under the key, in place of one that is there; *replaced, which may be
 * NULL, tells if there was one. Texts are copied, and do not lie in this very map. NEAP_ERROR_ARGUMENT if a
 * number does not fit its kind, NEAP_ERROR_MEMORY; the map is then as before. */
int neap_map_put(neap_map_t *map, union neap_item key, union neap_item value, bool *replaced);

/* Adds `amount` to the number under the key, in one search; a key that is not there counts
 * as 0 and is put. `amount` is signed (.i) for all integer kinds, .f for floats; the new
 * number goes to *sum, which may be NULL. NEAP_ERROR_ARGUMENT if values are not numbers or
 * the sum does not fit; NEAP_ERROR_MEMORY; the map is then as before. */
int neap_map_add(neap_map_t *map, union neap_item key, union neap_item amount, union neap_item *sum);

/* Removes the entry; false if there is none, or if the map is a file. Never fails otherwise. */
bool neap_map_remove(neap_map_t *map, union neap_item key);

/* Removes all entries. False if the map is a file. */
bool neap_map_clear(neap_map_t *map);

/* A copy that can be changed, also of a map from a file; NULL without memory, or if that
 * file is damaged. `allocator` as for neap_map_new. */
neap_map_t *neap_map_copy(const neap_map_t *map, const struct neap_allocator *allocator);

/* Packs what can be packed closer and gives free memory back to the system now, which
 * otherwise happens by and by. Takes a walk over the map. Returns the bytes given back. */
uint64_t neap_map_trim(neap_map_t *map);

/* --- all entries, in no order ---
 *
 *     struct neap_map_cursor cursor = {0};
 *     while (neap_map_next(map, &cursor, &key, &value)) ...
 *
 * Values may be put under keys that are there meanwhile. After any other change a cursor
 * goes on, but may leave out entries or give some twice; neap_map_changes tells. */
struct neap_map_cursor {
    uint64_t group, entry;
};

/* The next entry; false at the end. `key` and `value` may be NULL. */
bool neap_map_next(const neap_map_t *map, struct neap_map_cursor *cursor, union neap_item *key,
                   union neap_item *value);

/* An entry, one of the last; false if there is none. It is found in a few steps, also if the
 * map is emptied by removing what this gives, in turns. */
bool neap_map_any(const neap_map_t *map, union neap_item *key, union neap_item *value);

/* Counts up with every key that comes or goes. */
uint64_t neap_map_changes(const neap_map_t *map);

/* --- files --- */

/* Saves the map: written beside `path`, synced, and renamed, so that after a crash there is
 * the old file or the whole new one. Returns an error of enum neap_error; errno tells more
 * for NEAP_ERROR_SYSTEM. */
int neap_map_save(const neap_map_t *map, const char *path);

/* Opens a saved map in constant time; it costs no memory but the pages that are read.
 * NEAP_ERROR_FORMAT if the file is not a whole one of a map (see neap_map_verify for its
 * contents), NEAP_ERROR_ABSENT, _PERMISSION, _MEMORY, _SYSTEM. */
int neap_map_open(const char *path, const struct neap_allocator *allocator, neap_map_t **map);

/* Reads all of a map from a file: NEAP_ERROR_FORMAT unless every byte is as it was written
 * and every structure sound. NEAP_OK for a map that is none. */
int neap_map_verify(const neap_map_t *map);

/* Whether a call on this map from a file came upon something that cannot be. It then acted
 * as if there were no entry. Every structure is checked before it is followed. */
bool neap_map_is_damaged(const neap_map_t *map);

/* Verifies every invariant of the data model. False at the first that does not hold, with a
 * static text in *why. Costs a walk over all entries. */
bool neap_map_check(const neap_map_t *map, const char **why);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
