/* os/futex.c: the futex call, for words that are not part of a lock. */
#include "os/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool neap_os_futex_wait(const uint32_t *word, uint32_t seen, uint32_t ms, bool shared) {
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    int wait = shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;
    return syscall(SYS_futex, word, wait, seen, ms != 0 ? &span : NULL, NULL, 0) == 0 || errno != EINTR;
}

void neap_os_futex_wake(const uint32_t *word, bool shared) {
    syscall(SYS_futex, word, shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}
