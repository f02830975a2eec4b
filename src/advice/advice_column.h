/* advice/advice_column.h: what all keys, or all values, of something have in common.
 *
 *     str  str  str  ...    -> str, so many, so many bytes that only this refers to
 *     7    -1   300  ...    -> int, from -1 to 300: "i16", array.array('h')
 *     7    "a"  ...         -> a mixture: NEAP_SIMPLE_OTHER
 *
 * One thread.
 */
#ifndef NEAP_ADVICE_ADVICE_COLUMN_H
#define NEAP_ADVICE_ADVICE_COLUMN_H

#include "inspect/objects/address_set.h"
#include "advice/simple_value.h"

/* A zeroed one is empty. */
struct neap_advice_column {
    enum neap_simple_value_kind kind; /* of all; NEAP_SIMPLE_OTHER: a mixture, or none that is simple */
    uint64_t count;
    uint64_t bytes;      /* sys.getsizeof of those that only this refers to */
    int64_t least, most; /* of ints and bools */
};

/* Adds one; what it is. `shared` counts, for all columns of one thing, how often the items that
 * are referred to more than once were met: they belong to it once all that refer to them have. */
struct neap_simple_value neap_advice_column_add(struct neap_advice_column *column, struct neap_py_lens *lens,
                                                struct neap_address_set *shared,
                                                const struct neap_py_object *item,
                                                struct neap_simple_value_buffer *buffer);

/* The kind that a container of Neap's would hold it as; false if there is none. */
bool neap_advice_column_kind(const struct neap_advice_column *column, enum neap_kind *kind);

/* The type code of the array.array that would; 0 if there is none. */
char neap_advice_column_code(const struct neap_advice_column *column);

#endif
