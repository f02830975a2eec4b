/* cli/verb_map.c: `neap map PID`, `neap map --core FILE`, `neap map A.json [B.json]`. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/map_report.h"
#include "cli/option.h"
#include "cli/target_argument.h"
#include "cli/verb.h"
#include "inspect/image_survey.h"
#include "inspect/python_view.h"

enum { LIVE_BYTES_MOST = 4 << 20 }; /* bits of blocks that a page carries: 32 million blocks */

static const struct cli_usage usage = {
    .verb = "map",
    .synopsis = "[options] PID | --core FILE | SAVED.json [LATER.json]",
    .about = "Draws the address space of a process: what lies where, and how full it is. Any process: one "
             "that is no Python, or has 32 bits, is drawn without its heap. The process is stopped "
             "while its memory is copied, and goes on. Of two saved maps it shows what changed.",
    .mixed = true,
};

struct request {
    bool json, no_pause, low_memory;
    const char *html, *svg, *core;
};

static enum neap_snapshot_way way_of(const struct request *request) {
    return request->low_memory ? NEAP_SNAPSHOT_HOLD
           : request->no_pause ? NEAP_SNAPSHOT_RUNNING
                               : NEAP_SNAPSHOT_PAUSE;
}

/* --- output ------------------------------------------------------------------ */

static int file_write(const char *path, const struct cli_map_report *report,
                      int (*write)(const struct cli_map_report *report, FILE *out)) {
    FILE *out = fopen(path, "we");
    if (!out)
        return cli_error(CLI_EXIT_FAILED, "cannot write %s: %s: give another file", path, strerror(errno));
    int error = write(report, out);
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (error || failed)
        return cli_error(CLI_EXIT_FAILED, "cannot write %s: %s: is there room?", path,
                         error ? neap_error_text(error) : strerror(errno));
    return CLI_EXIT_DONE;
}

static int report_all(const struct request *request, const struct cli_map_report *report) {
    int code = CLI_EXIT_DONE;
    int error = request->json ? cli_map_json(report, stdout) : cli_map_print(report, stdout);
    if (error == NEAP_ERROR_MEMORY)
        code = cli_error(CLI_EXIT_FAILED, "cannot draw the map: out of memory: give neap more");
    fflush(stdout);
    if (request->html && file_write(request->html, report, cli_map_page) != CLI_EXIT_DONE)
        code = CLI_EXIT_FAILED;
    if (request->svg && file_write(request->svg, report, cli_map_picture) != CLI_EXIT_DONE)
        code = CLI_EXIT_FAILED;
    return code;
}

/* --- a process or a core file ------------------------------------------------ */

/* What is said of how it was read. */
static void source_tell(const struct neap_snapshot_facts *facts, char *text, size_t bytes) {
    char pause[NEAP_UNITS_ROOM], missing[NEAP_UNITS_ROOM];
    switch (facts->way) {
    case NEAP_SNAPSHOT_CORE:
        snprintf(text, bytes, "read from a core file");
        break;
    case NEAP_SNAPSHOT_RUNNING:
        snprintf(text, bytes, "read while it ran");
        break;
    default:
        snprintf(text, bytes, "read in a pause of %s", neap_units_ns(pause, facts->pause_ns));
    }
    size_t length = strlen(text);
    if (facts->missing_bytes > 0)
        snprintf(text + length, bytes - length, ", %s could not be",
                 neap_units_bytes(missing, facts->missing_bytes));
}

