/* report/range_view.h: ranges of addresses on a page, to be zoomed into.
 *
 *     all ranges --> a stretch of them --> the pieces of a range --> the blocks of a piece
 *
 * The data is one JSON object; numbers are below 2^53:
 *
 *     styles  [{name, colour, text (in the legend; "" leaves it out), filled (strength is what is in
 *              use), pieces (that comes from pieces), hidden (makes no row)}]
 *     ranges  [[start, end, style, held bytes, used bytes or -1, label, chunk bytes or 0, a hexadecimal
 *              digit a chunk: how much of it is held]]   by start, no overlap
 *     labels  ["..."]
 *     pieces  [[start, bytes, first block's offset, block bytes, blocks, used, blocks a group, bytes a
 *              group, a bit a block as hexadecimal digits, lowest first, or ""]]   likewise
 *     words   {piece, block}: what they are called
 *     digits  of an address
 */
#ifndef NEAP_REPORT_RANGE_VIEW_H
#define NEAP_REPORT_RANGE_VIEW_H

#include <stdio.h>

#include <jansson.h>

/* Writes the figure with its style and script; takes the reference. `fallback` is shown where there
 * is no script: a function that writes an SVG. 0 or NEAP_ERROR_MEMORY. */
int neap_range_view(FILE *out, json_t *data, int (*fallback)(const void *context, FILE *out),
                    const void *context);

/* Ends a page that has no charts: without the chart library. */
void neap_page_end_plain(FILE *out);

#endif
