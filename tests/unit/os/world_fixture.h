/* What the tests of os/world.h share: threads that move, acts, and a group of tests run as root and as a
 * user. */
#ifndef WORLD_FIXTURE_H
#define WORLD_FIXTURE_H

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

static inline void nap(unsigned us) {
    neap_os_sleep_ns((uint64_t)us * 1000);
}

/* An emulated processor is slow, and a checker makes programs slow. */
static uint32_t bound_us(void) {
    return getenv("NEAP_TEST_EMULATED") ? 10 * 1000 * 1000 : 1000 * 1000;
}

/* How often to try: less where all is slow. */
static inline int rounds(int number) {
    return getenv("NEAP_TEST_EMULATED") ? (number + 9) / 10 : number;
}

static inline size_t many(void) {
    return (size_t)rounds(MANY_MOST);
}

/* --- threads ------------------------------------------------------------- */

static volatile uint64_t counts[BUSY];

static inline void *be_busy(void *count) {
    while (!ended)
        ++*(volatile uint64_t *)count;
    return NULL;
}

static inline void *be_asleep(void *unused) {
    (void)unused;
    while (!ended)
        nap(500);
    return NULL;
}

static inline size_t threads_start(pthread_t *threads, size_t busy, size_t asleep) {
    ended = false;
    for (size_t i = 0; i < busy + asleep; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < busy ? be_busy : be_asleep,
                                        i < busy ? (void *)&counts[i % BUSY] : NULL),
                         0);
    return busy + asleep;
}

static inline void threads_end(const pthread_t *threads, size_t count) {
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

static inline void await_motion(void) {
    for (uint64_t before = total(); total() == before;)
        nap(100);
}

/* --- acts ---------------------------------------------------------------- */

struct watch {
    int called;
    bool moved; /* a thread did something meanwhile */
    pid_t stopper;
};

static inline void act_watch(void *context) {
    struct watch *watch = context;
    uint64_t before = total(), until_ns = neap_os_now_ns() + WATCH_US * 1000;
    watch->called++;
    watch->stopper = (pid_t)syscall(SYS_getpid);
    while (neap_os_now_ns() < until_ns)
        ;
    watch->moved |= total() != before;
}

static inline void act_note(void *context) {
    struct watch *watch = context;
    watch->called++;
    watch->stopper = (pid_t)syscall(SYS_getpid);
}

/* What is done is done, and then somebody kills the stopper. */
static inline void act_be_killed(void *context) {
    struct watch *watch = context;
    act_watch(watch);
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        ;
}

static inline void act_for_ever(void *context) {
    *(volatile int *)context = 1;
    for (;;)
        ;
}

static inline int stop_within(uint32_t us, void (*act)(void *), void *context,
                              struct neap_os_world_figures *figures) {
    return neap_os_world_stop(&world, us, act, context, figures);
}

static inline int stop(void (*act)(void *), void *context) {
    return stop_within(bound_us(), act, context, NULL);
}

static inline void assert_stops(unsigned rounds) {
    struct watch watch = {0};
    for (unsigned i = 0; i < rounds; i++)
        assert_int_equal(stop(act_watch, &watch), NEAP_OK);
    assert_int_equal(watch.called, rounds);
    assert_false(watch.moved);
}

/* --- a group of tests --- */

static inline bool is_filtered(void) {
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

static inline int begin(void **state) {
    (void)state;
    return neap_os_world_open(&world, is_filtered());
}

static inline int end(void **state) {
    (void)state;
    neap_os_world_close(&world);
    return 0;
}

/* Runs `tests`, unless the threads of this process cannot be stopped; test_world_refusal.c has whether that
 * is right. */
#define RUN_IN_A_WORLD(name, tests)                                                                          \
    (is_world_free(name) ? cmocka_run_group_tests_name(name, tests, begin, end) : 0)

static inline bool is_world_free(const char *name) {
    begin(NULL);
    enum neap_os_world_refusal refusal = neap_os_world_try(&world);
    end(NULL);
    if (refusal != NEAP_OS_WORLD_FREE)
        print_message("%s is skipped: %s\n", name, neap_os_world_refusal_text(refusal));
    return refusal == NEAP_OS_WORLD_FREE;
}

static inline int run_group(const char *name, int (*group)(void)) {
#ifdef __SANITIZE_THREAD__
    (void)group;
    print_message("%s is skipped: the checker takes the stopper for the thread that sleeps for it\n", name);
    return 77;
#else
    (void)name;
    return run_as_root_and_user(group);
#endif
}

#endif
