/* cli/verb_compare.c: `neap compare`, which runs a command under several allocators. */
#include "cli/verb.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <neap/error.h>

#include "cli/compare_report.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "os/process_memory.h"

enum { ALLOCATORS_MAX = 16 };

#define TIME_MOST_NS (30 * 86400e9)

static const uint64_t idle_default_ns = UINT64_C(2000000000);

struct request {
    const char *with;
    struct cli_output output;
    uint64_t rounds, interval_ms;
    bool command_output;
    struct neap_trial_plan plan;
    const struct neap_allocator_choice *allocators[ALLOCATORS_MAX];
    size_t allocator_count;
};

static volatile sig_atomic_t signal_caught;

static void signal_note(int number) {
    signal_caught = number;
}

/* --- options ----------------------------------------------------------- */

static const struct cli_usage usage = {
    .verb = "compare",
    .synopsis = "[options] [--] COMMAND [ARGUMENT ...]",
    .about =
        "Runs the command under CPython's own allocator, Neap, and the others that this machine has, in "
        "turn and several times, and prints for each: wall and CPU time, and the memory of all its "
        "processes: peak, mean over time, and at the end, with ratios to CPython's own. Allocators: "
        "cpython, neap, glibc, mimalloc, jemalloc, tcmalloc, mimalloc-own (CPython 3.13's). The exit code "
        "is 1 if the command failed under any of them.",
};

static int request_parse(struct request *request, int argc, char **argv, int *rest) {
    const struct cli_option table[] = {
        {"with", 'w', "A,B,...",
         "run only under these allocators, and under cpython, to which the ratios are", CLI_STRING,
         &request->with, 0, 0},
        {"rounds", 'n', "N", "run under each N times and take medians (3)", CLI_INTEGER, &request->rounds, 1,
         NEAP_COMPARISON_ROUNDS_MAX},
        {"interval", 'i', "MS",
         "milliseconds between two samples (20); more if sampling would take over 2 % of a core", CLI_INTEGER,
         &request->interval_ms, 1, 60000},
        {"for", 0, "SECONDS", "stop the command (or its load) after this time: for servers", CLI_DURATION,
         &request->plan.for_ns, 1e6, TIME_MOST_NS},
        {"load", 0, "COMMAND",
         "run this shell command against a server, once that listens; after the command the server idles "
         "and is stopped",
         CLI_STRING, &request->plan.load, 0, 0},
        {"idle", 0, "SECONDS", "time to idle before memory at the end is measured (2)", CLI_DURATION,
         &request->plan.idle_ns, 0, TIME_MOST_NS},
        {"output", 'o', NULL, "show the command's standard output, on standard error", CLI_FLAG,
         &request->command_output, 0, 0},
        {"html", 0, "FILE", "write a page that shows memory over time", CLI_STRING, &request->output.html, 0,
         0},
        {"svg", 0, "FILE", "write a picture of RSS over time", CLI_STRING, &request->output.svg, 0, 0},
        CLI_OUTPUT_JSON(&request->output, "neap.compare/1"),
        {.name = NULL},
    };
    return cli_options_parse(table, &usage, argc, argv, rest);
}

static void allocator_add(struct request *request, const struct neap_allocator_choice *allocator) {
    for (size_t i = 0; i < request->allocator_count; i++)
        if (request->allocators[i] == allocator)
            return;
    request->allocators[request->allocator_count++] = allocator;
}

/* Fills in CPython's own allocator, then those that the user asked for. */
static int allocators_choose(struct request *request) {
    size_t count;
    const struct neap_allocator_choice *all = neap_allocator_choices(&count);
    allocator_add(request, &all[0]);
    for (size_t i = 1; !request->with && i < count && i < ALLOCATORS_MAX; i++)
        allocator_add(request, &all[i]);
    const char *name = request->with;
    for (bool more = name != NULL; more; more = *name != '\0') {
        size_t length = strcspn(name, ",");
        const struct neap_allocator_choice *allocator = neap_allocator_choice_named(name, length);
        if (!allocator)
            return cli_error(CLI_EXIT_USAGE, "no allocator is called '%.*s': see `neap compare --help`",
                             (int)length, name);
        allocator_add(request, allocator);
        name += length + (name[length] != '\0');
    }
    return CLI_GO_ON;
}

/* --- text -------------------------------------------------------------- */

static bool is_plain(const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,/:@%^";
    return *word && word[strspn(word, plain)] == '\0';
}

static void word_write(const char *word, FILE *out) {
    if (is_plain(word)) {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            putc(*word, out);
    putc('\'', out);
}

/* Returns `front` and the words, quoted for a shell. The caller frees it. NULL if there is no memory. */
static char *shell_text(const char *front, char *const *words) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs(front, out);
    for (; *words; words++) {
        if (ftell(out) > 0)
            putc(' ', out);
        word_write(*words, out);
    }
    fclose(out);
    return text;
}

/* --- running ----------------------------------------------------------- */

