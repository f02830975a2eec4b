/* hook/helper.c: starts and ends the thread, and runs it. */
#include "hook/helper.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "heap/mesh.h"
#include "heap/model.h"
#include "heap/purge.h"
#include "heap/wired.h"
#include "hook/anchor.h"
#include "hook/libc_trim.h"
#include "os/c_library.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/filter_watch.h"
#include "os/limits.h"
#include "os/memory.h"

enum {
    START_MS = 100,       /* a younger heap, or forked child, gets a helper only for much work */
    STIR_MS = 1000,       /* an older one gets one for any: libc may have something to give back */
    AFTER_FORK_MS = 1000, /* so does the parent for this time after a fork */
    FORK_QUIET_MS = 100,  /* and for this time it gets none: CPython counts its threads after a fork */
    MUCH_UNITS = 40,      /* much work: 2.5 MiB with 4 KiB pages */
    FORK_PURGE_MS = 100,  /* at most one purge before a fork in this time */
    SETTLE_TRIES = 10,    /* of SETTLE_MS each, to wait for the helper to end what it is at */
    SETTLE_MS = 100,
    STACK_BYTES = 256 * 1024 /* the thread touches one or two pages of it */
};

static struct {
    neap_heap_t *heap;
    struct neap_os_wakeup wakeup;
    pthread_t thread;
    pthread_mutex_t lock; /* held while the thread is started or ended, and across a fork */
    bool allowed, running, stop;
    bool meshes;            /* the heap is to mesh, from the first helper or trim on */
    uint32_t not_before_ms; /* heap time from which NEAP_WAKE_UNITS may start the thread */
    uint32_t not_at_all_ms; /* heap time from which much work may start it */
    uint32_t stir_ms;       /* heap time from which any use of the heap may start it */
    uint32_t fork_purge_ms; /* heap time of the last purge before a fork */
    struct neap__libc_pace libc;
    bool settle_asked; /* neap__helper_settle waits for `settled` */
    struct neap_os_wakeup settled;
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Answers `neap trim PID`. The helper may not touch the owner's magazines, because it does not hold the GIL.
 * So it asks the owner to empty them on his next slow path. */
static void answer_trim(void) {
    uint32_t asked = __atomic_load_n(&neap__anchor.trim_asked, __ATOMIC_ACQUIRE);
    if (asked == __atomic_load_n(&neap__anchor.trim_done, __ATOMIC_RELAXED))
        return;
    neap_heap_t *heap = helper.heap;
    neap_os_lock(&heap->lock);
    neap__heap_want_empty(heap);
    uint64_t bytes = neap__purge_all(heap, NEAP_PURGE_TRIM) << heap->page_shift;
    neap_os_unlock(&heap->lock);
    bytes += neap__mesh_pass(heap, true);
    uint64_t libc_bytes = neap_os_trim_libc();
    __atomic_fetch_add(&neap__anchor.libc_trimmed_bytes, libc_bytes, __ATOMIC_RELAXED);
    neap__anchor.trim_bytes = bytes + libc_bytes;
    __atomic_store_n(&neap__anchor.trim_done, asked, __ATOMIC_RELEASE);
}

static struct neap__libc_moment libc_moment(void) {
    return (struct neap__libc_moment){
        .at_ms = neap_os_now_ns() / 1000000,
        .ran_us = neap_os_others_cpu_ns() / 1000,
    };
}

/* The resident memory of the process, but for the heap; 0 where no file may be opened to ask for it. */
static uint64_t others_bytes(void) {
    if (!neap_os_descriptor_standard_are_open())
        return 0;
    const struct neap_layout_heap *layout = &helper.heap->layout;
    neap_os_lock(&helper.heap->lock);
    uint64_t heap = layout->resident_pages * layout->page_bytes;
    neap_os_unlock(&helper.heap->lock);
    uint64_t all = neap_os_resident_bytes();
    return all > heap ? all - heap : 0;
}

/* Asks libc to give back its free memory, and learns from it. */
static void trim_libc(void) {
    struct neap__libc_moment before = libc_moment(), after;
    before.resident_bytes = others_bytes();
    uint64_t start_ns = neap_os_now_ns(), start_cpu_ns = neap_os_thread_cpu_ns();
    uint64_t given_back = neap_os_trim_libc();
    struct neap__libc_cost cost = {
        .used_us = (neap_os_thread_cpu_ns() - start_cpu_ns) / 1000,
        .took_us = (neap_os_now_ns() - start_ns) / 1000,
    };
    __atomic_fetch_add(&neap__anchor.libc_trimmed_bytes, given_back, __ATOMIC_RELAXED);
    after = libc_moment();
    after.resident_bytes = others_bytes();
    neap__libc_pace_learn(&helper.libc, &before, &after, &cost);
}

/* Looks at libc if it is time to. Returns the milliseconds until the next look; 0 if the program rests. */
static uint32_t look_at_libc(void) {
    struct neap__libc_moment now = libc_moment();
    if (helper.libc.look_ms != 0 && now.at_ms >= helper.libc.look_ms) {
        enum neap__libc_step step = neap__libc_pace_look(&helper.libc, &now);
        helper.libc.look_ms = 0;
        if (step == NEAP_LIBC_REST) {
            neap_os_lock(&helper.heap->lock);
            neap__heap_stir(helper.heap);
            neap_os_unlock(&helper.heap->lock);
            return 0;
        }
        if (step == NEAP_LIBC_TRIM)
            trim_libc();
    }
    if (helper.libc.look_ms == 0) {
        uint64_t look_ms = now.at_ms + NEAP_LIBC_LOOK_MS;
        helper.libc.look_ms = helper.libc.not_before_ms > look_ms ? helper.libc.not_before_ms : look_ms;
    }
    return (uint32_t)(helper.libc.look_ms - now.at_ms);
}

/* The shorter of two times to wait; 0 means without a limit. */
static uint32_t sooner(uint32_t a_ms, uint32_t b_ms) {
    return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static void *run(void *unused) {
    (void)unused;
    bool news = true;
    if (!neap_os_filter_is_active())
        pthread_setname_np(pthread_self(), "neap-purge");
    for (;;) {
        uint32_t seen = __atomic_load_n(&helper.wakeup.count, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&helper.stop, __ATOMIC_ACQUIRE))
            return NULL;
        if (__atomic_exchange_n(&helper.settle_asked, false, __ATOMIC_ACQ_REL))
            neap_os_wakeup_post(&helper.settled);
        answer_trim();
        uint32_t wait_ms = neap_heap_purge(helper.heap);
        uint32_t mesh_ms = neap__mesh_step(helper.heap, news), libc_ms = look_at_libc();
        news = wait_ms != 0;
        neap_os_wakeup_wait(&helper.wakeup, seen, sooner(sooner(wait_ms, mesh_ms), libc_ms));
    }
}

/* Lets the heap mesh, if it is to. Lock held. */
static void ready_mesh(void) {
    if (helper.meshes && !helper.heap->mesh)
        helper.meshes = neap__mesh_start(helper.heap) == NEAP_OK; /* not tried again */
}

/* CPython does not count threads in a forked child, so much work may start a helper at once. */
static void begin_child(void) {
    uint32_t now_ms = neap__heap_ms(helper.heap);
    helper.not_before_ms = now_ms + START_MS;
    helper.not_at_all_ms = 0;
    helper.stir_ms = now_ms + STIR_MS;
    neap__anchor.pid = (uint32_t)getpid();
    helper.libc = (struct neap__libc_pace){0}; /* its processor time starts at 0 */
    neap__mesh_forked(helper.heap);
    neap__wired_over(helper.heap);
}

/* A child made by _Fork() or a bare system call has seen no fork handler. It believes that it is the parent,
 * and that it has the parent's helper. */
static void heed_bare_fork(void) {
    if (neap__anchor.pid == (uint32_t)getpid())
        return;
    helper.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (helper.running)
        neap_os_wakeup_close(&helper.wakeup);
    helper.running = false;
    neap__anchor.helper = helper.allowed ? NEAP_HELPER_NOT_YET : NEAP_HELPER_NEVER;
    begin_child();
}

/* Starts the thread with every signal blocked. Lock held. */
static bool start(void) {
    pthread_attr_t attributes;
    sigset_t all, before;
    if (neap_os_filter_is_own()) { /* it may end the process for a new thread */
        helper.allowed = false;
        neap__anchor.helper = NEAP_HELPER_NEVER;
        return false;
    }
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    ready_mesh();
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
        helper.allowed = false; /* a sandbox or a limit forbids threads: do not try again */
    }
    return running;
}

