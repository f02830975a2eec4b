/* report/cell_grid.h: rows of small cells, each of one style and one strength, and their legend.
 *
 *     label 0  ████▓▓░░··ccc    a character a cell in a terminal,
 *       a note between rows     a rectangle in a picture
 *     label 1  ░░██
 *     █ style 0   what it stands for
 *
 * In a terminal with colours strength is a shade in the colour of the style; without, a
 * style is a letter, or the shades themselves. Nothing here is owned by the grid.
 */
#ifndef NEAP_REPORT_CELL_GRID_H
#define NEAP_REPORT_CELL_GRID_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { NEAP_GRID_STRENGTHS = 5, NEAP_GRID_EMPTY = 255 };

struct neap_grid_style {
    const char *name;   /* in the legend; "" leaves it out of it */
    const char *text;   /* behind it: figures */
    const char *colour; /* "#0072b2": to be seen on white and on black */
    char letter;        /* where there are no colours; 0: shades */
};

struct neap_grid_cell {
    uint8_t style;    /* index, or NEAP_GRID_EMPTY */
    uint8_t strength; /* 0 (hardly there) to 4 */
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

/* Columns of cells that fit the stream's width beside labels of that width: a power of two, 16 to 256. */
size_t neap_grid_columns(FILE *stream, unsigned label_columns);

/* Rows and legend, without the title. */
void neap_grid_print(const struct neap_grid *grid, FILE *stream);

/* An SVG document on a light ground of its own. */
void neap_grid_svg(const struct neap_grid *grid, FILE *stream);

#endif
