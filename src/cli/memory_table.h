/* cli/memory_table.h: prints an account of memory, one line per part. Main thread.
 *
 *     memory            what it is
 *     live     12.3 MB  blocks in use
 *     ...
 */
#ifndef NEAP_CLI_MEMORY_TABLE_H
#define NEAP_CLI_MEMORY_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cli_memory_line {
    const char *name;
    uint64_t bytes;
    const char *meaning;
};

/* Prints the table. It is at most 80 columns wide if name and meaning have at most 64 together. */
void cli_memory_table_print(const struct cli_memory_line *lines, size_t count, FILE *out);

#endif