static void progress_show(void *context, const struct neap_comparison_progress *now) {
    (void)context;
    char text[96];
    double part = 0;
    uint64_t left_ns = 0;
    if (now->expected_ns) {
        uint64_t elapsed_ns = now->elapsed_ns < now->expected_ns ? now->elapsed_ns : now->expected_ns;
        part = (double)elapsed_ns / (double)now->expected_ns;
        left_ns = now->expected_ns * (now->trials - now->trial + 1) - elapsed_ns;
    }
    snprintf(text, sizeof(text), "run %u of %u: %s", now->trial, now->trials, now->allocator);
    cli_progress_show((now->trial - 1 + part) / now->trials, text, left_ns);
}

/* Runs the comparison. SIGINT, SIGTERM and SIGHUP are only noted, so that the programs are ended. */
static int comparison_run(struct neap_comparison *comparison, const struct request *request) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction note = {.sa_handler = signal_note}, before[3];
    for (size_t i = 0; i < 3; i++)
        sigaction(numbers[i], &note, &before[i]);
    int error =
        neap_comparison_run(comparison, &request->plan, (unsigned)request->rounds, progress_show, NULL);
    int reason = errno;
    for (size_t i = 0; i < 3; i++)
        sigaction(numbers[i], &before[i], NULL);
    cli_progress_clear();
    errno = reason;
    return error;
}

static int start_refused(const char *command, int error) {
    int reason = errno;
    if (error == NEAP_ERROR_ABSENT)
        return cli_error(CLI_EXIT_FAILED,
                         "cannot run '%s': there is no such program: check its name and PATH", command);
    if (error == NEAP_ERROR_PERMISSION)
        return cli_error(CLI_EXIT_NOT_PERMITTED, "cannot run '%s': it may not be executed: check its mode",
                         command);
    return cli_error(CLI_EXIT_FAILED, "cannot run '%s': %s (%s)", command, neap_error_text(error),
                     strerror(reason));
}

/* --- reporting --------------------------------------------------------- */

static int text(const void *report, FILE *out) {
    cli_compare_print(report, out);
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    return cli_compare_json(report, out);
}

static int html(const void *report, FILE *out) {
    return cli_compare_page(report, out);
}

static int svg(const void *report, FILE *out) {
    return cli_compare_picture(report, out);
}

/* Names the allocators under which the command failed, in one line. */
static int failures_tell(const struct neap_comparison *comparison) {
    char names[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < comparison->entry_count; i++)
        if (comparison->entries[i].failure && at < sizeof(names))
            at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "",
                                   comparison->entries[i].allocator->name);
    if (at == 0)
        return CLI_EXIT_DONE;
    return cli_error(CLI_EXIT_FAILED, "the command failed under %s: the report says how", names);
}

static int report_write(const struct request *request, const struct cli_compare_report *report) {
    static const struct cli_output_forms forms = {text, json, html, svg};
    int code = cli_output_write(&request->output, &forms, report);
    return code == CLI_EXIT_DONE ? failures_tell(report->comparison) : code;
}

static int comparison_make(struct request *request, char **argv, const char *program) {
    struct neap_comparison *comparison =
        neap_comparison_new(request->allocators, request->allocator_count, request->plan.command, program);
    char *command = shell_text("", request->plan.command), *invocation = shell_text("neap", argv);
    int code;
    if (!comparison || !command || !invocation) {
        code = cli_error(CLI_EXIT_FAILED, "out of memory");
    } else {
        int error = comparison_run(comparison, request);
        const struct cli_compare_report report = {comparison, &request->plan, command, invocation};
        if (error)
            code = start_refused(request->plan.command[0], error);
        else
            code = signal_caught ? CLI_EXIT_FAILED : report_write(request, &report);
    }
    free(command);
    free(invocation);
    neap_comparison_destroy(comparison);
    return code;
}

static int compare_run(int argc, char **argv) {
    char program[PATH_MAX];
    int rest;
    struct request request = {
        .rounds = 3, .interval_ms = 20, .plan = {.idle_ns = idle_default_ns, .interrupted = &signal_caught}};
    int code = request_parse(&request, argc, argv, &rest);
    if (code == CLI_GO_ON && rest == argc)
        code =
            cli_error(CLI_EXIT_USAGE, "compare has no command: give one, like `neap compare python3 app.py`");
    if (code == CLI_GO_ON && !request.plan.load && request.plan.idle_ns != idle_default_ns)
        code = cli_error(CLI_EXIT_USAGE, "--idle is the time to idle after a load: give --load too");
    if (code == CLI_GO_ON)
        code = allocators_choose(&request);
    if (code == CLI_GO_ON)
        code = cli_output_check(&request.output);
    if (code != CLI_GO_ON)
        return code;
    request.plan.command = argv + rest;
    request.plan.interval_ns = request.interval_ms * 1000000;
    request.plan.output = request.command_output ? STDERR_FILENO : -1;
    bool has_path = neap_os_program(0, program, sizeof(program)) == 0;
    code = comparison_make(&request, argv, has_path ? program : NULL);
    if (signal_caught) /* everything is ended: now end as one does on that signal */
        raise(signal_caught);
    return code;
}

const struct cli_verb cli_verb_compare = {"compare", "run a command under several allocators and compare",
                                          compare_run};
