/* inspect/content.h: what ints and strs of the target contain, as far as sizes depend on it.
 *
 * Bounded: a text is looked at up to `NEAP_CONTENT_TEXT_MAX` bytes. Any thread, by its lens.
 */
#ifndef NEAP_INSPECT_CONTENT_H
#define NEAP_INSPECT_CONTENT_H

#include "pylayout/object.h"

enum { NEAP_CONTENT_TEXT_MAX = 1 << 20 };

struct neap_content_text {
    uint64_t characters;
    uint64_t utf8_bytes; /* that the text takes in UTF-8 */
    uint64_t hash;       /* of its characters: equal texts have equal ones */
};

/* The value of an int; false if it needs more than 64 bits. */
bool neap_content_int(struct neap_py_lens *lens, const struct neap_py_object *object, int64_t *value);

/* False if it cannot be read, or is longer than the bound. */
bool neap_content_text(struct neap_py_lens *lens, const struct neap_py_object *object,
                       struct neap_content_text *text);

#endif
