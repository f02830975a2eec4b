/* os/process_threads.h: what /proc tells about the threads of a process, which are not stopped. Any thread.
 */
#ifndef NEAP_OS_PROCESS_THREADS_H
#define NEAP_OS_PROCESS_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

struct neap_os_process_thread {
    pid_t tid;
    char name[16];
    uint64_t stack_pointer; /* of a thread that waits in the kernel; 0 if it runs or /proc does not tell */
};

/* Calls `visit` for each thread, in no particular order, until it returns false. Returns 0 or a negative
 * enum neap_error: NEAP_ERROR_PROCESS, _PERMISSION. */
int neap_os_process_threads_visit(pid_t pid,
                                  bool (*visit)(void *context, const struct neap_os_process_thread *thread),
                                  void *context);

#endif