/* The map of a snapshot that was taken; `limit` is what could not be seen of Python. */
static int map_make(neap_snapshot_t *snapshot, struct neap_space_map *map, const char **limit) {
    struct neap_python_view *view = calloc(1, sizeof(*view));
    struct neap_glibc_facts facts;
    if (!view)
        return NEAP_ERROR_MEMORY;
    int error = neap_python_view_blocks(snapshot, view);
    bool python = error == NEAP_OK;
    *limit = "";
    if (error == NEAP_ERROR_ABSENT && view->fault.why && view->interpreter.runtime.address != 0)
        *limit = view->fault.why;
    else if (python && view->limits & NEAP_PYTHON_NEAP_UNREAD)
        *limit = "Neap's heap, which is of another version";
    else if (python && view->limits & NEAP_PYTHON_NO_BLOCKS)
        *limit = "Python's heap: it takes its blocks from malloc";
    const struct neap_block_source *blocks = python ? &view->blocks : NULL;
    bool neap = python && view->neap;
    struct neap_block_source arenas = {0};
    if (python)
        arenas = neap_pymalloc_source(&view->pymalloc);
    if (error != NEAP_ERROR_MEMORY)
        error = neap_image_survey(snapshot, python ? &arenas : NULL, neap ? &view->heap : NULL,
                                  neap ? blocks : NULL, &facts);
    if (error == NEAP_OK)
        error = neap_space_map_make(neap_snapshot_image(snapshot), blocks, LIVE_BYTES_MOST, map);
    if (python)
        neap_python_view_close(view);
    free(view);
    return error;
}

static int snapshot_draw(const struct request *request, neap_snapshot_t *snapshot, const char *name) {
    struct neap_space_map map = {0};
    const char *limit;
    char source[128];
    int error = map_make(snapshot, &map, &limit);
    neap_snapshot_release(snapshot);
    if (error != NEAP_OK)
        return cli_error(CLI_EXIT_FAILED, "cannot draw the map of %s: %s: try --low-memory", name,
                         neap_error_text(error));
    source_tell(neap_snapshot_facts(snapshot), source, sizeof(source));
    struct cli_map_report report = {&map, source, limit};
    int code = report_all(request, &report);
    neap_space_map_clear(&map);
    return code;
}

static int core_draw(const struct request *request) {
    neap_snapshot_t *snapshot;
    struct neap_fault fault = {0, "it is no core file"};
    int error = neap_snapshot_open(request->core, &snapshot, &fault);
    if (error == NEAP_ERROR_FORMAT)
        return cli_error(CLI_EXIT_FAILED, "cannot read %s: %s: give a core file, as gcore writes it",
                         request->core, fault.why);
    if (error != NEAP_OK)
        return cli_error(error == NEAP_ERROR_PERMISSION ? CLI_EXIT_NOT_PERMITTED : CLI_EXIT_FAILED,
                         "cannot read %s: %s: check its name and mode", request->core,
                         neap_error_text(error));
    int code = snapshot_draw(request, snapshot, request->core);
    neap_snapshot_destroy(snapshot);
    return code;
}

static int process_error(const struct neap_target *target, int error) {
    switch (error) {
    case NEAP_ERROR_TIMEOUT:
        return cli_error(CLI_EXIT_FAILED,
                         "cannot stop process %d: a thread of it does not stop: use --no-pause",
                         (int)target->pid);
    case NEAP_ERROR_MEMORY:
        return cli_error(CLI_EXIT_FAILED, "cannot copy process %d: out of memory: use --low-memory",
                         (int)target->pid);
    case NEAP_ERROR_ARGUMENT:
        return cli_error(CLI_EXIT_USAGE, "process %d is neap itself: name another", (int)target->pid);
    default:
        return cli_target_error("map", target, error);
    }
}

static int process_draw(const struct request *request, pid_t pid) {
    struct neap_target target = {.pid = pid};
    neap_snapshot_t *snapshot;
    char name[64];
    snprintf(name, sizeof(name), "process %d", (int)pid);
    int error = neap_snapshot_take(pid, way_of(request), &snapshot);
    if (error != NEAP_OK)
        return process_error(&target, error);
    int code = snapshot_draw(request, snapshot, name);
    neap_snapshot_destroy(snapshot);
    return code;
}

/* --- saved maps -------------------------------------------------------------- */

static int saved_load(const char *path, struct neap_space_map *map) {
    const char *why;
    int error = cli_map_load(path, map, &why);
    if (error == NEAP_ERROR_FORMAT)
        return cli_error(CLI_EXIT_FAILED, "cannot read %s: %s: save one with `neap map --json PID > %s`",
                         path, why, path);
    if (error != NEAP_OK)
        return cli_error(error == NEAP_ERROR_PERMISSION ? CLI_EXIT_NOT_PERMITTED : CLI_EXIT_FAILED,
                         "cannot read %s: %s: give a PID, or a map saved by `neap map --json PID`", path,
                         neap_error_text(error));
    return CLI_GO_ON;
}

