/* report/range_view.h: draws ranges of addresses on a page that the reader can zoom into.
 *
 *     all ranges --> some of them --> the pieces of a range --> the blocks of a piece
 *
 * The data is one JSON object; numbers are below 2^53:
 *
 *     styles  [{name, colour, text (in the legend; "" leaves it out), filled (strength shows used
 *              bytes), pieces (used bytes come from pieces), hidden (makes no row)}]
 *     ranges  [[start, end, style, held bytes, used bytes or -1, label, chunk bytes or 0, one
 *              hexadecimal digit per chunk: how much of it is held]]   by start, no overlap
 *     labels  ["..."]
 *     pieces  [[start, bytes, offset of the first block, block bytes, blocks, used, blocks per group,
 *              bytes per group, one bit per block as hexadecimal digits, lowest first, or ""]]
 *              by start, no overlap
 *     words   {piece, block}: the words for a piece and for a block
 *     digits  of an address
 */
#ifndef NEAP_REPORT_RANGE_VIEW_H
#define NEAP_REPORT_RANGE_VIEW_H

#include <stdio.h>

#include <jansson.h>

/* Writes the figure with its style and script. Takes over the reference to `data`. `fallback` writes an
 * SVG, which is shown if scripts are off. Returns 0 or NEAP_ERROR_MEMORY. */
int neap_range_view(FILE *out, json_t *data, int (*fallback)(const void *context, FILE *out),
                    const void *context);

/* Ends a page that has no charts; it does not contain the chart library. */
void neap_page_end_plain(FILE *out);

#endif
