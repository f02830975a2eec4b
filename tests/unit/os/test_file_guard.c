/* Mapped files that are cut short: zeros and a mark, in any thread, beside any other handler of SIGBUS; and
 * every other SIGBUS ends as it would without the guard. What ends a process runs in a child. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/file_guard.h"
#include "os/memory.h"

enum { PAGES = 8, MANY = 200 };

static size_t page;

struct mapped {
    int file;
    volatile char *data;
    struct neap_os_file_guard *guard;
};

/* A file without a name, full of 'x'. */
static int file_make(void) {
    char path[] = "/tmp/neap-guard-XXXXXX";
    int file = mkstemp(path);
    unlink(path);
    char *contents = malloc(PAGES * page);
    memset(contents, 'x', PAGES * page);
    if (write(file, contents, PAGES * page) != (ssize_t)(PAGES * page))
        abort();
    free(contents);
    return file;
}

static struct mapped map(int access) {
    struct mapped mapped = {.file = file_make()};
    void *data = mmap(NULL, PAGES * page, access, MAP_SHARED, mapped.file, 0);
    if (data == MAP_FAILED ||
        neap_os_file_guard_add(data, PAGES * page, (access & PROT_WRITE) != 0, &mapped.guard) != NEAP_OK)
        abort();
    mapped.data = data;
    return mapped;
}

static void unmap(struct mapped *mapped) {
    neap_os_file_guard_remove(mapped->guard);
    munmap((void *)(uintptr_t)mapped->data, PAGES * page);
    close(mapped->file);
}

static void cut(const struct mapped *mapped, size_t bytes) {
    if (ftruncate(mapped->file, (off_t)bytes) != 0)
        abort();
}

/* How a child ends that calls `function`: its status, or 128 + its signal. */
static int end_of(void (*function)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGBUS, SIG_DFL); /* cmocka has put a handler of its own there */
        function();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define DEMAND(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            _exit(__LINE__ % 100 + 1);                                                                       \
    } while (0)

static void the_lost_end_reads_as_zeros(void **state) {
    (void)state;
    struct mapped mapped = map(PROT_READ), other = map(PROT_READ);
    assert_int_equal(mapped.data[PAGES * page - 1], 'x');
    assert_false(neap_os_file_guard_is_cut(mapped.guard));
    cut(&mapped, page + 1);
    assert_int_equal(mapped.data[page], 'x'); /* still there */
    assert_false(neap_os_file_guard_is_cut(mapped.guard));
    for (size_t at = 2 * page; at < PAGES * page; at += 7)
        assert_int_equal(mapped.data[at], 0);
    assert_true(neap_os_file_guard_is_cut(mapped.guard));
    assert_int_equal(mapped.data[page], 'x');
    assert_int_equal(other.data[PAGES * page - 1], 'x');
    assert_false(neap_os_file_guard_is_cut(other.guard));
    unmap(&mapped);
    unmap(&other);
}

static void what_is_written_there_is_lost(void **state) {
    (void)state;
    struct mapped mapped = map(PROT_READ | PROT_WRITE);
    cut(&mapped, 0);
    memset((void *)(uintptr_t)mapped.data, 'y', PAGES * page);
    assert_true(neap_os_file_guard_is_cut(mapped.guard));
    assert_int_equal(lseek(mapped.file, 0, SEEK_END), 0);
    void *again = mmap(NULL, page, PROT_READ, MAP_SHARED, mapped.file, 0);
    neap_os_file_guard_move(mapped.guard, again, page);
    assert_false(neap_os_file_guard_is_cut(mapped.guard));
    assert_int_equal(*(volatile char *)again, 0);
    assert_true(neap_os_file_guard_is_cut(mapped.guard));
    munmap(again, page);
    unmap(&mapped);
}

