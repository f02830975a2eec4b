/* report/markup.h: escapes text for HTML, SVG and JSON.
 *
 * Bytes that are not UTF-8 become U+FFFD, as do control characters that XML forbids.
 * Any thread.
 */
#ifndef NEAP_REPORT_MARKUP_H
#define NEAP_REPORT_MARKUP_H

#include <stdio.h>

/* Writes `text` escaped, for an element or an attribute. */
void neap_markup_text(const char *text, FILE *stream);

/* A copy of `text` in valid UTF-8, which the caller frees; NULL if there is no memory. */
char *neap_markup_utf8(const char *text);

#endif
