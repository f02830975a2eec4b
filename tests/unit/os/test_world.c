/* All threads held still from within: busy, asleep, coming and going; and what the program notices. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "as_user.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/world.h"

enum { BUSY = 4, ASLEEP = 4, MANY_MOST = 250, CHAINS = 8, MS = 1000000, WATCH_US = 1500 };

static struct neap_os_world world;
static volatile bool ended; /* threads of a test end */

static void nap(unsigned us) {
    neap_os_sleep_ns((uint64_t)us * 1000);
}

/* An emulated processor is slow, and a checker makes programs slow. */
static uint32_t bound_us(void) {
    return getenv("NEAP_TEST_EMULATED") ? 10 * 1000 * 1000 : 1000 * 1000;
}

/* How often to try: less where all is slow. */
static int rounds(int number) {
    return getenv("NEAP_TEST_EMULATED") ? (number + 9) / 10 : number;
}

static size_t many(void) {
    return (size_t)rounds(MANY_MOST);
}

/* --- threads ------------------------------------------------------------- */

static volatile uint64_t counts[BUSY];

static void *be_busy(void *count) {
    while (!ended)
        ++*(volatile uint64_t *)count;
    return NULL;
}

static void *be_asleep(void *unused) {
    (void)unused;
    while (!ended)
        nap(500);
    return NULL;
}

static size_t threads_start(pthread_t *threads, size_t busy, size_t asleep) {
    ended = false;
    for (size_t i = 0; i < busy + asleep; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < busy ? be_busy : be_asleep,
                                        i < busy ? (void *)&counts[i % BUSY] : NULL),
                         0);
    return busy + asleep;
}

