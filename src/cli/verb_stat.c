/* cli/verb_stat.c: `neap stat PID`. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/option.h"
#include "cli/stat_report.h"
#include "cli/target_argument.h"
#include "cli/verb.h"
#include "os/clock.h"
#include "report/terminal.h"

static const struct cli_usage usage = {
    .verb = "stat",
    .synopsis = "[options] PID",
    .about =
        "Shows the heap of a process under Neap, read from outside: live, free, dirty and clean bytes, each "
        "size class, and what the purger did. The process neither stops nor helps.",
    .mixed = true,
};

static int once(struct neap_target *target, struct neap_heap_view *view, bool json, bool clear) {
    int error = neap_target_read(target, view);
    if (error != NEAP_OK)
        return error;
    if (json)
        return cli_stat_print_json(target, view, stdout);
    if (clear)
        fputs("\033[H\033[J", stdout);
    cli_stat_print(target, view, stdout);
    return fflush(stdout) == 0 ? NEAP_OK : NEAP_ERROR_SYSTEM;
}

/* Until the process ends, or nobody reads any more. */
static int watch(struct neap_target *target, struct neap_heap_view *view, bool json, uint64_t watch_ns) {
    bool clear = neap_terminal_is(stdout);
    int error = once(target, view, json, clear);
    while (error == NEAP_OK && watch_ns != 0) {
        neap_os_sleep_ns(watch_ns);
        if (!json && !clear)
            putchar('\n');
        error = once(target, view, json, clear);
        if (error == NEAP_ERROR_PROCESS)
            return CLI_EXIT_DONE;
    }
    return error == NEAP_OK ? CLI_EXIT_DONE : cli_target_error("stat", target, error);
}

static int run(int argc, char **argv) {
    bool json = false;
    uint64_t watch_ns = 0;
    const struct cli_option table[] = {
        {.name = "json", .help = "print JSON, schema neap.stat/1", .kind = CLI_FLAG, .target = &json},
        {.name = "watch",
         .letter = 'w',
         .argument = "SECONDS",
         .help = "print again after so many seconds, until the process ends",
         .kind = CLI_DURATION,
         .target = &watch_ns,
         .least = 1e6,
         .most = 86400e9},
        {.name = NULL},
    };
    struct neap_target target;
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_target_find("stat", argc - rest, argv + rest, &target);
    if (code != CLI_GO_ON)
        return code;
    struct neap_heap_view *view = malloc(sizeof(*view));
    if (!view)
        return cli_target_error("stat", &target, NEAP_ERROR_MEMORY);
    code = watch(&target, view, json, watch_ns);
    free(view);
    return code;
}

const struct cli_verb cli_verb_stat = {"stat", "show the heap of a process under Neap", run};
