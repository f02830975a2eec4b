/* Children and their trees, made of shells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "os/child.h"
#include "os/clock.h"
#include "os/process_info.h"
#include "os/output_tail.h"
#include "os/process_tree.h"

#define MS UINT64_C(1000000)

static pid_t shell_start(char *script, const char *const *environment, int errors) {
    char shell[] = "/bin/sh", option[] = "-c";
    char *const argv[] = {shell, option, script, NULL};
    const struct neap_os_command command = {argv, environment, -1, errors};
    pid_t pid = 0;
    assert_int_equal(neap_os_child_start(&command, &pid), 0);
    return pid;
}

static struct neap_os_ending shell_end(pid_t pid) {
    struct neap_os_ending ending;
    int error;
    while ((error = neap_os_child_reap(pid, &ending)) == NEAP_ERROR_TIMEOUT)
        neap_os_child_await(&pid, 1, neap_os_now_ns() + 1000 * MS);
    assert_int_equal(error, 0);
    assert_int_equal(ending.pid, pid);
    return ending;
}

static void test_endings(void **state) {
    (void)state;
    char three[] = "exit 3", killed[] = "kill -9 $$";
    struct neap_os_ending ending = shell_end(shell_start(three, NULL, -1));
    assert_int_equal(ending.status, 3);
    assert_int_equal(ending.signal, 0);
    assert_true(ending.peak_bytes > 100000);
    ending = shell_end(shell_start(killed, NULL, -1));
    assert_int_equal(ending.status, 0);
    assert_int_equal(ending.signal, SIGKILL);
    assert_int_equal(neap_os_child_reap(ending.pid, &ending), NEAP_ERROR_PROCESS);
}

static void test_cannot_start(void **state) {
    (void)state;
    char absent[] = "/no/such/program", not_executable[] = "/etc/passwd";
    char *argv[] = {absent, NULL};
    const struct neap_os_command command = {argv, NULL, -1, -1};
    pid_t pid = -7;
    assert_int_equal(neap_os_child_start(&command, &pid), NEAP_ERROR_ABSENT);
    argv[0] = not_executable;
    assert_int_equal(neap_os_child_start(&command, &pid), NEAP_ERROR_PERMISSION);
    assert_int_equal(pid, -7);
    struct neap_os_ending ending;
    assert_int_equal(neap_os_child_reap(-1, &ending), NEAP_ERROR_PROCESS); /* nobody is left behind */
}

static void test_environment(void **state) {
    (void)state;
    char script[] = "test \"$SET\" = new && test -z \"$GONE\" && test \"$SETTLE\" = kept";
    setenv("SET", "old", 1);
    setenv("GONE", "here", 1);
    setenv("SETTLE", "kept", 1); /* SET is only the beginning of its name */
    const char *const changes[] = {"SET=new", "GONE", NULL};
    assert_int_equal(shell_end(shell_start(script, changes, -1)).status, 0);
    assert_string_equal(getenv("SET"), "old");
}

static void test_session_of_its_own(void **state) {
    (void)state;
    char script[] = "sleep 10";
    pid_t pid = shell_start(script, NULL, -1);
    struct neap_os_process_info_stat stat;
    assert_int_equal(neap_os_process_info_stat(pid, &stat), 0);
    assert_int_equal(stat.session, pid);
    assert_int_equal(kill(-pid, SIGTERM), 0);
    assert_int_equal(shell_end(pid).signal, SIGTERM);
}

static void test_await_returns_early_and_in_time(void **state) {
    (void)state;
    char brief[] = "sleep 0.05", lasting[] = "exec sleep 60";
    pid_t pid = shell_start(brief, NULL, -1);
    uint64_t start_ns = neap_os_now_ns();
    neap_os_child_await(&pid, 1, start_ns + 60000 * MS);
    assert_in_range(neap_os_now_ns() - start_ns, 30 * MS, 30000 * MS);
    shell_end(pid);
    pid = shell_start(lasting, NULL, -1);
    start_ns = neap_os_now_ns();
    neap_os_child_await(&pid, 1, start_ns + 50 * MS);
    assert_in_range(neap_os_now_ns() - start_ns, 50 * MS, 30000 * MS);
    kill(pid, SIGKILL);
    shell_end(pid);
}

