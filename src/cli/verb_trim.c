/* cli/verb_trim.c: `neap trim PID`. */
#include <stdio.h>

#include <jansson.h>

#include "base/units.h"
#include "cli/option.h"
#include "cli/target_argument.h"
#include "cli/verb.h"
#include "report/json.h"

enum { TIMEOUT_MS = 5000 };

static const struct cli_usage usage = {
    .verb = "trim",
    .synopsis = "[options] PID",
    .about =
        "Has a process under Neap give back at once all memory that it can, and prints how much that was. "
        "Blocks that CPython itself keeps for reuse stay; neap.trim() in the program frees those too.",
    .mixed = true,
};

static int trim_print(const struct neap_target *target, uint64_t bytes) {
    char text[NEAP_UNITS_ROOM];
    printf("process %d (%s): %s given back\n", (int)target->pid, target->program,
           neap_units_bytes(text, bytes));
    return CLI_EXIT_DONE;
}

static int trim_print_json(const struct neap_target *target, uint64_t bytes) {
    json_t *document = neap_json_document("neap.trim/1");
    json_object_set_new(document, "pid", json_integer(target->pid));
    json_object_set_new(document, "program", neap_json_text(target->program));
    json_object_set_new(document, "trimmed_bytes", json_integer((json_int_t)bytes));
    if (neap_json_print(document, stdout) != 0)
        return cli_error(CLI_EXIT_FAILED, "cannot write the output: write it elsewhere");
    return CLI_EXIT_DONE;
}

static int run(int argc, char **argv) {
    bool json = false;
    const struct cli_option table[] = {
        {.name = "json", .help = "print JSON, schema neap.trim/1", .kind = CLI_FLAG, .target = &json},
        {.name = NULL},
    };
    struct neap_target target;
    uint64_t bytes;
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_target_find("trim", argc - rest, argv + rest, &target);
    if (code != CLI_GO_ON)
        return code;
    int error = neap_target_trim(&target, TIMEOUT_MS, &bytes);
    if (error != NEAP_OK)
        return cli_target_error("trim", &target, error);
    return json ? trim_print_json(&target, bytes) : trim_print(&target, bytes);
}

const struct cli_verb cli_verb_trim = {"trim", "have a process give back all that it can", run};