static void threads_end(const pthread_t *threads, size_t count) {
    ended = true;
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static uint64_t total(void) {
    uint64_t sum = 0;
    for (int i = 0; i < BUSY; i++)
        sum += counts[i];
    return sum;
}

static void await_motion(void) {
    for (uint64_t before = total(); total() == before;)
        nap(100);
}

/* --- acts ---------------------------------------------------------------- */

struct watch {
    int called;
    bool moved; /* a thread did something meanwhile */
    pid_t stopper;
};

static void act_watch(void *context) {
    struct watch *watch = context;
    uint64_t before = total(), until_ns = neap_os_now_ns() + WATCH_US * 1000;
    watch->called++;
    watch->stopper = (pid_t)syscall(SYS_getpid);
    while (neap_os_now_ns() < until_ns)
        ;
    watch->moved |= total() != before;
}

static void act_note(void *context) {
    struct watch *watch = context;
    watch->called++;
    watch->stopper = (pid_t)syscall(SYS_getpid);
}

/* What is done is done, and then somebody kills the stopper. */
static void act_be_killed(void *context) {
    struct watch *watch = context;
    act_watch(watch);
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        ;
}

static void act_for_ever(void *context) {
    *(volatile int *)context = 1;
    for (;;)
        ;
}

static int stop_within(uint32_t us, void (*act)(void *), void *context,
                       struct neap_os_world_figures *figures) {
    return neap_os_world_stop(&world, us, act, context, figures);
}

static int stop(void (*act)(void *), void *context) {
    return stop_within(bound_us(), act, context, NULL);
}

static void assert_stops(unsigned rounds) {
    struct watch watch = {0};
    for (unsigned i = 0; i < rounds; i++)
        assert_int_equal(stop(act_watch, &watch), NEAP_OK);
    assert_int_equal(watch.called, rounds);
    assert_false(watch.moved);
}

/* --- tests: who is held -------------------------------------------------- */

static void test_busy_and_sleeping_threads(void **state) {
    (void)state;
    pthread_t threads[BUSY + ASLEEP];
    size_t count = threads_start(threads, BUSY, ASLEEP);
    struct watch watch = {0};
    for (int i = 0; i < rounds(50); i++) {
        struct neap_os_world_figures figures = {0};
        await_motion();
        assert_int_equal(stop_within(bound_us(), act_watch, &watch, &figures), NEAP_OK);
        assert_int_equal(figures.threads, count);
        assert_in_range(figures.stopped_ns, WATCH_US * 1000, UINT64_MAX);
    }
    assert_int_equal(watch.called, rounds(50));
    assert_false(watch.moved);
    await_motion();
    threads_end(threads, count);
}

static void test_alone(void **state) {
    (void)state;
    struct neap_os_world_figures figures;
    struct watch watch = {0};
    assert_int_equal(stop_within(bound_us(), act_note, &watch, &figures), NEAP_OK);
    assert_int_equal(watch.called, 1);
    assert_int_equal(figures.threads, 0);
}

static void test_many_threads(void **state) {
    (void)state;
    static pthread_t threads[MANY_MOST];
    size_t count = threads_start(threads, 0, many());
    struct neap_os_world_figures figures;
    struct watch watch = {0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(stop_within(bound_us(), act_note, &watch, &figures), NEAP_OK);
        assert_int_equal(figures.threads, count);
    }
    threads_end(threads, count);
}

static void *end_at_once(void *unused) {
    (void)unused;
    counts[0]++;
    return NULL;
}

static void *make_threads(void *unused) {
    (void)unused;
    while (!ended) {
        pthread_t made[BUSY];
        for (int i = 0; i < BUSY; i++)
            pthread_create(&made[i], NULL, end_at_once, NULL);
        for (int i = 0; i < BUSY; i++)
            pthread_join(made[i], NULL);
    }
    return NULL;
}

static void test_threads_that_come_and_go(void **state) {
    (void)state;
    pthread_t makers[2];
    ended = false;
    for (int i = 0; i < 2; i++)
        pthread_create(&makers[i], NULL, make_threads, NULL);
    for (int i = 0; i < rounds(50); i++) {
        await_motion();
        assert_stops(1);
    }
    threads_end(makers, 2);
}

static volatile int chains; /* alive */

/* Makes the next and ends: whoever was listed a moment ago is not all there is. */
static void *chain_on(void *unused) {
    pthread_t next;
    counts[0]++;
    while (!ended)
        if (pthread_create(&next, NULL, chain_on, unused) == 0) {
            pthread_detach(next);
            return NULL;
        }
    __atomic_sub_fetch(&chains, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void test_threads_that_make_the_next(void **state) {
    (void)state;
    pthread_t first;
    ended = false;
    chains = CHAINS;
    for (int i = 0; i < CHAINS; i++) {
        pthread_create(&first, NULL, chain_on, NULL);
        pthread_detach(first);
    }
    for (int i = 0; i < rounds(300); i++) {
        await_motion();
        assert_stops(1);
    }
    ended = true;
    while (chains > 0)
        nap(1000);
}

/* --- tests: in a process of their own ------------------------------------ */

/* Runs `be` in a child; returns its wait status. */
static int in_child(void (*be)(void)) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        be();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void *stop_and_end(void *main_thread) {
    struct watch watch = {0};
    pthread_t threads[2];
    pthread_join(*(pthread_t *)main_thread, NULL);
    threads_start(threads, 2, 0);
    for (int i = 0; i < 20; i++) {
        await_motion();
        if (stop(act_watch, &watch) != NEAP_OK || watch.moved)
            _exit(1);
    }
    _exit(0);
}

static void be_headless(void) {
    static pthread_t main_thread;
    pthread_t other;
    main_thread = pthread_self();
    pthread_create(&other, NULL, stop_and_end, &main_thread);
    pthread_exit(NULL);
}

static void test_main_thread_has_ended(void **state) {
    (void)state;
    assert_int_equal(in_child(be_headless), 0);
}

/* The parent's struct and memory serve in a forked child, and in its child. */
static void be_forked(void) {
    pthread_t threads[2];
    struct watch watch = {0};
    threads_start(threads, 2, 0);
    for (int i = 0; i < 20; i++)
        if (stop(act_watch, &watch) != NEAP_OK || watch.moved)
            _exit(1);
}

static void test_forked_child(void **state) {
    (void)state;
    assert_stops(1);
    assert_int_equal(in_child(be_forked), 0);
}

static void *stop_for_ever(void *unused) {
    (void)unused;
    struct watch watch = {0};
    for (;;)
        stop(act_note, &watch);
    return NULL;
}

static unsigned delay_us; /* of what happens next in a child */

static void be_executed(void) {
    pthread_t threads[3];
    threads_start(threads, 1, 1);
    pthread_create(&threads[2], NULL, stop_for_ever, NULL);
    nap(delay_us);
    execl("/bin/true", "true", NULL);
}

static void test_exec_meanwhile(void **state) {
    (void)state;
    for (delay_us = 0; delay_us < 5000; delay_us += 5000 / (unsigned)rounds(100))
        assert_int_equal(in_child(be_executed), 0);
}

/* Becomes whoever orphans go to, and waits until there is none. */
static void orphans_await(void) {
    int status;
    while (waitpid(-1, &status, __WALL) > 0 || errno == EINTR)
        ;
}

static void be_killed_soon(void) {
    pthread_t threads[3];
    threads_start(threads, 1, 1);
    pthread_create(&threads[2], NULL, stop_for_ever, NULL);
    nap(delay_us);
    kill(getpid(), SIGKILL);
}

/* A killed process is gone at once, its stopper too. */
static void test_process_is_killed(void **state) {
    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (delay_us = 0; delay_us < 5000; delay_us += 5000 / (unsigned)rounds(100)) {
        assert_int_equal(in_child(be_killed_soon), SIGKILL);
        orphans_await();
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static volatile int *shared_word;

static void be_in_an_endless_act(void) {
    stop(act_for_ever, (void *)shared_word);
}

static void test_process_is_killed_in_an_endless_act(void **state) {
    (void)state;
    int status;
    shared_word = mmap(NULL, neap_os_page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        be_in_an_endless_act();
        _exit(1);
    }
    while (!*shared_word)
        nap(100);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, SIGKILL);
    orphans_await();
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    munmap((void *)shared_word, neap_os_page_bytes());
}

/* --- tests: the stopper is killed ---------------------------------------- */

static void test_killed_in_the_act(void **state) {
    (void)state;
    pthread_t threads[BUSY];
    size_t count = threads_start(threads, BUSY, 0);
    for (int i = 0; i < 20; i++) {
        struct watch watch = {0};
        assert_int_equal(stop(act_be_killed, &watch), NEAP_ERROR_PROCESS);
        assert_int_equal(watch.called, 1);
        assert_false(watch.moved);
        await_motion();
        assert_stops(1);
    }
    threads_end(threads, count);
}

/* A child that kills every other child of thread `tid` of its parent but `spared`, as soon as it sees it. */
static pid_t killer_start(pid_t tid, pid_t spared) {
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), (int)tid);
    pid_t killer = fork();
    if (killer != 0)
        return killer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned pause_us = 0;; pause_us = (pause_us + 7) % 300) {
        FILE *file = fopen(path, "re");
        if (!file || !fgets(text, sizeof(text), file))
            text[0] = '\0';
        if (file)
            fclose(file);
        char *at = text;
        for (pid_t child; (child = (pid_t)strtol(at, &at, 10)) > 0;)
            if (child != getpid() && child != spared)
                kill(child, SIGKILL);
        nap(pause_us);
    }
}

static void test_killed_at_any_moment(void **state) {
    (void)state;
    pthread_t threads[BUSY + ASLEEP];
    int outcomes[3] = {0};
    size_t count = threads_start(threads, BUSY, ASLEEP);
    pid_t killer = killer_start(gettid(), 0);
    for (int i = 0; i < 20000 && (i < rounds(400) || outcomes[1] == 0 || outcomes[2] == 0); i++) {
        struct watch watch = {0};
        int error = stop(act_watch, &watch);
        assert_true(error == NEAP_OK || error == NEAP_ERROR_TIMEOUT || error == NEAP_ERROR_PROCESS);
        assert_true(error == NEAP_ERROR_PROCESS || watch.called == (error == NEAP_OK));
        assert_false(watch.moved);
        outcomes[error == NEAP_OK ? 0 : error == NEAP_ERROR_TIMEOUT ? 1 : 2]++;
    }
    kill(killer, SIGKILL);
    waitpid(killer, NULL, 0);
    print_message("killed before its act: %d, in it: %d, after or never: %d\n", outcomes[1], outcomes[2],
                  outcomes[0]);
    assert_true(outcomes[1] > 0 && outcomes[2] > 0);
    await_motion();
    threads_end(threads, count);
}

/* --- tests: a thread that does not stop ---------------------------------- */

static int gate[2]; /* what a vfork child waits for */

static int vfork_child(void *unused) {
    char byte;
    (void)unused;
    syscall(SYS_read, gate[0], &byte, 1);
    syscall(SYS_exit, 0);
    return 0;
}

/* As vfork: the parent sleeps in state D until the child has ended. */
static void *make_vfork_child(void *stack_top) {
    int status;
    pid_t child = clone(vfork_child, stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    waitpid(child, &status, 0);
    return NULL;
}

static bool a_thread_is_in_state_d(void) {
    char state = '\0', path[64];
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *entry; state != 'D' && (entry = readdir(tasks));) {
        snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = '\0';
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return state == 'D';
}

static void test_waits_for_a_vfork_child(void **state) {
    (void)state;
    enum { STACK = 1 << 16 };
    pthread_t parent, threads[BUSY];
    void *stack;
    assert_int_equal(neap_os_map(STACK, &stack), NEAP_OK);
    assert_int_equal(pipe(gate), 0);
    size_t count = threads_start(threads, BUSY, 0);
    pthread_create(&parent, NULL, make_vfork_child, (char *)stack + STACK);
    while (!a_thread_is_in_state_d())
        nap(1000);
    for (int i = 0; i < 5; i++) {
        struct watch watch = {0};
        assert_int_equal(stop_within(20000, act_watch, &watch, NULL), NEAP_ERROR_TIMEOUT);
        assert_int_equal(watch.called, 0);
        await_motion();
    }
    assert_int_equal(write(gate[1], "x", 1), 1);
    pthread_join(parent, NULL);
    assert_stops(1);
    threads_end(threads, count);
    close(gate[0]);
    close(gate[1]);
    neap_os_release(stack, STACK);
}

static volatile int spawned, spawned_wrong;

static void *spawn_programs(void *unused) {
    char *argv[] = {"true", NULL}, *environment[] = {NULL};
    (void)unused;
    while (!ended) {
        pid_t child;
        int status = -1;
        if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, environment) != 0 ||
            waitpid(child, &status, 0) != child || status != 0)
            spawned_wrong++;
        spawned++;
        counts[0]++;
    }
    return NULL;
}

