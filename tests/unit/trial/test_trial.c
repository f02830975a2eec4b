/* One run each of shells and Pythons that behave in every way a command can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "os/child.h"
#include "os/clock.h"
#include "trial/comparison.h"
#include "trial/trial.h"

#define MS     UINT64_C(1000000)
#define PYTHON NEAP_TEST_PYTHON

static const struct neap_allocator_setup as_it_is = {.present = true};

static struct neap_trial trial_of(struct neap_trial_plan plan, const struct neap_allocator_setup *setup) {
    struct neap_trial trial;
    plan.interval_ns = 5 * MS;
    plan.output = -1;
    assert_int_equal(neap_trial_run(&plan, setup, &trial), 0);
    struct neap_os_ending ending;
    assert_int_equal(neap_os_child_reap(-1, &ending), NEAP_ERROR_PROCESS); /* nobody is left behind */
    return trial;
}

static struct neap_trial shell_trial(const char *script, struct neap_trial_plan plan) {
    char shell[] = "/bin/sh", option[] = "-c";
    char *const argv[] = {shell, option, (char *)(uintptr_t)script, NULL};
    plan.command = argv;
    return trial_of(plan, &as_it_is);
}

static struct neap_trial python_trial(const char *program, struct neap_trial_plan plan) {
    char python[] = PYTHON, option[] = "-c";
    char *const argv[] = {python, option, (char *)(uintptr_t)program, NULL};
    plan.command = argv;
    return trial_of(plan, &as_it_is);
}

static void described_as(struct neap_trial *trial, enum neap_trial_outcome outcome, const char *text) {
    char out[160];
    assert_int_equal(trial->outcome, outcome);
    neap_trial_describe(trial, out, sizeof(out));
    assert_string_equal(out, text);
    neap_trial_clear(trial);
}

static void test_memory_is_seen(void **state) {
    (void)state;
    struct neap_trial trial =
        python_trial("import time; x = bytearray(b'1') * 50_000_000; time.sleep(1); del x; time.sleep(1)",
                     (struct neap_trial_plan){0});
    assert_int_equal(trial.outcome, NEAP_TRIAL_DONE);
    assert_in_range((uint64_t)trial.peak[NEAP_MEMORY_RSS], 55000000, 80000000);
    assert_in_range((uint64_t)trial.end[NEAP_MEMORY_RSS], 3000000, 30000000);
    assert_in_range((uint64_t)trial.mean[NEAP_MEMORY_RSS], 15000000, 60000000);
    assert_true(trial.peak[NEAP_MEMORY_PRIVATE] > 50000000);
    assert_true(trial.peak[NEAP_MEMORY_PSS] > trial.peak[NEAP_MEMORY_PRIVATE]);
    assert_in_range(trial.wall_ns, 2000 * MS, 30000 * MS);
    assert_in_range(trial.cpu_ns, MS, trial.wall_ns * 2);
    assert_true(trial.series.count > 5);
    neap_trial_clear(&trial);
}

/* The cost bound, with a process large enough to need it: 200 MB, 5 ms wanted. */
static void test_sampling_is_cheap(void **state) {
    (void)state;
    struct neap_trial trial = python_trial("import time; x = bytearray(b'1') * 200_000_000; time.sleep(2)",
                                           (struct neap_trial_plan){0});
    assert_true(trial.sampling_ns * 50 < trial.wall_ns);
    /* Where a look takes long, few fit in: but most of what looking may cost is used. */
    assert_true(trial.series.count > 5 || trial.sampling_ns * 50 * 4 > trial.wall_ns);
    neap_trial_clear(&trial);
}

/* A peak between two samples: the kernel's record has it. */
static void test_short_peak_is_not_missed(void **state) {
    (void)state;
    char python[] = PYTHON, option[] = "-c", program[] = "x = bytearray(b'1') * 60_000_000; del x";
    char *const argv[] = {python, option, program, NULL};
    const struct neap_trial_plan plan = {.command = argv, .interval_ns = 10000 * MS, .output = -1};
    struct neap_trial trial;
    assert_int_equal(neap_trial_run(&plan, &as_it_is, &trial), 0);
    assert_int_equal(trial.series.count, 1);
    assert_true(trial.peak[NEAP_MEMORY_RSS] > 60000000);
    neap_trial_clear(&trial);
}

