/* inspect/space/space_cell.h: a map cut into rows of cells of one size, for those who draw it.
 *
 *     7f12a4000000  [ ][ ][a][a][a][g] ...      columns cells of cell_bytes each
 *        ... 21.3 TB free ...                   rows without anything are left out
 *     7fff5c000000  [ ][s] ...
 *
 * A cell has the kind that has most in memory in it, and how full that is. Rows begin at
 * multiples of their length. Reserved address space makes no row.
 */
#ifndef NEAP_INSPECT_SPACE_SPACE_CELL_H
#define NEAP_INSPECT_SPACE_SPACE_CELL_H

#include "inspect/space/space_map.h"

struct neap_space_cell {
    uint8_t kind;  /* enum neap_span_kind, NEAP_SPAN_KINDS: nothing is mapped there */
    uint8_t level; /* 0: not in memory, 1 to 4: quarters, rounded up: of what is in memory in use, where
                      the kind tells that, else of the cell in memory */
};

struct neap_space_row {
    uint64_t address;
    uint64_t gap_bytes;      /* left out before this row: without mapping or reserved */
    uint64_t reserved_bytes; /* of these, reserved */
};

struct neap_space_cells {
    uint64_t cell_bytes;
    size_t columns, row_count;
    struct neap_space_row *rows;
    struct neap_space_cell *cells; /* row_count times columns */
};

/* Cuts so that rows, each gap between them counting for one, are at most `rows_most` if that can be;
 * cells are a power of two of bytes, a page at least. NEAP_ERROR_MEMORY. */
int neap_space_cells_make(const struct neap_space_map *map, size_t columns, size_t rows_most,
                          struct neap_space_cells *cells);
void neap_space_cells_clear(struct neap_space_cells *cells);

#endif