static void *fork_children(void *unused) {
    (void)unused;
    while (!ended) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            spawned_wrong++;
        spawned++;
        counts[0]++;
    }
    return NULL;
}

/* Children are made all the time, by fork and by vfork: none fails, and none is held. */
static void test_children_are_made_meanwhile(void **state) {
    (void)state;
    pthread_t makers[2];
    ended = false;
    spawned = spawned_wrong = 0;
    pthread_create(&makers[0], NULL, spawn_programs, NULL);
    pthread_create(&makers[1], NULL, fork_children, NULL);
    while (spawned < rounds(300)) {
        struct watch watch = {0};
        int error = stop(act_watch, &watch);
        assert_true(error == NEAP_OK || error == NEAP_ERROR_TIMEOUT);
        assert_false(watch.moved);
        nap(300);
    }
    threads_end(makers, 2);
    assert_int_equal(spawned_wrong, 0);
}

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
            assert_int_equal(stop(act_note, &watch), NEAP_OK);
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
        assert_int_equal(stop(act_note, &watch), NEAP_OK);
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

/* --- tests: signals ------------------------------------------------------ */

static volatile uint64_t signals_seen;

static void count_signal(int number) {
    (void)number;
    __atomic_add_fetch(&signals_seen, 1, __ATOMIC_RELAXED);
}