/* More than one chunk of the table, and entries that are used again. */
static void many_mappings(void **state) {
    (void)state;
    static struct mapped all[MANY];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < MANY; i++)
            all[i] = map(PROT_READ);
        for (unsigned i = 0; i < MANY; i += 3)
            cut(&all[i], 0);
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(all[i].data[i % PAGES * page], i % 3 == 0 ? 0 : 'x');
            assert_true(neap_os_file_guard_is_cut(all[i].guard) == (i % 3 == 0));
        }
        for (unsigned i = 0; i < MANY; i++)
            unmap(&all[i]);
    }
}

static void a_child_has_the_guard_too(void) {
    struct mapped mapped = map(PROT_READ);
    cut(&mapped, 0);
    pid_t child = fork();
    if (child == 0)
        _exit(mapped.data[0] != 0 || !neap_os_file_guard_is_cut(mapped.guard));
    int status;
    DEMAND(waitpid(child, &status, 0) == child && status == 0);
    DEMAND(!neap_os_file_guard_is_cut(mapped.guard));
}

static void forks(void **state) {
    (void)state;
    assert_int_equal(end_of(a_child_has_the_guard_too), 0);
}

static void *read_on_a_stack_of_its_own(void *argument) {
    struct mapped *mapped = argument;
    stack_t stack = {.ss_sp = malloc(64 << 10), .ss_size = 64 << 10}, before;
    bool zeros = sigaltstack(&stack, &before) == 0;
    for (size_t at = 0; at < PAGES * page; at += page)
        zeros = zeros && mapped->data[at] == 0;
    sigaltstack(&before, NULL);
    free(stack.ss_sp);
    return zeros && neap_os_file_guard_is_cut(mapped->guard) ? mapped : NULL;
}

static void threads(void **state) {
    (void)state;
    struct mapped mapped = map(PROT_READ);
    pthread_t threads[4];
    cut(&mapped, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on_a_stack_of_its_own, &mapped), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    unmap(&mapped);
}

/* While other threads take and give back guards. */
static void *churn(void *argument) {
    for (const _Atomic bool *ended = argument; !atomic_load(ended);) {
        struct mapped mapped = map(PROT_READ);
        if (mapped.data[0] != 'x' || neap_os_file_guard_is_cut(mapped.guard))
            abort();
        unmap(&mapped);
    }
    return NULL;
}

static void while_others_come_and_go(void **state) {
    (void)state;
    _Atomic bool ended = false;
    pthread_t others[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&others[i], NULL, churn, &ended);
    for (int i = 0; i < 300; i++) {
        struct mapped mapped = map(PROT_READ);
        cut(&mapped, 0);
        assert_int_equal(mapped.data[(size_t)i % PAGES * page], 0);
        assert_true(neap_os_file_guard_is_cut(mapped.guard));
        unmap(&mapped);
    }
    atomic_store(&ended, true);
    for (int i = 0; i < 2; i++)
        pthread_join(others[i], NULL);
}

/* --- every other SIGBUS ---------------------------------------------------------------- */

static void fault_elsewhere(void) {
    int file = file_make();
    volatile char *data = mmap(NULL, PAGES * page, PROT_READ, MAP_SHARED, file, 0);
    struct mapped mapped = map(PROT_READ);
    cut(&mapped, 0);
    DEMAND(mapped.data[0] == 0);
    if (ftruncate(file, 0) == 0)
        (void)data[0];
}

static void raised(void) {
    struct mapped mapped = map(PROT_READ);
    (void)mapped;
    raise(SIGBUS);
}

static void sent(void) {
    struct mapped mapped = map(PROT_READ);
    (void)mapped;
    kill(getpid(), SIGBUS);
    pause();
}

static void after_the_guard_is_gone(void) {
    struct mapped mapped = map(PROT_READ);
    neap_os_file_guard_remove(mapped.guard);
    cut(&mapped, 0);
    (void)mapped.data[0];
}

static void ignored_ones_are_ignored(void) {
    signal(SIGBUS, SIG_IGN);
    struct mapped mapped = map(PROT_READ);
    kill(getpid(), SIGBUS);
    cut(&mapped, 0);
    DEMAND(mapped.data[0] == 0);
}

