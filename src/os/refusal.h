/* os/refusal.h: why the system does not let another process be read or stopped. Any thread. */
#ifndef NEAP_OS_REFUSAL_H
#define NEAP_OS_REFUSAL_H

#include <sys/types.h>

enum neap_os_refusal {
    NEAP_OS_REFUSAL_USER,         /* the process belongs to another user */
    NEAP_OS_REFUSAL_TRACED,       /* another tracer has it: gdb, strace ... */
    NEAP_OS_REFUSAL_PTRACE_SCOPE, /* the same user's, but kernel.yama.ptrace_scope forbids it */
    NEAP_OS_REFUSAL_PRIVILEGE,    /* the same user's, but set-user-id, undumpable or under a container's
                                     policy */
};

/* After NEAP_ERROR_PERMISSION: why, as far as the system tells. */
enum neap_os_refusal neap_os_refusal_cause(pid_t pid);

/* The process that traces a thread of `pid`; 0 if none does, or if it is outside of our process namespace. */
pid_t neap_os_tracer(pid_t pid);

#endif
