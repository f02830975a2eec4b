/* cli/verb_map.c: `neap map PID`, `neap map --core FILE`, `neap map A.json [B.json]`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/apart.h"
#include "cli/map_report.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/snapshot_argument.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"
#include "inspect/space/claim_spans.h"
#include "inspect/python/python_view.h"

enum { LIVE_BYTES_MOST = 4 << 20 }; /* bytes for the bits of a map, one bit per block: 32 million blocks */

static const struct cli_usage usage = {
    .verb = "map",
    .synopsis = "[options] PID | --core FILE | SAVED.json [LATER.json]",
    .about = "Draws the address space of a process: what lies where, and how full it is. A process that is "
             "no Python, or has 32 bits, is drawn without its heap. The process is stopped while its memory "
             "is copied. Given two saved maps, shows what changed.",
    .mixed = true,
};

struct request {
    struct cli_snapshot_options reading;
    struct cli_output output;
};

/* --- output ------------------------------------------------------------------ */

static int text(const void *report, FILE *out) {
    return cli_map_print(report, out);
}

static int json(const void *report, FILE *out) {
    return cli_map_json(report, out);
}

static int html(const void *report, FILE *out) {
    return cli_map_page(report, out);
}

static int svg(const void *report, FILE *out) {
    return cli_map_picture(report, out);
}

static int report_write(const struct request *request, const struct cli_map_report *report) {
    static const struct cli_output_forms forms = {text, json, html, svg};
    return cli_output_write(&request->output, &forms, report);
}

/* --- a process or a core file ------------------------------------------------ */

/* Writes how the map was read. */
static void source_tell(const struct neap_snapshot_facts *facts, char *text, size_t bytes) {
    char pause[NEAP_UNITS_ROOM], missing[NEAP_UNITS_ROOM], swapped[NEAP_UNITS_ROOM];
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
        snprintf(text + length, bytes - length, ", %s could not be read",
                 neap_units_bytes(missing, facts->missing_bytes));
    length = strlen(text);
    if (facts->swapped_bytes > 0)
        snprintf(text + length, bytes - length, ", %s in swap left there",
                 neap_units_bytes(swapped, facts->swapped_bytes));
}

/* Makes the map of a snapshot. *limit says what of Python could not be read, or is "". */
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
        error = neap_claim_spans(snapshot, python ? &arenas : NULL, neap ? &view->heap : NULL,
                                 neap ? blocks : NULL, &facts);
    if (error == NEAP_OK)
        error = neap_space_map_make(neap_snapshot_image(snapshot), blocks, LIVE_BYTES_MOST, map);
    if (python)
        neap_python_view_close(view);
    free(view);
    return error;
}

static int map_draw(const struct request *request, const struct neap_live_heap *target,
                    neap_snapshot_t *snapshot) {
    struct neap_space_map map = {0};
    const char *limit;
    char source[128];
    int error = map_make(snapshot, &map, &limit);
    neap_snapshot_release(snapshot);
    if (neap_snapshot_facts(snapshot)->ended) {
        neap_space_map_clear(&map);
        return cli_pid_error("map", target, NEAP_ERROR_PROCESS);
    }
    if (error != NEAP_OK)
        return cli_error(CLI_EXIT_FAILED, "cannot draw the map: %s: try --low-memory",
                         neap_error_text(error));
    source_tell(neap_snapshot_facts(snapshot), source, sizeof(source));
    struct cli_map_report report = {&map, source, limit};
    int code = report_write(request, &report);
    neap_space_map_clear(&map);
    return code;
}

/* Draws the core file if the user gave one, else the process. */
static int snapshot_draw(const struct request *request, pid_t pid) {
    struct neap_live_heap target = {.pid = pid};
    neap_snapshot_t *snapshot;
    int code = cli_snapshot_open("map", &request->reading, &target, &snapshot);
    if (code == CLI_GO_ON) {
        code = map_draw(request, &target, snapshot);
        neap_snapshot_destroy(snapshot);
    }
    neap_live_heap_close(&target);
    return code;
}

/* --- saved maps -------------------------------------------------------------- */

/* A saved map as it was read, and what it says. */
struct saved {
    const char *path;
    char *text; /* owned */
    size_t bytes;
    struct neap_space_map map;
};

