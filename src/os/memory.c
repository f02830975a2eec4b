/* os/memory.c: mmap, munmap, mprotect, madvise and mremap. */
#include "os/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/word.h"
#include "os/c_library.h"
#include "os/filter_watch.h"
#include "os/limits.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum {
    PIDFD_OF_SELF = -10000, /* PIDFD_SELF_THREAD of linux/pidfd.h, Linux 6.14: the process of this thread */
    RANGES_A_CALL = 512     /* at most IOV_MAX, which is 1024 */
};

static unsigned fault_countdown;

void neap_os_fault_after(unsigned n) {
    __atomic_store_n(&fault_countdown, n, __ATOMIC_RELAXED);
}

bool neap__os_fault_now(void) {
    if (NEAP_LIKELY(__atomic_load_n(&fault_countdown, __ATOMIC_RELAXED) == 0))
        return false;
    return __atomic_sub_fetch(&fault_countdown, 1, __ATOMIC_RELAXED) == 0;
}

size_t neap_os_page_bytes(void) {
    static size_t known;
    size_t bytes = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        __atomic_store_n(&known, bytes, __ATOMIC_RELAXED);
    }
    return bytes;
}

uint64_t neap_os_memory_bytes(void) {
    long pages = sysconf(_SC_PHYS_PAGES);
    return pages > 0 ? (uint64_t)pages * neap_os_page_bytes() : UINT64_C(1) << 30;
}

uint64_t neap_os_address_space_left_bytes(void) {
    static uint64_t known;
    struct rlimit limit;
    uint64_t bytes = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (bytes != 0 && neap_os_filter_is_own())
        return bytes;
    /* Address space in use is not subtracted, because to read it costs two system calls. */
    bool unlimited = getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY;
    bytes = unlimited ? UINT64_MAX : limit.rlim_cur;
    __atomic_store_n(&known, bytes, __ATOMIC_RELAXED);
    return bytes;
}

int neap_os_reserve(size_t bytes, size_t align_bytes, void **address) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    size_t page = neap_os_page_bytes();
    size_t slack = align_bytes > page ? align_bytes - page : 0;
    if (bytes + slack < bytes)
        return NEAP_ERROR_MEMORY;
    char *start = mmap(NULL, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NEAP_ERROR_MEMORY;
    char *aligned =
        (char *)neap_word_round_up_size((uintptr_t)start, align_bytes > page ? align_bytes : page);
    if (aligned > start)
        munmap(start, (size_t)(aligned - start));
    size_t tail = slack - (size_t)(aligned - start);
    if (tail > 0)
        munmap(aligned + bytes, tail);
    madvise(aligned, bytes, MADV_DONTDUMP);
    *address = aligned;
    return NEAP_OK;
}

int neap_os_map(size_t bytes, void **address) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    void *start =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NEAP_ERROR_MEMORY;
    *address = start;
    return NEAP_OK;
}

int neap_os_release(void *address, size_t bytes) {
    if (!neap__os_fault_now() && munmap(address, bytes) == 0)
        return NEAP_OK;
    madvise(address, bytes, MADV_DONTNEED);
    return NEAP_ERROR_MEMORY;
}

int neap_os_commit(void *address, size_t bytes) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    if (mprotect(address, bytes, PROT_READ | PROT_WRITE) != 0)
        return NEAP_ERROR_MEMORY;
    madvise(address, bytes, MADV_DODUMP);
    return NEAP_OK;
}

int neap_os_forbid(void *address, size_t bytes) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    return mprotect(address, bytes, PROT_NONE) == 0 ? NEAP_OK : NEAP_ERROR_MEMORY;
}

void neap_os_advise_huge(void *address, size_t bytes, bool huge) {
    madvise(address, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

void neap_os_populate(void *address, size_t bytes) {
    madvise(address, bytes, MADV_POPULATE_WRITE);
}

/* Purges up to RANGES_A_CALL ranges by one process_madvise. False if it did not purge all of them, or if the
 * kernel does not have the call for a process itself. The caller then purges each range by itself. */
static bool purge_batch(const struct neap_os_range *ranges, size_t count) {
#if defined(SYS_process_madvise)
    static bool absent;
    struct iovec vectors[RANGES_A_CALL];
    size_t bytes = 0;
    if (__atomic_load_n(&absent, __ATOMIC_RELAXED) || neap_os_filter_is_active())
        return false;
    for (size_t i = 0; i < count; i++) {
        vectors[i] = (struct iovec){ranges[i].address, ranges[i].bytes};
        bytes += ranges[i].bytes;
    }
    long done = syscall(SYS_process_madvise, PIDFD_OF_SELF, vectors, count, MADV_DONTNEED, 0);
    if (done >= 0 && (size_t)done == bytes)
        return true;
    if (done < 0 && errno != EINVAL && errno != ENOMEM && errno != EAGAIN)
        __atomic_store_n(&absent, true, __ATOMIC_RELAXED); /* the call fails, whatever the ranges */
    return false;
#else
    (void)ranges;
    (void)count;
    return false;
#endif
}

/* Memory locked by mlock stays in memory, but becomes zero as the caller expects. */
static void purge_range(const struct neap_os_range *range) {
    if (madvise(range->address, range->bytes, MADV_DONTNEED) != 0)
        memset(range->address, 0, range->bytes);
}

void neap_os_purge(const struct neap_os_range *ranges, size_t count) {
    for (size_t at = 0; at < count;) {
        size_t n = count - at < RANGES_A_CALL ? count - at : RANGES_A_CALL;
        if (n == 1 || !purge_batch(ranges + at, n)) {
            for (size_t i = at; i < at + n; i++)
                purge_range(&ranges[i]);
        }
        at += n;
    }
}

int neap_os_remap(void *from, size_t old_bytes, size_t bytes, void **to) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    void *moved = mremap(from, old_bytes, bytes, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        return errno == ENOMEM ? NEAP_ERROR_MEMORY : NEAP_ERROR_SYSTEM;
    *to = moved;
    return NEAP_OK;
}

int neap_os_wire_all(int flags) {
    return (int)syscall(SYS_mlockall, flags);
}

int neap_os_unwire_all(void) {
    return (int)syscall(SYS_munlockall);
}

bool neap_os_wires_future(int flags) {
    return (flags & MCL_FUTURE) != 0;
}

uint64_t neap_os_wire_limit_bytes(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur
                                                                                     : UINT64_MAX;
}

void neap_os_wire(void *address, size_t bytes) {
    (void)!mlock(address, bytes);
}

void neap_os_let_go(void *address, size_t bytes) {
    if (munlock(address, bytes) == 0)
        madvise(address, bytes, MADV_DONTNEED);
}

uint64_t neap_os_trim_libc(void) {
    static bool busy;
    if (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        return 0;
    uint64_t before = neap_os_resident_bytes();
    neap__os_c_library_trim();
    uint64_t after = neap_os_resident_bytes();
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return before > after ? before - after : 0;
}

void neap_os_forgo_huge_pages(void) {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}