static void end_as_without_a_guard(void **state) {
    (void)state;
    assert_int_equal(end_of(fault_elsewhere), 128 + SIGBUS);
    assert_int_equal(end_of(raised), 128 + SIGBUS);
    assert_int_equal(end_of(sent), 128 + SIGBUS);
    assert_int_equal(end_of(after_the_guard_is_gone), 128 + SIGBUS);
}

/* --- other handlers ------------------------------------------------------------------------ */

static sigjmp_buf back;
static volatile sig_atomic_t calls;
static volatile uintptr_t called_at;

static void jump(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    calls++;
    called_at = (uintptr_t)info->si_addr;
    siglongjmp(back, 1);
}

static void a_handler_before_gets_what_is_its_own(void) {
    struct sigaction action = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    struct mapped mapped = map(PROT_READ);
    cut(&mapped, 0);
    DEMAND(mapped.data[0] == 0 && calls == 0);
    volatile char *foreign = mmap(NULL, page, PROT_READ, MAP_SHARED, mapped.file, 0);
    for (volatile int i = 1; i <= 3; i++) {
        if (sigsetjmp(back, 1) == 0)
            (void)foreign[i];
        DEMAND(calls == i && called_at == (uintptr_t)foreign + (uintptr_t)i);
    }
}

static void count(int number) {
    (void)number;
    calls++;
}

static void a_plain_handler_before(void) {
    signal(SIGBUS, count);
    struct mapped mapped = map(PROT_READ);
    raise(SIGBUS);
    DEMAND(calls == 1);
    cut(&mapped, 0);
    DEMAND(mapped.data[0] == 0 && calls == 1);
}

/* As Python's faulthandler: it reports, puts the action before it in place, and raises the signal again. */
static struct sigaction before_report;

static void report(int number) {
    calls++;
    sigaction(number, &before_report, NULL);
    raise(number);
}

static void report_install(void) {
    struct sigaction action = {.sa_handler = report, .sa_flags = SA_NODEFER};
    sigaction(SIGBUS, &action, &before_report);
}

static void a_reporter_after(void) {
    struct mapped mapped = map(PROT_READ), second = map(PROT_READ);
    report_install();
    cut(&mapped, page);
    DEMAND(mapped.data[2 * page] == 0 && neap_os_file_guard_is_cut(mapped.guard));
    DEMAND(calls == 1 && mapped.data[0] == 'x');
    cut(&second, 0);
    DEMAND(second.data[0] == 0 && calls == 1);
}

static void a_reporter_before(void) {
    report_install();
    struct mapped mapped = map(PROT_READ);
    cut(&mapped, page);
    DEMAND(mapped.data[2 * page] == 0 && calls == 0);
}

static void a_reporter_before_reports_the_end(void) {
    report_install();
    fault_elsewhere();
}

static void a_reporter_after_reports_the_end(void) {
    struct mapped mapped = map(PROT_READ);
    (void)mapped;
    report_install();
    raise(SIGBUS);
}

static void other_handlers(void **state) {
    (void)state;
    assert_int_equal(end_of(a_handler_before_gets_what_is_its_own), 0);
    assert_int_equal(end_of(a_plain_handler_before), 0);
    assert_int_equal(end_of(ignored_ones_are_ignored), 0);
    assert_int_equal(end_of(a_reporter_before), 0);
    assert_int_equal(end_of(a_reporter_after), 0);
    assert_int_equal(end_of(a_reporter_before_reports_the_end), 128 + SIGBUS);
    assert_int_equal(end_of(a_reporter_after_reports_the_end), 128 + SIGBUS);
}

int main(void) {
    /* Those that need the first guard of a process run first. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_handlers),
        cmocka_unit_test(end_as_without_a_guard),
        cmocka_unit_test(forks),
        cmocka_unit_test(the_lost_end_reads_as_zeros),
        cmocka_unit_test(what_is_written_there_is_lost),
        cmocka_unit_test(many_mappings),
        cmocka_unit_test(threads),
        cmocka_unit_test(while_others_come_and_go),
    };
    page = neap_os_page_bytes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
