/* cli/verb_stat.c: `neap stat PID`. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/option.h"
#include "cli/pool_report.h"
#include "cli/stat_report.h"
#include "cli/target_argument.h"
#include "cli/verb.h"
#include "os/clock.h"
#include "report/terminal.h"

static const struct cli_usage usage = {
    .verb = "stat",
    .synopsis = "[options] PID",
    .about =
        "Shows the heap of a Python process, read from outside. Under Neap: live, free, dirty and clean "
        "bytes, each size class, and what the purger did. Any other CPython 3.8 to 3.15: its arenas, pools "
        "and blocks, as sys._debugmallocstats() would inside. The process neither stops nor helps.",
    .mixed = true,
};

/* What is looked at: one or the other heap of the process. */
struct looking {
    struct neap_target target;
    struct neap_heap_view *heap; /* of Neap; NULL: CPython's own */
    struct neap_pool_target pools;
    bool json;
};

static int heap_once(struct looking *looking, bool clear) {
    int error = neap_target_read(&looking->target, looking->heap);
    if (error != NEAP_OK)
        return error;
    if (looking->json)
        return cli_stat_print_json(&looking->target, looking->heap, stdout);
    if (clear)
        fputs("\033[H\033[J", stdout);
    cli_stat_print(&looking->target, looking->heap, stdout);
    return NEAP_OK;
}

static int pools_once(struct looking *looking, bool clear) {
    struct neap_pool_view view;
    int error = neap_pool_target_read(&looking->pools, &view);
    if (error != NEAP_OK)
        return error;
    if (looking->json)
        return cli_pool_print_json(&looking->pools, &looking->target, &view, stdout);
    if (clear)
        fputs("\033[H\033[J", stdout);
    cli_pool_print(&looking->pools, &looking->target, &view, stdout);
    return NEAP_OK;
}

static int once(struct looking *looking, bool clear) {
    int error = looking->heap ? heap_once(looking, clear) : pools_once(looking, clear);
    return error != NEAP_OK || fflush(stdout) == 0 ? error : NEAP_ERROR_SYSTEM;
}

static int failed(struct looking *looking, int error) {
    if (error == NEAP_ERROR_ABSENT && !looking->heap && !looking->target.python)
        return cli_error(CLI_EXIT_NO_PROCESS,
                         "process %d (%s) is no Python: name the process that Python runs in",
                         (int)looking->target.pid, looking->target.program);
    if (error == NEAP_ERROR_ABSENT && !looking->heap)
        return cli_error(CLI_EXIT_NO_PROCESS,
                         "cannot see the heap of process %d (%s): %s: name a CPython 3.8 to 3.15 of 64 bits",
                         (int)looking->target.pid, looking->target.program, looking->pools.why);
    return cli_target_error("stat", &looking->target, error);
}

/* Until the process ends, or nobody reads any more. */
static int watch(struct looking *looking, uint64_t watch_ns) {
    bool clear = neap_terminal_is(stdout);
    int error = once(looking, clear);
    while (error == NEAP_OK && watch_ns != 0) {
        neap_os_sleep_ns(watch_ns);
        if (!looking->json && !clear)
            putchar('\n');
        error = once(looking, clear);
        if (error == NEAP_ERROR_PROCESS)
            return CLI_EXIT_DONE;
    }
    return error == NEAP_OK ? CLI_EXIT_DONE : failed(looking, error);
}

static int run(int argc, char **argv) {
    struct looking looking = {.json = false};
    uint64_t watch_ns = 0;
    const struct cli_option table[] = {
        {.name = "json",
         .help = "print JSON, schema neap.stat/1 or neap.pools/1",
         .kind = CLI_FLAG,
         .target = &looking.json},
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
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_target_open("stat", argc - rest, argv + rest, &looking.target);
    if (code != CLI_GO_ON)
        return code;
    if (cli_target_served(&looking.target)) {
        looking.heap = malloc(sizeof(*looking.heap));
        if (!looking.heap)
            return failed(&looking, NEAP_ERROR_MEMORY);
    } else {
        int error = neap_pool_target_find(looking.target.pid, &looking.pools);
        if (error != NEAP_OK)
            return failed(&looking, error);
    }
    code = watch(&looking, watch_ns);
    free(looking.heap);
    return code;
}

const struct cli_verb cli_verb_stat = {"stat", "show the heap of a Python process", run};
