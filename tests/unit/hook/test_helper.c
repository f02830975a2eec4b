/* The purging thread: when it is there, what it does, and that a fork does not see it. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "heap/model.h"
#include "hook/anchor.h"
#include "hook/helper.h"
#include "os/clock.h"

enum { BLOCKS = 40000, BYTES = 500, PATIENCE_MS = 20000 };

static neap_heap_t *heap;

static int attach(bool allowed) {
    static bool guarded;
    neap__anchor_init();
    heap = neap_heap_new(NULL);
    if (!heap)
        return 1;
    neap__helper_attach(heap, allowed, true);
    if (!guarded)
        neap__helper_guard_forks();
    guarded = true;
    return 0;
}

static int setup(void **state) {
    (void)state;
    return attach(true);
}

static int setup_forbidden(void **state) {
    (void)state;
    return attach(false);
}

static int teardown(void **state) {
    (void)state;
    neap__helper_stop();
    neap_heap_destroy(heap);
    return 0;
}

static int sanitizers; /* a sanitizer's own threads, which begin with the first of ours */

static int all_threads(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static int threads(void) {
    return all_threads() - sanitizers;
}

/* Takes and frees `count` blocks: a burst. */
static void burst(int count) {
    void **blocks = malloc((size_t)count * sizeof(*blocks));
    for (int i = 0; i < count; i++)
        blocks[i] = memset(neap_heap_alloc(heap, BYTES), 1, BYTES);
    for (int i = 0; i < count; i++)
        neap_heap_free(heap, blocks[i]);
    free(blocks);
}

static uint64_t resident_bytes(void) {
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    return stats.resident_bytes;
}

/* Waits until the heap holds less than `bytes`; false if it does not. */
static bool falls_below(uint64_t bytes) {
    for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
        if (resident_bytes() < bytes)
            return true;
        usleep(10000);
    }
    return false;
}

static void purges_while_the_program_rests(void **state) {
    (void)state;
    burst(BLOCKS);
    assert_int_equal(threads(), 2);
    assert_int_equal(neap__anchor.helper, NEAP_HELPER_RUNS);
    assert_true(falls_below(1 << 20));
}

/* A process that has just started gets no thread for little. */
static void not_for_little(void **state) {
    (void)state;
    burst(3000); /* 1.5 MB: enough to wake it, too little for a thread at once */
    if (neap__heap_ms(heap) >= 100)
        skip(); /* the machine was too slow for the test to tell */
    assert_int_equal(threads(), 1);
    assert_int_equal(neap__anchor.helper, NEAP_HELPER_NOT_YET);
    usleep(150000);
    burst(3000);
    assert_int_equal(threads(), 2);
}

static void forbidden(void **state) {
    (void)state;
    burst(BLOCKS);
    assert_int_equal(threads(), 1);
    assert_int_equal(neap__anchor.helper, NEAP_HELPER_NEVER);
    assert_true(resident_bytes() > 10 << 20);
    assert_true(neap__helper_trim() > 10 << 20);
    assert_true(resident_bytes() < 1 << 20);
}

static void answers_a_request(void **state) {
    (void)state;
    burst(BLOCKS);
    __atomic_store_n(&neap__anchor.trim_asked, 7, __ATOMIC_RELEASE); /* as `neap trim` from outside */
    burst(BLOCKS);                                                   /* which wakes it */
    for (int ms = 0; ms < PATIENCE_MS && __atomic_load_n(&neap__anchor.trim_done, __ATOMIC_ACQUIRE) != 7;
         ms += 10)
        usleep(10000);
    assert_int_equal(__atomic_load_n(&neap__anchor.trim_done, __ATOMIC_ACQUIRE), 7);
}

/* A fork sees one thread, leaves little that is free to the child, and both sides go on. */
static void forks(void **state) {
    (void)state;
    usleep(120000); /* a younger heap is not purged before a fork */
    burst(BLOCKS);
    assert_int_equal(threads(), 2);
    pid_t child = fork();
    if (child == 0) {
        bool alone = threads() == 1 && resident_bytes() < 1 << 20;
        burst(BLOCKS);
        bool own = neap__anchor.pid == (uint32_t)getpid() && threads() == 2;
        _exit(alone && own && falls_below(1 << 20) ? 0 : 1);
    }
    assert_int_equal(threads(), 1); /* CPython counts now */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    usleep(150000);
    burst(BLOCKS);
    assert_int_equal(threads(), 2);
    assert_true(falls_below(1 << 20));
}

/* A child that no fork handler saw, of a parent without a helper: it gets one helper, as any other child. */
static void a_bare_fork(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* ThreadSanitizer itself does not survive it */
#endif
    usleep(120000);
    assert_int_equal(threads(), 1);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        for (int i = 0; i < 3; i++) { /* a helper that rests is woken again */
            burst(BLOCKS);
            if (threads() != 2 || !falls_below(1 << 20))
                _exit(1 + i);
        }
        _exit(neap__anchor.pid == (uint32_t)getpid() ? 0 : 10);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The name of the thread that is not this one. */
static void other_name(char *name, size_t size) {
    DIR *folder = opendir("/proc/self/task");
    name[0] = '\0';
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
            continue;
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/task/%d/comm", atoi(entry->d_name));
        FILE *file = fopen(path, "r");
        if (file && !fgets(name, (int)size, file))
            name[0] = '\0';
        if (file)
            fclose(file);
    }
    closedir(folder);
}

/* A filter of system calls may come then: the helper has done what it does at its start. */
static void settled(void **state) {
    (void)state;
    char name[32];
    neap__helper_settle(); /* there is none to wait for */
    for (int i = 0; i < 30; i++) {
        neap__helper_start();
        neap__helper_settle();
        other_name(name, sizeof(name));
        assert_string_equal(name, "neap-purge\n");
        neap__helper_settle(); /* now it sleeps */
        neap__helper_stop();
    }
}

static void stopped_twice(void **state) {
    (void)state;
    burst(BLOCKS);
    neap__helper_stop();
    neap__helper_stop();
    assert_int_equal(threads(), 1);
    assert_int_equal(neap__anchor.helper, NEAP_HELPER_NOT_YET);
}

#define ATTACHED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void *nothing(void *unused) {
    return unused;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, NULL);
    pthread_join(thread, NULL);
    sanitizers = all_threads() - 1;
    const struct CMUnitTest tests[] = {
        ATTACHED(not_for_little),
        ATTACHED(purges_while_the_program_rests),
        cmocka_unit_test_setup_teardown(forbidden, setup_forbidden, teardown),
        ATTACHED(answers_a_request),
        ATTACHED(forks),
        ATTACHED(a_bare_fork),
        ATTACHED(settled),
        ATTACHED(stopped_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
