/* inspect/space/space_cell.h: divides a map into rows of equal cells, for drawing.
 *
 *     7f12a4000000  [ ][ ][a][a][a][g] ...      `columns` cells of cell_bytes each
 *        ... 21.3 TB free ...                   empty rows are left out
 *     7fff5c000000  [ ][s] ...
 *
 * A cell has the kind of which most memory lies in it, and how full that memory is. Rows begin
 * at multiples of their length. Reserved address space counts as empty.
 */
#ifndef NEAP_INSPECT_SPACE_SPACE_CELL_H
#define NEAP_INSPECT_SPACE_SPACE_CELL_H

#include "inspect/space/space_map.h"

struct neap_space_cell {
    uint8_t kind;  /* enum neap_span_kind, NEAP_SPAN_KINDS: nothing is mapped there */
    uint8_t level; /* 0: not in memory; 1 to 4: quarters, rounded up, of the memory that is in use or, if
                      that is not known for the kind, of the cell that is in memory */
};

struct neap_space_row {
    uint64_t address;
    uint64_t gap_bytes;      /* left out before this row, because not mapped or reserved */
    uint64_t reserved_bytes; /* the reserved part of gap_bytes */
};

struct neap_space_cells {
    uint64_t cell_bytes;
    size_t columns, row_count;
    struct neap_space_row *rows;
    struct neap_space_cell *cells; /* row_count times columns */
};

/* Divides the map. The cell size is a power of two, at least a page, and such that there are at most
 * `rows_most` rows if possible; each gap between rows counts as a row. NEAP_ERROR_MEMORY. */
int neap_space_cells_make(const struct neap_space_map *map, size_t columns, size_t rows_most,
                          struct neap_space_cells *cells);
void neap_space_cells_clear(struct neap_space_cells *cells);

#endif