static pid_t sender_start(unsigned signals) {
    pid_t parent = getpid(), sender = fork();
    if (sender == 0) {
        for (unsigned i = 0; i < signals; i++)
            while (sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = (int)i}) != 0)
                nap(100);
        _exit(0);
    }
    return sender;
}

/* Signals that queue: none is lost, also if the stopper is killed while a thread is about to get one. */
static void signals_assert(bool killing) {
    const unsigned sent = (unsigned)rounds(20000);
    static pthread_t
        threads[BUSY + MANY_MOST]; /* many: it takes longer from the first that is seized to the last */
    struct sigaction before, counting = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN, &counting, &before);
    signals_seen = 0;
    size_t count = threads_start(threads, BUSY, many());
    pid_t sender = sender_start(sent), killer = killing ? killer_start(gettid(), sender) : 0;
    while (waitpid(sender, NULL, WNOHANG) == 0) {
        struct watch watch = {0};
        int error = stop(act_note, &watch);
        assert_true(error == NEAP_OK ||
                    (killing && (error == NEAP_ERROR_TIMEOUT || error == NEAP_ERROR_PROCESS)));
    }
    if (killing) {
        kill(killer, SIGKILL);
        waitpid(killer, NULL, 0);
    }
    for (int i = 0; i < 10000 && signals_seen < sent; i++)
        nap(1000);
    assert_int_equal(signals_seen, sent);
    threads_end(threads, count);
    sigaction(SIGRTMIN, &before, NULL);
}

