/* report/terminal.h: what the stream that a report goes to can show.
 *
 * Any thread.
 */
#ifndef NEAP_REPORT_TERMINAL_H
#define NEAP_REPORT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* How a piece of text is meant. */
enum neap_tone { NEAP_TONE_PLAIN, NEAP_TONE_STRONG, NEAP_TONE_DIM, NEAP_TONE_GOOD, NEAP_TONE_BAD };

/* Whether `stream` is a terminal. */
bool neap_terminal_is(FILE *stream);

/* Whether colours are wanted there: a terminal that can, and no NO_COLOR. */
bool neap_terminal_colours(FILE *stream);

/* Columns of the terminal, 80 if `stream` is none; at least 40, so that a caller can take some away:
 * a narrower one breaks lines itself. */
unsigned neap_terminal_columns(FILE *stream);

/* The escape sequences around a text of that tone; "" without colours. */
const char *neap_terminal_begin(enum neap_tone tone, bool colours);
const char *neap_terminal_end(enum neap_tone tone, bool colours);

/* Columns that a UTF-8 text takes, one a character. */
unsigned neap_terminal_text_columns(const char *text);

#endif
