/* advice/advice_column.h: the common kind of all keys, or all values, of a container.
 *
 *     str  str  str  ...    -> str, their number, and the bytes to which only this container refers
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
    enum neap_simple_value_kind kind; /* of all items; NEAP_SIMPLE_OTHER: a mixture, or not simple */
    uint64_t count;
    uint64_t bytes;      /* sys.getsizeof of the items to which only this container refers */
    int64_t least, most; /* of ints and bools */
};

/* Adds an item and returns its value. `shared` is one set for all columns of a container. It counts how
 * often each item with several references was met; an item belongs to the container when all of its
 * references have been met. */
struct neap_simple_value neap_advice_column_add(struct neap_advice_column *column, struct neap_py_lens *lens,
                                                struct neap_address_set *shared,
                                                const struct neap_py_object *item,
                                                struct neap_simple_value_buffer *buffer);

/* The kind of a Neap container that can hold the column; false if there is none. */
bool neap_advice_column_kind(const struct neap_advice_column *column, enum neap_kind *kind);

/* The type code of the array.array that can hold the column; 0 if there is none. */
char neap_advice_column_code(const struct neap_advice_column *column);

#endif
