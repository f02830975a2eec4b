/* hook/rlimit.c: a program that limits its own address space.
 *
 * The heap reserves far more of it than there is memory, which RLIMIT_AS counts
 * like everything else: after setrlimit not even a thread's stack would be to be
 * had. These functions are found before libc's, being preloaded; they give the
 * reserve back and go on to libc's. A limit that was there at the start needs
 * none of this: the heap reserves less then.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "heap/model.h"
#include "hook/hook.h"

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

int neap__setrlimit64(int resource, const struct rlimit64 *limit) {
    heed(resource, limit);
    return ((setrlimit_fn)dlsym(RTLD_NEXT, "setrlimit64"))(resource, limit);
}

int neap__prlimit64(pid_t pid, int resource, const struct rlimit64 *limit, struct rlimit64 *before) {
    if (pid == 0 || pid == getpid())
        heed(resource, limit);
    return ((prlimit_fn)dlsym(RTLD_NEXT, "prlimit64"))(pid, resource, limit, before);
}

/* The names without 64: the same functions where rlim_t has 64 bits. A 32-bit
 * program that asks for the narrow ones reserves little in any case. */
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
