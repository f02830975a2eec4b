/* A process held still: busy, threaded, asleep, stopped before, dying; and what becomes of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/pause.h"
#include "os/process_info.h"
#include "os/process_memory.h"
#include "os/refusal.h"

enum { THREADS = 4, FILES = 20000, TIMEOUT_MS = 10000, LONG_MS = 20, MS = 1000000 };

/* What a child shows of itself. */
struct shown {
    volatile uint64_t counts[THREADS];
    volatile uint64_t born, signals;
};
static struct shown *shown;

static void nap(unsigned ms) {
    neap_os_sleep_ns((uint64_t)ms * MS);
}

/* An emulated processor takes turns with its threads so slowly that a chain of them may be ahead for long. */
static uint32_t patience_ms(void) {
    return getenv("NEAP_TEST_EMULATED") ? 10 * TIMEOUT_MS : TIMEOUT_MS;
}

static uint64_t total(void) {
    uint64_t sum = shown->born;
    for (int i = 0; i < THREADS; i++)
        sum += shown->counts[i];
    return sum;
}

/* Whether what the child counts changes; waits for it as long as it takes if it is to. */
static bool moves(bool expected) {
    uint64_t before = total();
    for (int i = 0; i < (expected ? TIMEOUT_MS : LONG_MS); i++) {
        nap(1);
        if (total() != before)
            return true;
    }
    return false;
}

/* --- what the children do ------------------------------------------------ */

static void *count_up(void *count) {
    for (;;)
        ++*(volatile uint64_t *)count;
    return NULL;
}

static void *end_at_once(void *count) {
    __atomic_fetch_add((uint64_t *)count, 1, __ATOMIC_RELAXED); /* others may do so meanwhile */
    return NULL;
}

static void be_busy(void) {
    pthread_t thread;
    for (int i = 1; i < THREADS; i++)
        pthread_create(&thread, NULL, count_up, (void *)&shown->counts[i]);
    shown->born = 1; /* now all are there */
    count_up((void *)&shown->counts[0]);
}

/* Threads all the time, each of a few microseconds. */
static void be_fertile(void) {
    for (;;) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, end_at_once, (void *)&shown->born);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
}

/* Each thread makes the next and ends: whoever was counted a moment ago is not all there is. */
static void *chain_on(void *count) {
    pthread_t thread;
    ++*(volatile uint64_t *)count;
    while (pthread_create(&thread, NULL, chain_on, count) != 0)
        ;
    pthread_detach(thread);
    return NULL;
}

static void be_chained(void) {
    pthread_t thread;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, chain_on, (void *)&shown->counts[i]);
    for (;;)
        pause();
}

/* Closes files of its own, which takes milliseconds in which it does not stop any more. */
static void *end_slowly(void *count) {
    ++*(volatile uint64_t *)count;
    unshare(CLONE_FILES);
    return NULL;
}

/* One after the other, threads that have much to do at their end. */
static void be_slow_to_end(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0, file = open("/dev/null", O_RDONLY); i < FILES && dup(file) >= 0; i++)
        ;
    for (;;) {
        pthread_t thread;
        pthread_create(&thread, NULL, end_slowly, (void *)&shown->born);
        pthread_join(thread, NULL);
    }
}

/* The first thread ends, the others go on. */
static void be_headless(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, count_up, (void *)&shown->counts[1]);
    pthread_exit(NULL);
}

static void signal_count(int number) {
    (void)number;
    shown->signals++;
}

static void be_signalled(void) {
    signal(SIGUSR1, signal_count);
    signal(SIGRTMIN, signal_count);
    shown->counts[0] = 1;
    for (;;)
        pause();
}

static void be_asleep(void) {
    shown->counts[0] = 1;
    for (;;)
        pause();
}

static pid_t started[4]; /* the children of the test that runs; 0: none, or it was collected */

/* A child that ends with this program, and with the test. */
static pid_t child_fork(void) {
    pid_t child = fork();
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; child > 0; i++) {
        assert_true(i < sizeof(started) / sizeof(started[0]));
        if (started[i] == 0) {
            started[i] = child;
            break;
        }
    }
    return child;
}

