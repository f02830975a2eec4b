/* cli/verb_pins.c: `neap pins PID|--core FILE`. */
#include "cli/apart.h"
#include "cli/output.h"
#include "cli/pid_argument.h"
#include "cli/pins_report.h"
#include "cli/verb.h"

enum { GROUPS_SHOWN = 10, PLACES_SHOWN = 3, SHOWN_MAX = 1000000 };

static const struct cli_usage usage = {
    .verb = "pins",
    .synopsis = "[options] PID | --core FILE",
    .about =
        "Finds the arenas (or Neap's slabs) of a running Python that are nearly empty and cannot be given "
        "back, the objects that hold them, and the module, class or function that keeps these objects alive.",
    .mixed = true,
};

struct pinned {
    struct cli_python python;
    struct neap_analysis analysis;
    struct neap_pins pins;
};

static int find(struct pinned *pinned) {
    struct cli_python *python = &pinned->python;
    struct neap_analysis *analysis = &pinned->analysis;
    int error = neap_analysis_open(python->view, cli_python_threads(python), NEAP_ANALYSIS_OWNERS, analysis);
    return error == NEAP_OK ? neap_pins_find(analysis->referrers, analysis->paths, &pinned->pins) : error;
}

static void pinned_clear(struct pinned *pinned) {
    neap_pins_clear(&pinned->pins);
    neap_analysis_close(&pinned->analysis);
    cli_python_close(&pinned->python);
}

static int text(const void *report, FILE *out) {
    cli_pins_print(report, out);
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    return cli_pins_print_json(report, out);
}

static int failed(const struct pinned *pinned, int error) {
    if (error == NEAP_ERROR_PROCESS)
        return cli_pid_error("pins", &pinned->python.target, error);
    return cli_error(CLI_EXIT_FAILED, "cannot find the pins: %s: try again, or --low-memory",
                     neap_error_text(error));
}

static int run(int argc, char **argv) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    struct pinned pinned = {0};
    struct cli_snapshot_options options = {0};
    uint64_t groups = GROUPS_SHOWN, places = PLACES_SHOWN;
    struct cli_output output = {0};
    bool show_values = false;
    const struct cli_option table[] = {
        {.name = "rows",
         .letter = 'n',
         .argument = "N",
         .help = "show N rows (10)",
         .kind = CLI_INTEGER,
         .target = &groups,
         .least = 1,
         .most = SHOWN_MAX},
        {.name = "places",
         .argument = "N",
         .help = "show N arenas or slabs, the emptiest first (3)",
         .kind = CLI_INTEGER,
         .target = &places,
         .least = 0,
         .most = SHOWN_MAX},
        {.name = "show-values",
         .help = "show what the objects in these contain",
         .kind = CLI_FLAG,
         .target = &show_values},
        CLI_SNAPSHOT_OPTIONS(&options),
        CLI_OUTPUT_JSON(&output, "neap.pins/1"),
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_output_check(&output);
    if (code == CLI_GO_ON)
        code = cli_apart_begin(&output);
    if (code == CLI_GO_ON)
        code = cli_python_open("pins", &options, argc - rest, argv + rest, &pinned.python);
    if (code != CLI_GO_ON)
        return code;
    int error = cli_python_outcome(&pinned.python, find(&pinned));
    const struct cli_pins_report report = {
        .python = &pinned.python,
        .analysis = &pinned.analysis,
        .pins = &pinned.pins,
        .shown = (size_t)groups,
        .places_shown = (size_t)places,
        .show_values = show_values,
    };
    code = error == NEAP_OK ? cli_output_write(&output, &forms, &report) : failed(&pinned, error);
    pinned_clear(&pinned);
    return code;
}

const struct cli_verb cli_verb_pins = {"pins", "find what holds nearly empty arenas", run};