static void test_whole_tree_counts(void **state) {
    (void)state;
    struct neap_trial trial =
        shell_trial("for i in 1 2 3; do " PYTHON
                    " -c 'import time; x = bytearray(b\"1\") * 30_000_000; time.sleep(.7)' & done; wait",
                    (struct neap_trial_plan){0});
    assert_int_equal(trial.processes, 4);
    assert_true(trial.peak[NEAP_MEMORY_PRIVATE] > 90000000);
    assert_true(trial.peak[NEAP_MEMORY_RSS] > trial.peak[NEAP_MEMORY_PSS]);
    neap_trial_clear(&trial);
}

static void test_failures_are_told(void **state) {
    (void)state;
    struct neap_trial trial =
        shell_trial("echo first >&2; echo no luck >&2; exit 3", (struct neap_trial_plan){0});
    assert_string_equal(trial.errors, "first\nno luck");
    described_as(&trial, NEAP_TRIAL_EXITED, "exit status 3");
    trial = shell_trial("kill -9 $$", (struct neap_trial_plan){0});
    described_as(&trial, NEAP_TRIAL_KILLED, "killed by signal 9 (Killed)");
}

static void test_cannot_start(void **state) {
    (void)state;
    char absent[] = "/no/such/program";
    char *const argv[] = {absent, NULL};
    const struct neap_trial_plan plan = {.command = argv, .interval_ns = MS, .output = -1};
    struct neap_trial trial;
    assert_int_equal(neap_trial_run(&plan, &as_it_is, &trial), NEAP_ERROR_ABSENT);
    assert_int_equal(errno, ENOENT);
    neap_trial_clear(&trial);
}

static void test_server_is_stopped(void **state) {
    (void)state;
    struct neap_trial trial =
        python_trial("import time; time.sleep(60)", (struct neap_trial_plan){.for_ns = 400 * MS});
    assert_true(trial.stopped);
    assert_in_range(trial.wall_ns, 400 * MS, 30000 * MS);
    described_as(&trial, NEAP_TRIAL_DONE, "done");
}

/* What has left the tree by two forks and a session of its own ends too. */
static void test_leftovers_end(void **state) {
    (void)state;
    uint64_t start_ns = neap_os_now_ns();
    struct neap_trial trial =
        shell_trial("setsid sh -c 'trap \"\" TERM; sleep 61 & exit' & wait; exit 0",
                    (struct neap_trial_plan){0}); /* trial_of sees that nobody is left */
    assert_true(neap_os_now_ns() - start_ns < 30000 * MS);
    described_as(&trial, NEAP_TRIAL_DONE, "done");
}

static const char server[] = "import socket, time\n"
                             "s = socket.create_server(('127.0.0.1', 0))\n"
                             "time.sleep(60)\n";

static void test_load_and_idling(void **state) {
    (void)state;
    struct neap_trial trial =
        python_trial(server, (struct neap_trial_plan){.load = "sleep 0.2", .idle_ns = 300 * MS});
    assert_in_range(trial.load_ns, 200 * MS, 30000 * MS);
    assert_in_range(trial.wall_ns, trial.load_ns + 300 * MS, 30000 * MS);
    assert_int_equal(trial.processes, 1); /* the load is none of the command's */
    assert_true(trial.stopped);
    described_as(&trial, NEAP_TRIAL_DONE, "done");
}

static void test_load_is_stopped(void **state) {
    (void)state;
    struct neap_trial trial = python_trial(
        server, (struct neap_trial_plan){.load = "sleep 50; true", .for_ns = 300 * MS, .idle_ns = 10 * MS});
    assert_in_range(trial.load_ns, 300 * MS, 30000 * MS);
    described_as(&trial, NEAP_TRIAL_DONE, "done");
}

static void test_load_fails(void **state) {
    (void)state;
    struct neap_trial trial = python_trial(
        server, (struct neap_trial_plan){.load = "echo refused >&2; exit 7", .idle_ns = 40000 * MS});
    assert_string_equal(trial.errors, "refused");
    assert_true(trial.wall_ns < 30000 * MS); /* it does not idle after that */
    described_as(&trial, NEAP_TRIAL_LOAD_FAILED, "load: exit status 7");
}