static void collected(pid_t child) {
    for (size_t i = 0; i < sizeof(started) / sizeof(started[0]); i++)
        if (started[i] == child)
            started[i] = 0;
}

static pid_t child_start(void (*be)(void)) {
    memset((void *)shown, 0, sizeof(*shown));
    pid_t child = child_fork();
    if (child == 0) {
        be();
        _exit(0);
    }
    for (uint32_t i = 0; i < patience_ms() && !(be == be_busy ? shown->born != 0 : total() != 0); i++)
        nap(1);
    assert_true(total() != 0);
    return child;
}

static void child_end(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    collected(child);
}

/* A test that failed leaves nothing that counts on. With __WALL for threads that it may still hold: a child
   has not ended before all of them are collected. */
static int end_what_is_left(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(started) / sizeof(started[0]); i++) {
        if (started[i] > 0)
            kill(started[i], SIGKILL);
        started[i] = 0;
    }
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
        ;
    return 0;
}

static char state_of(pid_t pid) {
    struct neap_os_process_info_stat stat;
    return neap_os_process_info_stat(pid, &stat) == NEAP_OK ? stat.state : '\0';
}

static void state_wait(pid_t pid, char state) {
    for (int i = 0; i < TIMEOUT_MS && state_of(pid) != state; i++)
        nap(1);
    assert_int_equal(state_of(pid), state);
}

/* --- tests --------------------------------------------------------------- */

static void assert_holds(void (*be)(void), size_t least_threads) {
    pid_t child = child_start(be);
    for (int round = 0; round < 20; round++) {
        neap_os_pause_t *pause;
        size_t count;
        assert_int_equal(neap_os_pause_begin(child, patience_ms(), &pause), NEAP_OK);
        const struct neap_os_pause_thread *threads = neap_os_pause_threads(pause, &count);
        assert_true(count >= least_threads);
        for (size_t i = 0; i < count; i++)
            assert_true(threads[i].tid > 0);
        assert_false(moves(false));
        uint64_t ns = neap_os_pause_end(pause);
        assert_true(ns >= LONG_MS * MS / 2 && ns < (uint64_t)patience_ms() * MS);
        assert_true(moves(true));
    }
    child_end(child);
}

static void test_busy_threads(void **state) {
    (void)state;
    assert_holds(be_busy, THREADS);
}

static void test_threads_that_come_and_go(void **state) {
    (void)state;
    assert_holds(be_fertile, 1);
}

static void test_threads_that_make_the_next(void **state) {
    (void)state;
    assert_holds(be_chained, 1);
}

/* Whatever the moment at which one of them ends, all are held, and soon. */
static void test_threads_that_end_slowly(void **state) {
    (void)state;
    const int rounds = getenv("NEAP_TEST_EMULATED") ? 20 : 400;
    pid_t child = child_start(be_slow_to_end);
    for (int round = 0; round < rounds; round++) {
        neap_os_pause_t *pause;
        assert_int_equal(neap_os_pause_begin(child, patience_ms(), &pause), NEAP_OK);
        neap_os_pause_end(pause);
        nap(1);
    }
    child_end(child);
}

static void test_main_thread_has_ended(void **state) {
    (void)state;
    assert_holds(be_headless, 1);
}

/* Registers: the stack pointer lies in a stack, and each thread has a block of its own. */
static bool is_stack(void *context, const struct neap_os_mapping *mapping) {
    uint64_t *address = context;
    if (*address >= mapping->start && *address < mapping->end && strcmp(mapping->access, "rw-p") == 0)
        *address = 0;
    return true;
}

static void test_stack_pointers(void **state) {
    (void)state;
    pid_t child = child_start(be_busy);
    neap_os_pause_t *pause;
    size_t count;
    for (int i = 0; i < THREADS; i++) /* past the start of the threads */
        while (shown->counts[i] == 0)
            nap(1);
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
    const struct neap_os_pause_thread *threads = neap_os_pause_threads(pause, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t place = threads[i].stack_pointer, block = threads[i].thread_pointer;
        assert_true(place != 0 && block != 0);
        assert_int_equal(neap_os_mappings_visit(child, is_stack, &place), NEAP_OK);
        assert_int_equal(place, 0);
        assert_int_equal(neap_os_mappings_visit(child, is_stack, &block), NEAP_OK);
        assert_int_equal(block, 0);
        for (size_t other = 0; other < i; other++)
            assert_true(threads[other].thread_pointer != threads[i].thread_pointer);
    }
    neap_os_pause_end(pause);
    child_end(child);
}

