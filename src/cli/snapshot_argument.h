/* cli/snapshot_argument.h: the options that say how the memory of a process is read.
 *
 *     struct cli_snapshot_options options = {0};
 *     const struct cli_option table[] = {CLI_SNAPSHOT_OPTIONS(&options), ..., {.name = NULL}};
 *
 * A process is stopped while its memory is copied or, with --low-memory, until
 * neap_snapshot_release. If neap ends before, the kernel resumes it. In a worker (cli/apart.h), what was
 * opened and copied by the end of cli_snapshot_open is all that can be read afterwards. Main thread.
 */
#ifndef NEAP_CLI_SNAPSHOT_ARGUMENT_H
#define NEAP_CLI_SNAPSHOT_ARGUMENT_H

#include "cli/option.h"
#include "inspect/process/snapshot.h"
#include "inspect/neap_heap/live_neap_heap.h"

struct cli_snapshot_options {
    bool pause, no_pause, low_memory;
    const char *core; /* path of a core file; NULL for a process */
};

#define CLI_SNAPSHOT_OPTIONS(options)                                                                        \
    {.name = "pause",                                                                                        \
     .help = "stop the process while its memory is copied (the default)",                                    \
     .kind = CLI_FLAG,                                                                                       \
     .target = &(options)->pause},                                                                           \
        {.name = "no-pause",                                                                                 \
         .help = "do not stop the process: what changes meanwhile may be wrong or left out",                 \
         .kind = CLI_FLAG,                                                                                   \
         .target = &(options)->no_pause},                                                                    \
        {.name = "low-memory",                                                                               \
         .help = "copy nothing: the process is stopped until everything is read",                            \
         .kind = CLI_FLAG,                                                                                   \
         .target = &(options)->low_memory},                                                                  \
    {                                                                                                        \
        .name = "core", .argument = "FILE", .help = "read a core file instead of a process",                 \
        .kind = CLI_STRING, .target = &(options)->core                                                       \
    }

/* Checks that the options of `verb` can be used together, and with that number of operands. Returns
 * CLI_GO_ON, or CLI_EXIT_USAGE after one line on stderr. */
int cli_snapshot_check(const char *verb, const struct cli_snapshot_options *options, int operands);

/* Takes a snapshot of the core file if there is one, else of `target`, of which it uses pid and program, and
 * whose handle it opens if it is not open. The caller destroys *snapshot, then closes *target. Returns
 * CLI_GO_ON, or an exit code after one line on stderr. */
int cli_snapshot_open(const char *verb, const struct cli_snapshot_options *options,
                      struct neap_live_heap *target, neap_snapshot_t **snapshot);

#endif
