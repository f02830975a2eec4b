/* os/worker.h: a part of this program that runs in a process of its own, and texts that it hands back.
 *
 *   begin ──fork──> worker: does the work, sends texts, ends
 *     │                          │ pipe
 *     └─────── owner: receives until the worker closes the pipe by ending ──> end: how it ended
 *
 * The worker can give up its rights (os/privilege.h, os/system_call_filter.h) while its owner keeps what it
 * needs to write files. The owner believes nothing that it receives: bytes are bytes. The worker is killed
 * when its owner dies. Main thread, and no other thread may run at `begin`.
 */
#ifndef NEAP_OS_WORKER_H
#define NEAP_OS_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <neap/error.h>

struct neap_os_worker {
    pid_t pid; /* 0 in the worker itself */
    int pipe;  /* the end that this side has */
};

struct neap_os_worker_ending {
    int status; /* exit status, if no signal ended it */
    int signal; /* 0: it exited */
};

/* Starts a worker, which begins by returning from this call as well. NEAP_ERROR_MEMORY where there can be no
 * further process, NEAP_ERROR_SYSTEM (errno tells). Streams of stdio must be flushed. */
int neap_os_worker_begin(struct neap_os_worker *worker);

/* In the worker: all of it, or false if the owner does not listen. */
bool neap_os_worker_send(const struct neap_os_worker *worker, const void *bytes, size_t count);

/* In the owner: exactly `count` bytes, or false if the worker ends before. */
bool neap_os_worker_receive(const struct neap_os_worker *worker, void *bytes, size_t count);

/* In the owner: waits for the worker's end. */
struct neap_os_worker_ending neap_os_worker_end(struct neap_os_worker *worker);

/* Ends this process by `signal`, as the signal itself does by default. Returns if it does not end a process.
 */
void neap_os_worker_end_likewise(int signal);

#endif
