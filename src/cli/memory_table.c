/* cli/memory_table.c: prints the table. */
#include "cli/memory_table.h"

#include "base/units.h"
#include "report/table.h"

void cli_memory_table_print(const struct cli_memory_line *lines, size_t count, FILE *out) {
    static const struct neap_table_column columns[] = {
        {"memory", true, false}, {"", false, false}, {"what it is", true, false}};
    neap_table_t *table = neap_table_new(columns, 3);
    for (size_t i = 0; table && i < count; i++) {
        char text[NEAP_UNITS_ROOM];
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", lines[i].name);
        neap_table_cell(table, NEAP_TONE_STRONG, "%s", neap_units_bytes(text, lines[i].bytes));
        neap_table_cell(table, NEAP_TONE_DIM, "%s", lines[i].meaning);
    }
    neap_table_finish(table, out);
}
