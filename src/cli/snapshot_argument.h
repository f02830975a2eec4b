/* cli/snapshot_argument.h: how the memory of a process is read: stopped, running, held, or from a core file.
 *
 *     struct cli_snapshot_options options = {0};
 *     const struct cli_option table[] = {CLI_SNAPSHOT_OPTIONS(&options), ..., {.name = NULL}};
 *
 * A process stands still for as long as copying takes; with --low-memory until
 * neap_snapshot_release. Whatever happens to neap, it goes on. Main thread.
 */
#ifndef NEAP_CLI_SNAPSHOT_ARGUMENT_H
#define NEAP_CLI_SNAPSHOT_ARGUMENT_H

#include "cli/option.h"
#include "inspect/process/snapshot.h"
#include "inspect/neap_heap/live_neap_heap.h"

struct cli_snapshot_options {
    bool pause, no_pause, low_memory;
    const char *core; /* NULL: a process */
};

#define CLI_SNAPSHOT_OPTIONS(options)                                                                        \
    {.name = "pause",                                                                                        \
     .help = "stop the process while its memory is copied, and go on (the default)",                         \
     .kind = CLI_FLAG,                                                                                       \
     .target = &(options)->pause},                                                                           \
        {.name = "no-pause",                                                                                 \
         .help = "do not stop it: what changes while it is read may be wrong or left out",                   \
         .kind = CLI_FLAG,                                                                                   \
         .target = &(options)->no_pause},                                                                    \
        {.name = "low-memory",                                                                               \
         .help = "copy nothing: the process stands still until all is read",                                 \
         .kind = CLI_FLAG,                                                                                   \
         .target = &(options)->low_memory},                                                                  \
    {                                                                                                        \
        .name = "core", .argument = "FILE", .help = "read a core file instead of a process",                 \
        .kind = CLI_STRING, .target = &(options)->core                                                       \
    }

/* Whether the options of `verb` go together, and with so many operands beside --core. CLI_GO_ON, or
 * CLI_EXIT_USAGE after one line on stderr. */
int cli_snapshot_check(const char *verb, const struct cli_snapshot_options *options, int operands);

/* Takes a snapshot of the core file, or else of `target`, of which pid and program are looked at, and whose
 * handle is opened if it is not. The caller destroys *snapshot, then closes *target. CLI_GO_ON, or an exit
 * code after one line on stderr. */
int cli_snapshot_open(const char *verb, const struct cli_snapshot_options *options,
                      struct neap_live_heap *target, neap_snapshot_t **snapshot);

#endif