static void test_signals_arrive(void **state) {
    (void)state;
    signals_assert(false);
}

static void test_signals_arrive_though_the_stopper_is_killed(void **state) {
    (void)state;
    signals_assert(true);
}

/* The process is stopped and continued by job control meanwhile: it still goes on in the end. */
static void be_job_controlled(void) {
    pthread_t threads[2];
    threads_start(threads, 1, 1);
    stop_for_ever(NULL);
}

static void test_job_control(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        be_job_controlled();
        _exit(1);
    }
    for (int i = 0; i < rounds(100); i++) {
        nap(500);
        kill(child, SIGSTOP);
        assert_int_equal(waitpid(child, &status, WUNTRACED), child);
        assert_true(WIFSTOPPED(status));
        kill(child, SIGCONT);
        assert_int_equal(waitpid(child, &status, WCONTINUED), child);
        assert_true(WIFCONTINUED(status));
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, SIGKILL);
}

/* --- tests: what it is for ----------------------------------------------- */

struct moving {
    volatile uint64_t *page;
    char *spare; /* shared memory */
    volatile uint64_t written;
    volatile bool wrong;
    int pipe[2];
};

/* The page's bytes go to shared memory, which takes the page's place, or back to private memory. */
static void act_move(void *context) {
    struct moving *moving = context;
    size_t bytes = neap_os_page_bytes();
    memcpy(moving->spare, (const void *)moving->page, bytes);
    if (mremap(moving->spare, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)moving->page) ==
        MAP_FAILED)
        moving->wrong = true;
}

static void *write_on(void *context) {
    struct moving *moving = context;
    for (uint64_t count = 1; !ended; count++) {
        moving->page[0] = count;
        moving->written = count;
        if (moving->page[0] != count)
            moving->wrong = true;
    }
    return NULL;
}

