/* cli/python_argument.h: the Python that `look`, `pins` and `advise` take: a PID, or a core file.
 *
 *     struct cli_python_options options = {0};
 *     const struct cli_option table[] = {CLI_PYTHON_OPTIONS(&options), ..., {.name = NULL}};
 *     ...
 *     int code = cli_python_open("look", &options, argc - rest, argv + rest, &python);
 *     if (code == CLI_GO_ON) { ...; cli_python_release(&python); print; cli_python_close(&python); }
 *
 * A process stands still from open on, for as long as copying takes; with --low-memory until
 * release. Whatever happens to neap, it goes on. Main thread.
 */
#ifndef NEAP_CLI_PYTHON_ARGUMENT_H
#define NEAP_CLI_PYTHON_ARGUMENT_H

#include <stdio.h>

#include <jansson.h>

#include "cli/option.h"
#include "inspect/python_view.h"
#include "inspect/target.h"

struct cli_python_options {
    bool pause, no_pause, low_memory;
    const char *core; /* NULL: a process */
};

#define CLI_PYTHON_OPTIONS(options)                                                                          \
    {.name = "pause",                                                                                        \
     .help = "stop the process while its memory is copied, and go on (the default)",                         \
     .kind = CLI_FLAG,                                                                                       \
     .target = &(options)->pause},                                                                           \
        {.name = "no-pause",                                                                                 \
         .help = "do not stop it: what changes while it is read is left out, and counted",                   \
         .kind = CLI_FLAG,                                                                                   \
         .target = &(options)->no_pause},                                                                    \
        {.name = "low-memory",                                                                               \
         .help = "copy nothing: the process stands still until all is counted",                              \
         .kind = CLI_FLAG,                                                                                   \
         .target = &(options)->low_memory},                                                                  \
    {                                                                                                        \
        .name = "core", .argument = "FILE", .help = "read a core file instead of a process",                 \
        .kind = CLI_STRING, .target = &(options)->core                                                       \
    }

struct cli_python {
    struct neap_target target; /* pid 0 for a core file */
    const char *core;          /* its path, or NULL */
    neap_snapshot_t *snapshot;
    struct neap_python_view *view; /* owned */
    uint64_t pause_ns;             /* after release */
};

/* Takes the snapshot and opens the view. CLI_GO_ON, or an exit code after one line on stderr. */
int cli_python_open(const char *verb, const struct cli_python_options *options, int argc, char **argv,
                    struct cli_python *python);

/* All that was to be read has been: a process that is still held goes on. */
void cli_python_release(struct cli_python *python);

void cli_python_close(struct cli_python *python);

/* "process 1234 (python3.11): CPython 3.11.2, blocks by pymalloc", how it was read, and in further
 * lines what cannot be seen. */
void cli_python_print(const struct cli_python *python, uint64_t rejected, FILE *out);

/* The same as members of a document: pid, program, python, allocator, way, pause_ns, ... */
void cli_python_json(const struct cli_python *python, json_t *document);

/* Threads that may walk at once. */
unsigned cli_python_threads(const struct cli_python *python);

#endif
