/* pylayout/type_decode.h: one type object, read and checked.
 *
 *   |refcount, metatype|size|tp_name ... tp_flags ... tp_members ... tp_base|ht_... |slots|
 *    static types end here ---------------------------------------------'
 *
 * Between type.c, which keeps what was decoded and knows the bases, and
 * type_decode.c, which knows the layout. The caller holds the types' lock.
 */
#ifndef NEAP_PYLAYOUT_TYPE_DECODE_H
#define NEAP_PYLAYOUT_TYPE_DECODE_H

#include "pylayout/type.h"

/* Raw words of a type object, each in a possible range. */
struct neap__py_type_words {
    uint64_t address, metatype, size, name, tp_flags, members, base, dict;
    int64_t basic_bytes, item_bytes, dict_offset, weaklist_offset;
    uint64_t qualname, cached_keys; /* heap types; else 0 */
};

/* False if it cannot be read or contradicts itself. Its metatype and base are still to be checked. */
bool neap__py_type_words_read(const struct neap_memory *memory, const struct neap_py_version *version,
                              uint64_t address, struct neap__py_type_words *words);

/* Everything but index, base and metatype, which are set; NULL without memory or a readable name. What it
 * needs is counted in *bytes. To be freed by neap__py_type_delete. */
struct neap_py_type *neap__py_type_decode(const struct neap_memory *memory,
                                          const struct neap_py_version *version,
                                          const struct neap__py_type_words *words,
                                          const struct neap_py_type *base,
                                          const struct neap_py_type *metatype, size_t *bytes);
void neap__py_type_delete(struct neap_py_type *type);

#endif
