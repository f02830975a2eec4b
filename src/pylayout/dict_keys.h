/* pylayout/dict_keys.h: PyDictKeysObject: the table of names or keys behind dicts and instances.
 *
 *   |refcount, sizes|indices 1 << n bytes|entry|entry| ... |entry|unused|
 *                                         hash, key, value; or key, value
 *
 * Shared by dicts (values in the entries) and by the instances of a class (names
 * in the entries, values elsewhere). Bounded: no more entries than the table's
 * size, no table beyond 2^40 entries. Any thread.
 */
#ifndef NEAP_PYLAYOUT_DICT_KEYS_H
#define NEAP_PYLAYOUT_DICT_KEYS_H

#include <stdbool.h>

#include "base/memory_source.h"
#include "pylayout/cpython_version.h"

struct neap__py_keys {
    uint64_t address, bytes; /* all of it */
    uint64_t refcount;
    uint64_t entries;       /* address of entry 0 */
    uint64_t count;         /* entries ever used: holes among them have no value */
    uint64_t room;          /* entries there is room for */
    uint64_t shared_usable; /* values of an instance, where names are shared */
    uint32_t entry_bytes;
    uint32_t key_offset; /* in an entry; the value is behind it */
};

/* False if it cannot be read or contradicts itself. */
bool neap__py_keys_read(const struct neap_memory *memory, const struct neap_py_version *version,
                        uint64_t address, struct neap__py_keys *keys);

/* Key and value of entry `index` < count; either may be 0. False if it cannot be read. */
bool neap__py_keys_entry(const struct neap_memory *memory, const struct neap__py_keys *keys, uint64_t index,
                         uint64_t *key, uint64_t *value);

#endif
