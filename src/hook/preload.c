/* hook/preload.c: the constructor and destructor of the preloaded library.
 *
 * The constructor runs before the program's main. If CPython is already in the process (as
 * the executable or a library that it needs), it is served from its first block on. A
 * program may also load CPython later, by dlopen. CPython's runtime calls
 * `pthread_condattr_setclock` while it starts, and other programs hardly ever do. This
 * library defines that function; because it is preloaded, its definition is found first.
 *
 * In a program with another C library than glibc it does nothing (os/c_library.h).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "heap/model.h"
#include "hook/anchor.h"
#include "hook/cpython.h"
#include "hook/helper.h"
#include "hook/hook.h"
#include "hook/interpreters.h"
#include "hook/settings.h"
#include "hook/summary.h"
#include "os/c_library.h"
#include "os/filter_watch.h"

#define EXPORT __attribute__((visibility("default")))

static struct {
    bool ready; /* the constructor has run, and this is glibc */
    struct neap__settings settings;
    neap_heap_t *heap; /* the heap that serves CPython, or NULL */
    char **argv;
} hook;

static void serve(const struct neap__cpython *python, void *handle) {
    struct neap_heap_options options = {
        .flags = (hook.settings.check ? (unsigned)NEAP_HEAP_CHECKED : 0) |
                 (hook.settings.harden ? (unsigned)NEAP_HEAP_HARDENED : 0),
        .reserve_bytes = hook.settings.reserve_bytes != 0 ? hook.settings.reserve_bytes
                                                          : neap__heap_process_reserve_bytes(),
        .limit_bytes = hook.settings.limit_bytes,
        .decay_ms = hook.settings.decay_ms,
    };
    neap_os_filter_watch();
    neap_heap_t *heap = neap_heap_new(&options);
    if (!heap) {
        neap__anchor_refused("the system gave no address space for a heap");
        return;
    }
    hook.heap = heap;
    neap__helper_attach(heap, hook.settings.helper, hook.settings.mesh);
    neap__helper_guard_forks();
    neap__cpython_serve(python, heap);
    if (python->minor >= NEAP_OWN_GIL_MINOR)
        neap__interpreters_watch(handle, heap);
    neap__anchor_serving(heap);
    if (hook.settings.summary)
        unsetenv("NEAP_SUMMARY"); /* children do not print one */
}

/* Serves the CPython behind `handle`, if there is one and it can be served. */
static void arrive(void *handle) {
    struct neap__cpython python;
    char reason[sizeof(neap__anchor.reason)];
    if (!neap__cpython_find(handle, &python, reason, sizeof(reason)))
        return;
    if (reason[0] == '\0')
        neap__cpython_overridden(hook.argv, reason, sizeof(reason));
    if (reason[0] != '\0')
        neap__anchor_refused(reason);
    else
        serve(&python, handle);
}

/* glibc gives a constructor the arguments of main; musl gives it none. */
__attribute__((constructor)) static void enter(int argc, char **argv) {
    (void)argc;
    if (!neap_os_c_library_is_glibc())
        return;
    hook.argv = argv;
    hook.ready = true;
    neap__anchor_init();
    hook.settings = neap__settings_read();
    if (hook.settings.off)
        neap__anchor_refused("NEAP_OFF=1 is set");
    else
        arrive(RTLD_DEFAULT);
}

__attribute__((destructor)) static void leave(void) {
    if (!hook.heap)
        return;
    neap__helper_stop();
    if (hook.settings.check)
        neap_heap_trim(hook.heap); /* this verifies the blocks in quarantine */
    if (hook.settings.summary)
        neap__summary_print(hook.heap);
}

/* --- exported --- */

neap_heap_t *neap_hook_heap(void) {
    return hook.heap;
}

uint64_t neap_hook_trim(void) {
    return hook.heap ? neap__helper_trim() : 0;
}

void neap_hook_stats(struct neap_heap_stats *stats) {
    if (hook.heap)
        neap_heap_stats(hook.heap, stats);
}

/* A handle for dlsym of the object that contains `address`; NULL if there is none. The caller closes it. */
static void *handle_of(const void *address) {
    Dl_info caller;
    if (dladdr(address, &caller) == 0 || !caller.dli_fname)
        return NULL;
    return dlopen(caller.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc names its own with __ */
EXPORT int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock) {
    static int (*next)(pthread_condattr_t *, clockid_t);
    if (!next)
        next = (int (*)(pthread_condattr_t *, clockid_t))dlsym(RTLD_NEXT, "pthread_condattr_setclock");
    if (hook.ready && !hook.heap && neap__anchor.state == NEAP_STATE_ABSENT && !hook.settings.off) {
        void *handle = handle_of(__builtin_return_address(0));
        if (handle) {
            arrive(handle);
            dlclose(handle);
        }
    }
    return next(attr, clock);
}
