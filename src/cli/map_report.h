/* cli/map_report.h: prints, saves and reads maps of an address space.
 *
 *     map_report.c   terminal and SVG, by report/cell_grid.h
 *     map_page.c     one HTML file with zoom
 *     map_json.c     document "neap.map/1": writes and reads it
 *     map_change.c   what changed between two maps
 *
 * Main thread.
 */
#ifndef NEAP_CLI_MAP_REPORT_H
#define NEAP_CLI_MAP_REPORT_H

#include <stdio.h>

#include "inspect/space/space_map.h"

/* A map to print, and how it was read. */
struct cli_map_report {
    const struct neap_space_map *map;
    const char *source; /* "read in a pause of 3.1 ms" */
    const char *limit;  /* what could not be read, or "" */
};

/* Print the map in one form. Return 0 or a negative enum neap_error. The caller checks `out` for failures. */
int cli_map_print(const struct cli_map_report *report, FILE *out);
int cli_map_picture(const struct cli_map_report *report, FILE *out);
int cli_map_page(const struct cli_map_report *report, FILE *out);
int cli_map_json(const struct cli_map_report *report, FILE *out);

/* Copies a file that can be a saved map; the caller frees *text. NEAP_ERROR_ABSENT, _PERMISSION, _FORMAT with
 * *why (static), _MEMORY. */
int cli_map_text_read(const char *path, char **text, size_t *bytes, const char **why);

/* Reads what cli_map_json wrote. NEAP_ERROR_FORMAT with *why (static), _MEMORY. */
int cli_map_parse(const char *text, size_t bytes, struct neap_space_map *map, const char **why);

/* Print what changed from one map to the other. Return as above. */
int cli_map_change_print(const struct neap_space_map *before, const struct neap_space_map *after, FILE *out);
int cli_map_change_json(const struct neap_space_map *before, const struct neap_space_map *after, FILE *out);

/* Used by all forms: the colour of a kind, whether the map tells how much of a kind is in use, and the title
 * of the map. */
const char *cli_map_colour(enum neap_span_kind kind);
bool cli_map_has_fill(enum neap_span_kind kind);
char *cli_map_title(const struct neap_space_map *map, char *text, size_t bytes);

/* How much of each chunk of a span is in memory: one digit per chunk; "" if the span has no chunks. */
char *cli_map_chunks(const struct neap_space_map *map, const struct neap_space_span *span,
                     char digits[NEAP_SPACE_CHUNKS_MOST + 1]);

#endif
