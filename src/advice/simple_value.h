/* advice/simple_value.h: what simple objects of the target contain: numbers and texts, as a
 * container of neap/kind.h takes them.
 *
 *     None  True  -7  0.5  "dart"  b"\0"      one of these kinds, and its value
 *     everything else                         NEAP_SIMPLE_OTHER
 *
 * Texts come in UTF-8, in place where the target's memory has them so. An int beyond 63
 * bits, a text of more than NEAP_SIMPLE_TEXT_MAX characters or with lone surrogates, a
 * subclass of a built-in type: none of these is simple. Any thread, by its lens.
 */
#ifndef NEAP_ADVICE_SIMPLE_VALUE_H
#define NEAP_ADVICE_SIMPLE_VALUE_H

#include <neap/kind.h>

#include "pylayout/object.h"

enum { NEAP_SIMPLE_TEXT_MAX = 1 << 20 };

enum neap_simple_value_kind {
    NEAP_SIMPLE_OTHER,
    NEAP_SIMPLE_NONE,
    NEAP_SIMPLE_BOOL,
    NEAP_SIMPLE_INT,
    NEAP_SIMPLE_FLOAT,
    NEAP_SIMPLE_STR,
    NEAP_SIMPLE_BYTES,
    NEAP_SIMPLE_KINDS
};

struct neap_simple_value {
    enum neap_simple_value_kind kind;
    union neap_item item; /* BOOL, INT: i; FLOAT: f; STR, BYTES: text, good until its buffer is used again */
};

/* Room for a text. Zeroed it is empty; its owner frees `bytes`. */
struct neap_simple_value_buffer {
    unsigned char *bytes;
    size_t room;
};

/* By its type alone, before anything is read: OTHER is certain, the others may yet become OTHER. */
enum neap_simple_value_kind neap_simple_value_kind_of(const struct neap_py_type *type);

struct neap_simple_value neap_simple_value_read(struct neap_py_lens *lens,
                                                const struct neap_py_object *object,
                                                struct neap_simple_value_buffer *buffer);

/* "str", "int" ...; "objects" for NEAP_SIMPLE_OTHER. Static. */
const char *neap_simple_value_name(enum neap_simple_value_kind kind);

/* Whether its item is a text. */
static inline bool neap_simple_value_is_text(enum neap_simple_value_kind kind) {
    return kind == NEAP_SIMPLE_STR || kind == NEAP_SIMPLE_BYTES;
}

#endif
