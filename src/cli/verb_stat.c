/* cli/verb_stat.c: `neap stat PID`. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/kernel_notes.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/pool_report.h"
#include "cli/stat_report.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"
#include "os/clock.h"
#include "report/terminal.h"

static const struct cli_usage usage = {
    .verb = "stat",
    .synopsis = "[options] PID",
    .about =
        "Shows the heap of a Python process, read from outside. Under Neap: live, free, dirty and clean "
        "bytes, each size class, and what the purger did. Any other CPython 3.8 to 3.15: its arenas, pools "
        "and blocks, as sys._debugmallocstats() would inside. The process is not stopped and runs nothing "
        "for this.",
    .mixed = true,
};

/* The process, and the heap that is read again for each report: Neap's or CPython's own. */
struct looking {
    struct neap_live_heap target;
    struct neap_heap_view *heap; /* Neap's heap; NULL for CPython's own */
    struct neap_live_pymalloc pools;
    struct neap_live_pymalloc_view pool_view;
    struct neap_os_kernel_settings kernel;
    const char *before; /* printed before each report of text */
    struct cli_output output;
};

static int text(const void *report, FILE *out) {
    const struct looking *looking = report;
    fputs(looking->before, out);
    if (looking->heap)
        cli_stat_print(&looking->target, looking->heap, out);
    else
        cli_pool_print(&looking->pools, &looking->target, &looking->pool_view, out);
    cli_kernel_notes_print(&looking->kernel, out);
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    const struct looking *looking = report;
    return looking->heap ? cli_stat_print_json(&looking->target, looking->heap, &looking->kernel, out)
                         : cli_pool_print_json(&looking->pools, &looking->target, &looking->pool_view,
                                               &looking->kernel, out);
}

static int read_once(struct looking *looking) {
    return looking->heap ? neap_live_heap_read(&looking->target, looking->heap)
                         : neap_live_pymalloc_read(&looking->pools, &looking->pool_view);
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
    return cli_pid_error("stat", &looking->target, error);
}

/* Writes the report once or, if watch_ns is not 0, until the process ends or the output is closed. */
static int watch(struct looking *looking, uint64_t watch_ns) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    bool clear = watch_ns != 0 && neap_terminal_is(stdout);
    looking->before = clear ? "\033[H\033[J" : "";
    int error = read_once(looking);
    if (error != NEAP_OK)
        return failed(looking, error);
    int code = cli_output_write(&looking->output, &forms, looking);
    while (code == CLI_EXIT_DONE && !ferror(stdout) && watch_ns != 0) {
        neap_os_sleep_ns(watch_ns);
        error = read_once(looking);
        if (error == NEAP_ERROR_PROCESS)
            break;
        if (error != NEAP_OK)
            return failed(looking, error);
        if (!clear)
            looking->before = "\n";
        code = cli_output_write(&looking->output, &forms, looking);
    }
    return code;
}

static int run(int argc, char **argv) {
    struct looking looking = {.before = ""};
    neap_os_kernel_settings_read(&looking.kernel);
    uint64_t watch_ns = 0;
    const struct cli_option table[] = {
        CLI_OUTPUT_JSON(&looking.output, "neap.stat/1 or neap.pools/1"),
        {.name = "watch",
         .letter = 'w',
         .argument = "SECONDS",
         .help = "print again every SECONDS seconds, until the process ends",
         .kind = CLI_DURATION,
         .target = &watch_ns,
         .least = 1e6,
         .most = 86400e9},
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_output_check(&looking.output);
    if (code == CLI_GO_ON)
        code = cli_pid_open("stat", argc - rest, argv + rest, &looking.target);
    if (code != CLI_GO_ON)
        return code;
    int error = NEAP_OK;
    if (cli_pid_served(&looking.target)) {
        looking.heap = malloc(sizeof(*looking.heap));
        error = looking.heap ? NEAP_OK : NEAP_ERROR_MEMORY;
    } else {
        error = neap_live_pymalloc_find(looking.target.process, &looking.pools);
    }
    code = error == NEAP_OK ? watch(&looking, watch_ns) : failed(&looking, error);
    free(looking.heap);
    neap_live_heap_close(&looking.target);
    return code;
}

const struct cli_verb cli_verb_stat = {"stat", "show the heap of a Python process", run};
