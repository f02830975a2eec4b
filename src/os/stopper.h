/* os/stopper.h: the task that stops the threads of its parent, see os/world.h.
 *
 *     BEGUN --seized none, or only some--> REFUSED
 *       |---all are still---> ACTING ---act returned---> DONE
 *       '---killed: by its timer, by whoever it is, or because the caller died
 *
 * The phase is what the caller goes by when the task has ended, however it has. The task never
 * lets a thread go and never collects what waitid tells (WNOWAIT): the kernel does both when it
 * ends, and a signal that a thread was about to get is still the thread's then.
 */
#ifndef NEAP_OS_STOPPER_H
#define NEAP_OS_STOPPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum neap__os_stopper_phase {
    NEAP__OS_STOPPER_BEGUN,
    NEAP__OS_STOPPER_REFUSED,
    NEAP__OS_STOPPER_ACTING,
    NEAP__OS_STOPPER_DONE,
};

struct neap__os_stopper_hold {
    pid_t tid;
    bool ended; /* has no memory any more: a main thread that ended before the others */
};

/* An open /proc/PID/task. All threads share the table of descriptors, and one of them may close what it did
 * not open, and open another. */
struct neap__os_stopper_folder {
    uint64_t mark;    /* tells it from other folders; 0: it cannot be asked */
    uint32_t threads; /* as the kernel counts them, those that have ended and are not collected too */
};

struct neap__os_stopper {
    /* What the caller says. */
    void (*act)(void *context); /* NULL: seize the caller alone, and end */
    void *context;
    pid_t process, caller; /* and its thread, which sleeps */
    int folder;            /* its /proc/self/task */
    struct neap__os_stopper_folder opened;
    uint32_t bound_us; /* from the task's first instruction to the last thread's stop */
    bool only_waiting; /* stop nothing before all wait in a call that goes on as if nothing had been */
    uint32_t go;       /* a futex: 0 until the task may begin */
    struct neap__os_stopper_hold *holds;
    uint32_t room;
    /* What the task says. */
    uint32_t phase; /* enum neap__os_stopper_phase */
    int refusal;    /* REFUSED: the error number of a seizing, E2BIG for more threads than room */
    pid_t refused;  /* and of which thread */
    uint32_t count; /* of holds */
    uint64_t begin_ns, end_ns;
};

struct neap__os_stopper_folder neap__os_stopper_folder_ask(int folder);

/* The task's main function, for clone; its argument is the stopper. */
int neap__os_stopper_run(void *argument);

#endif
