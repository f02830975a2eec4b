/* report/cell_grid.h: draws rows of small cells, each with a style and a strength, and a legend.
 *
 *     label 0  ████▓▓░░··ccc    a cell is a character in a terminal
 *       a note between rows     and a rectangle in a picture
 *     label 1  ░░██
 *     █ style 0   what it stands for
 *
 * In a terminal with colours, a cell is a shade for its strength, in the colour of its style.
 * Without colours, a style has a letter or uses the shades. The grid owns none of its data.
 */
#ifndef NEAP_REPORT_CELL_GRID_H
#define NEAP_REPORT_CELL_GRID_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { NEAP_GRID_STRENGTHS = 5, NEAP_GRID_EMPTY = 255 };

struct neap_grid_style {
    const char *name;   /* in the legend; "" leaves the style out of the legend */
    const char *text;   /* figures behind the name */
    const char *colour; /* "#0072b2"; visible on white and on black */
    char letter;        /* without colours; 0: use the shades */
};

struct neap_grid_cell {
    uint8_t style;    /* index, or NEAP_GRID_EMPTY */
    uint8_t strength; /* 0 (weakest) to 4 */
};

struct neap_grid_row {
    const char *label;
    const char *before; /* a line between the row before and this one; "" for none */
    const struct neap_grid_cell *cells;
};

struct neap_grid {
    const char *title, *note;
    const char *scale; /* what one cell is; "" for none */
    size_t columns, row_count, style_count;
    const struct neap_grid_row *rows;
    const struct neap_grid_style *styles;
};

/* How many columns of cells fit the width of the stream beside labels of `label_columns`: a power of two
 * from 16 to 256. */
size_t neap_grid_columns(FILE *stream, unsigned label_columns);

/* Prints rows and legend, without the title. */
void neap_grid_print(const struct neap_grid *grid, FILE *stream);

/* Writes an SVG document with a light background. */
void neap_grid_svg(const struct neap_grid *grid, FILE *stream);

#endif
