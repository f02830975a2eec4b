/* What /proc tells of this very process, whose memory the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process_info.h"

enum { MB = 1000000, BIG = 32 << 20 };

/* A pid that was ours and is no more. */
static pid_t ended_pid(void) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

static void test_memory_follows(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* its shadow of each page counts too */
#endif
    struct neap_os_process_info_memory before, with, after;
    assert_int_equal(neap_os_process_info_memory(getpid(), &before), 0);
    char *big = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(big != MAP_FAILED);
    memset(big, 1, BIG);
    assert_int_equal(neap_os_process_info_memory(getpid(), &with), 0);
    munmap(big, BIG);
    assert_int_equal(neap_os_process_info_memory(getpid(), &after), 0);
    assert_in_range(with.rss_bytes - before.rss_bytes, BIG, BIG + MB);
    /* A share of a library grows and shrinks with the other processes that map it. */
    assert_in_range(with.pss_bytes - before.pss_bytes, BIG - MB, BIG + MB);
    assert_in_range(with.private_dirty_bytes - before.private_dirty_bytes, BIG, BIG + MB);
    assert_true(after.rss_bytes < with.rss_bytes - BIG + MB);

    uint64_t peak;
    assert_int_equal(neap_os_process_info_peak(getpid(), &peak), 0);
    assert_true(peak + MB >= with.rss_bytes);
}

/* Kernels without smaps_rollup: the sum over smaps is the same. */
static void test_smaps_sum(void **state) {
    (void)state;
    struct neap_os_process_info_memory whole, sum;
    assert_int_equal(neap_os_process_info_memory(getpid(), &whole), 0);
    assert_int_equal(neap__os_process_info_memory_sum("/proc/self/smaps", &sum), 0);
    assert_in_range(sum.rss_bytes + MB, whole.rss_bytes, whole.rss_bytes + 2 * MB);
    assert_in_range(sum.private_dirty_bytes + MB, whole.private_dirty_bytes,
                    whole.private_dirty_bytes + 2 * MB);
    assert_int_equal(neap__os_process_info_memory_sum("/dev/null", &sum), NEAP_ERROR_PROCESS);
}

static void test_pages_shared_with_a_child(void **state) {
    (void)state;
    char *big = malloc(BIG);
    assert_non_null(big);
    memset(big, 1, BIG);
    int hold[2];
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    if (child == 0) {
        char end;
        close(hold[1]);
        _exit((int)read(hold[0], &end, 1));
    }
    struct neap_os_process_info_memory memory;
    assert_int_equal(neap_os_process_info_memory(child, &memory), 0);
    close(hold[1]);
    waitpid(child, NULL, 0);
    close(hold[0]);
    free(big);
    assert_true(memory.rss_bytes > BIG);
    assert_true(memory.pss_bytes < memory.rss_bytes - BIG / 4);
    assert_true(memory.private_dirty_bytes < BIG / 2);
}

static void test_no_such_process(void **state) {
    (void)state;
    struct neap_os_process_info_memory memory;
    struct neap_os_process_info_stat stat;
    uint64_t peak;
    bool is;
    pid_t pid = ended_pid();
    assert_int_equal(neap_os_process_info_memory(pid, &memory), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_info_stat(pid, &stat), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_info_peak(pid, &peak), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_info_listens(pid, &is), NEAP_ERROR_PROCESS);
}

/* A zombie is there, and has no memory any more. */
static void test_zombie(void **state) {
    (void)state;
    struct neap_os_process_info_memory memory;
    struct neap_os_process_info_stat stat;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(neap_os_process_info_stat(pid, &stat), 0);
    assert_int_equal(stat.state, 'Z');
    assert_int_equal(stat.parent, getpid());
    assert_int_equal(neap_os_process_info_memory(pid, &memory), NEAP_ERROR_PROCESS);
    waitpid(pid, NULL, 0);
}

static void test_cpu_time(void **state) {
    (void)state;
    struct neap_os_process_info_stat before, after;
    const uint64_t spin_ns = 60000000;
    assert_int_equal(neap_os_process_info_stat(getpid(), &before), 0);
    uint64_t start_ns = neap_os_process_info_own_cpu_ns();
    while (neap_os_process_info_own_cpu_ns() - start_ns < spin_ns) {
    }
    assert_int_equal(neap_os_process_info_stat(getpid(), &after), 0);
    assert_in_range(after.cpu_ns - before.cpu_ns, spin_ns - 20000000, spin_ns + 200000000);
    assert_int_equal(after.session, getsid(0));
}

static void test_listens_tcp(void **state) {
    (void)state;
    bool listens = true;
    assert_int_equal(neap_os_process_info_listens(getpid(), &listens), 0);
    assert_false(listens);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(neap_os_process_info_listens(getpid(), &listens), 0);
    assert_false(listens);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(neap_os_process_info_listens(getpid(), &listens), 0);
    assert_true(listens);
    close(server);
}

static void test_listens_unix(void **state) {
    (void)state;
    bool listens = false;
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(sa_family_t)),
                     0); /* a name of the system's */
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(neap_os_process_info_listens(getpid(), &listens), 0);
    assert_true(listens);
    close(server);
}

static void test_maps(void **state) {
    (void)state;
    bool maps = false;
    assert_int_equal(neap_os_process_info_maps(getpid(), "/libc.so.6", &maps), 0);
    assert_true(maps);
    assert_int_equal(neap_os_process_info_maps(getpid(), "/no-such-library.so", &maps), 0);
    assert_false(maps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_follows),
        cmocka_unit_test(test_smaps_sum),
        cmocka_unit_test(test_pages_shared_with_a_child),
        cmocka_unit_test(test_no_such_process),
        cmocka_unit_test(test_zombie),
        cmocka_unit_test(test_cpu_time),
        cmocka_unit_test(test_listens_tcp),
        cmocka_unit_test(test_listens_unix),
        cmocka_unit_test(test_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
