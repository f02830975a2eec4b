/* Each thing that forbids to stop the world is told by its name, and what a try would harm is not tried. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "as_user.h"
#include "os/clock.h"
#include "os/kernel_settings.h"
#include "os/world.h"

enum { BOUND_US = 10 * 1000 * 1000, CANNOT = 250, HARMED = 251, PTRACE_CAPABILITY = 19 };

static void act_count(void *count) {
    ++*(int *)count;
}

static bool is_filtered(void) {
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

static bool may_trace_all(void) {
    unsigned long long effective = 0;
    char line[256];
    FILE *file = fopen("/proc/thread-self/status", "re");
    while (fgets(line, sizeof(line), file))
        sscanf(line, "CapEff: %llx", &effective);
    fclose(file);
    return effective >> PTRACE_CAPABILITY & 1;
}

static int scope(void) {
    struct neap_os_kernel_settings settings;
    neap_os_kernel_settings_read(&settings);
    return settings.ptrace_scope;
}

/* What a process without any peculiarity is told here. */
static enum neap_os_world_refusal usual(void) {
    return scope() == 3 || (scope() == 2 && !may_trace_all()) ? NEAP_OS_WORLD_PTRACE_SCOPE
                                                              : NEAP_OS_WORLD_FREE;
}

static void *sleep_on(void *unused) {
    for (;;)
        pause();
    return unused;
}

/* What a stop is refused for; whether a try says the same, and act was not called. */
static int refusal_here(bool despite_filter) {
    struct neap_os_world world;
    pthread_t thread;
    int acts = 0;
    if (pthread_create(&thread, NULL, sleep_on, NULL) != 0 ||
        neap_os_world_open(&world, despite_filter) != NEAP_OK)
        return CANNOT;
    enum neap_os_world_refusal told = neap_os_world_try(&world);
    int error = neap_os_world_stop(&world, BOUND_US, act_count, &acts, NULL);
    if (acts != (error == NEAP_OK) || error != (world.refusal ? NEAP_ERROR_PERMISSION : NEAP_OK) ||
        told != world.refusal)
        return HARMED;
    neap_os_world_close(&world);
    return (int)told;
}

