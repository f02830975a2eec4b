/* cli/python_argument.c: opens the Python of a PID or core file, or says in one line why it cannot. */
#include "cli/python_argument.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/number_format.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"
#include "report/json.h"

enum { WALKERS = 2 };

static int view_open(const char *verb, struct cli_python *python) {
    python->view = calloc(1, sizeof(*python->view));
    int error = python->view ? neap_python_view_open(python->snapshot, python->view) : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK)
        return CLI_GO_ON;
    const char *why = error == NEAP_ERROR_ABSENT ? python->view->fault.why : neap_error_text(error);
    free(python->view);
    python->view = NULL;
    if (cli_python_outcome(python, error) == NEAP_ERROR_PROCESS)
        return cli_pid_error(verb, &python->target, NEAP_ERROR_PROCESS);
    int code = error == NEAP_ERROR_ABSENT ? CLI_EXIT_NO_PROCESS : CLI_EXIT_FAILED;
    if (python->core)
        return cli_error(code, "cannot look into %s: %s: give a core file of CPython 3.8 to 3.15",
                         python->core, why);
    return cli_error(code, "cannot look into process %d (%s): %s: name a process of CPython 3.8 to 3.15",
                     (int)python->target.pid, python->target.program, why);
}

int cli_python_open(const char *verb, const struct cli_snapshot_options *options, int argc, char **argv,
                    struct cli_python *python) {
    memset(python, 0, sizeof(*python));
    python->core = options->core;
    int code = cli_snapshot_check(verb, options, argc);
    if (code == CLI_GO_ON && !options->core)
        code = cli_pid_open(verb, argc, argv, &python->target);
    if (code == CLI_GO_ON)
        code = cli_snapshot_open(verb, options, &python->target, &python->snapshot);
    if (code == CLI_GO_ON)
        code = view_open(verb, python);
    if (code != CLI_GO_ON)
        cli_python_close(python);
    return code;
}

int cli_python_outcome(const struct cli_python *python, int error) {
    return neap_snapshot_facts(python->snapshot)->ended ? NEAP_ERROR_PROCESS : error;
}

void cli_python_release(struct cli_python *python) {
    python->pause_ns = neap_snapshot_release(python->snapshot);
}

void cli_python_close(struct cli_python *python) {
    if (python->view) {
        neap_python_view_close(python->view);
        free(python->view);
    }
    if (python->snapshot)
        neap_snapshot_destroy(python->snapshot);
    neap_live_heap_close(&python->target);
    python->view = NULL;
    python->snapshot = NULL;
}

unsigned cli_python_threads(const struct cli_python *python) {
    return neap_snapshot_facts(python->snapshot)->way == NEAP_SNAPSHOT_HOLD ? 1 : WALKERS;
}

static void version_print(const struct neap_python_view *view, FILE *out) {
    fprintf(out, "CPython 3.%u", view->version->minor);
    if (view->version_hex)
        fprintf(out, ".%u", view->version_hex >> 8 & 0xff);
    fprintf(out, ", %s\n",
            view->neap                             ? "on Neap"
            : view->limits & NEAP_PYTHON_NO_BLOCKS ? "without pymalloc"
                                                   : "on pymalloc");
}

static void limits_print(const struct neap_python_view *view, FILE *out) {
    if (view->limits & NEAP_PYTHON_NO_BLOCKS)
        fputs("not seen: blocks of malloc that no visible object refers to (PYTHONMALLOC=malloc)\n", out);
    if (view->limits & NEAP_PYTHON_COLLARS)
        fputs("debug hooks are on: sizes are given without their padding\n", out);
    if (view->limits & NEAP_PYTHON_NO_RUNTIME)
        fputs("not found: the interpreters, and so their modules and running functions\n", out);
    else if (view->limits & NEAP_PYTHON_DOUBTS)
        fputs("not found: some of its interpreters' modules, threads or frames\n", out);
    if (view->limits & NEAP_PYTHON_NEAP_UNREAD)
        fputs("not read: Neap's heap, which another version of Neap made\n", out);
}

void cli_python_print(const struct cli_python *python, uint64_t rejected, FILE *out) {
    const struct neap_snapshot_facts *facts = neap_snapshot_facts(python->snapshot);
    const char *lack = facts->too_little_memory ? ", since there is too little memory to copy it" : "";
    char time[NEAP_UNITS_ROOM], number[CLI_NUMBER_ROOM];
    if (python->core)
        fprintf(out, "core file %.60s: ", python->core);
    else
        fprintf(out, "process %d (%.40s): ", (int)python->target.pid, python->target.program);
    version_print(python->view, out);
    if (facts->way == NEAP_SNAPSHOT_RUNNING)
        fprintf(out, "read while it ran: %s structure%s changed meanwhile and left out\n",
                cli_number_format(number, rejected), rejected == 1 ? "" : "s");
    else if (facts->way == NEAP_SNAPSHOT_HOLD && python->pause_ns == 0)
        fprintf(out, "paused during the whole analysis%s\n", lack);
    else if (facts->way != NEAP_SNAPSHOT_CORE)
        fprintf(out, "paused for %s%s\n",
                neap_units_ns(time, python->pause_ns ? python->pause_ns : facts->pause_ns), lack);
    if (facts->way != NEAP_SNAPSHOT_RUNNING && rejected)
        fprintf(out, "%s inconsistent structure%s left out\n", cli_number_format(number, rejected),
                rejected == 1 ? "" : "s");
    if (facts->swapped_bytes > 0)
        fprintf(out, "not read: %s in swap, which looking would have brought back\n",
                neap_units_bytes(time, facts->swapped_bytes));
    limits_print(python->view, out);
}

void cli_python_json(const struct cli_python *python, json_t *document) {
    static const char *const ways[] = {
        [NEAP_SNAPSHOT_PAUSE] = "pause",
        [NEAP_SNAPSHOT_RUNNING] = "running",
        [NEAP_SNAPSHOT_HOLD] = "hold",
        [NEAP_SNAPSHOT_CORE] = "core",
    };
    const struct neap_python_view *view = python->view;
    const struct neap_snapshot_facts *facts = neap_snapshot_facts(python->snapshot);
    char version[32];
    snprintf(version, sizeof(version), "3.%u.%u", view->version->minor, view->version_hex >> 8 & 0xff);
    if (view->version_hex == 0)
        snprintf(version, sizeof(version), "3.%u", view->version->minor);
    json_object_set_new(document, "pid", json_integer(view->image->pid));
    json_object_set_new(document, "program", neap_json_text(view->image->program));
    json_object_set_new(document, "python", json_string(version));
    json_object_set_new(document, "allocator",
                        json_string(view->neap                             ? "neap"
                                    : view->limits & NEAP_PYTHON_NO_BLOCKS ? "none"
                                                                           : "pymalloc"));
    json_object_set_new(document, "way", json_string(ways[facts->way]));
    neap_json_set(document, "pause_ns", python->pause_ns ? python->pause_ns : facts->pause_ns);
    neap_json_set(document, "copied_bytes", facts->copied_bytes);
    neap_json_set(document, "swapped_bytes", facts->swapped_bytes);
    neap_json_set(document, "limits", view->limits);
}
