/* os/privilege.c: setresuid, capset, no_new_privs. */
#include "os/privilege.h"

#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sanitizer.h"

enum { NOBODY = 65534 };

static void user_change(void) {
    int signal_at_end = 0; /* a change of user takes it back */
    prctl(PR_GET_PDEATHSIG, &signal_at_end);
    prctl(PR_SET_KEEPCAPS, 1); /* they go one by one, below */
    /* The groups first: without its uid, a process may not change them. */
    if (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0)
        (void)!setresuid(NOBODY, NOBODY, NOBODY);
    prctl(PR_SET_KEEPCAPS, 0);
    if (signal_at_end != 0)
        prctl(PR_SET_PDEATHSIG, signal_at_end);
}

static void capabilities_drop(bool keep_tracing) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const uint32_t tracing = CAP_TO_MASK(CAP_SYS_PTRACE);
    if (keep_tracing && syscall(SYS_capget, &header, data) != 0)
        return;
    const uint32_t kept = keep_tracing ? data[CAP_TO_INDEX(CAP_SYS_PTRACE)].permitted & tracing : 0;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        data[i] = (struct __user_cap_data_struct){0};
    data[CAP_TO_INDEX(CAP_SYS_PTRACE)] =
        (struct __user_cap_data_struct){.effective = kept, .permitted = kept};
    header.version = _LINUX_CAPABILITY_VERSION_3;
    syscall(SYS_capset, &header, data);
}

void neap_os_privilege_drop(bool keep_tracing) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (geteuid() == 0 && !NEAP_OS_SANITIZED)
        user_change();
    capabilities_drop(keep_tracing);
}
