/* os/thread.c: futexes. */
#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/word.h"
#include "os/file.h"
#include "os/filter_watch.h"
#include "os/memory.h"

enum {
    SPINS = 100,         /* attempts to take a lock before the thread sleeps */
    PAGE_POLL_MS = 1000, /* longest sleep where no wait for two words is possible */
    WAITV_NUMBER = 449   /* futex_waitv, Linux 5.16; the number is the same on all architectures */
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

/* The word of the wakeup page for process `pid`. Processes may share a word. A sleeper that is woken for
 * another process finds nothing to do and sleeps on. */
static const uint32_t *word_of(const uint32_t *page, int pid) {
    return page + (unsigned)pid % (neap_os_page_bytes() / sizeof(*page));
}

const uint32_t *neap_os_wakeup_page_open(const char *file) {
    struct stat status;
    int fd;
    if (neap__os_regular_open(file, &fd, &status) != NEAP_OK)
        return NULL;
    void *page = mmap(NULL, neap_os_page_bytes(), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

void neap_os_wakeup_page_close(const uint32_t *page) {
    if (page)
        munmap((void *)(uintptr_t)page, neap_os_page_bytes());
}

static const uint32_t *page_of(const uint32_t *word) {
    return (const uint32_t *)((uintptr_t)word & ~(uintptr_t)(neap_os_page_bytes() - 1));
}

void neap_os_wakeup_open(struct neap_os_wakeup *wakeup, const char *file) {
    const uint32_t *page = file ? neap_os_wakeup_page_open(file) : NULL;
    wakeup->page = page ? word_of(page, getpid()) : NULL;
}

void neap_os_wakeup_close(struct neap_os_wakeup *wakeup) {
    neap_os_wakeup_page_close(wakeup->page ? page_of(wakeup->page) : NULL);
    wakeup->page = NULL;
}

void neap_os_wakeup_post(struct neap_os_wakeup *wakeup) {
    __atomic_add_fetch(&wakeup->count, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &wakeup->count, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void neap_os_wakeup_page_post(const uint32_t *page, int pid) {
    syscall(SYS_futex, word_of(page, pid), FUTEX_WAKE, 1024, NULL, NULL, 0);
}

/* Sleeps on `count` and on the word in the wakeup page at the same time. False if the kernel has no
 * futex_waitv or a sandbox forbids it. */
static bool wait_both(struct neap_os_wakeup *wakeup, uint32_t seen, uint32_t ms) {
    struct waiter words[2] = {
        {seen, (uintptr_t)&wakeup->count, 2 | 128, 0}, /* FUTEX2_SIZE_U32 | FUTEX2_PRIVATE */
        {__atomic_load_n(wakeup->page, __ATOMIC_RELAXED), (uintptr_t)wakeup->page, 2, 0},
    };
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t nanoseconds = now.tv_nsec + (int64_t)(ms % 1000) * 1000000;
    struct deadline until = {now.tv_sec + (int64_t)(ms / 1000) + nanoseconds / 1000000000,
                             nanoseconds % 1000000000};
    long result = syscall(WAITV_NUMBER, words, 2, 0, ms != 0 ? &until : NULL, CLOCK_MONOTONIC);
    return result >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL);
}

void neap_os_wakeup_wait(struct neap_os_wakeup *wakeup, uint32_t seen, uint32_t ms) {
    if (wakeup->page) {
        if (!neap_os_filter_is_active() && wait_both(wakeup, seen, ms))
            return;
        if (ms == 0 || ms > PAGE_POLL_MS)
            ms = PAGE_POLL_MS;
    }
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    syscall(SYS_futex, &wakeup->count, FUTEX_WAIT_PRIVATE, seen, ms != 0 ? &span : NULL, NULL, 0);
}
