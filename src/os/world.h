/* os/world.h: all other threads of this process held still while one function runs.
 *
 *     the caller                       the stopper, a task in the same memory
 *     clone ----------------------->   lists, seizes, interrupts all threads but the caller
 *     sleeps in wait4,                 waits until each is in ptrace-stop; lists again
 *     all signals blocked              act(context)
 *        <-------------------------    ends; the kernel lets all threads go
 *
 * The stopper lets go of nothing itself: it ends. So what happens when it is killed is what
 * always happens. A thread that does not stop within the bound (state D: it waits for a disk, or for
 * a vfork child) makes the stop be given up. Unlike in os/pause.h it does not count as still:
 * the kernel may have its pages pinned and write into them.
 *
 * What a program notices stands at neap_os_world_stop. What is not held: other processes in this
 * memory (a vfork child whose parent is no thread of ours), and what the kernel writes without a
 * thread: native aio, io_uring, RDMA. A page that may be pinned for those is not to be moved.
 */
#ifndef NEAP_OS_WORLD_H
#define NEAP_OS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/error.h>

#include "os/world_refusal.h"

enum { NEAP_OS_WORLD_STACK_BYTES = 64 * 1024, NEAP_OS_WORLD_THREADS_MAX = 4096 };

struct neap_os_world {
    void *memory;                       /* the stopper's stack and list of threads; NULL: closed */
    bool only_waiting;                  /* stops only when all threads wait, as below; set after opening */
    bool despite_filter;                /* tries although a filter of system calls is in force */
    bool names_tracer;                  /* Yama wants to be told who traces (PR_SET_PTRACER) */
    enum neap_os_world_refusal refusal; /* of the last try */
};

/* Of one stop. */
struct neap_os_world_figures {
    uint64_t stopped_ns; /* from the first interrupt to the end of act; all go 1 to 3 us a thread later */
    uint32_t threads;    /* that were stopped */
};

/* Maps what the stopper needs, once. `despite_filter`: only where the user says that the filter
 * permits clone and ptrace; one that does not may end the process. NEAP_ERROR_MEMORY. A forked child
 * may go on with the parent's. */
int neap_os_world_open(struct neap_os_world *world, bool despite_filter);
void neap_os_world_close(struct neap_os_world *world);

/* Whether the world could be stopped now: seizes the caller alone, and disturbs no other thread.
 * Costs about 0.1 ms. Also leaves its answer in world->refusal. */
enum neap_os_world_refusal neap_os_world_try(struct neap_os_world *world);

/* Stops all other threads of this process, calls act(context), and lets them go. `bound_us`: from
 * the first instruction of the stopper to the last stop, at most; so no thread stands still for longer
 * than that and act. One at a time in a process; the caller sees to it.
 *
 * NEAP_OK: act has returned. *figures is set then, if not NULL.
 * NEAP_ERROR_TIMEOUT: not all were still in time, or the stopper was killed before. act was not called.
 * NEAP_ERROR_PERMISSION: world->refusal says why. act was not called.
 * NEAP_ERROR_PROCESS: the stopper was killed while act ran. What act has done is done, the rest is not,
 * and the program goes on with that.
 *
 * act runs in the stopper, on a stack of NEAP_OS_WORLD_STACK_BYTES. To user space it is the caller: errno
 * and thread-local variables are the caller's. To the kernel it is another process. Any lock may be
 * held by a stopped thread: act takes none, allocates nothing, and waits for no one. It makes system calls
 * and moves bytes. It has no bound but its own.
 *
 * Because of NEAP_ERROR_PROCESS, after each of act's instructions the memory must be good for the program
 * to go on with, and the caller must be able to tell what was done: act notes what it is about to do, and
 * makes each change by one system call or one store. If act faults, only the stopper dies from
 * Linux 5.17 on, and before that the whole process.
 *
 * What the program may notice:
 * - It has one more child for a moment. The end of that sends no signal, and only a wait for any child
 *   with __WALL or __WCLONE sees it; that one may get its number. RUSAGE_CHILDREN counts it: its time,
 *   and as its peak the process's own.
 * - A system call that sleeps goes on. One that has moved a part of its bytes returns that part. Without a
 *   signal handler a program has never seen that, and may lose the rest. With `only_waiting` nothing is
 *   stopped before all threads wait in calls that go on (/proc/PID/task/TID/syscall). What is left is
 *   a thread that begins another call in the microseconds until it is interrupted.
 * - Calls that the kernel does not begin again even after SIGCONT (signal(7)) return EINTR:
 *   epoll_wait, semop, sigtimedwait, io_getevents, and calls on a socket with SO_RCVTIMEO or SO_SNDTIMEO.
 * - Where Yama's scope is 1 and the process has no CAP_SYS_PTRACE, a tracer that the program had named by
 *   PR_SET_PTRACER is forgotten: the kernel cannot be asked for it.
 * - A tracer that attaches meanwhile is refused.
 * - Execution of another program (exec) in the middle of a stop leaves that program a dead child. */
int neap_os_world_stop(struct neap_os_world *world, uint32_t bound_us, void (*act)(void *context),
                       void *context, struct neap_os_world_figures *figures);

#endif
