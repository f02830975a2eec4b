/* os/world_refusal.c: /proc/thread-self before a try, /proc/self/task/TID after one. */
#include "os/world_refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/kernel_settings.h"
#include "os/proc.h"
#include "os/raw_call.h"

const char *neap_os_world_refusal_text(enum neap_os_world_refusal refusal) {
    static const char *const texts[NEAP_OS_WORLD_REFUSALS] = {
        [NEAP_OS_WORLD_FREE] = "nothing forbids it",
        [NEAP_OS_WORLD_FILTER] =
            "a filter of system calls (seccomp) is in force, which may end the process for a try",
        [NEAP_OS_WORLD_PROC] = "/proc is not mounted, or shows other process numbers than the process has",
        [NEAP_OS_WORLD_NAMESPACE] = "the next child of the process is to begin a process namespace (unshare)",
        [NEAP_OS_WORLD_TRACED] = "the process is traced, as by gdb or strace",
        [NEAP_OS_WORLD_UNDUMPABLE] = ("the process is not dumpable: it changed its user, has file "
                                      "capabilities, or wants it so (PR_SET_DUMPABLE)"),
        [NEAP_OS_WORLD_IDENTITY] = "the threads of the process differ in their user or their capabilities",
        [NEAP_OS_WORLD_PTRACE_SCOPE] = "kernel.yama.ptrace_scope forbids it",
        [NEAP_OS_WORLD_POLICY] = "a security policy of the system or the container forbids it",
        [NEAP_OS_WORLD_TASKS] = ("no task can be made: RLIMIT_NPROC or the control group's pids.max is "
                                 "reached, or memory is short"),
        [NEAP_OS_WORLD_THREADS] = "the process has too many threads",
        [NEAP_OS_WORLD_STREAMS] = "standard input, output or error is closed, and Neap would open files",
        [NEAP_OS_WORLD_KERNEL] = "the kernel or emulator cannot trace processes",
    };
    return (unsigned)refusal < NEAP_OS_WORLD_REFUSALS ? texts[refusal] : "it is not known";
}

/* --- before a try -------------------------------------------------------- */

/* Whether the thread's number, as /proc has it, is its number in one namespace only, and the one it
   knows itself by. */
static bool numbers_agree(const char *status) {
    const char *text = neap__os_status_field(status, "\nNSpid:");
    char *end;
    return text && strtol(text, &end, 10) == neap__os_raw_call(SYS_gettid, 0, 0, 0, 0, 0) && *end == '\n';
}

/* Whether a child would have numbers of the same namespace. One that no child has begun yet cannot be read.
 */
static bool children_stay(void) {
    char own[48], children[48];
    ssize_t length = readlink("/proc/thread-self/ns/pid", own, sizeof(own));
    if (length < 0)
        return true; /* a kernel without such namespaces */
    return readlink("/proc/thread-self/ns/pid_for_children", children, sizeof(children)) == length &&
           memcmp(own, children, (size_t)length) == 0;
}

enum neap_os_world_refusal neap__os_world_refusal_ahead(bool despite_filter) {
    char status[NEAP__OS_STATUS_BYTES];
    if (!neap__os_text_read("/proc/thread-self/status", status, sizeof(status)) || !numbers_agree(status))
        return NEAP_OS_WORLD_PROC;
    if (neap__os_status_number(status, "\nSeccomp:", 10) != 0 && !despite_filter)
        return NEAP_OS_WORLD_FILTER;
    if (neap__os_status_number(status, "\nTracerPid:", 10) != 0)
        return NEAP_OS_WORLD_TRACED;
    return children_stay() ? NEAP_OS_WORLD_FREE : NEAP_OS_WORLD_NAMESPACE;
}

/* --- after one ----------------------------------------------------------- */

/* Whether all ids of a line (real, effective, saved) are `id`. */
static bool ids_are(const char *status, const char *key, unsigned long id) {
    const char *at = neap__os_status_field(status, key);
    for (int i = 0; at && i < 3; i++) {
        char *end;
        if (strtoul(at, &end, 10) != id)
            return false;
        at = end;
    }
    return true;
}

/* As the kernel holds a tracer's real ids and capabilities against what it would trace. */
static bool is_alike(const char *status) {
    char own[NEAP__OS_STATUS_BYTES];
    if (!neap__os_text_read("/proc/thread-self/status", own, sizeof(own)))
        return true;
    unsigned long long permitted = neap__os_status_number(own, "\nCapPrm:", 16),
                       theirs = neap__os_status_number(status, "\nCapPrm:", 16);
    return ids_are(status, "\nUid:", getuid()) && ids_are(status, "\nGid:", getgid()) &&
           (theirs & ~permitted) == 0;
}

enum neap_os_world_refusal neap__os_world_refusal_of(pid_t tid) {
    char path[48], status[NEAP__OS_STATUS_BYTES];
    struct neap_os_kernel_settings settings;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
    if (!neap__os_text_read(path, status, sizeof(status)))
        return NEAP_OS_WORLD_POLICY;
    if (neap__os_status_number(status, "\nTracerPid:", 10) != 0)
        return NEAP_OS_WORLD_TRACED;
    if (!is_alike(status))
        return NEAP_OS_WORLD_IDENTITY;
    neap_os_kernel_settings_read(&settings);
    if (settings.ptrace_scope < 3 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1) /* 3 forbids it to all */
        return NEAP_OS_WORLD_UNDUMPABLE;
    return settings.ptrace_scope > 0 ? NEAP_OS_WORLD_PTRACE_SCOPE : NEAP_OS_WORLD_POLICY;
}
