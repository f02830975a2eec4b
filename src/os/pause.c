/* os/pause.c: PTRACE_SEIZE and PTRACE_INTERRUPT, by a thread of its own. */
#include "os/pause.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/process_info.h"
#include "os/refusal.h"
#include "os/thread_registers.h"

#define REFUSED_NS_MOST (300 * UINT64_C(1000000)) /* a refusal that may pass is believed after so long */

enum {
    POLL_NS_LEAST = 10 * 1000,
    POLL_NS_MOST = 1000 * 1000,
    NAP_NS_LEAST = 500 * 1000, /* after a refusal that may pass */
    NAP_NS_MOST = 10 * 1000 * 1000,
    BUSY_AFTER_NS =
        2 * 1000 * 1000, /* after so long it is worth asking whether a thread is inside the kernel */
    COLLECT_MS = 50      /* so often it is looked whether the target was killed */
};

enum hold_state {
    HOLD_ASKED, /* seized and interrupted, has not been seen to stop */
    HOLD_BUSY,  /* inside the kernel: will stop on its way back */
    HOLD_STILL,
    HOLD_GONE,
};

struct hold {
    enum hold_state state;
    int signal; /* that it was about to get: given to it at the end */
};

struct neap_os_pause {
    pid_t pid;
    uint64_t give_up_ns;
    pthread_t tracer;
    sem_t held, finish;
    int result;
    uint64_t begin_ns, end_ns;
    struct hold *holds; /* as many as threads */
    struct neap_os_pause_thread *threads;
    size_t count, room;
};

/* The letter of /proc/PID/task/TID/stat, '\0' if the thread is no more. */
static char thread_state(pid_t pid, pid_t tid) {
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return '\0';
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *name_end = strrchr(text, ')'); /* the name before it may hold anything */
    return name_end && name_end[1] == ' ' ? name_end[2] : '\0';
}

static bool state_ended(char state) {
    return state == '\0' || state == 'Z' || state == 'X';
}

/* --- taking hold --------------------------------------------------------- */

static bool is_held(const struct neap_os_pause *pause, pid_t tid) {
    for (size_t i = 0; i < pause->count; i++)
        if (pause->threads[i].tid == tid && pause->holds[i].state != HOLD_GONE)
            return true;
    return false;
}

static int room_make(struct neap_os_pause *pause) {
    if (pause->count < pause->room)
        return NEAP_OK;
    size_t room = pause->room ? pause->room * 2 : 64;
    struct hold *holds = realloc(pause->holds, room * sizeof(*holds));
    if (holds)
        pause->holds = holds;
    struct neap_os_pause_thread *threads = realloc(pause->threads, room * sizeof(*threads));
    if (threads)
        pause->threads = threads;
    if (!holds || !threads)
        return NEAP_ERROR_MEMORY;
    pause->room = room;
    return NEAP_OK;
}

/* Asks what has become of a thread; info->si_pid is 0 if nothing has so far. False if it is not ours to ask
 * for. */
static bool thread_ask(pid_t tid, int options, siginfo_t *info) {
    int result;
    do {
        info->si_pid = 0;
        result =
            waitid(P_PID, (id_t)tid, info, WEXITED | WSTOPPED | WNOHANG | __WALL | __WNOTHREAD | options);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Whether this thread traces `tid` already, because a seized thread has made it. */
static bool is_ours(pid_t tid) {
    siginfo_t info;
    return thread_ask(tid, WNOWAIT, &info);
}

/* Seizes and interrupts a thread, unless it has ended since it was listed. A seized thread that is inside
   clone() can still make a thread. PTRACE_O_TRACECLONE makes the kernel seize that one before it runs. */
static int thread_seize(struct neap_os_pause *pause, pid_t tid) {
    int error = room_make(pause);
    if (error != NEAP_OK)
        return error;
    if (pause->begin_ns == 0)
        pause->begin_ns = neap_os_now_ns();
    if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)(uintptr_t)PTRACE_O_TRACECLONE) != 0) {
        int refusal = errno;
        if (refusal == ESRCH || state_ended(thread_state(pause->pid, tid)))
            return NEAP_OK;
        if (refusal != EPERM && refusal != EACCES)
            return NEAP_ERROR_SYSTEM;
        if (!is_ours(tid))
            return NEAP_ERROR_PERMISSION;
    }
    pause->threads[pause->count] = (struct neap_os_pause_thread){.tid = tid};
    pause->holds[pause->count++] = (struct hold){.state = HOLD_ASKED};
    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL); /* fails for one that has just ended only */
    return NEAP_OK;
}

