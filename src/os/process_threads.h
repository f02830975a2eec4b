/* os/process_threads.h: the threads of a process, as far as /proc tells without stopping them. Any thread. */
#ifndef NEAP_OS_PROCESS_THREADS_H
#define NEAP_OS_PROCESS_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

struct neap_os_process_thread {
    pid_t tid;
    char name[16];
    uint64_t stack_pointer; /* of one that waits in the kernel; 0: it runs, or it is not told */
};

/* Calls `visit` for each, in no order, until it returns false. NEAP_ERROR_PROCESS, _PERMISSION. */
int neap_os_process_threads_visit(pid_t pid,
                                  bool (*visit)(void *context, const struct neap_os_process_thread *thread),
                                  void *context);

#endif
