/* base/outside_text.h: texts that a target, a file or another user wrote, before they are shown.
 *
 * Names of programs, threads, files, types and modules are whatever somebody made them. A terminal
 * acts upon control characters, a line feed forges a line, and bidi controls and invisible characters
 * make a name look like another. All such text is cleaned here, at the place where it comes in or
 * where it is printed: what is not to be shown becomes '?'. Any thread.
 */
#ifndef NEAP_BASE_OUTSIDE_TEXT_H
#define NEAP_BASE_OUTSIDE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a character (a Unicode code point) may be shown as it is: no control, no surrogate or noncharacter,
 * nothing that changes the direction of text or is invisible (Unicode 15, categories Cc, Cs, Cf, Zl, Zp). */
bool neap_outside_character_shown(uint32_t character);

/* Cleans `text`, UTF-8 or not, in place; it becomes no longer. Each byte that belongs to no whole character
 * counts as one. Returns `text`. */
char *neap_outside_text_clean(char *text);

#endif
