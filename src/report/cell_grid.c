/* report/cell_grid.c: draws a grid as text and as SVG. */
#include "report/cell_grid.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/markup.h"
#include "report/terminal.h"

/* --- terminal ---------------------------------------------------------------- */

static const char *const shades[NEAP_GRID_STRENGTHS] = {"·", "░", "▒", "▓", "█"};

/* The kinds of colours that a stream can show. */
enum palette { PALETTE_NONE, PALETTE_256, PALETTE_TRUE };

static enum palette palette_of(FILE *stream) {
    const char *depth = getenv("COLORTERM");
    if (!neap_terminal_colours(stream))
        return PALETTE_NONE;
    bool deep = depth && (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0);
    return deep ? PALETTE_TRUE : PALETTE_256;
}

/* Begins a colour; with 256 colours, the nearest one of the cube with 6 levels per channel. */
static void colour_begin(const char *colour, enum palette palette, FILE *stream) {
    unsigned long rgb = strtoul(colour + 1, NULL, 16);
    unsigned red = (unsigned)(rgb >> 16) & 255, green = (unsigned)(rgb >> 8) & 255,
             blue = (unsigned)rgb & 255;
    if (palette == PALETTE_TRUE)
        fprintf(stream, "\033[38;2;%u;%u;%um", red, green, blue);
    else if (palette == PALETTE_256)
        fprintf(stream, "\033[38;5;%um",
                16 + 36 * ((red + 25) / 51) + 6 * ((green + 25) / 51) + (blue + 25) / 51);
}

static void colour_end(enum palette palette, FILE *stream) {
    if (palette != PALETTE_NONE)
        fputs("\033[0m", stream);
}

static void cell_put(const struct neap_grid_style *style, unsigned strength, enum palette palette,
                     FILE *stream) {
    if (palette == PALETTE_NONE && style->letter && strength > 0)
        putc(style->letter, stream);
    else
        fputs(shades[strength], stream);
}

static void row_print(const struct neap_grid *grid, const struct neap_grid_row *row, enum palette palette,
                      FILE *stream) {
    uint8_t style = NEAP_GRID_EMPTY;
    size_t end = grid->columns;
    while (end > 0 && row->cells[end - 1].style == NEAP_GRID_EMPTY)
        end--;
    fprintf(stream, "%s  ", row->label);
    for (size_t i = 0; i < end; i++) {
        const struct neap_grid_cell *cell = &row->cells[i];
        if (cell->style != style) {
            if (style != NEAP_GRID_EMPTY)
                colour_end(palette, stream);
            if (cell->style != NEAP_GRID_EMPTY)
                colour_begin(grid->styles[cell->style].colour, palette, stream);
            style = cell->style;
        }
        if (style == NEAP_GRID_EMPTY)
            putc(' ', stream);
        else
            cell_put(&grid->styles[style], cell->strength, palette, stream);
    }
    if (style != NEAP_GRID_EMPTY)
        colour_end(palette, stream);
    putc('\n', stream);
}

static void legend_print(const struct neap_grid *grid, enum palette palette, FILE *stream) {
    unsigned widest = 0;
    for (size_t i = 0; i < grid->style_count; i++) {
        unsigned columns = neap_terminal_text_columns(grid->styles[i].name);
        widest = columns > widest ? columns : widest;
    }
    for (size_t i = 0; i < grid->style_count; i++) {
        const struct neap_grid_style *style = &grid->styles[i];
        if (!style->name[0])
            continue;
        colour_begin(style->colour, palette, stream);
        for (unsigned strength = 1; strength < NEAP_GRID_STRENGTHS; strength++)
            if (palette != PALETTE_NONE || !style->letter || strength + 1 == NEAP_GRID_STRENGTHS)
                cell_put(style, strength, palette, stream);
            else
                putc(' ', stream);
        colour_end(palette, stream);
        fprintf(stream, " %s%*s  %s\n", style->name, (int)(widest - neap_terminal_text_columns(style->name)),
                "", style->text);
    }
}

size_t neap_grid_columns(FILE *stream, unsigned label_columns) {
    unsigned width = neap_terminal_columns(stream);
    size_t columns = 16;
    while (columns < 256 && columns * 2 + label_columns + 2 <= width)
        columns *= 2;
    return columns;
}

void neap_grid_print(const struct neap_grid *grid, FILE *stream) {
    enum palette palette = palette_of(stream);
    for (size_t i = 0; i < grid->row_count; i++) {
        if (grid->rows[i].before[0])
            fprintf(stream, "%s%s%s\n", neap_terminal_begin(NEAP_TONE_DIM, palette != PALETTE_NONE),
                    grid->rows[i].before, neap_terminal_end(NEAP_TONE_DIM, palette != PALETTE_NONE));
        row_print(grid, &grid->rows[i], palette, stream);
    }
    if (grid->scale[0])
        fprintf(stream, "\n%s\n", grid->scale);
    legend_print(grid, palette, stream);
}

