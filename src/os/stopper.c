/* os/stopper.c: seizes, interrupts, waits; by raw system calls, for any lock may be held by a stopped thread.
 *
 * What the task shares with the caller, and what not:
 * - Memory, and so the thread-local block with errno and the stack protector's word: the caller
 *   sleeps all the while, as after vfork. It is not seized, for it sleeps in wait4 with all signals blocked.
 * - The table of descriptors: a copy would close every file once more when the task ends, and some
 *   file systems write back then. While the task has a file of its own open, no signal but SIGKILL ends it.
 * After SIGKILL to it alone, that file stays open.
 * - Not the file-system struct (CLONE_FS): a thread that executes a set-user-id program meanwhile would be
 *   refused its rights. Not the signal handlers: all signals are blocked but SIGALRM, which is at its
 *   default and ends a task that has not begun to act.
 * - The kernel gives it no rseq area (from Linux 5.5 on; before, it writes the number of the processor
 *   into the caller's), no robust list, and no address to clear when it ends.
 */
#include "os/stopper.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "os/raw_call.h"

enum {
    SIGNAL_BYTES = _NSIG / 8, /* the kernel's set of signals */
    ACTION_BYTES = 64,        /* at least the kernel's struct sigaction, on all machines */
    LIST_BYTES = 4096,        /* a part of the list of threads, on the stack */
    PATH_BYTES = 32,          /* of TID/NAME */
    NAP_NS = 100000           /* until it is looked again whether all threads wait */
};

