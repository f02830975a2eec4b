/* The filter: what a process under it can still do, what fails, and what ends it. Each in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/privilege.h"
#include "os/sanitizer.h"
#include "os/system_call_filter.h"

enum { NO_FILTER = 99, NOBODY = 65534 };

/* Runs `act` in a child; returns the wait status. */
static int in_child(int (*act)(void)) {
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(act());
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The same under a filter, whose answer is the exit status. */
static enum neap_os_filter filter_now;
static int (*act_now)(void);

static int act_filtered(void) {
    return neap_os_filter_enter(filter_now) == NEAP_OK ? act_now() : NO_FILTER;
}

static int filtered(enum neap_os_filter filter, int (*act)(void)) {
    filter_now = filter;
    act_now = act;
    int status = in_child(act_filtered);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
        skip(); /* no seccomp here, or a sanitizer */
    return status;
}

static void assert_done(int status) {
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("wait status 0x%x", (unsigned)status);
}

static void assert_ended(int status) {
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        fail_msg("wait status 0x%x", (unsigned)status);
}

/* --- what an analysis needs ------------------------------------------------------ */

static void *thread_run(void *argument) {
    char *block = malloc(3 << 20); /* a mapping of its own, and an arena */
    if (block)
        memset(block, 1, 3 << 20);
    free(block);
    return argument;
}

static int work(void) {
    pthread_t threads[4];
    void *back;
    for (size_t i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, thread_run, threads) != 0)
            return 1;
    for (size_t i = 0; i < 4; i++)
        if (pthread_join(threads[i], &back) != 0 || back != threads)
            return 2;
    char *grown = malloc(1 << 20), *moved = grown ? realloc(grown, 64 << 20) : NULL;
    if (!moved)
        return 3;
    free(moved);
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 && errno == ENOSYS)
        return 4;
    return 0;
}

static void test_memory_and_threads(void **state) {
    (void)state;
    assert_done(filtered(NEAP_OS_FILTER_READING, work));
    assert_done(filtered(NEAP_OS_FILTER_OPENING, work));
}

static int source = -1;

static int read_what_is_open(void) {
    char out[4] = "";
    return pread(source, out, sizeof(out), 2) == 4 && memcmp(out, "2345", 4) == 0 ? 0 : 1;
}

static void test_what_is_open_is_read(void **state) {
    (void)state;
    source = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(source, "0123456789", 10), 10);
    assert_done(filtered(NEAP_OS_FILTER_READING, read_what_is_open));
    close(source);
}

static int abort_now(void) {
    abort();
}

/* A failed assertion still ends as one. */
static void test_abort(void **state) {
    (void)state;
    int status = filtered(NEAP_OS_FILTER_READING, abort_now);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* --- what fails, softly ------------------------------------------------------------ */

static int refused(long result) {
    return result == -1 && errno == ENOSYS ? 0 : 1;
}

static int open_for_reading(void) {
    return refused(open("/dev/null", O_RDONLY));
}

static int open_for_writing(void) {
    return refused(open("/dev/null", O_WRONLY)) | refused(open("/tmp/neap-never", O_RDONLY | O_CREAT, 0600));
}

static int opened(void) {
    return open("/dev/null", O_RDONLY) < 0;
}

static void test_files(void **state) {
    (void)state;
    assert_done(filtered(NEAP_OS_FILTER_READING, open_for_reading));
    assert_done(filtered(NEAP_OS_FILTER_READING, open_for_writing));
    assert_done(filtered(NEAP_OS_FILTER_OPENING, opened));
    assert_done(filtered(NEAP_OS_FILTER_OPENING, open_for_writing));
}

static int others(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED)
        return 1;
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)))
        return 2;
    char letter = 'x';
    if (refused(ioctl(STDOUT_FILENO, TIOCSTI, &letter)) || refused(setresuid(0, 0, 0)) ||
        refused(unlink("/tmp/neap-never")) || refused(fork()))
        return 3;
    return refused(syscall(1 << 20)); /* a call of the future */
}

static void test_the_rest(void **state) {
    (void)state;
    assert_done(filtered(NEAP_OS_FILTER_READING, others));
}

/* --- what ends the process --------------------------------------------------------- */

