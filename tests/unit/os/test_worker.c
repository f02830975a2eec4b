/* A worker: what it sends arrives whole, how it ends is known, and it does not outlive its owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/worker.h"

enum { LARGE = 1 << 20 }; /* more than a pipe holds */

static void test_a_text(void **state) {
    (void)state;
    struct neap_os_worker worker;
    char *text = malloc(LARGE), more;
    assert_non_null(text);
    assert_int_equal(neap_os_worker_begin(&worker), NEAP_OK);
    memset(text, worker.pid == 0 ? 'w' : 'o', LARGE);
    if (worker.pid == 0)
        _exit(neap_os_worker_send(&worker, text, LARGE) ? 5 : 6);
    assert_true(neap_os_worker_receive(&worker, text, LARGE));
    assert_true(text[0] == 'w' && text[LARGE - 1] == 'w');
    assert_false(neap_os_worker_receive(&worker, &more, 1));
    struct neap_os_worker_ending ending = neap_os_worker_end(&worker);
    assert_int_equal(ending.status, 5);
    assert_int_equal(ending.signal, 0);
    free(text);
}

static void test_an_end_by_a_signal(void **state) {
    (void)state;
    struct neap_os_worker worker;
    char text[8];
    assert_int_equal(neap_os_worker_begin(&worker), NEAP_OK);
    if (worker.pid == 0) {
        neap_os_worker_send(&worker, "1234", 4);
        raise(SIGKILL);
    }
    assert_false(neap_os_worker_receive(&worker, text, sizeof(text))); /* half of it */
    assert_int_equal(neap_os_worker_end(&worker).signal, SIGKILL);
}

/* The owner dies; the worker tells by the pipe that it holds open. */
static void test_no_worker_is_left(void **state) {
    (void)state;
    int alive[2], status;
    char letter;
    assert_int_equal(pipe(alive), 0);
    pid_t owner = fork();
    if (owner == 0) {
        struct neap_os_worker worker;
        close(alive[0]);
        if (neap_os_worker_begin(&worker) == NEAP_OK && worker.pid == 0)
            for (;;)
                neap_os_sleep_ns(1000000000);
        raise(SIGKILL);
    }
    close(alive[1]);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(read(alive[0], &letter, 1), 0); /* waits for both to end */
    close(alive[0]);
}

static void test_an_owner_that_does_not_listen(void **state) {
    (void)state;
    struct neap_os_worker worker;
    assert_int_equal(neap_os_worker_begin(&worker), NEAP_OK);
    if (worker.pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        while (neap_os_worker_send(&worker, "text", 4)) {
        }
        _exit(errno == EPIPE ? 3 : 4);
    }
    assert_int_equal(neap_os_worker_end(&worker).status, 3);
}

static void test_ending_likewise(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTERM, SIG_IGN);
        neap_os_worker_end_likewise(SIGTERM);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text),
        cmocka_unit_test(test_an_end_by_a_signal),
        cmocka_unit_test(test_no_worker_is_left),
        cmocka_unit_test(test_an_owner_that_does_not_listen),
        cmocka_unit_test(test_ending_likewise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