/* --- picture ----------------------------------------------------------------- */

enum {
    CELL_WIDTH = 6,
    CELL_HEIGHT = 10,
    MARGIN = 20,
    LABEL_WIDTH = 104,
    HEAD = 62,
    NOTE_HEIGHT = 15,
    LEGEND_STEP = 20,
};

static const char *const opacities[NEAP_GRID_STRENGTHS] = {".13", ".38", ".6", ".8", "1"};

static void text_put(FILE *out, double x, double y, const char *attributes, const char *text) {
    fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" %s>", x, y, attributes);
    neap_markup_text(text, out);
    fputs("</text>\n", out);
}

/* Draws one rectangle for each run of equal cells. */
static void row_draw(const struct neap_grid *grid, const struct neap_grid_row *row, int y, FILE *out) {
    for (size_t i = 0; i < grid->columns;) {
        struct neap_grid_cell cell = row->cells[i];
        size_t end = i + 1;
        while (end < grid->columns && row->cells[end].style == cell.style &&
               row->cells[end].strength == cell.strength)
            end++;
        if (cell.style != NEAP_GRID_EMPTY)
            fprintf(
                out,
                "<rect x=\"%zu\" y=\"%d\" width=\"%zu\" height=\"%d\" fill=\"%s\" fill-opacity=\"%s\"/>\n",
                MARGIN + LABEL_WIDTH + i * CELL_WIDTH, y, (end - i) * CELL_WIDTH, CELL_HEIGHT - 1,
                grid->styles[cell.style].colour, opacities[cell.strength]);
        i = end;
    }
}

static void legend_draw(const struct neap_grid *grid, int y, FILE *out) {
    for (size_t i = 0; i < grid->style_count; i++) {
        const struct neap_grid_style *style = &grid->styles[i];
        if (!style->name[0])
            continue;
        for (int strength = 1; strength < NEAP_GRID_STRENGTHS; strength++)
            fprintf(out,
                    "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\" fill-opacity=\"%s\"/>\n",
                    MARGIN + (strength - 1) * 10, y - 10, style->colour, opacities[strength]);
        text_put(out, MARGIN + 50, y, "fill=\"#1f2328\"", style->name);
        text_put(out, MARGIN + 300, y, "fill=\"#57606a\"", style->text);
        y += LEGEND_STEP;
    }
}

void neap_grid_svg(const struct neap_grid *grid, FILE *stream) {
    size_t notes = 0, entries = 0;
    for (size_t i = 0; i < grid->row_count; i++)
        notes += grid->rows[i].before[0] != '\0';
    for (size_t i = 0; i < grid->style_count; i++)
        entries += grid->styles[i].name[0] != '\0';
    size_t width = 2 * MARGIN + LABEL_WIDTH + grid->columns * CELL_WIDTH;
    size_t body = grid->row_count * CELL_HEIGHT + notes * NOTE_HEIGHT;
    size_t height = HEAD + body + 44 + entries * LEGEND_STEP + MARGIN / 2;
    fprintf(
        stream,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" width=\"%zu\" height=\"%zu\" "
        "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\" "
        "role=\"img\">\n",
        width, height, width, height);
    fputs("<title>", stream);
    neap_markup_text(grid->title, stream);
    fprintf(stream, "</title>\n<rect width=\"%zu\" height=\"%zu\" rx=\"8\" fill=\"#ffffff\"/>\n", width,
            height);
    text_put(stream, MARGIN, 28, "fill=\"#1f2328\" font-size=\"17\" font-weight=\"650\"", grid->title);
    text_put(stream, MARGIN, 48, "fill=\"#57606a\"", grid->note);
    int y = HEAD;
    for (size_t i = 0; i < grid->row_count; i++) {
        if (grid->rows[i].before[0]) {
            text_put(stream, MARGIN + LABEL_WIDTH, y + NOTE_HEIGHT - 4, "fill=\"#8b949e\" font-size=\"11\"",
                     grid->rows[i].before);
            y += NOTE_HEIGHT;
        }
        text_put(stream, MARGIN, y + CELL_HEIGHT - 1,
                 "fill=\"#8b949e\" font-size=\"10\" font-family=\"'DejaVu Sans Mono', monospace\"",
                 grid->rows[i].label);
        row_draw(grid, &grid->rows[i], y, stream);
        y += CELL_HEIGHT;
    }
    text_put(stream, MARGIN, y + 24, "fill=\"#57606a\"", grid->scale);
    legend_draw(grid, y + 44 + 4, stream);
    fputs("</svg>\n", stream);
}
