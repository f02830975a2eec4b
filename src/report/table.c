/* report/table.c: cells, widths, printing. */
#include "report/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/markup.h"

enum { COLUMNS_MAX = 32 };

struct cell {
    char *text; /* NULL: there was no memory */
    enum neap_tone tone;
    size_t span; /* number of columns that it covers */
};

struct neap_table {
    const struct neap_table_column *columns;
    size_t column_count;
    struct cell *cells;
    size_t cell_count, room;
    size_t at; /* column of the next cell */
};

neap_table_t *neap_table_new(const struct neap_table_column *columns, size_t count) {
    assert(count > 0 && count <= COLUMNS_MAX);
    neap_table_t *table = calloc(1, sizeof(*table));
    if (table)
        *table = (struct neap_table){.columns = columns, .column_count = count};
    return table;
}

void neap_table_destroy(neap_table_t *table) {
    if (!table)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

/* Column of the next cell; 0 in a new row. A cell never spans beyond the row. */
static size_t column_after(const neap_table_t *table, size_t column, size_t span) {
    return column + span < table->column_count ? column + span : 0;
}

static void cell_add(neap_table_t *table, size_t span, enum neap_tone tone, const char *format,
                     va_list values) {
    if (!NEAP_ARRAY_RESERVE(table->cells, table->room, table->cell_count + 1))
        return;
    struct cell *cell = &table->cells[table->cell_count++];
    *cell = (struct cell){NULL, tone, span};
    if (vasprintf(&cell->text, format, values) < 0)
        cell->text = NULL;
    table->at = column_after(table, table->at, span);
}

void neap_table_cell(neap_table_t *table, enum neap_tone tone, const char *format, ...) {
    va_list values;
    va_start(values, format);
    cell_add(table, 1, tone, format, values);
    va_end(values);
}

void neap_table_rest(neap_table_t *table, enum neap_tone tone, const char *format, ...) {
    va_list values;
    va_start(values, format);
    cell_add(table, table->column_count - table->at, tone, format, values);
    va_end(values);
}

/* --- terminal ---------------------------------------------------------- */

static const char *cell_text(const struct cell *cell) {
    return cell->text ? cell->text : "";
}

/* Number of columns under a title: its own, and a close column without a title. */
static size_t title_span(const neap_table_t *table, size_t column) {
    const struct neap_table_column *next = &table->columns[column + 1];
    return column + 1 < table->column_count && next->close && next->title[0] == '\0' ? 2 : 1;
}

static unsigned span_width(const unsigned *widths, size_t column, size_t span) {
    return span == 2 ? widths[column] + 1 + widths[column + 1] : widths[column];
}

static void titles_fit(const neap_table_t *table, unsigned *widths) {
    for (size_t i = 0, span; i < table->column_count; i += span) {
        span = title_span(table, i);
        unsigned needed = neap_terminal_text_columns(table->columns[i].title),
                 has = span_width(widths, i, span);
        if (needed > has)
            widths[i] += needed - has;
    }
}

/* A text that spans several columns does not widen them. */
static void widths_measure(const neap_table_t *table, unsigned *widths) {
    memset(widths, 0, table->column_count * sizeof(*widths));
    size_t at = 0;
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        unsigned width = neap_terminal_text_columns(cell_text(cell));
        if (cell->span == 1 && width > widths[at])
            widths[at] = width;
        at = column_after(table, at, cell->span);
    }
    titles_fit(table, widths);
}

static void text_print(const neap_table_t *table, size_t column, unsigned width, enum neap_tone tone,
                       const char *text, FILE *stream, bool colours) {
    const struct neap_table_column *how = &table->columns[column];
    unsigned used = neap_terminal_text_columns(text);
    int gap = column == 0 ? 0 : how->close ? 1 : 2;
    int fill = width > used ? (int)(width - used) : 0;
    bool last = column + 1 == table->column_count;
    fprintf(stream, "%*s%s%s%s", gap + (how->left ? 0 : fill), "", neap_terminal_begin(tone, colours), text,
            neap_terminal_end(tone, colours));
    if (how->left && !last)
        fprintf(stream, "%*s", fill, "");
}

void neap_table_print(const neap_table_t *table, FILE *stream) {
    unsigned widths[COLUMNS_MAX];
    bool colours = neap_terminal_colours(stream);
    widths_measure(table, widths);
    for (size_t i = 0, span; i < table->column_count; i += span) {
        span = title_span(table, i);
        text_print(table, i, span_width(widths, i, span), NEAP_TONE_DIM, table->columns[i].title, stream,
                   colours);
    }
    putc('\n', stream);
    size_t at = 0;
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        unsigned width = cell->span == 1 ? widths[at] : 0;
        text_print(table, at, width, cell->tone, cell_text(cell), stream, colours);
        at = column_after(table, at, cell->span);
        if (at == 0)
            putc('\n', stream);
    }
}

void neap_table_finish(neap_table_t *table, FILE *stream) {
    if (table)
        neap_table_print(table, stream);
    neap_table_destroy(table);
}

/* --- page -------------------------------------------------------------- */

static const char *tone_class(enum neap_tone tone) {
    static const char *const classes[] = {
        [NEAP_TONE_PLAIN] = "plain", [NEAP_TONE_STRONG] = "strong", [NEAP_TONE_DIM] = "dim",
        [NEAP_TONE_GOOD] = "good",   [NEAP_TONE_BAD] = "bad",
    };
    return classes[tone];
}

void neap_table_html(const neap_table_t *table, FILE *stream) {
    fputs("<div class=\"table\"><table>\n<thead><tr>", stream);
    for (size_t i = 0, span; i < table->column_count; i += span) {
        span = title_span(table, i);
        fprintf(stream, "<th scope=\"col\" colspan=\"%zu\"%s>", span,
                table->columns[i].left ? " class=\"left\"" : "");
        neap_markup_text(table->columns[i].title, stream);
        fputs("</th>", stream);
    }
    fputs("</tr></thead>\n<tbody>\n", stream);
    size_t at = 0;
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        bool left = table->columns[at].left || cell->span > 1;
        fprintf(stream, "%s<td class=\"%s%s\" colspan=\"%zu\">", at == 0 ? "<tr>" : "",
                tone_class(cell->tone), left ? " left" : "", cell->span);
        neap_markup_text(cell_text(cell), stream);
        at = column_after(table, at, cell->span);
        fputs(at == 0 ? "</td></tr>\n" : "</td>", stream);
    }
    fputs("</tbody></table></div>\n", stream);
}
