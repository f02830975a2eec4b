/* os/thread.c: futexes. */
#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/word.h"
#include "os/memory.h"

enum {
    SPINS = 100,         /* before sleeping on a lock */
    DOOR_POLL_MS = 1000, /* where the kernel cannot wait on two words */
    WAITV_NUMBER = 449   /* futex_waitv, Linux 5.16, the same on all architectures */
};

struct deadline { /* struct __kernel_timespec: 64 bits on every architecture */
    int64_t seconds, nanoseconds;
};

struct waiter { /* struct futex_waitv, which older headers lack */
    uint64_t value, address;
    uint32_t flags, reserved;
};

void neap_os_lock_slow(struct neap_os_lock *lock) {
    for (int i = 0; i < SPINS; i++) {
        uint32_t expected = 0;
        if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
        syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void neap_os_unlock_slow(struct neap_os_lock *lock) {
    syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The word of the file's first page that belongs to process `pid`. Processes
 * may share one: a sleeper that is woken for another looks and sleeps on. */
static const uint32_t *door_of(const uint32_t *page, int pid) {
    return page + (unsigned)pid % (neap_os_page_bytes() / sizeof *page);
}

static const uint32_t *map_door(const char *file) {
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *page = mmap(NULL, neap_os_page_bytes(), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

static const uint32_t *page_of(const uint32_t *door) {
    return (const uint32_t *)((uintptr_t)door & ~(uintptr_t)(neap_os_page_bytes() - 1));
}

void neap_os_bell_open(struct neap_os_bell *bell, const char *file) {
    const uint32_t *page = file != NULL ? map_door(file) : NULL;
    bell->door = page != NULL ? door_of(page, getpid()) : NULL;
}

void neap_os_bell_close(struct neap_os_bell *bell) {
    if (bell->door != NULL)
        munmap((void *)(uintptr_t)page_of(bell->door), neap_os_page_bytes());
    bell->door = NULL;
}

void neap_os_bell_ring(struct neap_os_bell *bell) {
    __atomic_add_fetch(&bell->rung, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &bell->rung, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int neap_os_bell_ring_process(const char *file, int pid) {
    const uint32_t *page = map_door(file);
    if (page == NULL)
        return NEAP_ERROR_ABSENT;
    syscall(SYS_futex, door_of(page, pid), FUTEX_WAKE, 1024, NULL, NULL, 0);
    munmap((void *)(uintptr_t)page, neap_os_page_bytes());
    return NEAP_OK;
}

/* Sleeps on the bell's own word and its door at once. False if the kernel has no
 * futex_waitv, or a sandbox forbids it. */
static bool wait_both(struct neap_os_bell *bell, uint32_t seen, uint32_t ms) {
    struct waiter words[2] = {
        {seen, (uintptr_t)&bell->rung, 2 | 128, 0}, /* FUTEX2_SIZE_U32 | FUTEX2_PRIVATE */
        {__atomic_load_n(bell->door, __ATOMIC_RELAXED), (uintptr_t)bell->door, 2, 0},
    };
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t nanoseconds = now.tv_nsec + (int64_t)(ms % 1000) * 1000000;
    struct deadline until = {now.tv_sec + (int64_t)(ms / 1000) + nanoseconds / 1000000000,
                             nanoseconds % 1000000000};
    long result = syscall(WAITV_NUMBER, words, 2, 0, ms != 0 ? &until : NULL, CLOCK_MONOTONIC);
    return result >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL);
}

void neap_os_bell_wait(struct neap_os_bell *bell, uint32_t seen, uint32_t ms) {
    if (bell->door != NULL) {
        if (wait_both(bell, seen, ms))
            return;
        if (ms == 0 || ms > DOOR_POLL_MS)
            ms = DOOR_POLL_MS;
    }
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    syscall(SYS_futex, &bell->rung, FUTEX_WAIT_PRIVATE, seen, ms != 0 ? &span : NULL, NULL, 0);
}
