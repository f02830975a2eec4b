/* os/thread.h: a lock and a wakeup.
 *
 * The lock is a futex word: 0 = free, 1 = taken, 2 = taken and waited for. A helper thread sleeps on a
 * wakeup. Any thread of this process can post one. Another process can post one too, through the
 * wakeup page: the first page of a file that both map. No descriptor stays open for it.
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

/* Whether a thread waits for a lock that the caller holds. */
static inline bool neap_os_lock_contended(const struct neap_os_lock *lock) {
    return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 2;
}

struct neap_os_wakeup {
    uint32_t count; /* of wakeups posted in this process; the sleeper keeps the last value it saw */
    const uint32_t
        *page; /* the process's word in the wakeup page, or NULL: then only this process can post */
};

/* Prepares `wakeup`. The first page of `file` (any readable file of at least a page; its bytes stay as
 * they are) is the wakeup page, through which another process can post. With NULL, or a file that
 * cannot be mapped, only this process can. The file need not exist after the call. After a fork the
 * child opens its own: the word in the page depends on the process id. */
void neap_os_wakeup_open(struct neap_os_wakeup *wakeup, const char *file);
void neap_os_wakeup_close(struct neap_os_wakeup *wakeup);

/* Wakes the sleeper. A wakeup posted between its look at `count` and its sleep is not lost. */
void neap_os_wakeup_post(struct neap_os_wakeup *wakeup);

/* The wakeup page of `file`, to post from outside. Opened once: what takes the file's name later is not
 * opened. NULL if the file cannot be mapped. The caller closes it. */
const uint32_t *neap_os_wakeup_page_open(const char *file);
void neap_os_wakeup_page_close(const uint32_t *page); /* NULL: nothing */

/* Posts to process `pid`, as it sees its own number, through the page. It wakes a sleeper and no more: the
 * caller posts again until it sees its request answered. */
void neap_os_wakeup_page_post(const uint32_t *page, int pid);

/* Sleeps until a wakeup is posted after `seen` was read from wakeup->count, a process posts through the
 * page, or `ms` milliseconds have passed (0: no limit). May return early. */
void neap_os_wakeup_wait(struct neap_os_wakeup *wakeup, uint32_t seen, uint32_t ms);

#endif
