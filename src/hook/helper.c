/* hook/helper.c */
#include "hook/helper.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "heap/model.h"
#include "heap/purge.h"
#include "hook/anchor.h"
#include "os/clock.h"
#include "os/memory.h"

enum {
    START_MS = 100,          /* age of a process before it gets a helper for little */
    AFTER_FORK_MS = 1000,    /* pause after a fork before the parent gets one for little */
    FORK_QUIET_MS = 100,     /* or at all: CPython counts its threads right after a fork */
    MUCH_UNITS = 40,         /* 2.5 MiB of pages at most: less is little */
    FORK_PURGE_MS = 100,     /* forks in a row closer than this share a purge */
    LIBC_TRIM_MS = 2000,     /* between two looks at libc's free memory */
    STACK_BYTES = 256 * 1024 /* of which a page or two are ever touched */
};

static struct {
    neap_heap_t *heap;
    struct neap_os_wakeup wakeup;
    pthread_t thread;
    pthread_mutex_t lock; /* starting and stopping, one at a time */
    bool allowed, running, stop;
    uint32_t not_before_ms; /* heap time of the next start for little */
    uint32_t not_at_all_ms; /* and for anything */
    uint32_t fork_purge_ms; /* heap time of the last purge before a fork */
    uint32_t libc_trim_ms;  /* heap time of the last look at libc */
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Answers `neap trim PID`. Without the GIL the magazines are the owner's: it is
 * asked to empty them at its next slow path. */
static void answer_trim(void) {
    uint32_t asked = __atomic_load_n(&neap__anchor.trim_asked, __ATOMIC_ACQUIRE);
    if (asked == __atomic_load_n(&neap__anchor.trim_done, __ATOMIC_RELAXED))
        return;
    neap_heap_t *heap = helper.heap;
    neap_os_lock(&heap->lock);
    heap->empty_wanted = true;
    uint64_t bytes = neap__purge_all(heap, NEAP_PURGE_TRIM) << heap->page_shift;
    neap_os_unlock(&heap->lock);
    uint64_t libc_bytes = neap_os_trim_libc();
    neap__anchor.libc_trimmed_bytes += libc_bytes;
    neap__anchor.trim_bytes = bytes + libc_bytes;
    __atomic_store_n(&neap__anchor.trim_done, asked, __ATOMIC_RELEASE);
}

/* On the way to sleep: libc's free memory, not more often than now and then. */
static void trim_libc(void) {
    uint32_t now_ms = neap__heap_ms(helper.heap);
    if (now_ms - helper.libc_trim_ms < LIBC_TRIM_MS)
        return;
    helper.libc_trim_ms = now_ms;
    neap__anchor.libc_trimmed_bytes += neap_os_trim_libc();
}

static void *run(void *unused) {
    (void)unused;
    pthread_setname_np(pthread_self(), "neap-purge");
    for (;;) {
        uint32_t seen = __atomic_load_n(&helper.wakeup.count, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&helper.stop, __ATOMIC_ACQUIRE))
            return NULL;
        answer_trim();
        uint32_t wait_ms = neap_heap_purge(helper.heap);
        if (wait_ms == 0)
            trim_libc();
        neap_os_wakeup_wait(&helper.wakeup, seen, wait_ms);
    }
}

/* Starts the thread with every signal blocked. Lock held. */
static bool start(void) {
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    neap_os_wakeup_open(&helper.wakeup, neap__anchor.library);
    helper.stop = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool running = pthread_create(&helper.thread, &attributes, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    __atomic_store_n(&helper.running, running, __ATOMIC_RELEASE);
    neap__anchor.helper = running ? NEAP_HELPER_RUNS : NEAP_HELPER_NEVER;
    if (!running) {
        neap_os_wakeup_close(&helper.wakeup);
        helper.allowed = false; /* a sandbox, or no threads left: not tried again */
    }
    return running;
}

/* Whether a helper may be started now. A process that starts, or has just forked,
 * is given time to do without; not when there is much, since it may go idle at
 * once and never ask again. */
static bool may_start(void) {
    if (!helper.allowed)
        return false;
    uint32_t now_ms = neap__heap_ms(helper.heap);
    return now_ms >= helper.not_before_ms ||
           (now_ms >= helper.not_at_all_ms && neap__heap_waiting_units(helper.heap) >= MUCH_UNITS);
}

/* The heap has something to purge and nobody is awake. */
static bool wake(void *unused) {
    (void)unused;
    if (__atomic_load_n(&helper.running, __ATOMIC_ACQUIRE)) {
        neap_os_wakeup_post(&helper.wakeup);
        return true;
    }
    if (!may_start() || pthread_mutex_trylock(&helper.lock) != 0)
        return false;
    bool started = helper.running || start();
    pthread_mutex_unlock(&helper.lock);
    return started;
}

void neap__helper_stop(void) {
    pthread_mutex_lock(&helper.lock);
    if (helper.running) {
        __atomic_store_n(&helper.stop, true, __ATOMIC_RELEASE);
        neap_os_wakeup_post(&helper.wakeup);
        pthread_join(helper.thread, NULL);
        neap_os_wakeup_close(&helper.wakeup);
        __atomic_store_n(&helper.running, false, __ATOMIC_RELEASE);
        neap__anchor.helper = NEAP_HELPER_NOT_YET;
    }
    pthread_mutex_unlock(&helper.lock);
}

/* --- fork --- */

/* Order of locks: the helper's lock, then the heap's. Both stay taken across the fork. */
static void before_fork(void) {
    neap__helper_stop();
    pthread_mutex_lock(&helper.lock);
    neap__heap_fork_before(helper.heap);
    uint32_t now_ms = neap__heap_ms(helper.heap);
    if (now_ms - helper.fork_purge_ms >= FORK_PURGE_MS) {
        helper.fork_purge_ms = now_ms;
        neap__purge_all(helper.heap, NEAP_PURGE_FORK);
    }
    helper.heap->wake_wanted = true;
}

static void after_fork(void) {
    neap__heap_fork_after(helper.heap);
    pthread_mutex_unlock(&helper.lock);
}

static void after_fork_in_parent(void) {
    uint32_t now_ms = neap__heap_ms(helper.heap);
    helper.not_before_ms = now_ms + AFTER_FORK_MS;
    helper.not_at_all_ms = now_ms + FORK_QUIET_MS;
    after_fork();
}

/* In a child nobody counts: it may have a helper as soon as it needs one. */
static void after_fork_in_child(void) {
    helper.not_before_ms = neap__heap_ms(helper.heap) + START_MS;
    helper.not_at_all_ms = 0;
    neap__anchor.pid = (uint32_t)getpid();
    after_fork();
}

void neap__helper_guard_forks(void) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void neap__helper_attach(neap_heap_t *heap, bool allowed) {
    helper.heap = heap;
    helper.allowed = allowed;
    neap__anchor.helper = allowed ? NEAP_HELPER_NOT_YET : NEAP_HELPER_NEVER;
    helper.not_before_ms = START_MS;
    heap->wake = wake;
    heap->huge_allowed = true; /* as CPython's own large blocks, which malloc maps */
    heap->wake_wanted = true;
}

uint64_t neap__helper_trim(void) {
    uint64_t bytes = neap_heap_trim(helper.heap);
    uint64_t libc_bytes = neap_os_trim_libc();
    neap__anchor.libc_trimmed_bytes += libc_bytes;
    return bytes + libc_bytes;
}