static void test_server_ends_under_load(void **state) {
    (void)state;
    struct neap_trial trial =
        shell_trial("sleep 1.6", (struct neap_trial_plan){.load = "sleep 50", .idle_ns = 10 * MS});
    described_as(&trial, NEAP_TRIAL_EARLY, "ended before it was to be stopped");
}

static volatile sig_atomic_t interrupted;

static void on_alarm(int number) {
    interrupted = number;
}

static void test_interruption(void **state) {
    (void)state;
    struct sigaction note = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &note, NULL);
    alarm(1);
    struct neap_trial trial =
        shell_trial("exec sleep 60", (struct neap_trial_plan){.interrupted = &interrupted});
    assert_in_range(trial.wall_ns, 500 * MS, 30000 * MS);
    described_as(&trial, NEAP_TRIAL_INTERRUPTED, "interrupted");
}

static void test_library_that_is_not_loaded(void **state) {
    (void)state;
    struct neap_allocator_setup setup = {.present = true, .library = "/no-such-library.so"};
    char sleep[] = "sleep", time[] = "1";
    char *const argv[] = {sleep, time, NULL};
    struct neap_trial trial = trial_of((struct neap_trial_plan){.command = argv}, &setup);
    described_as(&trial, NEAP_TRIAL_NOT_LOADED, "its library was not loaded (static, other word size?)");
}

/* --- several ----------------------------------------------------------- */

static void test_comparison(void **state) {
    (void)state;
    char python[] = PYTHON, option[] = "-c";
    char program[] = "import os, sys; sys.exit(5 if os.environ.get('PYTHONMALLOC') else 0)";
    char *const argv[] = {python, option, program, NULL};
    const struct neap_allocator_choice *allocators[] = {neap_allocator_choice_named("cpython", 7),
                                                        neap_allocator_choice_named("glibc", 5),
                                                        neap_allocator_choice_named("neap", 4)};
    struct neap_comparison *comparison = neap_comparison_new(allocators, 3, argv, NULL);
    assert_non_null(comparison);
    const struct neap_trial_plan plan = {.command = argv, .interval_ns = 10 * MS, .output = -1};
    assert_int_equal(neap_comparison_run(comparison, &plan, 3, NULL, NULL), 0);
    const struct neap_comparison_entry *cpython = &comparison->entries[0], *glibc = &comparison->entries[1],
                                       *neap = &comparison->entries[2];
    assert_true(neap_comparison_has_figures(cpython));
    assert_int_equal(cpython->trial_count, 3);
    double median = neap_comparison_figure(cpython, NEAP_FIGURE_WALL);
    unsigned below = 0, above = 0;
    for (unsigned i = 0; i < 3; i++) {
        below += (double)cpython->trials[i].wall_ns < median;
        above += (double)cpython->trials[i].wall_ns > median;
    }
    assert_true(below <= 1 && above <= 1);
    assert_ptr_not_equal(neap_comparison_typical(cpython), NULL);
    assert_false(neap_comparison_has_figures(glibc)); /* failed once, not run again, kept */
    assert_int_equal(glibc->trial_count, 1);
    assert_int_equal(glibc->failure->status, 5);
    assert_false(neap->setup.present); /* no `neap` was named */
    assert_true(neap->setup.reason[0] != '\0');
    neap_comparison_destroy(comparison);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_seen),
        cmocka_unit_test(test_sampling_is_cheap),
        cmocka_unit_test(test_short_peak_is_not_missed),
        cmocka_unit_test(test_whole_tree_counts),
        cmocka_unit_test(test_failures_are_told),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_server_is_stopped),
        cmocka_unit_test(test_leftovers_end),
        cmocka_unit_test(test_load_and_idling),
        cmocka_unit_test(test_load_is_stopped),
        cmocka_unit_test(test_load_fails),
        cmocka_unit_test(test_server_ends_under_load),
        cmocka_unit_test(test_interruption),
        cmocka_unit_test(test_library_that_is_not_loaded),
        cmocka_unit_test(test_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
