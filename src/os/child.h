/* os/child.h: starts child processes, waits for them and reaps them.
 *
 * A child begins a session of its own. So its group can be signalled as one, and the
 * terminal's Ctrl-C reaches only this process. If this process dies, the child gets SIGTERM.
 *
 *     start --> (runs) --> await: ended --> reap: its ending, and the pid is free
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
    char *const *argv;              /* argv[0] is looked up on PATH; NULL ends the array */
    const char *const *environment; /* changes: "NAME=value" sets, "NAME" unsets; NULL ends it; may be NULL */
    int output, errors;             /* descriptors for its standard streams; -1 for /dev/null */
};

struct neap_os_ending {
    pid_t pid;
    int status;          /* exit status; 0 if a signal ended it */
    int signal;          /* the signal that ended it; 0 if it exited */
    uint64_t cpu_ns;     /* user and system time, with those of all descendants that it waited for */
    uint64_t peak_bytes; /* the largest resident memory of one of these processes */
};

/* Starts a command, with /dev/null as standard input. Returns 0; NEAP_ERROR_ABSENT if there is no such
 * program, _PERMISSION if it may not be executed, _MEMORY or _SYSTEM. errno tells more. */
int neap_os_child_start(const struct neap_os_command *command, pid_t *pid);

/* Sleeps until one of `pids` (at most 8) has ended, a signal has arrived, or neap_os_now_ns has reached
 * `until_ns`. Ended children are not reaped. It may return early. */
void neap_os_child_await(const pid_t *pids, size_t count, uint64_t until_ns);

/* Reaps a child that has ended; with pid -1, any. Returns 0; NEAP_ERROR_TIMEOUT if none has ended yet;
 * NEAP_ERROR_PROCESS if there is no such child. */
int neap_os_child_reap(pid_t pid, struct neap_os_ending *ending);

/* From now on, orphans among the descendants of this process become its children. Returns 0 or
 * NEAP_ERROR_SYSTEM. */
int neap_os_child_adopt_orphans(void);

#endif
