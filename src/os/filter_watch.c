/* os/filter_watch.c: PR_GET_SECCOMP, and what was seen before. */
#include "os/filter_watch.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/raw_call.h"

enum state { UNWATCHED, NONE, INHERITED, OWN };

static enum state state;

static enum state state_now(void) {
    return __atomic_load_n(&state, __ATOMIC_RELAXED);
}

/* Negative where the kernel has no filters, or where the filter refuses the question. */
static bool thread_has_filter(void) {
    long answer = neap__os_raw_call(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
    return answer > 0 || answer == -EPERM || answer == -EACCES || answer == -ENOSYS;
}

void neap_os_filter_watch(void) {
    __atomic_store_n(&state, thread_has_filter() ? INHERITED : NONE, __ATOMIC_RELAXED);
}

void neap_os_filter_foreseen(void) {
    __atomic_store_n(&state, OWN, __ATOMIC_RELAXED);
}

bool neap_os_filter_is_active(void) {
    enum state now = state_now();
    if (now == INHERITED || now == OWN)
        return true;
    bool active = thread_has_filter();
    if (active && now == NONE)
        neap_os_filter_foreseen();
    return active;
}

bool neap_os_filter_is_own(void) {
    return state_now() == OWN || (state_now() == NONE && neap_os_filter_is_active());
}

int neap_os_prctl(int request, const unsigned long words[NEAP_OS_PRCTL_WORDS]) {
    return (int)syscall(SYS_prctl, request, words[0], words[1], words[2], words[3]);
}

bool neap_os_prctl_confines(int request) {
    return request == PR_SET_SECCOMP || request == PR_SET_NO_NEW_PRIVS;
}
