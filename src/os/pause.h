/* os/pause.h: another process held still, all its threads, for a moment.
 *
 *     begin: /proc/PID/task --seize--> each thread --interrupt--> stopped
 *                  ^______________________________________|  until a look finds no new one
 *     end:   each thread goes on where it was (one that SIGSTOP had stopped stays stopped)
 *
 * A thread of ours is the tracer, by PTRACE_SEIZE: the kernel lets the target go
 * when that thread ends, however it ends, SIGKILL included. Nothing is left in the
 * target: pending signals are delivered, and an interrupted system call is begun
 * again by the kernel (the few that are not, like epoll_wait, return EINTR, as
 * after any SIGCONT). A thread that is busy inside the kernel (state D) counts as
 * stopped: it cannot get back into the program. Other processes that share the
 * memory (fork before exec) are not stopped. Any thread may call; one at a time
 * for one pause.
 */
#ifndef NEAP_OS_PAUSE_H
#define NEAP_OS_PAUSE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

typedef struct neap_os_pause neap_os_pause_t;

struct neap_os_pause_thread {
    pid_t tid;
    uint64_t stack_pointer;  /* 0: not known */
    uint64_t thread_pointer; /* the thread's own control block (TLS), 0: not known */
};

/* Stops all threads of `pid`, which is not this process. NEAP_ERROR_PROCESS if there is no such
 * process or it ends meanwhile; NEAP_ERROR_PERMISSION (neap_os_refusal_cause tells why; one that
 * is traced already is refused too); NEAP_ERROR_TIMEOUT if a thread is not still after
 * `timeout_ms`. On failure all go on. The caller owns *pause. */
int neap_os_pause_begin(pid_t pid, uint32_t timeout_ms, neap_os_pause_t **pause);

/* The threads that are held, good until the end. */
const struct neap_os_pause_thread *neap_os_pause_threads(const neap_os_pause_t *pause, size_t *count);

/* Lets all go and frees `pause` (NULL: nothing). Returns how long the first thread stood still, ns. */
uint64_t neap_os_pause_end(neap_os_pause_t *pause);

#endif
