/* cli/memory_table.h: an account of memory, a line a part. Main thread.
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

/* At most 80 columns wide if name and meaning are at most 64 together. */
void cli_memory_table_print(const struct cli_memory_line *lines, size_t count, FILE *out);

#endif
