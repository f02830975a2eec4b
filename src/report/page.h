/* report/page.h: a report as one HTML file that opens offline.
 *
 *     neap_page_begin(out, title);
 *     neap_page_code(out, command);
 *     neap_page_charts(out, charts, 3);     one drawing, with a button for each chart
 *     neap_table_html(table, out);
 *     neap_page_note(out, "...", ...);
 *     neap_page_end(out);
 *
 * The file contains its style, its script, and the chart library with its licence.
 * It follows the reader's choice of light or dark. The caller checks for write
 * errors of `out` with ferror. One thread at a time for one stream.
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

/* Writes one or more charts; the first is shown at first. Returns 0 or NEAP_ERROR_MEMORY. */
int neap_page_charts(FILE *out, const struct neap_chart *charts, size_t count);

void neap_page_end(FILE *out);

#endif
