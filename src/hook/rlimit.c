/* hook/rlimit.c: gives address space back when a program limits its own.
 *
 * The heap reserves more address space than there is memory, and RLIMIT_AS counts it. After
 * setrlimit the program could not even get the stack of a thread. Because this library is
 * preloaded, its functions are found before those of libc. They give the reserve back and
 * call those of libc. If there is a limit when the program starts, the heap reserves less
 * from the beginning.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "heap/model.h"
#include "hook/hook.h"

#ifndef __SANITIZE_THREAD__ /* whose runtime calls setrlimit before anything else can run */

#define EXPORT __attribute__((visibility("default")))

typedef int (*setrlimit_fn)(int resource, const struct rlimit64 *limit);
typedef int (*prlimit_fn)(pid_t pid, int resource, const struct rlimit64 *limit, struct rlimit64 *before);

EXPORT int neap__setrlimit64(int resource, const struct rlimit64 *limit) __asm__("setrlimit64");
EXPORT int neap__prlimit64(pid_t pid, int resource, const struct rlimit64 *limit,
                           struct rlimit64 *before) __asm__("prlimit64");

static void heed(int resource, const struct rlimit64 *limit) {
    neap_heap_t *heap = neap_hook_heap();
    if (resource == (int)RLIMIT_AS && limit && limit->rlim_cur != RLIM64_INFINITY && heap)
        neap__heap_yield(heap, limit->rlim_cur);
}

/* libc's function. Where a program cannot have called it by the name with 64 (musl 1.2.4 and later), libc has
 * the other name. */
static void *next_of(const char *name, const char *otherwise) {
    void *next = dlsym(RTLD_NEXT, name);
    return next || __SIZEOF_LONG__ != 8 ? next : dlsym(RTLD_NEXT, otherwise);
}

int neap__setrlimit64(int resource, const struct rlimit64 *limit) {
    heed(resource, limit);
    return ((setrlimit_fn)next_of("setrlimit64", "setrlimit"))(resource, limit);
}

int neap__prlimit64(pid_t pid, int resource, const struct rlimit64 *limit, struct rlimit64 *before) {
    if (pid == 0 || pid == getpid())
        heed(resource, limit);
    return ((prlimit_fn)next_of("prlimit64", "prlimit"))(pid, resource, limit, before);
}

/* Where rlim_t has 64 bits, the names without 64 are the same functions. In a 32-bit program they are
 * not replaced, because the heap reserves little there. */
#if __SIZEOF_LONG__ == 8
EXPORT int neap__setrlimit(int resource, const struct rlimit64 *limit) __asm__("setrlimit");
EXPORT int neap__prlimit(pid_t pid, int resource, const struct rlimit64 *limit,
                         struct rlimit64 *before) __asm__("prlimit");

int neap__setrlimit(int resource, const struct rlimit64 *limit) {
    return neap__setrlimit64(resource, limit);
}

int neap__prlimit(pid_t pid, int resource, const struct rlimit64 *limit, struct rlimit64 *before) {
    return neap__prlimit64(pid, resource, limit, before);
}
#endif

#endif
