/* os/thread.h: a lock and a bell.
 *
 * The lock is a futex word: 0 free, 1 taken, 2 taken and waited for. A bell is
 * what a helper thread sleeps on; it can be rung from this process (any
 * thread) and through a shared mapping of a file from another process that
 * maps the same file. No descriptor stays open for it.
 */
#ifndef NEAP_OS_THREAD_H
#define NEAP_OS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/error.h>

struct neap_os_lock {
    uint32_t word;
};

void neap_os_lock_slow(struct neap_os_lock *lock);
void neap_os_unlock_slow(struct neap_os_lock *lock);

static inline void neap_os_lock(struct neap_os_lock *lock) {
    uint32_t expected = 0;
    if (!__atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        neap_os_lock_slow(lock);
}

static inline void neap_os_unlock(struct neap_os_lock *lock) {
    if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
        neap_os_unlock_slow(lock);
}

/* Whether somebody waits for a lock that the caller holds. */
static inline bool neap_os_lock_contended(const struct neap_os_lock *lock) {
    return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 2;
}

struct neap_os_bell {
    uint32_t rung;        /* counts; what the sleeper has seen of it is its own business */
    const uint32_t *door; /* in the file's mapping, or NULL: then only this process can ring */
};

/* Prepares `bell`. `file` (any readable file of at least a page; its bytes stay
 * as they are) is where another process rings; NULL, or a file that cannot be
 * mapped, leaves the bell without a door. The file must outlive neither call.
 * After fork the child opens its own, for the door goes by process. */
void neap_os_bell_open(struct neap_os_bell *bell, const char *file);
void neap_os_bell_close(struct neap_os_bell *bell);

/* Wakes the sleeper; never lost, also between its look and its sleep. */
void neap_os_bell_ring(struct neap_os_bell *bell);

/* Rings the door of process `pid` from outside. It wakes a sleeper and no more:
 * the caller rings again until it sees its request answered. Returns
 * NEAP_ERROR_ABSENT if `file` cannot be mapped. */
int neap_os_bell_ring_process(const char *file, int pid);

/* Sleeps until `bell` is rung after `seen` was read from bell->rung, a process
 * rings the door, or `ms` milliseconds have passed (0: no limit). May return
 * early. */
void neap_os_bell_wait(struct neap_os_bell *bell, uint32_t seen, uint32_t ms);

#endif
