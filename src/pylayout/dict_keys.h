/* pylayout/dict_keys.h: PyDictKeysObject, the table of names or keys of dicts and instances.
 *
 *   |refcount, sizes|indices 1 << n bytes|entry|entry| ... |entry|unused|
 *                                         hash, key, value; or key, value
 *
 * A dict has its values in the entries. Instances of a class share a table with their
 * names; their values lie elsewhere. Reading is bounded: there are no more entries than
 * the table has room for, and at most 2^40. Any thread.
 */
#ifndef NEAP_PYLAYOUT_DICT_KEYS_H
#define NEAP_PYLAYOUT_DICT_KEYS_H

#include <stdbool.h>

#include "base/memory_source.h"
#include "pylayout/cpython_version.h"

struct neap__py_keys {
    uint64_t address, bytes; /* of the whole table */
    uint64_t refcount;
    uint64_t entries;       /* address of entry 0 */
    uint64_t count;         /* entries that were ever used; deleted ones have no value */
    uint64_t room;          /* number of entries that fit */
    uint64_t shared_usable; /* number of values of an instance, if names are shared */
    uint32_t entry_bytes;
    uint32_t key_offset; /* in an entry; the value follows the key */
};

/* False if it cannot be read or contradicts itself. */
bool neap__py_keys_read(const struct neap_memory *memory, const struct neap_py_version *version,
                        uint64_t address, struct neap__py_keys *keys);

/* Key and value of entry `index` < count; either may be 0. False if it cannot be read. */
bool neap__py_keys_entry(const struct neap_memory *memory, const struct neap__py_keys *keys, uint64_t index,
                         uint64_t *key, uint64_t *value);

#endif
