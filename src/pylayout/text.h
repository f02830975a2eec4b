/* pylayout/text.h: reads texts of the target, C strings and str objects, bounded and cleaned.
 *
 * Control characters and broken UTF-8, which could confuse a terminal, become '?'. A
 * text that is too long ends in "...". Any thread.
 */
#ifndef NEAP_PYLAYOUT_TEXT_H
#define NEAP_PYLAYOUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory_source.h"
#include "pylayout/cpython_version.h"

/* Reads the C string at `address` into out[room], terminated; false if it cannot be read or is empty. */
bool neap__py_text_c(const struct neap_memory *memory, uint64_t address, char *out, size_t room);

/* Reads the characters of the object at `address`, which must be a str. */
bool neap__py_text_str(const struct neap_memory *memory, const struct neap_py_version *version,
                       uint64_t address, char *out, size_t room);

/* Whether the str object at `address` holds exactly `text`, which is ASCII. */
bool neap__py_text_is(const struct neap_memory *memory, const struct neap_py_version *version,
                      uint64_t address, const char *text);

#endif
