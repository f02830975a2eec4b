/* os/world_refusal.h: why the threads of this process cannot be stopped from within.
 *
 *     asked before each stop (20 us):  filter, proc, namespace, traced
 *     told by a stop that was refused: all others, by what /proc shows afterwards
 *
 * The first are asked ahead because a try would do harm: a filter may end the process, a task in a
 * new namespace of process numbers would be that namespace's first process and take it along, and a
 * debugger could make the caller run while it is to sleep. Any thread.
 */
#ifndef NEAP_OS_WORLD_REFUSAL_H
#define NEAP_OS_WORLD_REFUSAL_H

#include <stdbool.h>
#include <sys/types.h>

enum neap_os_world_refusal {
    NEAP_OS_WORLD_FREE,         /* none is known */
    NEAP_OS_WORLD_FILTER,       /* seccomp */
    NEAP_OS_WORLD_PROC,         /* no /proc, or one with other process numbers */
    NEAP_OS_WORLD_NAMESPACE,    /* the next child would begin a namespace of process numbers */
    NEAP_OS_WORLD_TRACED,       /* gdb, strace ...; may pass */
    NEAP_OS_WORLD_UNDUMPABLE,   /* PR_SET_DUMPABLE, set-user-id, file capabilities; may pass */
    NEAP_OS_WORLD_IDENTITY,     /* a thread's user or capabilities are not the caller's; may pass */
    NEAP_OS_WORLD_PTRACE_SCOPE, /* Yama */
    NEAP_OS_WORLD_POLICY,       /* SELinux, AppArmor ...: whatever refuses and is not named above */
    NEAP_OS_WORLD_TASKS,        /* RLIMIT_NPROC, pids.max, no memory for a task; may pass */
    NEAP_OS_WORLD_THREADS,      /* more than NEAP_OS_WORLD_THREADS_MAX; may pass */
    NEAP_OS_WORLD_STREAMS,      /* a standard stream is closed (os/descriptor.h); may pass */
    NEAP_OS_WORLD_KERNEL,       /* the call is not there: an emulator, a kernel without ptrace */
    NEAP_OS_WORLD_REFUSALS
};

/* One phrase for a user, static: what follows "memory is not shared between pages, because". */
const char *neap_os_world_refusal_text(enum neap_os_world_refusal refusal);

/* What forbids to try. */
enum neap_os_world_refusal neap__os_world_refusal_ahead(bool despite_filter);

/* Why PTRACE_SEIZE of the thread `tid` of this process was not permitted. */
enum neap_os_world_refusal neap__os_world_refusal_of(pid_t tid);

#endif
