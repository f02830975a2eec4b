/* report/table.h: rows and columns, for the terminal and for a page.
 *
 *     neap_table_t *table = neap_table_new(columns, 3);
 *     neap_table_cell(table, NEAP_TONE_STRONG, "%s", name);     next cell of the row,
 *     neap_table_cell(table, NEAP_TONE_PLAIN, "%.1f", figure);  a new row after the last
 *     neap_table_cell(table, NEAP_TONE_DIM, "%.2fx", ratio);
 *     neap_table_rest(table, NEAP_TONE_BAD, "exit status 3");   fills the rest of a row
 *     neap_table_finish(table, stdout);
 *
 * A cell that cannot be made for want of memory is shown empty. One thread at
 * a time for one table.
 */
#ifndef NEAP_REPORT_TABLE_H
#define NEAP_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/terminal.h"

struct neap_table_column {
    const char *title; /* "" for none */
    bool left;         /* text; figures are to the right */
    bool close;        /* stands one blank after its neighbour, not two; without a title
                          of its own it stands under the neighbour's */
};

typedef struct neap_table neap_table_t;

/* 1 to 32 `columns`, kept, not copied. NULL if memory is short. */
neap_table_t *neap_table_new(const struct neap_table_column *columns, size_t count);
void neap_table_destroy(neap_table_t *table);

__attribute__((format(printf, 3, 4))) void neap_table_cell(neap_table_t *table, enum neap_tone tone,
                                                           const char *format, ...);

/* One text over all cells that the row still lacks, at least one. */
__attribute__((format(printf, 3, 4))) void neap_table_rest(neap_table_t *table, enum neap_tone tone,
                                                           const char *format, ...);

/* Prints with the columns just as wide as they need to be; colours where the
 * stream can show them. */
void neap_table_print(const neap_table_t *table, FILE *stream);

/* Prints and destroys; one that could not be made is left out. */
void neap_table_finish(neap_table_t *table, FILE *stream);

/* The same as the HTML element <table>. */
void neap_table_html(const neap_table_t *table, FILE *stream);

#endif