/* Makes the child of a test peculiar; what a stop in it is refused for, or CANNOT. */
static int refusal_where(bool (*made)(void), bool despite_filter) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(made() ? refusal_here(despite_filter) : CANNOT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool cannot(int refusal, const char *what) {
    if (refusal == CANNOT)
        print_message("not tried, for it cannot be made here: %s\n", what);
    return refusal == CANNOT;
}

/* --- tests --------------------------------------------------------------- */

static bool nothing(void) {
    return true;
}

static void test_texts(void **state) {
    (void)state;
    for (int i = 0; i < NEAP_OS_WORLD_REFUSALS; i++) {
        assert_non_null(neap_os_world_refusal_text((enum neap_os_world_refusal)i));
        for (int other = 0; other < i; other++)
            assert_string_not_equal(neap_os_world_refusal_text((enum neap_os_world_refusal)i),
                                    neap_os_world_refusal_text((enum neap_os_world_refusal)other));
    }
    assert_non_null(neap_os_world_refusal_text(NEAP_OS_WORLD_REFUSALS));
}

static void test_as_it_is(void **state) {
    (void)state;
    assert_int_equal(refusal_where(nothing, true), usual());
    assert_int_equal(refusal_where(nothing, false), is_filtered() ? NEAP_OS_WORLD_FILTER : usual());
}

/* A tracer is named where that is needed, and nowhere else. */
static void test_tracer_is_named_where_needed(void **state) {
    (void)state;
    struct neap_os_world world;
    assert_int_equal(neap_os_world_open(&world, true), NEAP_OK);
    assert_int_equal(neap_os_world_try(&world), usual());
    assert_int_equal(world.names_tracer, scope() == 1 && !may_trace_all());
    neap_os_world_close(&world);
}

static bool undumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/* Scope 3 forbids it to all, and there is no more to say. */
static enum neap_os_world_refusal unless_forbidden_to_all(enum neap_os_world_refusal refusal) {
    return scope() == 3 ? NEAP_OS_WORLD_PTRACE_SCOPE : refusal;
}

static void test_undumpable(void **state) {
    (void)state;
    assert_int_equal(refusal_where(undumpable, true),
                     may_trace_all() ? usual() : unless_forbidden_to_all(NEAP_OS_WORLD_UNDUMPABLE));
}

static int traced[2]; /* the child goes on when it is traced */

static bool await_tracer(void) {
    char byte;
    return read(traced[0], &byte, 1) == 1;
}

static void test_traced(void **state) {
    (void)state;
    int status, error;
    assert_int_equal(pipe(traced), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(await_tracer() ? refusal_here(true) : CANNOT);
    error = ptrace(PTRACE_SEIZE, child, NULL, NULL) == 0 ? 0 : errno;
    assert_int_equal(write(traced[1], "x", 1), 1);
    while (waitpid(child, &status, 0) == child && !WIFEXITED(status))
        ptrace(PTRACE_CONT, child, NULL, NULL);
    close(traced[0]);
    close(traced[1]);
    if (error == 0)
        assert_int_equal(WEXITSTATUS(status), NEAP_OS_WORLD_TRACED);
    else
        assert_int_equal(usual(), NEAP_OS_WORLD_PTRACE_SCOPE);
}

/* --- filters of system calls ---------------------------------------------- */

static bool filtered(unsigned how, int call) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, how),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool killed_for_ptrace(void) {
    return filtered(SECCOMP_RET_KILL_PROCESS, SYS_ptrace);
}

static bool refused_ptrace(void) {
    return filtered(SECCOMP_RET_ERRNO | EPERM, SYS_ptrace);
}

static bool without_ptrace(void) {
    return filtered(SECCOMP_RET_ERRNO | ENOSYS, SYS_ptrace);
}

static bool filtered_elsewhere(void) {
    return filtered(SECCOMP_RET_KILL_PROCESS, SYS_acct);
}

static bool only_no_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void test_filters(void **state) {
    (void)state;
    assert_int_equal(refusal_where(killed_for_ptrace, false), NEAP_OS_WORLD_FILTER);
    assert_int_equal(refusal_where(refused_ptrace, false), NEAP_OS_WORLD_FILTER);
    assert_int_equal(refusal_where(filtered_elsewhere, false), NEAP_OS_WORLD_FILTER);
    assert_int_equal(refusal_where(filtered_elsewhere, true), usual());
    assert_int_equal(refusal_where(refused_ptrace, true),
                     scope() > 0 ? NEAP_OS_WORLD_PTRACE_SCOPE : NEAP_OS_WORLD_POLICY);
    assert_int_equal(refusal_where(without_ptrace, true), NEAP_OS_WORLD_KERNEL);
    assert_int_equal(refusal_where(only_no_new_privileges, true), usual());
}

/* A filter that comes after the world was found free is seen by the next stop. */
static bool filtered_later(void) {
    struct neap_os_world world;
    int acts = 0;
    bool free = neap_os_world_open(&world, false) == NEAP_OK &&
                neap_os_world_stop(&world, BOUND_US, act_count, &acts, NULL) == NEAP_OK && acts == 1;
    return killed_for_ptrace() && free &&
           neap_os_world_stop(&world, BOUND_US, act_count, &acts, NULL) == NEAP_ERROR_PERMISSION &&
           world.refusal == NEAP_OS_WORLD_FILTER && acts == 1;
}

static void test_filter_that_comes_later(void **state) {
    (void)state;
    if (usual() != NEAP_OS_WORLD_FREE || is_filtered())
        skip();
    assert_int_equal(refusal_where(filtered_later, false), NEAP_OS_WORLD_FILTER);
}

/* --- namespaces ----------------------------------------------------------- */

/* An ordinary user needs a user namespace first; some systems give none. */
static bool unshared(int what) {
    return unshare(what) == 0 || unshare(CLONE_NEWUSER | what) == 0;
}

/* The program's next child is to be the first process of a namespace: it must stay free to be that. */
static bool next_child_in_namespace(void) {
    return unshared(CLONE_NEWPID);
}

static void test_next_child_begins_a_namespace(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (!next_child_in_namespace())
            _exit(CANNOT);
        struct neap_os_world world;
        int acts = 0;
        neap_os_world_open(&world, true);
        if (neap_os_world_stop(&world, BOUND_US, act_count, &acts, NULL) != NEAP_ERROR_PERMISSION ||
            acts != 0 || neap_os_world_try(&world) != world.refusal)
            _exit(HARMED);
        pid_t first = fork();
        if (first == 0)
            _exit(getpid() == 1 ? (int)world.refusal : HARMED);
        _exit(first > 0 && waitpid(first, &status, 0) == first ? WEXITSTATUS(status) : HARMED);
    }
    waitpid(child, &status, 0);
    if (!cannot(WEXITSTATUS(status), "a namespace of processes"))
        assert_int_equal(WEXITSTATUS(status), NEAP_OS_WORLD_NAMESPACE);
}

/* /proc shows the numbers of the namespace that it was mounted in. */
static void test_proc_of_another_namespace(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(next_child_in_namespace() ? refusal_where(nothing, true) : CANNOT);
    waitpid(child, &status, 0);
    if (!cannot(WEXITSTATUS(status), "a namespace of processes"))
        assert_int_equal(WEXITSTATUS(status), NEAP_OS_WORLD_PROC);
}

