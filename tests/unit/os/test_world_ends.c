/* What ends, does not stop or is told by a signal while the world is stopped: the stopper, a thread, the
 * process. */
#include "world_fixture.h"

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

/* --- all ----------------------------------------------------------------- */

static int group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main_thread_has_ended),
        cmocka_unit_test(test_forked_child),
        cmocka_unit_test(test_exec_meanwhile),
        cmocka_unit_test(test_process_is_killed),
        cmocka_unit_test(test_process_is_killed_in_an_endless_act),
        cmocka_unit_test(test_killed_in_the_act),
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_waits_for_a_vfork_child),
        cmocka_unit_test(test_children_are_made_meanwhile),
        cmocka_unit_test(test_signals_arrive),
        cmocka_unit_test(test_signals_arrive_though_the_stopper_is_killed),
        cmocka_unit_test(test_job_control),
    };
    return RUN_IN_A_WORLD("world_ends", tests);
}

int main(void) {
    return run_group("world_ends", group);
}
