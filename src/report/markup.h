/* report/markup.h: text that goes into HTML, SVG or JSON, made harmless.
 *
 * What is not UTF-8 becomes U+FFFD, as do control characters that XML forbids.
 * Any thread.
 */
#ifndef NEAP_REPORT_MARKUP_H
#define NEAP_REPORT_MARKUP_H

#include <stdio.h>

/* Writes `text` so that it stands for itself in an element or an attribute. */
void neap_markup_text(const char *text, FILE *stream);

/* A copy of `text` in valid UTF-8, which the caller frees; NULL if memory is short. */
char *neap_markup_utf8(const char *text);

#endif
