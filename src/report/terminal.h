/* report/terminal.h: the width and colours of the terminal that a report goes to.
 *
 * Any thread.
 */
#ifndef NEAP_REPORT_TERMINAL_H
#define NEAP_REPORT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* The emphasis of a text. */
enum neap_tone { NEAP_TONE_PLAIN, NEAP_TONE_STRONG, NEAP_TONE_DIM, NEAP_TONE_GOOD, NEAP_TONE_BAD };

/* Whether `stream` is a terminal. */
bool neap_terminal_is(FILE *stream);

/* Whether to use colours: `stream` is a terminal that has them, and NO_COLOR is not set. */
bool neap_terminal_colours(FILE *stream);

/* Columns of the terminal; 80 if `stream` is not a terminal. At least 40, so that a caller can subtract
 * some; a narrower terminal breaks the lines itself. */
unsigned neap_terminal_columns(FILE *stream);

/* The escape sequences before and after a text of that tone; "" without colours. */
const char *neap_terminal_begin(enum neap_tone tone, bool colours);
const char *neap_terminal_end(enum neap_tone tone, bool colours);

/* Columns that a UTF-8 text takes, counted as one per character. */
unsigned neap_terminal_text_columns(const char *text);

#endif
