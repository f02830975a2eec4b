/* cli/map_report.c: draws a map as rows of cells, and prints the facts below them. */
#include "cli/map_report.h"

#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/units.h"
#include "inspect/space/space_cell.h"
#include "report/cell_grid.h"
#include "report/terminal.h"

enum { TEXT_ROOM = 160, PRINT_ROWS = 36, PICTURE_ROWS = 96, PICTURE_COLUMNS = 128 };

/* Colours that people who see few colours can tell apart, on white and on black. */
static const struct {
    const char *colour;
    char letter;
} looks[NEAP_SPAN_KINDS] = {
    [NEAP_SPAN_ANONYMOUS] = {"#d1495b", 'a'},     [NEAP_SPAN_ARENA] = {"#0077c8", 0},
    [NEAP_SPAN_REGION] = {"#0077c8", 0},          [NEAP_SPAN_REGION_TABLES] = {"#5f8fb4", 't'},
    [NEAP_SPAN_GLIBC_MAIN] = {"#e07b00", 'g'},    [NEAP_SPAN_GLIBC_ARENA] = {"#b8860b", 'h'},
    [NEAP_SPAN_GLIBC_MAPPED] = {"#c9a000", 'G'},  [NEAP_SPAN_STACK] = {"#8e44ad", 's'},
    [NEAP_SPAN_PYTHON_FRAMES] = {"#c2559d", 'p'}, [NEAP_SPAN_NAMED] = {"#9c6b4f", 'n'},
    [NEAP_SPAN_CODE] = {"#2e8b57", 'c'},          [NEAP_SPAN_FILE] = {"#7f8c8d", 'f'},
    [NEAP_SPAN_DATA] = {"#6b8e23", 'd'},          [NEAP_SPAN_SHARED] = {"#17a2a2", 'm'},
    [NEAP_SPAN_KERNEL] = {"#5d6d7e", 'k'},        [NEAP_SPAN_RESERVED] = {"#9aa4af", 'r'},
};

const char *cli_map_colour(enum neap_span_kind kind) {
    return looks[kind].colour;
}

bool cli_map_has_fill(enum neap_span_kind kind) {
    return kind == NEAP_SPAN_ARENA || kind == NEAP_SPAN_REGION || kind == NEAP_SPAN_GLIBC_MAIN ||
           kind == NEAP_SPAN_GLIBC_ARENA;
}

char *cli_map_chunks(const struct neap_space_map *map, const struct neap_space_span *span,
                     char digits[NEAP_SPACE_CHUNKS_MOST + 1]) {
    size_t count = neap_space_span_chunks(span);
    for (size_t i = 0; i < count; i++)
        digits[i] = "0123456789abcdef"[map->chunks[span->chunk + i]];
    digits[count] = '\0';
    return digits;
}

char *cli_map_title(const struct neap_space_map *map, char *text, size_t bytes) {
    const char *name = map->program[0] ? map->program : "a program";
    if (map->core)
        snprintf(text, bytes, "Address space of %s (core file)", name);
    else
        snprintf(text, bytes, "Address space of process %d (%s)", (int)map->pid, name);
    return text;
}

/* A grid and the memory that it points to. */
struct drawing {
    struct neap_grid grid;
    struct neap_space_cells cells;
    struct neap_grid_row *rows;
    struct neap_grid_cell *marks;
    struct neap_grid_style styles[NEAP_SPAN_KINDS];
    char *labels; /* two per row, TEXT_ROOM bytes each */
    char texts[NEAP_SPAN_KINDS][TEXT_ROOM];
    char title[TEXT_ROOM + 256], scale[TEXT_ROOM];
};

static void style_fill(struct drawing *drawing, enum neap_span_kind kind, const struct neap_space_sum *sum) {
    char resident[NEAP_UNITS_ROOM], mapped[NEAP_UNITS_ROOM];
    char *text = drawing->texts[kind];
    int length = snprintf(text, TEXT_ROOM, "%9s of %s", neap_units_bytes(resident, sum->resident_bytes),
                          neap_units_bytes(mapped, sum->bytes));
    if (cli_map_has_fill(kind) && sum->resident_bytes > 0 && length > 0 && length < TEXT_ROOM)
        snprintf(text + length, TEXT_ROOM - (size_t)length, ", %.0f %% in use",
                 100.0 * (double)sum->used_bytes / (double)sum->resident_bytes);
    bool shown = sum->spans > 0 && kind != NEAP_SPAN_RESERVED;
    drawing->styles[kind] = (struct neap_grid_style){.name = shown ? neap_span_kind_title(kind) : "",
                                                     .text = text,
                                                     .colour = looks[kind].colour,
                                                     .letter = looks[kind].letter};
}

static void row_fill(struct drawing *drawing, const struct neap_space_map *map, size_t i) {
    const struct neap_space_row *from = &drawing->cells.rows[i];
    char *label = drawing->labels + 2 * i * TEXT_ROOM, *before = label + TEXT_ROOM;
    char gap[NEAP_UNITS_ROOM], reserved[NEAP_UNITS_ROOM];
    int digits = map->pointer_bytes == 4 ? 8 : 12;
    snprintf(label, TEXT_ROOM, "%0*llx", digits, (unsigned long long)from->address);
    if (from->gap_bytes > 0 && from->reserved_bytes > 0)
        snprintf(before, TEXT_ROOM, "%*s  ... %s, %s of it reserved", digits, "",
                 neap_units_bytes(gap, from->gap_bytes), neap_units_bytes(reserved, from->reserved_bytes));
    else if (from->gap_bytes > 0)
        snprintf(before, TEXT_ROOM, "%*s  ... %s free", digits, "", neap_units_bytes(gap, from->gap_bytes));
    drawing->rows[i] = (struct neap_grid_row){label, before, drawing->marks + i * drawing->cells.columns};
}

