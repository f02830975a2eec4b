/* base/outside_text.h: cleans texts that a target, a file or another user wrote, before they are shown.
 *
 * Names of programs, threads, files, types and modules may contain any character. A terminal acts upon
 * control characters, a line feed forges a line, and bidi controls and invisible characters make a name
 * look like another. Callers clean such text where it is read or where it is printed. A character that
 * is not shown becomes '?'. Any thread.
 */
#ifndef NEAP_BASE_OUTSIDE_TEXT_H
#define NEAP_BASE_OUTSIDE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a character (a Unicode code point) may be shown as it is. Not shown are controls, surrogates,
 * noncharacters, and characters that are invisible or change the direction of text (Unicode 15, categories
 * Cc, Cs, Cf, Zl, Zp, and invisible ones of others). */
bool neap_outside_character_shown(uint32_t character);

/* Cleans `text`, UTF-8 or not, in place. It does not become longer. Each byte that is not part of a whole
 * character becomes one '?'. Returns `text`. */
char *neap_outside_text_clean(char *text);

#endif