struct list_entry { /* struct linux_dirent64 */
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

static uint64_t now_ns(void) {
    long time[2] = {0}; /* the kernel's timespec of old, in which no word is wider than a register */
    neap__os_raw_call(SYS_clock_gettime, CLOCK_MONOTONIC, neap__os_raw_address(time), 0, 0, 0);
    return (uint64_t)time[0] * 1000000000 + (uint64_t)time[1];
}

struct neap__os_stopper_folder neap__os_stopper_folder_ask(int folder) {
    struct statx status = {0};
    if (neap__os_raw_call(SYS_statx, folder, neap__os_raw_address(""), AT_EMPTY_PATH, STATX_INO | STATX_NLINK,
                          neap__os_raw_address(&status)) != 0)
        return (struct neap__os_stopper_folder){0, 0};
    return (struct neap__os_stopper_folder){status.stx_ino ^ (uint64_t)status.stx_dev_minor << 40,
                                            status.stx_nlink - 2};
}

/* --- the bound ----------------------------------------------------------- */

/* Blocks all signals but one, or all (0). */
static void signals_block(unsigned but) {
    enum { WORDS = SIGNAL_BYTES / sizeof(long), BITS = 8 * sizeof(long) };
    unsigned long set[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        set[i] = ~0ul;
    if (but)
        set[(but - 1) / BITS] &= ~(1ul << (but - 1) % BITS);
    neap__os_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, neap__os_raw_address(set), 0, SIGNAL_BYTES, 0);
}

static void timer_set(uint32_t us) {
    long timer[4] = {0, 0, (long)(us / 1000000), (long)(us % 1000000)};
    neap__os_raw_call(SYS_setitimer, ITIMER_REAL, neap__os_raw_address(timer), 0, 0, 0);
}

/* From now on the task lives `us` microseconds, unless the bound is cleared. A timer that ends the
   task needs no handler, and reaches it while it sleeps for a thread that does not stop. */
static void bound_set(uint32_t us) {
    char at_default[ACTION_BYTES] = {0};
    neap__os_raw_call(SYS_rt_sigaction, SIGALRM, neap__os_raw_address(at_default), 0, SIGNAL_BYTES, 0);
    timer_set(us);
    signals_block(SIGALRM);
}

static void bound_clear(void) {
    timer_set(0);
    signals_block(0);
}

/* --- taking hold --------------------------------------------------------- */

/* Whether `tid` is held. They are listed in the order in which they were held, but for those that
   ended: *next is where it should be. */
static bool is_held(const struct neap__os_stopper *stopper, pid_t tid, uint32_t *next) {
    for (uint32_t step = 0; step < stopper->count; step++) {
        uint32_t i = *next + step < stopper->count ? *next + step : *next + step - stopper->count;
        if (stopper->holds[i].tid == tid) {
            *next = i + 1 < stopper->count ? i + 1 : 0;
            return true;
        }
    }
    return false;
}

/* Writes TID/NAME to the end of `room`; returns where it begins. */
static const char *path_of(char room[PATH_BYTES], pid_t tid, const char *name) {
    size_t length = 0;
    while (name[length])
        length++;
    char *at = room + PATH_BYTES - 1 - length;
    for (size_t i = 0; i <= length; i++)
        at[i] = name[i];
    for (*--at = '/'; tid > 0; tid /= 10)
        *--at = (char)('0' + tid % 10);
    return at;
}

/* Whether the thread has no memory any more, and so no program. */
static bool has_ended(const struct neap__os_stopper *stopper, pid_t tid) {
    char path[PATH_BYTES], target[16];
    return neap__os_raw_call(SYS_readlinkat, stopper->folder, neap__os_raw_address(path_of(path, tid, "exe")),
                             neap__os_raw_address(target), sizeof(target), 0) == -ENOENT;
}

static int refuse(struct neap__os_stopper *stopper, pid_t tid, int reason) {
    stopper->refused = tid;
    stopper->refusal = reason;
    stopper->phase = NEAP__OS_STOPPER_REFUSED;
    return -reason;
}

/* Seizes, which does not disturb the thread. One that cannot be seized for it is ending is not held: it goes
   soon. Only a main thread that has ended stays for as long as the others do. */
static int thread_seize(struct neap__os_stopper *stopper, pid_t tid) {
    if (stopper->count == stopper->room)
        return refuse(stopper, tid, E2BIG);
    int reason = (int)-neap__os_raw_call(SYS_ptrace, PTRACE_SEIZE, tid, 0, 0, 0);
    if (reason != 0 && reason != ESRCH && !has_ended(stopper, tid))
        return refuse(stopper, tid, reason);
    if (reason == 0 || (reason != ESRCH && tid == stopper->process))
        stopper->holds[stopper->count++] = (struct neap__os_stopper_hold){tid, reason != 0};
    return 0;
}

static pid_t number_of(const char *name) {
    pid_t number = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        number = number * 10 + (*name - '0');
    return *name == '\0' ? number : 0;
}

/* Seizes what is in one part of the list. */
static int entries_seize(struct neap__os_stopper *stopper, const char *entries, long bytes, uint32_t *next) {
    int result = 0;
    const struct list_entry *entry;
    for (long at = 0; at < bytes && result == 0; at += entry->bytes) {
        entry = (const void *)(entries + at);
        pid_t tid = number_of(entry->name);
        if (tid != 0 && tid != stopper->caller && !is_held(stopper, tid, next))
            result = thread_seize(stopper, tid);
    }
    return result;
}

/* Seizes all that are listed and not held. */
static int threads_seize(struct neap__os_stopper *stopper) {
    _Alignas(struct list_entry) char entries[LIST_BYTES];
    uint32_t next = 0;
    long result = neap__os_raw_call(SYS_lseek, stopper->folder, 0, SEEK_SET, 0, 0);
    for (long bytes = 1; result == 0 && bytes > 0;) {
        bytes = neap__os_raw_call(SYS_getdents64, stopper->folder, neap__os_raw_address(entries),
                                  sizeof(entries), 0, 0);
        result = bytes < 0 ? bytes : entries_seize(stopper, entries, bytes, &next);
    }
    return (int)result;
}

/* Whether each thread there is is held: the kernel's count has no other. That the list has none is no
   proof: it ends where a thread ends while it is read, and one that this thread made comes behind. If
   those that are held stand still, none of them makes another. Negative if the list is not ours any more. */
static int all_are_held(const struct neap__os_stopper *stopper) {
    struct neap__os_stopper_folder now = neap__os_stopper_folder_ask(stopper->folder);
    return now.mark != stopper->opened.mark ? -EBADF : now.threads == stopper->count + 1;
}

/* Sleeps until the thread stands still or has ended. What it is told of stays with the thread. */
static int thread_await(struct neap__os_stopper_hold *hold) {
    siginfo_t info;
    long result;
    do
        result = neap__os_raw_call(SYS_waitid, P_PID, hold->tid, neap__os_raw_address(&info),
                                   WEXITED | WSTOPPED | WNOWAIT | __WALL, 0);
    while (result == -EINTR);
    if (result == 0)
        hold->ended = info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED;
    return (int)result;
}

/* --- what the threads wait for ------------------------------------------- */

/* The calls that a stop does not change: the kernel begins them again with what is left of their time. Of
 * those, epoll_wait returns EINTR instead, which programs know from SIGCONT (signal(7)), and so does a call
 * on a socket with a time-out of its own (SO_RCVTIMEO), which cannot be told from here. Others, such as a
 * write to a full pipe, return what they have done so far. */
static bool goes_on(long call, const unsigned long words[4]) {
    switch (call) {
#ifdef SYS_poll
    case SYS_poll:
    case SYS_select:
    case SYS_epoll_wait:
    case SYS_pause:
#endif
#ifdef SYS_accept
    case SYS_accept:
#endif
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
#ifdef SYS_futex_waitv
    case SYS_futex_waitv:
#endif
#ifdef SYS_futex_time64
    case SYS_futex_time64:
    case SYS_clock_nanosleep_time64:
    case SYS_ppoll_time64:
    case SYS_pselect6_time64:
#endif
#ifdef SYS__newselect
    case SYS__newselect:
#endif
    case SYS_futex:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_restart_syscall:
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_epoll_pwait:
    case SYS_read:
    case SYS_accept4:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_rt_sigsuspend:
        return true;
#ifdef SYS_recvfrom
    case SYS_recvfrom:
        return (words[3] & MSG_WAITALL) == 0;
    case SYS_recvmsg:
        return (words[2] & MSG_WAITALL) == 0;
#endif
    default:
        return false;
    }
}

/* A number in hexadecimal or decimal at *text, which then stands behind it. -1: there is none. */
static long number_read(const char **text) {
    const char *at = *text;
    bool hexadecimal = at[0] == '0' && at[1] == 'x';
    unsigned long number = 0;
    for (at += hexadecimal ? 2 : 0;; at++) {
        unsigned digit = *at >= 'a' ? (unsigned)(*at - 'a') + 10 : (unsigned)(*at - '0');
        if (digit >= (hexadecimal ? 16 : 10))
            break;
        number = number * (hexadecimal ? 16 : 10) + digit;
    }
    bool none = at == *text;
    *text = *at == ' ' ? at + 1 : at;
    return none ? -1 : (long)number;
}

/* Whether the thread waits in a call that goes on after a stop, by /proc/PID/task/TID/syscall: "running", or
 * the number of the call and its arguments. */
static bool thread_waits(const struct neap__os_stopper *stopper, pid_t tid) {
    char path[PATH_BYTES], text[128];
    unsigned long words[4];
    long file =
        neap__os_raw_call(SYS_openat, stopper->folder, neap__os_raw_address(path_of(path, tid, "syscall")),
                          O_RDONLY | O_CLOEXEC, 0, 0);
    if (file < 0)
        return false;
    long length = neap__os_raw_call(SYS_read, file, neap__os_raw_address(text), sizeof(text) - 1, 0, 0);
    neap__os_raw_call(SYS_close, file, 0, 0, 0, 0);
    text[length > 0 ? length : 0] = '\0';
    const char *at = text;
    long call = number_read(&at);
    for (int i = 0; i < 4; i++)
        words[i] = (unsigned long)number_read(&at);
    return call >= 0 && goes_on(call, words);
}

static bool all_wait(const struct neap__os_stopper *stopper) {
    for (uint32_t i = 0; i < stopper->count; i++)
        if (!stopper->holds[i].ended && !thread_waits(stopper, stopper->holds[i].tid))
            return false;
    return true;
}

/* Looks again and again until all threads wait; the bound ends it. */
static void waiting_await(const struct neap__os_stopper *stopper) {
    for (bool all = false; !all;) {
        signals_block(0); /* while a file is open */
        all = all_wait(stopper);
        signals_block(SIGALRM);
        long nap[2] = {0, NAP_NS};
        if (!all)
            neap__os_raw_call(SYS_nanosleep, neap__os_raw_address(nap), 0, 0, 0, 0);
    }
}

/* --- stopping ------------------------------------------------------------ */

/* All are interrupted before one is waited for: they stop at the same time, on all processors. */
static int threads_stop(struct neap__os_stopper *stopper, uint32_t from) {
    int result = 0;
    for (uint32_t i = from; i < stopper->count; i++)
        neap__os_raw_call(SYS_ptrace, PTRACE_INTERRUPT, stopper->holds[i].tid, 0, 0, 0);
    for (uint32_t i = from; i < stopper->count && result == 0; i++)
        if (!stopper->holds[i].ended)
            result = thread_await(&stopper->holds[i]);
    return result;
}

static int threads_hold(struct neap__os_stopper *stopper) {
    int result = 0, all = 0;
    while (result == 0 && (all = all_are_held(stopper)) == 0) {
        uint32_t from = stopper->count;
        result = threads_seize(stopper);
        if (result == 0 && from == 0 && stopper->only_waiting)
            waiting_await(stopper);
        if (stopper->begin_ns == 0)
            stopper->begin_ns = now_ns();
        if (result == 0)
            result = threads_stop(stopper, from);
    }
    return all < 0 ? all : result;
}

/* --- the task ------------------------------------------------------------ */

static void go_await(const struct neap__os_stopper *stopper) {
    while (__atomic_load_n(&stopper->go, __ATOMIC_ACQUIRE) == 0)
        neap__os_raw_call(SYS_futex, neap__os_raw_address(&stopper->go), FUTEX_WAIT_PRIVATE, 0, 0, 0);
}

int neap__os_stopper_run(void *argument) {
    struct neap__os_stopper *stopper = argument;
    bound_set(stopper->bound_us);
    /* With the caller it ends too: a process that is killed, or execs, does not wait for the bound. */
    neap__os_raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (neap__os_raw_call(SYS_tgkill, stopper->process, stopper->caller, 0, 0, 0) != 0)
        return 0; /* it ended before that */
    go_await(stopper);
    if (!stopper->act) {
        if (thread_seize(stopper, stopper->caller) == 0 && stopper->count == 1)
            stopper->phase = NEAP__OS_STOPPER_DONE;
        return 0;
    }
    if (threads_hold(stopper) != 0)
        return 0;
    bound_clear();
    __atomic_store_n(&stopper->phase, NEAP__OS_STOPPER_ACTING, __ATOMIC_RELEASE);
    stopper->act(stopper->context);
    stopper->end_ns = now_ns();
    __atomic_store_n(&stopper->phase, NEAP__OS_STOPPER_DONE, __ATOMIC_RELEASE);
    return 0;
}