static int saved_draw(const struct request *request, const char *path) {
    struct neap_space_map map = {0};
    int code = saved_load(path, &map);
    if (code != CLI_GO_ON)
        return code;
    struct cli_map_report report = {&map, "read from a saved map", ""};
    code = report_all(request, &report);
    neap_space_map_clear(&map);
    return code;
}

static int saved_compare(const struct request *request, char **paths) {
    struct neap_space_map before = {0}, after = {0};
    if (request->html || request->svg)
        return cli_error(CLI_EXIT_USAGE, "--html and --svg draw one map, not two: leave one out");
    int code = saved_load(paths[0], &before);
    if (code == CLI_GO_ON)
        code = saved_load(paths[1], &after);
    if (code == CLI_GO_ON) {
        int error = request->json ? cli_map_change_json(&before, &after, stdout)
                                  : cli_map_change_print(&before, &after, stdout);
        code = error == NEAP_OK ? CLI_EXIT_DONE
                                : cli_error(CLI_EXIT_FAILED, "cannot compare the maps: %s: try again",
                                            neap_error_text(error));
    }
    neap_space_map_clear(&before);
    neap_space_map_clear(&after);
    return code;
}

/* --- the verb ---------------------------------------------------------------- */

/* All digits: a PID. A saved map of such a name can be given as ./1234. */
static bool pid_parse(const char *text, pid_t *pid) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value <= 0 || value > INT_MAX)
        return false;
    *pid = (pid_t)value;
    return true;
}

static int dispatch(const struct request *request, int count, char **words) {
    pid_t pid;
    if (request->no_pause + request->low_memory + (request->core != NULL) > 1)
        return cli_error(CLI_EXIT_USAGE, "--no-pause, --low-memory and --core exclude each other: give one");
    if (request->core)
        return count == 0
                   ? core_draw(request)
                   : cli_error(CLI_EXIT_USAGE, "--core takes the place of a PID: leave one of them out");
    if (count == 1 && pid_parse(words[0], &pid))
        return process_draw(request, pid);
    if (count == 1 && words[0][strspn(words[0], "-0123456789")] == '\0')
        return cli_error(CLI_EXIT_USAGE, "'%s' is no PID: give a number, like `neap map 1234`", words[0]);
    if (count == 1)
        return saved_draw(request, words[0]);
    if (count == 2)
        return saved_compare(request, words);
    return cli_error(CLI_EXIT_USAGE,
                     "map takes one process or one or two saved maps, not %d: like `neap map 1234`", count);
}

static int run(int argc, char **argv) {
    struct request request = {0};
    const struct cli_option table[] = {
        {.name = "html",
         .argument = "FILE",
         .help = "write a page to zoom into: from the whole space to pools and blocks",
         .kind = CLI_STRING,
         .target = &request.html},
        {.name = "svg",
         .argument = "FILE",
         .help = "write a picture",
         .kind = CLI_STRING,
         .target = &request.svg},
        {.name = "json",
         .help = "print JSON, schema neap.map/1, to be compared with another later",
         .kind = CLI_FLAG,
         .target = &request.json},
        {.name = "no-pause",
         .help = "do not stop the process: what changes meanwhile may be drawn wrong",
         .kind = CLI_FLAG,
         .target = &request.no_pause},
        {.name = "low-memory",
         .help = "copy nothing: the process stands still until all is read",
         .kind = CLI_FLAG,
         .target = &request.low_memory},
        {.name = "core",
         .argument = "FILE",
         .help = "read a core file instead of a process",
         .kind = CLI_STRING,
         .target = &request.core},
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    return code == CLI_GO_ON ? dispatch(&request, argc - rest, argv + rest) : code;
}

const struct cli_verb cli_verb_map = {"map", "draw the address space of a process", run};
