/* cli/verb_advise.c: `neap advise PID|--core FILE`. */
#include "cli/advise_report.h"
#include "cli/apart.h"
#include "cli/output.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"

enum { ROWS_SHOWN = 5, SHOWN_MAX = 10000, CONTAINERS = 64 };

static const struct cli_usage usage = {
    .verb = "advise",
    .synopsis = "[options] PID | --core FILE",
    .about = "Finds the containers, classes and strings of a running Python that could be held in less "
             "memory, the largest savings first. Shows what they take now, and what the same contents would "
             "take as an array, with __slots__, interned, in neap.Map, Trie or Bits, SQLite or Redis. Sizes "
             "are sums of sys.getsizeof. Items that other objects refer to as well are left out.",
    .mixed = true,
};

struct advised {
    struct cli_python python;
    struct neap_analysis analysis;
    struct neap_advices advices;
};

static int find(struct advised *advised) {
    struct cli_python *python = &advised->python;
    struct neap_analysis *analysis = &advised->analysis;
    int error = neap_analysis_open(python->view, cli_python_threads(python), NEAP_ANALYSIS_OWNERS, analysis);
    return error == NEAP_OK
               ? neap_advice_find(analysis->referrers, analysis->paths, CONTAINERS, &advised->advices)
               : error;
}

static void advised_clear(struct advised *advised) {
    neap_advice_clear(&advised->advices);
    neap_analysis_close(&advised->analysis);
    cli_python_close(&advised->python);
}

static int text(const void *report, FILE *out) {
    cli_advise_print(report, out);
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    return cli_advise_print_json(report, out);
}

static int failed(const struct advised *advised, int error) {
    if (error == NEAP_ERROR_PROCESS)
        return cli_pid_error("advise", &advised->python.target, error);
    return cli_error(CLI_EXIT_FAILED, "cannot advise: %s: try again, or --low-memory",
                     neap_error_text(error));
}

static int run(int argc, char **argv) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    struct advised advised = {0};
    uint64_t shown = ROWS_SHOWN;
    struct cli_output output = {0};
    struct cli_snapshot_options options = {0};
    const struct cli_option table[] = {
        {.name = "rows",
         .letter = 'n',
         .argument = "N",
         .help = "show N (5)",
         .kind = CLI_INTEGER,
         .target = &shown,
         .least = 1,
         .most = SHOWN_MAX},
        CLI_SNAPSHOT_OPTIONS(&options),
        CLI_OUTPUT_JSON(&output, "neap.advise/1"),
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_output_check(&output);
    if (code == CLI_GO_ON)
        code = cli_apart_begin(&output);
    if (code == CLI_GO_ON)
        code = cli_python_open("advise", &options, argc - rest, argv + rest, &advised.python);
    if (code != CLI_GO_ON)
        return code;
    int error = cli_python_outcome(&advised.python, find(&advised));
    cli_python_release(&advised.python);
    const struct cli_advise_report report = {
        .python = &advised.python,
        .analysis = &advised.analysis,
        .advices = &advised.advices,
        .shown = (size_t)shown,
    };
    code = error == NEAP_OK ? cli_output_write(&output, &forms, &report) : failed(&advised, error);
    advised_clear(&advised);
    return code;
}

const struct cli_verb cli_verb_advise = {"advise", "what could be held in less memory, and how", run};