static bool without_proc(void) {
    return unshared(CLONE_NEWNS) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/proc", "tmpfs", 0, NULL) == 0;
}

static void test_without_proc(void **state) {
    (void)state;
    int refusal = refusal_where(without_proc, true);
    if (!cannot(refusal, "a root without /proc"))
        assert_int_equal(refusal, NEAP_OS_WORLD_PROC);
}

static bool in_user_namespace(void) {
    return unshare(CLONE_NEWUSER) == 0;
}

static void test_user_namespace(void **state) {
    (void)state;
    int refusal = refusal_where(in_user_namespace, true);
    if (!cannot(refusal, "a user namespace"))
        assert_true(refusal == (int)usual() ||
                    refusal == NEAP_OS_WORLD_FREE); /* Yama asks for rights in it */
}

/* --- users ---------------------------------------------------------------- */

static bool user_changed(void) {
    return geteuid() == 0 && setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0;
}

static void test_user_changed_after_start(void **state) {
    (void)state;
    int refusal = refusal_where(user_changed, true);
    if (!cannot(refusal, "another user"))
        assert_int_equal(refusal, unless_forbidden_to_all(NEAP_OS_WORLD_UNDUMPABLE));
}

static bool acts_for_another(void) {
    return geteuid() == 0 && setresuid((uid_t)-1, ORDINARY_USER, (uid_t)-1) == 0;
}

static void test_acts_for_another_user(void **state) {
    (void)state;
    int refusal = refusal_where(acts_for_another, true);
    if (!cannot(refusal, "another user"))
        assert_int_equal(refusal, NEAP_OS_WORLD_IDENTITY);
}

/* Only this thread changes: libc's function would change all. */
static void *stop_as_another(void *result) {
    struct neap_os_world world;
    int acts = 0;
    syscall(SYS_setresuid, ORDINARY_USER, ORDINARY_USER, ORDINARY_USER);
    neap_os_world_open(&world, true);
    int error = neap_os_world_stop(&world, BOUND_US, act_count, &acts, NULL);
    *(int *)result = error == NEAP_ERROR_PERMISSION && acts == 0 ? (int)world.refusal : HARMED;
    return NULL;
}

static void test_one_thread_is_another_user(void **state) {
    (void)state;
    int status, result = CANNOT;
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        if (geteuid() == 0 && pthread_create(&thread, NULL, stop_as_another, &result) == 0)
            pthread_join(thread, NULL);
        _exit(result);
    }
    waitpid(child, &status, 0);
    if (!cannot(WEXITSTATUS(status), "another user"))
        assert_int_equal(WEXITSTATUS(status), NEAP_OS_WORLD_IDENTITY);
}

/* --- limits --------------------------------------------------------------- */

static bool no_more_processes(void) {
    return geteuid() != 0 && prctl(PR_GET_DUMPABLE) == 1;
}

static void test_no_more_processes(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct neap_os_world world;
        struct rlimit one = {1, 1};
        int acts = 0;
        pid_t other = no_more_processes() ? fork() : -1; /* so that there are two processes of this user */
        if (other == 0)
            sleep_on(NULL);
        if (other < 0 || setrlimit(RLIMIT_NPROC, &one) != 0)
            _exit(CANNOT);
        neap_os_world_open(&world, true);
        int error = neap_os_world_stop(&world, BOUND_US, act_count, &acts, NULL);
        kill(other, SIGKILL);
        _exit(error == NEAP_ERROR_PERMISSION && acts == 0 ? (int)world.refusal : HARMED);
    }
    waitpid(child, &status, 0);
    if (!cannot(WEXITSTATUS(status), "a limit of processes, for root"))
        assert_int_equal(WEXITSTATUS(status), NEAP_OS_WORLD_TASKS);
}

static int group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_as_it_is),
        cmocka_unit_test(test_tracer_is_named_where_needed),
        cmocka_unit_test(test_undumpable),
        cmocka_unit_test(test_traced),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_filter_that_comes_later),
        cmocka_unit_test(test_next_child_begins_a_namespace),
        cmocka_unit_test(test_proc_of_another_namespace),
        cmocka_unit_test(test_without_proc),
        cmocka_unit_test(test_user_namespace),
        cmocka_unit_test(test_user_changed_after_start),
        cmocka_unit_test(test_acts_for_another_user),
        cmocka_unit_test(test_one_thread_is_another_user),
        cmocka_unit_test(test_no_more_processes),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}

int main(void) {
#ifdef __SANITIZE_THREAD__
    print_message(
        "test_world_refusal is skipped: the checker takes the stopper for the thread that sleeps for it\n");
    return 77;
#endif
    return run_as_root_and_user(group);
}