static void test_stopped_stays_stopped(void **state) {
    (void)state;
    pid_t child = child_start(be_busy);
    kill(child, SIGSTOP);
    state_wait(child, 'T');
    neap_os_pause_t *pause;
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
    assert_false(moves(false));
    neap_os_pause_end(pause);
    state_wait(child, 'T');
    assert_false(moves(false));
    kill(child, SIGCONT);
    assert_true(moves(true));
    child_end(child);
}

/* None lost, none doubled, whatever moment they come at. */
static void test_signals_arrive(void **state) {
    (void)state;
    pid_t child = child_start(be_signalled);
    uint64_t sent = 0;
    for (int round = 0; round < 100; round++) {
        neap_os_pause_t *pause;
        kill(child, SIGUSR1); /* may come before, amid or after the stop */
        sent++;
        assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
        neap_os_pause_end(pause);
        for (int i = 0; i < TIMEOUT_MS && shown->signals < sent; i++)
            nap(1);
        assert_int_equal(shown->signals, sent);
    }
    child_end(child);
}

/* Of signals that have queued while a thread was stopped, ThreadSanitizer keeps one, where they do not find
 * the thread in a call that waits. It loses them without any pause too, if SIGSTOP stops the thread. */
static void need_queued_signals(void) {
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

/* Signals that queue, sent all the time by another process: some come between seizing and stopping. */
static void test_signals_in_a_stream(void **state) {
    (void)state;
    need_queued_signals();
    enum { SENT = 20000 };
    pid_t child = child_start(be_signalled), sender = child_fork();
    if (sender == 0) {
        for (int i = 0; i < SENT; i++)
            while (sigqueue(child, SIGRTMIN, (union sigval){.sival_int = i}) != 0)
                nap(1);
        _exit(0);
    }
    while (waitpid(sender, NULL, WNOHANG) == 0) {
        neap_os_pause_t *pause;
        assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
        neap_os_pause_end(pause);
    }
    collected(sender);
    for (int i = 0; i < TIMEOUT_MS && shown->signals < SENT; i++)
        nap(1);
    assert_int_equal(shown->signals, SENT);
    child_end(child);
}

static void test_asleep(void **state) {
    (void)state;
    pid_t child = child_start(be_asleep);
    neap_os_pause_t *pause;
    state_wait(child, 'S');
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
    assert_int_equal(state_of(child), 't');
    neap_os_pause_end(pause);
    state_wait(child, 'S');
    child_end(child);
}

/* A process that pauses `child`, and the end of a pipe on which it says so. It is to be killed. */
static pid_t holder_start(pid_t child, int *says) {
    int held[2];
    assert_int_equal(pipe(held), 0);
    pid_t holder = child_fork();
    if (holder == 0) {
        neap_os_pause_t *pause;
        int error = neap_os_pause_begin(child, TIMEOUT_MS, &pause);
        _exit(error == NEAP_OK && write(held[1], "x", 1) == 1 ? (nap(TIMEOUT_MS), 0) : 1);
    }
    close(held[1]);
    *says = held[0];
    return holder;
}

static void holder_kill(pid_t holder, int says) {
    close(says);
    child_end(holder);
}

/* The kernel lets the target go when whoever held it is killed. */
static void test_holder_is_killed(void **state) {
    (void)state;
    pid_t child = child_start(be_busy);
    for (int round = 0; round < 20; round++) {
        int says;
        char byte;
        pid_t holder = holder_start(child, &says);
        assert_int_equal(read(says, &byte, 1), 1);
        assert_false(moves(false));
        holder_kill(holder, says);
        assert_true(moves(true));
    }
    child_end(child);
}

/* Signals that a thread is about to get when the holder is killed: each is still delivered, once. */
static void test_signals_when_the_holder_is_killed(void **state) {
    (void)state;
    need_queued_signals();
    enum { ROUNDS = 400 };
    pid_t child = child_start(be_signalled);
    uint64_t sent = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int says;
        char byte;
        pid_t holder = holder_start(child, &says);
        assert_int_equal(fcntl(says, F_SETFL, O_NONBLOCK), 0);
        ssize_t said;
        while ((said = read(says, &byte, 1)) < 0) /* some come between its seizing and its stop */
            sent += sigqueue(child, SIGRTMIN, (union sigval){.sival_int = round}) == 0;
        assert_int_equal(said, 1);
        holder_kill(holder, says);
        for (int i = 0; i < TIMEOUT_MS && shown->signals < sent; i++)
            nap(1);
        assert_int_equal(shown->signals, sent);
    }
    child_end(child);
}

