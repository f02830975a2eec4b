/* cli/python_argument.h: the Python that `look`, `pins` and `advise` take: a PID, or a core file.
 *
 *     struct cli_snapshot_options options = {0};
 *     const struct cli_option table[] = {CLI_SNAPSHOT_OPTIONS(&options), ..., {.name = NULL}};
 *     ...
 *     int code = cli_python_open("look", &options, argc - rest, argv + rest, &python);
 *     if (code == CLI_GO_ON) { ...; cli_python_release(&python); print; cli_python_close(&python); }
 *
 * A process stands still from open on, for as long as cli/snapshot_argument.h says. Main thread.
 */
#ifndef NEAP_CLI_PYTHON_ARGUMENT_H
#define NEAP_CLI_PYTHON_ARGUMENT_H

#include <stdio.h>

#include <jansson.h>

#include "cli/snapshot_argument.h"
#include "inspect/python/python_view.h"
#include "inspect/neap_heap/live_neap_heap.h"

struct cli_python {
    struct neap_live_heap target; /* pid 0 for a core file */
    const char *core;             /* its path, or NULL */
    neap_snapshot_t *snapshot;
    struct neap_python_view *view; /* owned */
    uint64_t pause_ns;             /* after release */
};

/* Takes the snapshot and opens the view. CLI_GO_ON, or an exit code after one line on stderr. */
int cli_python_open(const char *verb, const struct cli_snapshot_options *options, int argc, char **argv,
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
