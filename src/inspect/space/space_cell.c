/* inspect/space/space_cell.c: finds the rows and sums up each cell. */
#include "inspect/space/space_cell.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 4, CELL_BITS_MOST = 54 };

/* The bytes of one kind in a cell. */
struct share {
    uint64_t mapped_bytes, resident_bytes, used_bytes;
};

static bool is_drawn(const struct neap_space_span *span) {
    return span->kind != NEAP_SPAN_RESERVED;
}

/* --- rows -------------------------------------------------------------------- */

/* Calls `visit` for each row that is not empty, by address; returns how many lines all rows take. */
static size_t rows_count(const struct neap_space_map *map, uint64_t row_bytes) {
    size_t lines = 0;
    uint64_t next = 0; /* number of the row after the last one counted */
    for (size_t i = 0; i < map->span_count; i++) {
        if (!is_drawn(&map->spans[i]))
            continue;
        uint64_t first = map->spans[i].start / row_bytes, last = (map->spans[i].end - 1) / row_bytes;
        if (first < next)
            first = next;
        if (last < first)
            continue;
        lines += (size_t)(last - first + 1) + (lines > 0 && first > next);
        next = last + 1;
    }
    return lines;
}

static uint64_t reserved_between(const struct neap_space_map *map, uint64_t start, uint64_t end) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < map->span_count && map->spans[i].start < end; i++) {
        const struct neap_space_span *span = &map->spans[i];
        uint64_t from = span->start > start ? span->start : start, to = span->end < end ? span->end : end;
        if (span->kind == NEAP_SPAN_RESERVED && from < to)
            bytes += to - from;
    }
    return bytes;
}

static void rows_fill(const struct neap_space_map *map, struct neap_space_cells *cells) {
    uint64_t row_bytes = cells->cell_bytes * cells->columns, next = 0;
    for (size_t i = 0; i < map->span_count; i++) {
        if (!is_drawn(&map->spans[i]))
            continue;
        uint64_t first = map->spans[i].start / row_bytes, last = (map->spans[i].end - 1) / row_bytes;
        for (uint64_t row = first < next ? next : first; row <= last; row++) {
            struct neap_space_row *made = &cells->rows[cells->row_count];
            *made = (struct neap_space_row){.address = row * row_bytes};
            if (cells->row_count++ > 0 && row > next) {
                made->gap_bytes = (row - next) * row_bytes;
                made->reserved_bytes = reserved_between(map, next * row_bytes, row * row_bytes);
            }
            next = row + 1;
        }
    }
}

/* --- cells ------------------------------------------------------------------- */

static uint64_t part_of(uint64_t bytes, uint64_t part, uint64_t whole) {
    return whole ? (uint64_t)((double)bytes * ((double)part / (double)whole)) : 0;
}

/* Bytes in use in [start, end) of Python's heap, by its pools. */
static uint64_t pools_used(const struct neap_space_map *map, uint64_t start, uint64_t end) {
    uint64_t bytes = 0;
    for (size_t i = neap_space_pool_at(map, start); i < map->pool_count && map->pools[i].address < end; i++) {
        const struct neap_space_pool *pool = &map->pools[i];
        uint64_t from = pool->address > start ? pool->address : start, last = pool->address + pool->bytes;
        uint64_t to = last < end ? last : end;
        bytes += part_of((uint64_t)pool->used * pool->block_bytes, to - from, pool->bytes);
    }
    return bytes;
}

static bool is_heap(enum neap_span_kind kind) {
    return kind == NEAP_SPAN_ARENA || kind == NEAP_SPAN_REGION;
}

/* Adds the part of a span in [start, end), which is one cell. */
static void share_add(const struct neap_space_map *map, const struct neap_space_span *span, uint64_t start,
                      uint64_t end, struct share *share) {
    uint64_t resident = neap_space_span_resident(map, span, start, end);
    share->mapped_bytes += end - start;
    share->resident_bytes += resident;
    if (is_heap(span->kind) && map->pool_count > 0)
        share->used_bytes += pools_used(map, start, end);
    else
        share->used_bytes +=
            span->has_use ? part_of(span->used_bytes, resident, span->resident_bytes) : resident;
}

