/* os/privilege.c: setresuid, capset, no_new_privs. */
#include "os/privilege.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
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

static void capabilities_drop(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    syscall(SYS_capset, &header, none);
}

void neap_os_privilege_drop(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (geteuid() == 0 && !NEAP_OS_SANITIZED)
        user_change();
    capabilities_drop();
}

bool neap_os_privilege_is_root(void) {
    return geteuid() == 0;
}

bool neap_os_user_find(const char *name, unsigned *user, unsigned *group) {
    FILE *list = fopen("/etc/passwd", "re");
    const struct passwd *entry = NULL;
    while (list && (entry = fgetpwent(list)) && strcmp(entry->pw_name, name) != 0)
        ;
    if (entry) {
        *user = entry->pw_uid;
        *group = entry->pw_gid;
    }
    if (list)
        fclose(list);
    return entry != NULL;
}

int neap_os_privilege_become(unsigned user, unsigned group) {
    if (geteuid() != 0)
        return NEAP_ERROR_PERMISSION;
    if (setgroups(0, NULL) != 0 || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0)
        return NEAP_ERROR_SYSTEM;
    return NEAP_OK;
}