static int threads_seize(struct neap_os_pause *pause) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pause->pid);
    DIR *folder = opendir(path);
    if (!folder)
        return errno == EACCES || errno == EPERM ? NEAP_ERROR_PERMISSION : NEAP_ERROR_PROCESS;
    int error = NEAP_OK;
    const struct dirent *entry;
    while (error == NEAP_OK && (entry = readdir(folder))) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (isdigit((unsigned char)entry->d_name[0]) && !is_held(pause, tid))
            error = thread_seize(pause, tid);
    }
    closedir(folder);
    return error;
}

/* Looks whether a thread has stopped or ended. WNOWAIT leaves the signal that it stopped with to it: it gets
   that signal also if the tracer is killed and lets nothing go. A thread that has ended is collected, because
   the kernel counts it until then. */
static void thread_look(struct neap_os_pause *pause, size_t i) {
    siginfo_t info;
    pid_t tid = pause->threads[i].tid;
    bool known = thread_ask(tid, WNOWAIT, &info);
    if (known && info.si_pid == 0)
        return;
    if (known && (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)) {
        bool by_event = info.si_status >> 8 != 0; /* our interrupt, or a stop of the whole process */
        pause->holds[i] = (struct hold){HOLD_STILL, by_event ? 0 : info.si_status};
        return;
    }
    thread_ask(tid, 0, &info);
    pause->holds[i].state = HOLD_GONE;
}

/* The state of a thread that was interrupted and has not stopped for a while. Of an end only a main thread's
   is believed, which waitid does not report while the others live. Any other thread that has just ended is
   collected by the next look: the kernel counts it until then, and so not all would ever seem to be held. */
static enum hold_state state_now(const struct neap_os_pause *pause, pid_t tid) {
    char letter = thread_state(pause->pid, tid);
    return letter == 'D' ? HOLD_BUSY : state_ended(letter) && tid == pause->pid ? HOLD_GONE : HOLD_ASKED;
}

/* Waits until each interrupted thread has stopped, has ended or is busy inside the kernel. */
static int threads_await(struct neap_os_pause *pause) {
    uint64_t began_ns = neap_os_now_ns(), nap_ns = POLL_NS_LEAST;
    for (;;) {
        uint64_t now_ns = neap_os_now_ns();
        bool waiting = false;
        for (size_t i = 0; i < pause->count; i++) {
            struct hold *hold = &pause->holds[i];
            if (hold->state == HOLD_ASKED || hold->state == HOLD_BUSY)
                thread_look(pause, i);
            if (hold->state == HOLD_ASKED && now_ns - began_ns > BUSY_AFTER_NS)
                hold->state = state_now(pause, pause->threads[i].tid);
            waiting |= hold->state == HOLD_ASKED;
        }
        if (!waiting)
            return NEAP_OK;
        if (now_ns > pause->give_up_ns)
            return NEAP_ERROR_TIMEOUT;
        neap_os_sleep_ns(nap_ns);
        nap_ns = nap_ns * 2 < POLL_NS_MOST ? nap_ns * 2 : POLL_NS_MOST;
    }
}

/* Leaves out the threads that ended, and reads the registers of those that stopped. */
static int threads_settle(struct neap_os_pause *pause) {
    size_t kept = 0;
    for (size_t i = 0; i < pause->count; i++) {
        struct neap_os_pause_thread *thread = &pause->threads[i];
        if (pause->holds[i].state == HOLD_GONE)
            continue;
        if (pause->holds[i].state == HOLD_STILL)
            neap__os_thread_registers_read(thread->tid, &thread->stack_pointer, &thread->thread_pointer);
        pause->holds[kept] = pause->holds[i];
        pause->threads[kept++] = *thread;
    }
    pause->count = kept;
    return kept > 0 ? NEAP_OK : NEAP_ERROR_PROCESS;
}

/* Whether all threads of the process are held. The list in /proc is no proof, because reading it ends early
   if a thread ends meanwhile. The kernel's count of threads is a proof, because a held thread makes no thread
   that runs. The kernel counts a main thread that has ended as long as the others live. */
static bool all_held(const struct neap_os_pause *pause) {
    struct neap_os_process_info_stat stat;
    size_t held = is_held(pause, pause->pid) ? 0 : 1;
    for (size_t i = 0; i < pause->count; i++)
        held += pause->holds[i].state != HOLD_GONE;
    return neap_os_process_info_stat(pause->pid, &stat) != NEAP_OK || held >= stat.threads;
}

static int threads_hold(struct neap_os_pause *pause) {
    for (;;) {
        int error = threads_seize(pause);
        if (error == NEAP_OK)
            error = threads_await(pause);
        if (error != NEAP_OK)
            return error;
        if (all_held(pause))
            return threads_settle(pause);
        if (neap_os_now_ns() > pause->give_up_ns)
            return NEAP_ERROR_TIMEOUT;
    }
}