static void test_tail(void **state) {
    (void)state;
    char few[] = "echo one >&2; echo two >&2", many[] = "seq 1 600000 >&2; echo the end >&2";
    char text[64];
    int tail = neap_os_output_tail_open();
    assert_true(tail >= 0);
    neap_os_output_tail_read(tail, text, sizeof(text));
    assert_string_equal(text, "");
    shell_end(shell_start(few, NULL, tail));
    neap_os_output_tail_read(tail, text, sizeof(text));
    assert_string_equal(text, "one\ntwo");
    shell_end(shell_start(many, NULL, tail));
    neap_os_output_tail_trim(tail);
    neap_os_output_tail_read(tail, text, sizeof(text));
    assert_string_equal(text + strlen(text) - strlen("600000\nthe end"), "600000\nthe end");
    assert_true(text[0] >= '1' && text[0] <= '9' && strchr(text, '\n') == text + 6); /* whole lines only */
    close(tail);
}

static size_t member_count(neap_os_process_tree_t *tree) {
    size_t count;
    assert_int_equal(neap_os_process_tree_update(tree), 0);
    neap_os_process_tree_members(tree, &count);
    return count;
}

/* Waits until the tree has `wanted` members; shells take their time. */
static void members_await(neap_os_process_tree_t *tree, size_t wanted) {
    for (int tries = 0; tries < 500 && member_count(tree) != wanted; tries++)
        neap_os_sleep_ns(10 * MS);
    assert_int_equal(member_count(tree), wanted);
}

static void reap_all(void) {
    struct neap_os_ending ending;
    int error;
    while ((error = neap_os_child_reap(-1, &ending)) != NEAP_ERROR_PROCESS)
        if (error)
            neap_os_sleep_ns(5 * MS);
}

/* Kills the members that are our children, until none is left. */
static void members_kill(neap_os_process_tree_t *tree) {
    size_t count;
    struct neap_os_ending ending;
    do {
        neap_os_process_tree_update(tree);
        const pid_t *members = neap_os_process_tree_members(tree, &count);
        for (size_t i = 0; i < count; i++) {
            struct neap_os_process_info_stat stat;
            if (neap_os_process_info_stat(members[i], &stat) == 0 && stat.parent == getpid())
                kill(members[i], SIGKILL);
        }
        neap_os_sleep_ns(5 * MS);
    } while (neap_os_child_reap(-1, &ending) != NEAP_ERROR_PROCESS);
}

static void test_tree_has_descendants(void **state) {
    (void)state;
    char script[] = "sleep 20 & sh -c 'sleep 20 & sleep 20; true'; true";
    neap_os_process_tree_t *tree = neap_os_process_tree_new(getpid());
    assert_non_null(tree);
    assert_int_equal(member_count(tree), 0);
    pid_t shell = shell_start(script, NULL, -1);
    members_await(tree, 5); /* two shells, three sleeps */
    kill(-shell, SIGKILL);
    reap_all();
    neap_os_process_tree_destroy(tree);
}

/* One that forks twice and begins its own session stays in the tree. */
static void test_tree_keeps_orphans(void **state) {
    (void)state;
    char script[] = "setsid sh -c 'sleep 20 & exit' & wait";
    assert_int_equal(neap_os_child_adopt_orphans(), 0);
    neap_os_process_tree_t *tree = neap_os_process_tree_new(getpid());
    shell_end(shell_start(script, NULL, -1));
    members_await(tree, 1);
    members_kill(tree);
    neap_os_process_tree_destroy(tree);
}

static void test_tree_without_a_session(void **state) {
    (void)state;
    char script[] = "sleep 20; true";
    neap_os_process_tree_t *tree = neap_os_process_tree_new(getpid());
    pid_t one = shell_start(script, NULL, -1);
    members_await(tree, 2);
    pid_t other = shell_start(script, NULL, -1);
    neap_os_process_tree_except(tree, other);
    neap_os_sleep_ns(50 * MS);
    assert_int_equal(member_count(tree), 2);
    kill(-one, SIGKILL);
    kill(-other, SIGKILL);
    reap_all();
    neap_os_process_tree_destroy(tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_session_of_its_own),
        cmocka_unit_test(test_await_returns_early_and_in_time),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_tree_has_descendants),
        cmocka_unit_test(test_tree_keeps_orphans),
        cmocka_unit_test(test_tree_without_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
