/* report/table.h: rows and columns, for the terminal and for a page.
 *
 *     neap_table_t *table = neap_table_new(columns, 3);
 *     neap_table_cell(table, NEAP_TONE_STRONG, "%s", name);     next cell of the row,
 *     neap_table_cell(table, NEAP_TONE_PLAIN, "%.1f", figure);  a new row after the last
 *     neap_table_cell(table, NEAP_TONE_DIM, "%.2fx", ratio);
 *     neap_table_rest(table, NEAP_TONE_BAD, "exit status 3");   fills the rest of a row
 *     neap_table_finish(table, stdout);
 *
 * If there is no memory for a cell, it is shown empty. One thread at a time for
 * one table.
 */
#ifndef NEAP_REPORT_TABLE_H
#define NEAP_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/terminal.h"

struct neap_table_column {
    const char *title; /* "" for none */
    bool left;         /* aligned to the left, for text; figures are aligned to the right */
    bool close;        /* one blank after its neighbour and not two; a column without a
                          title is under the title of its neighbour */
};

typedef struct neap_table neap_table_t;

/* Makes a table with 1 to 32 columns. `columns` is not copied and must outlive the table. NULL if there
 * is no memory. */
neap_table_t *neap_table_new(const struct neap_table_column *columns, size_t count);
void neap_table_destroy(neap_table_t *table);

__attribute__((format(printf, 3, 4))) void neap_table_cell(neap_table_t *table, enum neap_tone tone,
                                                           const char *format, ...);

/* Adds one text that spans all remaining cells of the row, at least one. */
__attribute__((format(printf, 3, 4))) void neap_table_rest(neap_table_t *table, enum neap_tone tone,
                                                           const char *format, ...);

/* Prints the table with columns as narrow as possible, and with colours if the
 * stream can show them. */
void neap_table_print(const neap_table_t *table, FILE *stream);

/* Prints and destroys a table. `table` may be NULL. */
void neap_table_finish(neap_table_t *table, FILE *stream);

/* Writes the table as an HTML element <table>. */
void neap_table_html(const neap_table_t *table, FILE *stream);

#endif