/* --- letting go ---------------------------------------------------------- */

/* Detaches the stopped threads. A thread that has not been seen to stop cannot be detached. The kernel
   detaches it when the tracer ends, which happens next. */
static void threads_release(struct neap_os_pause *pause) {
    for (size_t i = 0; i < pause->count; i++) {
        struct hold *hold = &pause->holds[i];
        if (hold->state == HOLD_ASKED || hold->state == HOLD_BUSY)
            thread_look(pause, i);
        if (hold->state == HOLD_STILL)
            ptrace(PTRACE_DETACH, pause->threads[i].tid, NULL, (void *)(uintptr_t)hold->signal);
    }
    pause->end_ns = neap_os_now_ns();
}

/* Collects what has ended while it was held: a process that is killed. The kernel tells its parent of it only
   then, and the pause may be long. */
static void ended_collect(void) {
    siginfo_t info;
    do
        info.si_pid = 0;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL | __WNOTHREAD) == 0 && info.si_pid != 0);
}

static void sem_take(sem_t *semaphore) {
    while (sem_wait(semaphore) != 0 && errno == EINTR)
        ;
}

/* False if that takes longer than `ms`, which is less than a second. */
static bool sem_take_within(sem_t *semaphore, long ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int result;
    do
        result = sem_timedwait(semaphore, &until);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

static void *tracer_run(void *argument) {
    struct neap_os_pause *pause = argument;
    pause->result = threads_hold(pause);
    if (pause->result == NEAP_OK) {
        sem_post(&pause->held);
        while (!sem_take_within(&pause->finish, COLLECT_MS))
            ended_collect();
        threads_release(pause);
    } else {
        threads_release(pause);
        sem_post(&pause->held);
    }
    return NULL;
}

/* --- for callers --------------------------------------------------------- */

/* The tracer takes no signal: a handler could leave it by longjmp. */
static int tracer_start(struct neap_os_pause *pause) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = pthread_create(&pause->tracer, NULL, tracer_run, pause);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return refused ? NEAP_ERROR_MEMORY : NEAP_OK;
}

static void pause_free(struct neap_os_pause *pause) {
    sem_destroy(&pause->held);
    sem_destroy(&pause->finish);
    free(pause->holds);
    free(pause->threads);
    free(pause);
}

/* A tracer thread ends with each try: only that lets go of a thread that was not seen to stop. */
static int pause_try(pid_t pid, uint32_t timeout_ms, neap_os_pause_t **pause) {
    struct neap_os_pause *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->pid = pid;
    made->give_up_ns = neap_os_now_ns() + (uint64_t)timeout_ms * 1000000;
    sem_init(&made->held, 0, 0);
    sem_init(&made->finish, 0, 0);
    int error = tracer_start(made);
    if (error == NEAP_OK) {
        sem_take(&made->held);
        error = made->result;
        if (error == NEAP_OK) {
            *pause = made;
            return NEAP_OK;
        }
        pthread_join(made->tracer, NULL);
    }
    pause_free(made);
    return error;
}

/* A process may be traced for a moment only: by itself, while it shares memory between pages (os/world.h).
   Such a tracer may have gone before it can be seen. So only what cannot be a tracer is believed at once. */
int neap_os_pause_begin(pid_t pid, uint32_t timeout_ms, neap_os_pause_t **pause) {
    if (pid <= 0 || pid == getpid())
        return NEAP_ERROR_ARGUMENT;
    uint64_t give_up_ns = neap_os_now_ns() + REFUSED_NS_MOST, nap_ns = NAP_NS_LEAST;
    for (;;) {
        int error = pause_try(pid, timeout_ms, pause);
        if (error != NEAP_ERROR_PERMISSION || neap_os_now_ns() > give_up_ns ||
            neap_os_refusal_cause(pid) == NEAP_OS_REFUSAL_USER)
            return error;
        neap_os_sleep_ns(nap_ns);
        nap_ns = nap_ns * 2 < NAP_NS_MOST ? nap_ns * 2 : NAP_NS_MOST;
    }
}

const struct neap_os_pause_thread *neap_os_pause_threads(const neap_os_pause_t *pause, size_t *count) {
    *count = pause->count;
    return pause->threads;
}

uint64_t neap_os_pause_end(neap_os_pause_t *pause) {
    if (!pause)
        return 0;
    sem_post(&pause->finish);
    pthread_join(pause->tracer, NULL);
    uint64_t ns = pause->end_ns - pause->begin_ns;
    pause_free(pause);
    return ns;
}
