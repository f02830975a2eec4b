/* report/page.h: a report as one HTML file that opens offline.
 *
 *     neap_page_begin(out, title);
 *     neap_page_code(out, command);
 *     neap_page_charts(out, charts, 3);     one drawing, a button for each chart
 *     neap_table_html(table, out);
 *     neap_page_note(out, "...", ...);
 *     neap_page_end(out);
 *
 * Style, script and the chart library are in it, with the library's licence;
 * it follows the reader's choice of light or dark. Failures of `out` are for
 * the caller to see by ferror. One thread at a time for one stream.
 */
#ifndef NEAP_REPORT_PAGE_H
#define NEAP_REPORT_PAGE_H

#include <stddef.h>
#include <stdio.h>

#include "report/chart.h"

void neap_page_begin(FILE *out, const char *title);
void neap_page_heading(FILE *out, const char *text);
__attribute__((format(printf, 2, 3))) void neap_page_note(FILE *out, const char *format, ...);
void neap_page_code(FILE *out, const char *text);

/* At least one chart; the first is shown first. 0 or NEAP_ERROR_MEMORY. */
int neap_page_charts(FILE *out, const struct neap_chart *charts, size_t count);

void neap_page_end(FILE *out);

#endif