static int saved_error(const struct saved *saved, int error, const char *why) {
    if (error == NEAP_ERROR_FORMAT)
        return cli_error(CLI_EXIT_FAILED, "cannot read %s: %s: save one with `neap map --json=FILE PID`",
                         saved->path, why);
    return cli_error(error == NEAP_ERROR_PERMISSION ? CLI_EXIT_NOT_PERMITTED : CLI_EXIT_FAILED,
                     "cannot read %s: %s: give a PID, or a map saved by `neap map --json=FILE PID`",
                     saved->path, neap_error_text(error));
}

/* Reads all files, gives up all rights, and only then looks at what the files say. */
static int saved_load(struct saved *saved, size_t count) {
    const char *why = "";
    for (size_t i = 0; i < count; i++) {
        int error = cli_map_text_read(saved[i].path, &saved[i].text, &saved[i].bytes, &why);
        if (error != NEAP_OK)
            return saved_error(&saved[i], error, why);
    }
    cli_apart_confine();
    for (size_t i = 0; i < count; i++) {
        int error = cli_map_parse(saved[i].text, saved[i].bytes, &saved[i].map, &why);
        if (error != NEAP_OK)
            return saved_error(&saved[i], error, why);
    }
    return CLI_GO_ON;
}

static void saved_clear(struct saved *saved, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(saved[i].text);
        neap_space_map_clear(&saved[i].map);
    }
}

static int saved_draw(const struct request *request, const char *path) {
    struct saved saved = {.path = path};
    int code = saved_load(&saved, 1);
    const struct cli_map_report report = {&saved.map, "read from a saved map", ""};
    if (code == CLI_GO_ON)
        code = report_write(request, &report);
    saved_clear(&saved, 1);
    return code;
}

static int change_text(const void *report, FILE *out) {
    const struct saved *saved = report;
    return cli_map_change_print(&saved[0].map, &saved[1].map, out);
}

static int change_json(const void *report, FILE *out) {
    const struct saved *saved = report;
    return cli_map_change_json(&saved[0].map, &saved[1].map, out);
}

static int saved_compare(const struct request *request, char **paths) {
    static const struct cli_output_forms forms = {.text = change_text, .json = change_json};
    struct saved saved[] = {{.path = paths[0]}, {.path = paths[1]}};
    int code = saved_load(saved, 2);
    if (code == CLI_GO_ON)
        code = cli_output_write(&request->output, &forms, saved);
    saved_clear(saved, 2);
    return code;
}

/* --- the verb ---------------------------------------------------------------- */

/* What the operands ask for. */
static int operands_check(const struct request *request, int count, char **words) {
    int code = cli_snapshot_check("map", &request->reading, count);
    pid_t pid;
    if (code != CLI_GO_ON || request->reading.core)
        return code;
    if (count == 1 && !cli_pid_parse(words[0], &pid) && words[0][strspn(words[0], "-0123456789")] == '\0')
        return cli_error(CLI_EXIT_USAGE, "'%s' is no PID: give a number, like `neap map 1234`", words[0]);
    if (count < 1 || count > 2)
        return cli_error(CLI_EXIT_USAGE,
                         "map takes one process or one or two saved maps, not %d: like `neap map 1234`",
                         count);
    if (count == 2 && (request->output.html || request->output.svg))
        return cli_error(CLI_EXIT_USAGE, "--html and --svg draw one map, not two: leave one out");
    return CLI_GO_ON;
}

static int dispatch(const struct request *request, int count, char **words) {
    pid_t pid;
    int code = operands_check(request, count, words);
    if (code == CLI_GO_ON)
        code = cli_apart_begin(&request->output);
    if (code != CLI_GO_ON)
        return code;
    if (request->reading.core)
        return snapshot_draw(request, 0);
    if (count == 2)
        return saved_compare(request, words);
    if (cli_pid_parse(words[0], &pid)) /* a saved map of such a name: ./1234 */
        return snapshot_draw(request, pid);
    return saved_draw(request, words[0]);
}

static int run(int argc, char **argv) {
    struct request request = {0};
    const struct cli_option table[] = {
        {.name = "html",
         .argument = "FILE",
         .help = "write a page to zoom into: from the whole space to pools and blocks",
         .kind = CLI_STRING,
         .target = &request.output.html},
        {.name = "svg",
         .argument = "FILE",
         .help = "write a picture",
         .kind = CLI_STRING,
         .target = &request.output.svg},
        CLI_OUTPUT_JSON(&request.output, "neap.map/1"),
        CLI_SNAPSHOT_OPTIONS(&request.reading),
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_output_check(&request.output);
    return code == CLI_GO_ON ? dispatch(&request, argc - rest, argv + rest) : code;
}

const struct cli_verb cli_verb_map = {"map", "draw the address space of a process", run};
