/* os/child.h: processes that this one starts, waits for and ends.
 *
 * A child begins a session of its own, so that its group can be signalled as
 * one and the terminal's Ctrl-C reaches only us; it gets SIGTERM if we die.
 *
 *     start --> (runs) --> await: ended --> reap: its ending, the pid is free
 *
 * The thread that starts a child must live as long as the child. Calls on
 * different children may come from any thread.
 */
#ifndef NEAP_OS_CHILD_H
#define NEAP_OS_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

struct neap_os_command {
    char *const *argv;              /* argv[0] is looked for on PATH; NULL ends it */
    const char *const *environment; /* changes: "NAME=value" sets, "NAME" unsets; NULL ends it; may be NULL */
    int output, errors;             /* descriptors for its standard streams; -1: /dev/null */
};

struct neap_os_ending {
    pid_t pid;
    int status;          /* exit status; 0 if a signal ended it */
    int signal;          /* what ended it, 0 if it exited */
    uint64_t cpu_ns;     /* user and system time, with all descendants it waited for */
    uint64_t peak_bytes; /* the most that was resident in one process of these */
};

/* Starts a command; standard input is /dev/null. NEAP_ERROR_ABSENT: there is no
 * such program; NEAP_ERROR_PERMISSION: it may not be executed; errno tells. */
int neap_os_child_start(const struct neap_os_command *command, pid_t *pid);

/* Sleeps until one of `pids` has ended, a signal arrived, or the time
 * `until_ns` of neap_os_now_ns has come. Ended children are not reaped. */
void neap_os_child_await(const pid_t *pids, size_t count, uint64_t until_ns);

/* Takes the ending of a child (pid -1: of any). NEAP_ERROR_TIMEOUT: none has
 * ended yet; NEAP_ERROR_PROCESS: there is no such child. */
int neap_os_child_reap(pid_t pid, struct neap_os_ending *ending);

/* Has orphans among our descendants become our children from now on. */
int neap_os_child_adopt_orphans(void);

#endif