/* Killed at any moment of the beginning. */
static void test_holder_is_killed_early(void **state) {
    (void)state;
    pid_t child = child_start(be_fertile);
    for (unsigned round = 0; round < 50; round++) {
        pid_t holder = child_fork();
        if (holder == 0) {
            neap_os_pause_t *pause;
            for (;;)
                if (neap_os_pause_begin(child, TIMEOUT_MS, &pause) == NEAP_OK)
                    neap_os_pause_end(pause);
        }
        neap_os_sleep_ns((uint64_t)round * 50000);
        child_end(holder);
        assert_true(moves(true));
    }
    child_end(child);
}

static void test_target_is_killed(void **state) {
    (void)state;
    pid_t child = child_start(be_busy);
    neap_os_pause_t *pause;
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
    kill(child, SIGKILL);
    neap_os_pause_end(pause);
    child_end(child);
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_ERROR_PROCESS);
}

/* A pause, however long, does not keep the end of its target from the one that waits for it. */
static void test_killed_target_is_collected(void **state) {
    (void)state;
    pid_t child = child_start(be_busy);
    neap_os_pause_t *pause;
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
    kill(child, SIGKILL);
    pid_t ended = 0;
    for (int i = 0; i < TIMEOUT_MS && ended == 0; i++) {
        nap(1);
        ended = waitpid(child, NULL, WNOHANG);
    }
    /* The tracer, a thread of its parent, may be the first. */
    assert_true(ended == child || (ended < 0 && errno == ECHILD));
    neap_os_pause_end(pause);
    assert_int_equal(state_of(child), '\0');
    collected(child);
}

static void test_refusals(void **state) {
    (void)state;
    neap_os_pause_t *pause = NULL;
    pid_t zombie = child_fork();
    if (zombie == 0)
        _exit(0);
    state_wait(zombie, 'Z');
    assert_int_equal(neap_os_pause_begin(zombie, TIMEOUT_MS, &pause), NEAP_ERROR_PROCESS);
    child_end(zombie);
    assert_int_equal(neap_os_pause_begin(zombie, TIMEOUT_MS, &pause), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_pause_begin(getpid(), TIMEOUT_MS, &pause), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_os_pause_begin(0, TIMEOUT_MS, &pause), NEAP_ERROR_ARGUMENT);
    assert_null(pause);
    assert_int_equal(neap_os_pause_end(NULL), 0);
}

static void test_traced_by_another(void **state) {
    (void)state;
    pid_t child = child_start(be_asleep);
    neap_os_pause_t *first, *second;
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &first), NEAP_OK);
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &second), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_refusal_cause(child), NEAP_OS_REFUSAL_TRACED);
    assert_int_equal(neap_os_tracer(child), getpid());
    neap_os_pause_end(first);
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &second), NEAP_OK);
    neap_os_pause_end(second);
    child_end(child);
}