static uint8_t level_of(uint64_t part, uint64_t whole) {
    if (part == 0 || whole == 0)
        return 0;
    uint64_t level = part >= whole ? LEVELS : part * LEVELS / whole + (part * LEVELS % whole != 0);
    return (uint8_t)(level < 1 ? 1 : level);
}

/* The kind with the most memory; if nothing is in memory, the one with the most address space. */
static struct neap_space_cell cell_of(const struct share shares[NEAP_SPAN_KINDS], uint64_t cell_bytes) {
    size_t best = NEAP_SPAN_KINDS;
    for (size_t kind = 0; kind < NEAP_SPAN_KINDS; kind++) {
        if (shares[kind].mapped_bytes == 0)
            continue;
        const struct share *share = &shares[kind], *leader = best < NEAP_SPAN_KINDS ? &shares[best] : NULL;
        if (!leader || share->resident_bytes > leader->resident_bytes ||
            (share->resident_bytes == leader->resident_bytes && share->mapped_bytes > leader->mapped_bytes))
            best = kind;
    }
    if (best == NEAP_SPAN_KINDS)
        return (struct neap_space_cell){NEAP_SPAN_KINDS, 0};
    const struct share *share = &shares[best];
    bool filled =
        is_heap((enum neap_span_kind)best) || best == NEAP_SPAN_GLIBC_MAIN || best == NEAP_SPAN_GLIBC_ARENA;
    uint8_t level = filled && share->resident_bytes > 0 ? level_of(share->used_bytes, share->resident_bytes)
                                                        : level_of(share->resident_bytes, cell_bytes);
    if (share->resident_bytes > 0 && level == 0)
        level = 1; /* in memory, but nothing is in use */
    return (struct neap_space_cell){(uint8_t)best, level};
}

static void cells_fill(const struct neap_space_map *map, struct neap_space_cells *cells) {
    size_t span = 0;
    for (size_t row = 0; row < cells->row_count; row++) {
        for (size_t column = 0; column < cells->columns; column++) {
            uint64_t start = cells->rows[row].address + column * cells->cell_bytes;
            uint64_t end = start + cells->cell_bytes;
            struct share shares[NEAP_SPAN_KINDS] = {{0}};
            while (span < map->span_count && map->spans[span].end <= start)
                span++;
            for (size_t i = span; i < map->span_count && map->spans[i].start < end; i++) {
                const struct neap_space_span *here = &map->spans[i];
                share_add(map, here, here->start > start ? here->start : start,
                          here->end < end ? here->end : end, &shares[here->kind]);
            }
            cells->cells[row * cells->columns + column] = cell_of(shares, cells->cell_bytes);
        }
    }
}

int neap_space_cells_make(const struct neap_space_map *map, size_t columns, size_t rows_most,
                          struct neap_space_cells *cells) {
    struct neap_space_cells made = {.cell_bytes = map->page_bytes, .columns = columns};
    assert(columns > 0 && rows_most > 0);
    while (rows_count(map, made.cell_bytes * columns) > rows_most && made.cell_bytes >> CELL_BITS_MOST == 0)
        made.cell_bytes *= 2;
    size_t room = rows_count(map, made.cell_bytes * columns) + 1;
    made.rows = calloc(room, sizeof(*made.rows));
    made.cells = calloc(room * columns, sizeof(*made.cells));
    if (!made.rows || !made.cells) {
        neap_space_cells_clear(&made);
        return NEAP_ERROR_MEMORY;
    }
    rows_fill(map, &made);
    cells_fill(map, &made);
    *cells = made;
    return NEAP_OK;
}

void neap_space_cells_clear(struct neap_space_cells *cells) {
    free(cells->rows);
    free(cells->cells);
    *cells = (struct neap_space_cells){0};
}
