/* What the program notices of a stop: children and waits. */
#include "world_fixture.h"

/* --- tests: what the program notices ------------------------------------- */

static int descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void test_nothing_is_left(void **state) {
    (void)state;
    sigset_t before, after;
    struct watch watch = {0};
    int open_before = descriptors();
    sigemptyset(&before);
    sigaddset(&before, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = 4321;
    assert_int_equal(stop(act_note, &watch), NEAP_OK);
    assert_int_equal(errno, 4321);
    assert_int_equal(stop(act_be_killed, &watch), NEAP_ERROR_PROCESS);
    assert_int_equal(errno, 4321);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&after, &before, sizeof(long));
    assert_int_equal(descriptors(), open_before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* no child, not even a dead one */
    assert_int_equal(errno, ECHILD);
    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static volatile int child_signals;

static void count_child_signal(int number) {
    (void)number;
    child_signals++;
}

static volatile pid_t waited; /* what a wait for any child returned first */
static volatile int wait_error, wait_rounds;

static void *wait_for_any(void *flags) {
    while (!ended && waited == 0) {
        pid_t pid = waitpid(-1, NULL, *(const int *)flags);
        wait_error = pid < 0 ? errno : 0;
        if (pid > 0)
            waited = pid;
        wait_rounds++;
    }
    return NULL;
}

static pid_t sleeper_start(void) {
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return child;
}

/* A stop, tried again where a busy machine was too slow for it. */
static int stop_in_the_end(struct watch *watch) {
    int result = NEAP_ERROR_TIMEOUT;
    for (int tries = 0; tries < 50 && result == NEAP_ERROR_TIMEOUT; tries++)
        result = stop(act_note, watch);
    return result;
}

static void test_waits_do_not_see_the_stopper(void **state) {
    (void)state;
    static int ways[] = {0, WNOHANG, WUNTRACED | WCONTINUED};
    struct sigaction before, counting = {.sa_handler = count_child_signal, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &counting, &before);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        pthread_t waiter;
        struct watch watch = {0};
        pid_t child = sleeper_start();
        ended = false;
        waited = 0;
        child_signals = wait_rounds = 0;
        pthread_create(&waiter, NULL, wait_for_any, &ways[i]);
        for (int round = 0; round < rounds(200); round++)
            assert_int_equal(stop_in_the_end(&watch), NEAP_OK);
        assert_int_equal(waited, 0);
        assert_int_equal(child_signals, 0);
        kill(child, SIGKILL);
        pthread_join(waiter, NULL);
        assert_int_equal(waited, child);
    }
    sigaction(SIGCHLD, &before, NULL);
}

/* Where there is no child, there is none. */
static void test_no_child_is_no_child(void **state) {
    (void)state;
    static int way = 0;
    pthread_t waiter;
    struct watch watch = {0};
    ended = false;
    waited = 0;
    wait_rounds = 0;
    pthread_create(&waiter, NULL, wait_for_any, &way);
    for (int round = 0; round < rounds(200); round++) {
        assert_int_equal(stop_in_the_end(&watch), NEAP_OK);
        assert_true(wait_error == ECHILD || wait_rounds == 0);
    }
    assert_int_equal(waited, 0);
    threads_end(&waiter, 1);
}

enum { TAKES = 100 };

struct taker {
    int flags;
    pid_t sleeper, taken[2 * TAKES];
    int takes;
};

static void *take_any(void *context) {
    struct taker *taker = context;
    pid_t pid = 0;
    while (!ended && pid != taker->sleeper) {
        int status = -1;
        pid = waitpid(-1, &status, taker->flags);
        if (pid > 0 && pid != taker->sleeper && taker->takes < 2 * TAKES)
            taker->taken[taker->takes++] = status == 0 ? pid : -1;
    }
    return NULL;
}

/* A wait for any clone child may see it, and no more than that: it ended well, and the stop did. */
static void test_a_wait_for_clones_may_take_it(void **state) {
    (void)state;
    static const int ways[] = {(int)__WALL, (int)__WCLONE, (int)__WALL | WNOHANG};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct taker taker = {.flags = ways[i], .sleeper = sleeper_start()};
        pid_t stoppers[TAKES];
        pthread_t thread;
        ended = false;
        pthread_create(&thread, NULL, take_any, &taker);
        for (int round = 0; round < TAKES; round++) {
            struct watch watch = {0};
            assert_int_equal(stop(act_note, &watch), NEAP_OK);
            stoppers[round] = watch.stopper;
        }
        ended = true;
        kill(taker.sleeper, SIGKILL);
        pthread_join(thread, NULL);
        waitpid(taker.sleeper, NULL, 0);
        for (int take = 0, round = 0; take < taker.takes; take++) { /* in their order, and each once */
            while (round < TAKES && stoppers[round] != taker.taken[take])
                round++;
            assert_in_range(round++, 0, TAKES - 1);
        }
        print_message("waitpid(-1, %#x) took %d of %d\n", (unsigned)ways[i], taker.takes, TAKES);
    }
}

/* --- all ----------------------------------------------------------------- */

static int group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_waits_do_not_see_the_stopper),
        cmocka_unit_test(test_no_child_is_no_child),
        cmocka_unit_test(test_a_wait_for_clones_may_take_it),
    };
    return RUN_IN_A_WORLD("world_notice", tests);
}

int main(void) {
    return run_group("world_notice", group);
}
