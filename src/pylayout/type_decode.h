/* pylayout/type_decode.h: reads and checks one type object.
 *
 *   |refcount, metatype|size|tp_name ... tp_flags ... tp_members ... tp_base|ht_... |slots|
 *    static types end here ---------------------------------------------'
 *
 * type.c calls it; type.c caches decoded types and finds bases and metatypes. The
 * caller holds the lock of the types.
 */
#ifndef NEAP_PYLAYOUT_TYPE_DECODE_H
#define NEAP_PYLAYOUT_TYPE_DECODE_H

#include "pylayout/type.h"

/* Words of a type object, each checked to be in range. */
struct neap__py_type_words {
    uint64_t address, metatype, size, name, tp_flags, members, base, dict;
    int64_t basic_bytes, item_bytes, dict_offset, weaklist_offset;
    uint64_t qualname, cached_keys; /* heap types; else 0 */
};

/* False if it cannot be read or contradicts itself. The caller checks metatype and base. */
bool neap__py_type_words_read(const struct neap_memory *memory, const struct neap_py_version *version,
                              uint64_t address, struct neap__py_type_words *words);

/* Makes a type from its words, base and metatype; the caller sets its index. NULL if there is no memory or
 * no readable name. Adds the memory of the type to *bytes. Freed by neap__py_type_delete. */
struct neap_py_type *neap__py_type_decode(const struct neap_memory *memory,
                                          const struct neap_py_version *version,
                                          const struct neap__py_type_words *words,
                                          const struct neap_py_type *base,
                                          const struct neap_py_type *metatype, size_t *bytes);
void neap__py_type_delete(struct neap_py_type *type);

#endif