static int do_execve(void) {
    char *words[] = {NULL};
    return execve("/bin/true", words, words);
}

static int do_ptrace(void) {
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int do_socket(void) {
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int do_connect(void) {
    return connect(0, NULL, 0);
}

static int do_kill(void) {
    return kill(getppid(), 0);
}

static int do_read_memory(void) {
    struct iovec piece = {&source, sizeof(source)};
    return (int)process_vm_readv(getppid(), &piece, 1, &piece, 1, 0);
}

static int do_write_memory(void) {
    struct iovec piece = {&source, sizeof(source)};
    return (int)process_vm_writev(getppid(), &piece, 1, &piece, 1, 0);
}

static void test_what_ends_it(void **state) {
    (void)state;
    static int (*const acts[])(void) = {do_execve, do_ptrace,      do_socket,      do_connect,
                                        do_kill,   do_read_memory, do_write_memory};
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        assert_ended(filtered(NEAP_OS_FILTER_READING, acts[i]));
        assert_ended(filtered(NEAP_OS_FILTER_OPENING, acts[i]));
    }
}

/* --- other threads, other processes --------------------------------------------------- */

static int ready[2];

static void *thread_of_before(void *argument) {
    char letter;
    if (read(ready[0], &letter, 1) == 1)
        kill(getppid(), 0);
    return argument;
}

static int ask_the_thread_of_before(void) {
    pthread_t thread;
    if (pipe(ready) != 0 || pthread_create(&thread, NULL, thread_of_before, NULL) != 0)
        return 1;
    if (neap_os_filter_enter(NEAP_OS_FILTER_READING) != NEAP_OK)
        return NO_FILTER;
    if (write(ready[1], "x", 1) != 1)
        return 2;
    pthread_join(thread, NULL);
    return 0;
}

/* A thread that was started before is held to it, too. */
static void test_threads_of_before(void **state) {
    (void)state;
    int status = in_child(ask_the_thread_of_before);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
        skip();
    assert_ended(status);
}

/* --- rights -------------------------------------------------------------------------- */

static uint64_t status_number(const char *key, int base) {
    char line[256];
    uint64_t number = UINT64_MAX;
    FILE *in = fopen("/proc/thread-self/status", "r");
    while (in && fgets(line, sizeof(line), in))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, base);
    if (in)
        fclose(in);
    return number;
}

static int drop(void) {
    int signal_at_end = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    neap_os_privilege_drop();
    prctl(PR_SET_DUMPABLE, 1); /* to see it in /proc */
    if (prctl(PR_GET_PDEATHSIG, &signal_at_end) != 0 || signal_at_end != SIGKILL)
        return 1;
    if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY || getgroups(0, NULL) != 0)
        return 2;
    if (status_number("CapEff:", 16) != 0 || status_number("CapPrm:", 16) != 0)
        return 3;
    return status_number("NoNewPrivs:", 10) == 1 && setresuid(0, 0, 0) != 0 ? 0 : 4;
}

static int drop_as_user(void) {
    if (setgroups(0, NULL) != 0 || setresgid(1234, 1234, 1234) != 0 || setresuid(1234, 1234, 1234) != 0)
        return 1;
    neap_os_privilege_drop();
    prctl(PR_SET_DUMPABLE, 1);
    return getuid() == 1234 && status_number("NoNewPrivs:", 10) == 1 && status_number("CapPrm:", 16) == 0 ? 0
                                                                                                          : 2;
}

static void test_rights(void **state) {
    (void)state;
    if (geteuid() != 0 || NEAP_OS_SANITIZED)
        skip(); /* needs root, to have something to give up */
    assert_done(in_child(drop));
    assert_done(in_child(drop_as_user));
}

static int drop_within(void) {
    neap_os_privilege_drop();
    return neap_os_filter_enter(NEAP_OS_FILTER_READING) == NEAP_OK ? open_for_reading() : 1;
}

/* The two in the order in which a core file needs them. */
static void test_one_filter_after_the_other(void **state) {
    (void)state;
    assert_done(filtered(NEAP_OS_FILTER_OPENING, drop_within));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_and_threads),
        cmocka_unit_test(test_what_is_open_is_read),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_what_ends_it),
        cmocka_unit_test(test_threads_of_before),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_one_filter_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
