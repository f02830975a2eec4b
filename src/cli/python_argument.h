/* cli/python_argument.h: the Python that `look`, `pins` and `advise` take: a PID, or a core file.
 *
 *     struct cli_snapshot_options options = {0};
 *     const struct cli_option table[] = {CLI_SNAPSHOT_OPTIONS(&options), ..., {.name = NULL}};
 *     ...
 *     int code = cli_python_open("look", &options, argc - rest, argv + rest, &python);
 *     if (code == CLI_GO_ON) {
 *         int error = cli_python_outcome(&python, ...);
 *         cli_python_release(&python);
 *         print, or cli_pid_error if the process ended; cli_python_close(&python);
 *     }
 *
 * cli/snapshot_argument.h says how long a process is stopped. Main thread.
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
    uint64_t pause_ns;             /* length of the pause, set by cli_python_release; 0 if that ended none */
};

/* Takes the snapshot and opens the view. Returns CLI_GO_ON, or an exit code after one line on stderr. */
int cli_python_open(const char *verb, const struct cli_snapshot_options *options, int argc, char **argv,
                    struct cli_python *python);

/* What came of reading it: NEAP_ERROR_PROCESS if it ended before all was read, else `error`. */
int cli_python_outcome(const struct cli_python *python, int error);

/* Resumes a process that is still stopped, after everything has been read. */
void cli_python_release(struct cli_python *python);

void cli_python_close(struct cli_python *python);

/* Prints "process 1234 (python3.11): CPython 3.11.2, on pymalloc", then how it was read, and in further
 * lines what could not be read. `rejected` is the number of structures that were left out. */
void cli_python_print(const struct cli_python *python, uint64_t rejected, FILE *out);

/* Adds the same to a document, as members: pid, program, python, allocator, way, pause_ns and so on. */
void cli_python_json(const struct cli_python *python, json_t *document);

/* The number of threads that may walk over the objects at the same time. */
unsigned cli_python_threads(const struct cli_python *python);

#endif
