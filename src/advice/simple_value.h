/* advice/simple_value.h: the values of simple objects of the target: numbers and texts, in the form
 * that Neap's containers take.
 *
 *     None  True  -7  0.5  "dart"  b"\0"      one of these kinds, and its value
 *     everything else                         NEAP_SIMPLE_OTHER
 *
 * Texts are UTF-8; a text that is UTF-8 in the target is not copied. These are not simple: an int
 * of more than 63 bits, a text of more than NEAP_SIMPLE_TEXT_MAX characters or with lone
 * surrogates, an instance of a subclass of a built-in type. Any thread, with its own lens.
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
    union neap_item item; /* BOOL, INT: i; FLOAT: f; STR, BYTES: text, valid until its buffer is used again */
};

/* Room for a text. A zeroed buffer is empty. Its owner frees `bytes`. */
struct neap_simple_value_buffer {
    unsigned char *bytes;
    size_t room;
};

/* The kind by the type alone. If it is OTHER, neap_simple_value_read returns OTHER too; if it is
 * another kind, reading the value may still give OTHER. */
enum neap_simple_value_kind neap_simple_value_kind_of(const struct neap_py_type *type);

struct neap_simple_value neap_simple_value_read(struct neap_py_lens *lens,
                                                const struct neap_py_object *object,
                                                struct neap_simple_value_buffer *buffer);

/* "str", "int" ...; "objects" for NEAP_SIMPLE_OTHER. Static. */
const char *neap_simple_value_name(enum neap_simple_value_kind kind);

/* Whether values of this kind are texts. */
static inline bool neap_simple_value_is_text(enum neap_simple_value_kind kind) {
    return kind == NEAP_SIMPLE_STR || kind == NEAP_SIMPLE_BYTES;
}

#endif
