/* cli/verb_trim.c: `neap trim PID`. */
#include <stdio.h>

#include <jansson.h>

#include "base/units.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"
#include "report/json.h"

enum { TIMEOUT_MS = 5000 };

static const struct cli_usage usage = {
    .verb = "trim",
    .synopsis = "[options] PID",
    .about =
        "Makes a process under Neap give back all its free memory at once, and prints how much that was. "
        "Blocks that CPython itself keeps for reuse are not free; neap.trim() in the program frees them too.",
    .mixed = true,
};

struct trimmed {
    struct neap_live_heap target;
    uint64_t bytes;
};

static int text(const void *report, FILE *out) {
    const struct trimmed *trimmed = report;
    char given[NEAP_UNITS_ROOM];
    fprintf(out, "process %d (%s): %s given back\n", (int)trimmed->target.pid, trimmed->target.program,
            neap_units_bytes(given, trimmed->bytes));
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    const struct trimmed *trimmed = report;
    json_t *document = neap_json_document("neap.trim/1");
    neap_json_set(document, "pid", (uint64_t)trimmed->target.pid);
    json_object_set_new(document, "program", neap_json_text(trimmed->target.program));
    neap_json_set(document, "trimmed_bytes", trimmed->bytes);
    return neap_json_print(document, out);
}

static int run(int argc, char **argv) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    struct cli_output output = {0};
    const struct cli_option table[] = {
        CLI_OUTPUT_JSON(&output, "neap.trim/1"),
        {.name = NULL},
    };
    struct trimmed trimmed;
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_output_check(&output);
    if (code == CLI_GO_ON)
        code = cli_pid_find("trim", argc - rest, argv + rest, &trimmed.target);
    if (code != CLI_GO_ON)
        return code;
    int error = neap_live_heap_trim(&trimmed.target, TIMEOUT_MS, &trimmed.bytes);
    code = error == NEAP_OK ? cli_output_write(&output, &forms, &trimmed)
                            : cli_pid_error("trim", &trimmed.target, error);
    neap_live_heap_close(&trimmed.target);
    return code;
}

const struct cli_verb cli_verb_trim = {"trim", "make a process give back its free memory", run};
