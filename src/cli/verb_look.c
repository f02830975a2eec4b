/* cli/verb_look.c: `neap look PID|--core FILE`. */
#include <string.h>

#include "cli/look_report.h"
#include "cli/apart.h"
#include "cli/output.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"
#include "inspect/space/claim_spans.h"

enum { ROWS_SHOWN = 10, SHOWN_MAX = 100000 };

static const struct cli_usage usage = {
    .verb = "look",
    .synopsis = "[options] PID | --core FILE",
    .about =
        "Counts all objects of a running Python from outside, by type, owner, size or age, each with its "
        "buffers; then accounts for every byte of its resident memory. The program needs no preparation; "
        "it is paused while its memory is copied.",
    .mixed = true,
};

struct look {
    const char *by, *type;
    uint64_t shown;
    bool show_values;
    struct cli_output output;
    enum neap_census_key key;
    struct cli_python python;
    struct neap_analysis analysis;
    struct neap_census_rows rows;
    struct neap_object_details largest;
    struct neap_memory_account account;
};

static bool key_parse(const char *text, enum neap_census_key *key) {
    static const struct {
        const char *name;
        enum neap_census_key key;
    } keys[] = {
        {"type", NEAP_CENSUS_TYPE},
        {"owner", NEAP_CENSUS_OWNER},
        {"size", NEAP_CENSUS_SIZE},
        {"age-of-arena", NEAP_CENSUS_ARENA},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].name, text) == 0) {
            *key = keys[i].key;
            return true;
        }
    return false;
}

/* --- the census -------------------------------------------------------------------- */

static int account(struct look *look) {
    const struct neap_python_view *view = look->python.view;
    struct neap_glibc_facts glibc;
    struct neap_account_heap heap;
    int error = neap_claim_spans(look->python.snapshot, view->neap ? NULL : &view->blocks,
                                 view->neap ? &view->heap : NULL, view->neap ? &view->blocks : NULL, &glibc);
    if (error != NEAP_OK)
        return error;
    neap_census_account(look->analysis.census, &heap);
    neap_memory_account_make(view->image, &heap, &look->account);
    return NEAP_OK;
}

static int count(struct look *look) {
    struct cli_python *python = &look->python;
    struct neap_analysis *analysis = &look->analysis;
    bool owners = look->type || look->key == NEAP_CENSUS_OWNER;
    int error = neap_analysis_open(python->view, cli_python_threads(python),
                                   owners ? NEAP_ANALYSIS_OWNERS : NEAP_ANALYSIS_COUNTS, analysis);
    if (error == NEAP_OK && look->type)
        error = neap_object_details_find(analysis, look->type, (size_t)look->shown, look->show_values,
                                         &look->largest);
    else if (error == NEAP_OK)
        error = neap_census_rows_make(analysis->census, look->key, analysis->referrers, analysis->paths,
                                      &look->rows);
    return error == NEAP_OK ? account(look) : error;
}

static int text(const void *report, FILE *out) {
    cli_look_print(report, out);
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    return cli_look_print_json(report, out);
}

static int report_write(const struct look *look) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    const struct cli_look_report report = {
        .python = &look->python,
        .census = look->analysis.census,
        .account = &look->account,
        .by = look->by,
        .by_arena = look->key == NEAP_CENSUS_ARENA,
        .rows = &look->rows,
        .shown = (size_t)look->shown,
        .type = look->type,
        .largest = &look->largest,
    };
    return cli_output_write(&look->output, &forms, &report);
}

static void look_clear(struct look *look) {
    neap_census_rows_clear(&look->rows);
    neap_object_details_clear(&look->largest);
    neap_analysis_close(&look->analysis);
    cli_python_close(&look->python);
}

static int failed(const struct look *look, int error) {
    switch (error) {
    case NEAP_ERROR_ABSENT:
        return cli_error(CLI_EXIT_FAILED,
                         "the process has no type named %s: `neap look` without --type lists them",
                         look->type);
    case NEAP_ERROR_PROCESS:
        return cli_pid_error("look", &look->python.target, error);
    case NEAP_ERROR_MEMORY:
        return cli_error(CLI_EXIT_FAILED, "no memory left to count the objects: use --low-memory");
    default:
        return cli_error(CLI_EXIT_FAILED, "cannot look: %s: try again", neap_error_text(error));
    }
}

static int run(int argc, char **argv) {
    struct look look = {.by = "type", .shown = ROWS_SHOWN};
    struct cli_snapshot_options options = {0};
    const struct cli_option table[] = {
        {.name = "by",
         .argument = "WHAT",
         .help = "rows by type, owner, size, or age-of-arena (type)",
         .kind = CLI_STRING,
         .target = &look.by},
        {.name = "rows",
         .letter = 'n',
         .argument = "N",
         .help = "show N rows (10)",
         .kind = CLI_INTEGER,
         .target = &look.shown,
         .least = 1,
         .most = SHOWN_MAX},
        {.name = "type",
         .argument = "NAME",
         .help = "list the largest objects of this type instead, and what refers to them",
         .kind = CLI_STRING,
         .target = &look.type},
        {.name = "show-values",
         .help = "with --type: show what the objects contain",
         .kind = CLI_FLAG,
         .target = &look.show_values},
        CLI_SNAPSHOT_OPTIONS(&options),
        CLI_OUTPUT_JSON(&look.output, "neap.look/1"),
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code != CLI_GO_ON)
        return code;
    if (!key_parse(look.by, &look.key))
        return cli_error(CLI_EXIT_USAGE,
                         "rows cannot be by '%s': give --by type, owner, size or age-of-arena", look.by);
    code = cli_output_check(&look.output);
    if (code == CLI_GO_ON)
        code = cli_apart_begin(&look.output);
    if (code == CLI_GO_ON)
        code = cli_python_open("look", &options, argc - rest, argv + rest, &look.python);
    if (code != CLI_GO_ON)
        return code;
    int error = cli_python_outcome(&look.python, count(&look));
    cli_python_release(&look.python);
    code = error == NEAP_OK ? report_write(&look) : failed(&look, error);
    look_clear(&look);
    return code;
}

const struct cli_verb cli_verb_look = {"look", "count all objects of a running Python", run};
