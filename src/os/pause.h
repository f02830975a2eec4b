/* os/pause.h: stops all threads of another process for a moment.
 *
 *     begin: /proc/PID/task --seize--> each thread --interrupt--> stopped
 *                  ^______________________________________|  until a look finds no new one
 *     end:   each thread goes on where it was (one that SIGSTOP had stopped stays stopped)
 *
 * The tracer is a thread that this module makes. It uses PTRACE_SEIZE, so the kernel
 * resumes the target if that thread ends, even by SIGKILL. The pause changes nothing in
 * the target: pending signals are delivered, and the kernel restarts interrupted system
 * calls (a few, like epoll_wait, return EINTR instead, as after any SIGCONT). A thread
 * that is busy inside the kernel (state D) counts as stopped, because it cannot return to
 * the program. Other processes that share the memory (between vfork and exec) are not
 * stopped. Any thread may call; one at a time for one pause.
 *
 * A target that is killed meanwhile ends at once, and its parent hears of it. If the parent is
 * this process, wait() may find that the tracer has taken the status (ECHILD).
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
 * process or it ends meanwhile; NEAP_ERROR_PERMISSION if the system refuses for 0.3 s, because another tracer
 * stays attached or for a lasting reason (os/refusal.h tells which; another user's process is refused at
 * once); NEAP_ERROR_TIMEOUT if a thread has not stopped after `timeout_ms`. On failure all threads go on. The
 * caller owns *pause. */
int neap_os_pause_begin(pid_t pid, uint32_t timeout_ms, neap_os_pause_t **pause);

/* The stopped threads. The array is valid until neap_os_pause_end. */
const struct neap_os_pause_thread *neap_os_pause_threads(const neap_os_pause_t *pause, size_t *count);

/* Resumes all threads and frees `pause`, which may be NULL. Returns the length of the pause in ns, from when
 * the first thread was stopped. */
uint64_t neap_os_pause_end(neap_os_pause_t *pause);

#endif
