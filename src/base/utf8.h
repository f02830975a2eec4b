/* base/utf8.h: whole characters of UTF-8, and nothing else. Any thread. */
#ifndef NEAP_BASE_UTF8_H
#define NEAP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the character at `text`. 0 at the end of the string, and where no well-formed one begins: cut
 * off, longer than necessary, a surrogate, or beyond U+10FFFF (Unicode 15, table 3-7). */
size_t neap_utf8_character(const char *text);

/* Whether that character is a control: U+0000 to U+001F, and U+007F to U+009F. */
bool neap_utf8_is_control(const char *text);

#endif
