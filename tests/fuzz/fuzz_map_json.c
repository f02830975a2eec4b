/* Fuzz target: saved maps. What is accepted must be sound, and can be drawn and compared. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <neap/error.h>

#include "cli/map_report.h"
#include "inspect/space/space_cell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct neap_space_map map;
    struct neap_space_cells cells;
    const char *why;
    if (cli_map_parse((const char *)data, bytes, &map, &why) != NEAP_OK)
        return 0;
    if (!neap_space_map_check(&map, &why))
        abort();
    struct cli_map_report report = {&map, "", ""};
    FILE *out = fopen("/dev/null", "w");
    cli_map_print(&report, out);
    cli_map_json(&report, out);
    cli_map_change_print(&map, &map, out);
    fclose(out);
    if (neap_space_cells_make(&map, 64, 36, &cells) == NEAP_OK)
        neap_space_cells_clear(&cells);
    neap_space_map_clear(&map);
    return 0;
}