static void drawing_clear(struct drawing *drawing) {
    if (!drawing)
        return;
    neap_space_cells_clear(&drawing->cells);
    free(drawing->rows);
    free(drawing->marks);
    free(drawing->labels);
    free(drawing);
}

/* Makes the drawing of `report`. NULL if there is no memory. */
static struct drawing *drawing_make(const struct cli_map_report *report, size_t columns, size_t rows) {
    const struct neap_space_map *map = report->map;
    struct neap_space_sum sums[NEAP_SPAN_KINDS];
    char cell[NEAP_UNITS_ROOM];
    struct drawing *drawing = calloc(1, sizeof(*drawing));
    if (!drawing || neap_space_cells_make(map, columns, rows, &drawing->cells) != NEAP_OK) {
        free(drawing);
        return NULL;
    }
    size_t count = drawing->cells.row_count, cells = count * columns;
    drawing->rows = calloc(count + 1, sizeof(*drawing->rows));
    drawing->marks = calloc(cells + 1, sizeof(*drawing->marks));
    drawing->labels = calloc(count + 1, 2 * (size_t)TEXT_ROOM);
    if (!drawing->rows || !drawing->marks || !drawing->labels) {
        drawing_clear(drawing);
        return NULL;
    }
    for (size_t i = 0; i < cells; i++) {
        struct neap_space_cell from = drawing->cells.cells[i];
        bool empty = from.kind == NEAP_SPAN_KINDS || from.kind == NEAP_SPAN_RESERVED;
        drawing->marks[i] = (struct neap_grid_cell){empty ? (uint8_t)NEAP_GRID_EMPTY : from.kind, from.level};
    }
    for (size_t i = 0; i < count; i++)
        row_fill(drawing, map, i);
    neap_space_map_sums(map, sums);
    for (enum neap_span_kind kind = 0; kind < NEAP_SPAN_KINDS; kind++)
        style_fill(drawing, kind, &sums[kind]);
    uint64_t bytes = drawing->cells.cell_bytes;
    snprintf(cell, sizeof(cell), bytes < 1 << 20 ? "%llu KiB" : "%llu MiB",
             (unsigned long long)(bytes < 1 << 20 ? bytes >> 10 : bytes >> 20));
    snprintf(drawing->scale, sizeof(drawing->scale),
             "A cell is %s. Stronger: more in use; palest: not in memory.\nBytes in memory, of bytes of "
             "addresses:",
             cell);
    drawing->grid = (struct neap_grid){
        .title = cli_map_title(map, drawing->title, sizeof(drawing->title)),
        .note = report->source,
        .scale = drawing->scale,
        .columns = columns,
        .row_count = count,
        .style_count = NEAP_SPAN_KINDS,
        .rows = drawing->rows,
        .styles = drawing->styles,
    };
    return drawing;
}

/* --- the facts below --------------------------------------------------------- */

static void facts_print(const struct cli_map_report *report, FILE *out) {
    const struct neap_space_map *map = report->map;
    char text[NEAP_UNITS_ROOM], apart[NEAP_UNITS_ROOM];
    fprintf(out, "\nlargest free range of addresses: %s at %llx\n", neap_units_bytes(text, map->free_bytes),
            (unsigned long long)map->free_start);
    uint64_t mapped = 0;
    for (size_t i = 0; i < map->span_count; i++)
        mapped += map->spans[i].kind == NEAP_SPAN_STACK ? map->spans[i].end - map->spans[i].start : 0;
    fprintf(out, "stacks: %zu for %zu thread%s, %s in memory of %s of addresses\n", map->stack_count,
            map->thread_count, map->thread_count == 1 ? "" : "s", neap_units_bytes(text, map->stack_bytes),
            neap_units_bytes(apart, mapped));
    uint64_t reserved = 0;
    for (size_t i = 0; i < map->span_count; i++)
        reserved += map->spans[i].kind == NEAP_SPAN_RESERVED ? map->spans[i].end - map->spans[i].start : 0;
    if (reserved > 0)
        fprintf(out, "reserved and not drawn: %s of addresses\n", neap_units_bytes(text, reserved));
    fprintf(out, "mappings: %zu", map->mapping_count);
    if (map->mapping_limit > 0)
        fprintf(out, " of %llu that the system allows (%.1f %%)", (unsigned long long)map->mapping_limit,
                100.0 * (double)map->mapping_count / (double)map->mapping_limit);
    putc('\n', out);
    if (report->limit[0])
        fprintf(out, "not seen: %s\n", report->limit);
}

int cli_map_print(const struct cli_map_report *report, FILE *out) {
    char rss[NEAP_UNITS_ROOM];
    unsigned digits = report->map->pointer_bytes == 4 ? 8 : 12;
    struct drawing *drawing = drawing_make(report, neap_grid_columns(out, digits), PRINT_ROWS);
    if (!drawing)
        return NEAP_ERROR_MEMORY;
    fprintf(out, "%s\n%s in memory, %s\n\n", drawing->title, neap_units_bytes(rss, report->map->rss_bytes),
            report->source);
    neap_grid_print(&drawing->grid, out);
    facts_print(report, out);
    drawing_clear(drawing);
    return NEAP_OK;
}

int cli_map_picture(const struct cli_map_report *report, FILE *out) {
    struct drawing *drawing = drawing_make(report, PICTURE_COLUMNS, PICTURE_ROWS);
    if (!drawing)
        return NEAP_ERROR_MEMORY;
    neap_grid_svg(&drawing->grid, out);
    drawing_clear(drawing);
    return NEAP_OK;
}