/* The kernel writes into the page for this thread, which sleeps meanwhile. */
static void *read_into(void *context) {
    struct moving *moving = context;
    uint64_t last = 0;
    while (read(moving->pipe[0], (void *)&moving->page[8], 64) == 64) {
        for (int i = 0; i < 8; i++)
            if (moving->page[8 + i] != last + 1)
                moving->wrong = true;
        last++;
    }
    return NULL;
}

static void *write_into(void *context) {
    struct moving *moving = context;
    uint64_t words[8];
    for (uint64_t count = 1; !ended; count++) {
        for (int i = 0; i < 8; i++)
            words[i] = count;
        if (write(moving->pipe[1], words, sizeof(words)) != sizeof(words))
            moving->wrong = true;
    }
    return NULL;
}

static void test_a_page_is_moved_under_its_writers(void **state) {
    (void)state;
    struct moving moving = {0};
    size_t bytes = neap_os_page_bytes();
    pthread_t threads[3];
    void *page;
    assert_int_equal(neap_os_map(bytes, &page), NEAP_OK);
    moving.page = page;
    assert_int_equal(pipe(moving.pipe), 0);
    ended = false;
    pthread_create(&threads[0], NULL, write_on, &moving);
    pthread_create(&threads[1], NULL, write_into, &moving);
    pthread_create(&threads[2], NULL, read_into, &moving);
    for (int i = 0; i < rounds(500); i++) {
        moving.spare = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_int_equal(stop(act_move, &moving), NEAP_OK);
        nap(50);
    }
    threads_end(threads, 2);
    close(moving.pipe[1]);
    pthread_join(threads[2], NULL);
    assert_false(moving.wrong);
    assert_int_equal(moving.page[0], moving.written);
    close(moving.pipe[0]);
    neap_os_release(page, bytes);
}

/* --- all ----------------------------------------------------------------- */

static bool is_filtered(void) {
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

static int begin(void **state) {
    (void)state;
    return neap_os_world_open(&world, is_filtered());
}

static int end(void **state) {
    (void)state;
    neap_os_world_close(&world);
    return 0;
}

static int group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_busy_and_sleeping_threads),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_threads_that_come_and_go),
        cmocka_unit_test(test_threads_that_make_the_next),
        cmocka_unit_test(test_main_thread_has_ended),
        cmocka_unit_test(test_forked_child),
        cmocka_unit_test(test_exec_meanwhile),
        cmocka_unit_test(test_process_is_killed),
        cmocka_unit_test(test_process_is_killed_in_an_endless_act),
        cmocka_unit_test(test_killed_in_the_act),
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_waits_for_a_vfork_child),
        cmocka_unit_test(test_children_are_made_meanwhile),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_waits_do_not_see_the_stopper),
        cmocka_unit_test(test_no_child_is_no_child),
        cmocka_unit_test(test_a_wait_for_clones_may_take_it),
        cmocka_unit_test(test_signals_arrive),
        cmocka_unit_test(test_signals_arrive_though_the_stopper_is_killed),
        cmocka_unit_test(test_job_control),
        cmocka_unit_test(test_a_page_is_moved_under_its_writers),
    };
    begin(NULL);
    enum neap_os_world_refusal refusal = neap_os_world_try(&world);
    end(NULL);
    if (refusal != NEAP_OS_WORLD_FREE) { /* test_world_refusal.c has whether that is right */
        print_message("test_world is skipped: %s\n", neap_os_world_refusal_text(refusal));
        return 0;
    }
    return cmocka_run_group_tests_name("world", tests, begin, end);
}

int main(void) {
#ifdef __SANITIZE_THREAD__
    print_message("test_world is skipped: the checker takes the stopper for the thread that sleeps for it\n");
    return 77;
#endif
    return run_as_root_and_user(group);
}