/* The first thread has none. */
static void test_tracer_of_another_thread(void **state) {
    (void)state;
    pid_t child = child_start(be_busy), other = 0;
    neap_os_pause_t *pause;
    size_t count;
    assert_int_equal(neap_os_pause_begin(child, TIMEOUT_MS, &pause), NEAP_OK);
    const struct neap_os_pause_thread *threads = neap_os_pause_threads(pause, &count);
    for (size_t i = 0; i < count; i++)
        other = threads[i].tid != child ? threads[i].tid : other;
    neap_os_pause_end(pause);
    assert_int_equal(neap_os_tracer(child), 0);
    assert_int_equal(ptrace(PTRACE_SEIZE, other, NULL, NULL), 0);
    pid_t tracer = neap_os_tracer(child);
    int error = neap_os_pause_begin(child, TIMEOUT_MS, &pause);
    enum neap_os_refusal cause = neap_os_refusal_cause(child);
    kill(child, SIGKILL);
    waitpid(other, NULL, __WALL); /* its parent hears of the end only then */
    child_end(child);
    assert_int_equal(tracer, getpid());
    assert_int_equal(error, NEAP_ERROR_PERMISSION);
    assert_int_equal(cause, NEAP_OS_REFUSAL_TRACED);
}

/* One that holds a thread for a moment, again and again, as meshing does: each pause finds a gap. Under
 * emulation a try takes longer, and so does a gap. */
static void test_traced_for_moments(void **state) {
    (void)state;
    const bool emulated = getenv("NEAP_TEST_EMULATED") != NULL;
    const int pauses = emulated ? 5 : 50;
    const unsigned gap_ms = emulated ? 30 : 1;
    pid_t child = child_start(be_asleep), other = child_fork();
    if (other == 0) {
        while (kill(child, 0) == 0) {
            if (ptrace(PTRACE_SEIZE, child, NULL, NULL) == 0) {
                ptrace(PTRACE_INTERRUPT, child, NULL, NULL);
                waitpid(child, NULL, __WALL);
                shown->counts[1]++;
                nap(2);
                ptrace(PTRACE_DETACH, child, NULL, NULL);
            }
            nap(gap_ms);
        }
        _exit(0);
    }
    while (shown->counts[1] == 0)
        nap(1);
    int done = 0;
    for (int i = 0; i < pauses; i++) {
        neap_os_pause_t *pause;
        if (neap_os_pause_begin(child, TIMEOUT_MS, &pause) != NEAP_OK)
            continue;
        neap_os_pause_end(pause);
        done++;
    }
    child_end(other); /* first, for it would keep a child that has ended */
    assert_int_equal(done, pauses);
    child_end(child);
}

int main(void) {
    shown = mmap(NULL, sizeof(*shown), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_busy_threads, end_what_is_left),
        cmocka_unit_test_teardown(test_threads_that_come_and_go, end_what_is_left),
        cmocka_unit_test_teardown(test_threads_that_make_the_next, end_what_is_left),
        cmocka_unit_test_teardown(test_threads_that_end_slowly, end_what_is_left),
        cmocka_unit_test_teardown(test_main_thread_has_ended, end_what_is_left),
        cmocka_unit_test_teardown(test_stack_pointers, end_what_is_left),
        cmocka_unit_test_teardown(test_stopped_stays_stopped, end_what_is_left),
        cmocka_unit_test_teardown(test_signals_arrive, end_what_is_left),
        cmocka_unit_test_teardown(test_signals_in_a_stream, end_what_is_left),
        cmocka_unit_test_teardown(test_asleep, end_what_is_left),
        cmocka_unit_test_teardown(test_holder_is_killed, end_what_is_left),
        cmocka_unit_test_teardown(test_holder_is_killed_early, end_what_is_left),
        cmocka_unit_test_teardown(test_signals_when_the_holder_is_killed, end_what_is_left),
        cmocka_unit_test_teardown(test_target_is_killed, end_what_is_left),
        cmocka_unit_test_teardown(test_killed_target_is_collected, end_what_is_left),
        cmocka_unit_test_teardown(test_refusals, end_what_is_left),
        cmocka_unit_test_teardown(test_traced_by_another, end_what_is_left),
        cmocka_unit_test_teardown(test_tracer_of_another_thread, end_what_is_left),
        cmocka_unit_test_teardown(test_traced_for_moments, end_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