/* Whether a helper may be started now. A process that has just started or forked may end soon and gets
 * none for little work. For much work it gets one, because it may become idle and never ask again. */
static bool may_start(void) {
    uint32_t now_ms = neap__heap_ms(helper.heap);
    uint64_t waiting = neap__heap_waiting_units(helper.heap);
    return now_ms >= helper.stir_ms || (now_ms >= helper.not_before_ms && waiting >= NEAP_WAKE_UNITS) ||
           (now_ms >= helper.not_at_all_ms && waiting >= MUCH_UNITS);
}

/* The heap calls this when enough waits for the purger and the helper sleeps or does not run. */
static bool wake(void *unused) {
    (void)unused;
    if (!helper.allowed)
        return true; /* there is none to wake, and never will be */
    if (__atomic_load_n(&helper.running, __ATOMIC_ACQUIRE) || may_start())
        heed_bare_fork();
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

void neap__helper_start(void) {
    if (!helper.allowed || pthread_mutex_trylock(&helper.lock) != 0)
        return;
    if (!helper.running)
        start();
    pthread_mutex_unlock(&helper.lock);
}

/* Waits until the helper begins another turn. Lock held, so that it does not end meanwhile. */
static void await_turn(void) {
    uint32_t seen = __atomic_load_n(&helper.settled.count, __ATOMIC_ACQUIRE);
    __atomic_store_n(&helper.settle_asked, true, __ATOMIC_RELEASE);
    neap_os_wakeup_post(&helper.wakeup);
    for (int i = 0; i < SETTLE_TRIES; i++) {
        neap_os_wakeup_wait(&helper.settled, seen, SETTLE_MS);
        if (__atomic_load_n(&helper.settled.count, __ATOMIC_ACQUIRE) != seen)
            break;
    }
}

void neap__helper_settle(void) {
    if (pthread_mutex_trylock(&helper.lock) != 0)
        return;
    if (helper.running)
        await_turn();
    pthread_mutex_unlock(&helper.lock);
}

void neap__helper_stop(void) {
    heed_bare_fork();
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

/* Lock order: the helper's lock, then the heap's. Both are held across the fork. */
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
    neap__heap_stir(helper.heap);
}

static void after_fork(bool in_child) {
    neap__heap_fork_after(helper.heap, in_child);
    pthread_mutex_unlock(&helper.lock);
}

static void after_fork_in_parent(void) {
    uint32_t now_ms = neap__heap_ms(helper.heap);
    helper.not_before_ms = now_ms + AFTER_FORK_MS;
    helper.not_at_all_ms = now_ms + FORK_QUIET_MS;
    helper.stir_ms = now_ms + AFTER_FORK_MS;
    after_fork(false);
}

static void after_fork_in_child(void) {
    begin_child();
    after_fork(true);
}

void neap__helper_guard_forks(void) {
    neap_os_fork_handlers(before_fork, after_fork_in_parent, after_fork_in_child);
}

void neap__helper_attach(neap_heap_t *heap, bool allowed, bool meshes) {
    helper.heap = heap;
    helper.meshes = meshes;
    helper.allowed = allowed;
    neap__anchor.helper = allowed ? NEAP_HELPER_NOT_YET : NEAP_HELPER_NEVER;
    helper.not_before_ms = START_MS;
    helper.stir_ms = STIR_MS;
    heap->wake = wake;
    heap->huge_allowed = true; /* as for large blocks of CPython without Neap, which malloc maps */
    heap->wake_wanted = true;
    neap__heap_stir(heap); /* no other thread can know the heap yet */
}

uint64_t neap__helper_trim(void) {
    heed_bare_fork();
    pthread_mutex_lock(&helper.lock);
    ready_mesh();
    pthread_mutex_unlock(&helper.lock);
    uint64_t bytes = neap_heap_trim(helper.heap);
    uint64_t libc_bytes = neap_os_trim_libc();
    __atomic_fetch_add(&neap__anchor.libc_trimmed_bytes, libc_bytes, __ATOMIC_RELAXED);
    return bytes + libc_bytes;
}
