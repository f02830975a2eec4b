/* os/world.c: the caller's side: makes the stopper, waits for its end, and says what that means. */
#include "os/world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "os/futex.h"
#include "os/kernel_settings.h"
#include "os/memory.h"
#include "os/raw_call.h"
#include "os/stopper.h"

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

enum {
    HOLDS_BYTES = NEAP_OS_WORLD_THREADS_MAX * sizeof(struct neap__os_stopper_hold),
    SIGNAL_BYTES = _NSIG / 8,
    TRY_US = 1000 * 1000,
    UNTRACED_MOST = 10 /* refusals, without a tracer to be seen, until one is believed */
};

/* --- memory: guard page | stack | holds ---------------------------------- */

static size_t memory_bytes(void) {
    size_t page = neap_os_page_bytes();
    return page + NEAP_OS_WORLD_STACK_BYTES + (HOLDS_BYTES + page - 1) / page * page;
}

int neap_os_world_open(struct neap_os_world *world, bool despite_filter) {
    size_t bytes = memory_bytes(), page = neap_os_page_bytes();
    *world = (struct neap_os_world){.despite_filter = despite_filter};
    int error = neap_os_reserve(bytes, page, &world->memory);
    if (error == NEAP_OK && (error = neap_os_commit((char *)world->memory + page, bytes - page)) != NEAP_OK)
        neap_os_world_close(world);
    return error;
}

void neap_os_world_close(struct neap_os_world *world) {
    if (world->memory)
        neap_os_release(world->memory, memory_bytes());
    world->memory = NULL;
}

static char *stack_top(const struct neap_os_world *world) {
    return (char *)world->memory + neap_os_page_bytes() + NEAP_OS_WORLD_STACK_BYTES;
}

/* --- the stopper's life -------------------------------------------------- */

/* Makes the task, lets it work, and sleeps until it has ended, however that was. No exit signal: the
   program is not told of its end, and a plain wait() does not see it. Another thread's wait with __WALL may
   take its end from us; then it has ended, too. Negative: there is no task, and why. */
static long stopper_live(const struct neap_os_world *world, struct neap__os_stopper *stopper) {
#ifdef __SANITIZE_ADDRESS__ /* a stopper that was killed left the frames of its stack marked */
    __asan_unpoison_memory_region(stack_top(world) - NEAP_OS_WORLD_STACK_BYTES, NEAP_OS_WORLD_STACK_BYTES);
#endif
    pid_t task =
        clone(neap__os_stopper_run, stack_top(world), CLONE_VM | CLONE_FILES | CLONE_UNTRACED, stopper);
    if (task < 0)
        return -errno;
    if (world->names_tracer) {
        neap__os_raw_call(SYS_prctl, PR_SET_PTRACER, task, 0, 0, 0); /* forgotten when the task ends */
        __atomic_store_n(&stopper->go, 1, __ATOMIC_RELEASE);
        neap_os_futex_wake(&stopper->go, false);
    }
    while (neap__os_raw_call(SYS_wait4, task, 0, __WALL, 0, 0) == -EINTR)
        ;
    return 0;
}

/* With all signals blocked, those that libc keeps for itself too: a handler would run while the task
   uses this thread's block. */
static long stopper_live_unsignalled(const struct neap_os_world *world, struct neap__os_stopper *stopper) {
    unsigned char all[SIGNAL_BYTES], before[SIGNAL_BYTES];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = 0xff;
    neap__os_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, neap__os_raw_address(all),
                      neap__os_raw_address(before), SIGNAL_BYTES, 0);
    long result = stopper_live(world, stopper);
    neap__os_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, neap__os_raw_address(before), 0, SIGNAL_BYTES, 0);
    return result;
}

static int refused(struct neap_os_world *world, enum neap_os_world_refusal refusal) {
    world->refusal = refusal;
    return NEAP_ERROR_PERMISSION;
}

static int refused_by(struct neap_os_world *world, long reason, pid_t tid) {
    switch (reason) {
    case EAGAIN:
    case ENOMEM:
        return refused(world, NEAP_OS_WORLD_TASKS);
    case E2BIG:
        return refused(world, NEAP_OS_WORLD_THREADS);
    case EPERM:
    case EACCES:
        return refused(world, tid ? neap__os_world_refusal_of(tid) : NEAP_OS_WORLD_POLICY);
    default:
        return refused(world, NEAP_OS_WORLD_KERNEL);
    }
}

static int outcome(struct neap_os_world *world, const struct neap__os_stopper *stopper, long lived) {
    if (lived < 0)
        return refused_by(world, -lived, 0);
    switch (stopper->phase) {
    case NEAP__OS_STOPPER_DONE:
        return NEAP_OK;
    case NEAP__OS_STOPPER_ACTING:
        return NEAP_ERROR_PROCESS;
    case NEAP__OS_STOPPER_REFUSED:
        return refused_by(world, stopper->refusal, stopper->refused);
    default:
        return NEAP_ERROR_TIMEOUT;
    }
}

static int world_stop_once(struct neap_os_world *world, struct neap__os_stopper *stopper) {
    stopper->process = (pid_t)neap__os_raw_call(SYS_getpid, 0, 0, 0, 0, 0);
    stopper->caller = (pid_t)neap__os_raw_call(SYS_gettid, 0, 0, 0, 0, 0);
    stopper->holds = (void *)stack_top(world);
    stopper->room = NEAP_OS_WORLD_THREADS_MAX;
    stopper->go = !world->names_tracer;
    stopper->folder = (int)neap__os_raw_call(SYS_openat, AT_FDCWD, neap__os_raw_address("/proc/self/task"),
                                             O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (stopper->folder < 0)
        return refused(world, NEAP_OS_WORLD_PROC);
    stopper->opened = neap__os_stopper_folder_ask(stopper->folder);
    long lived = stopper_live_unsignalled(world, stopper);
    if (neap__os_stopper_folder_ask(stopper->folder).mark ==
        stopper->opened.mark) /* not closed by another thread */
        neap__os_raw_call(SYS_close, stopper->folder, 0, 0, 0, 0);
    return outcome(world, stopper, lived);
}

/* --- for callers --------------------------------------------------------- */

/* Yama's scope 1 permits a tracer that was named. Naming one makes the kernel forget who was
   named before, so it is done only where it turned out to be needed. */
static bool may_name_tracer(const struct neap_os_world *world) {
    struct neap_os_kernel_settings settings;
    if (world->names_tracer || world->refusal != NEAP_OS_WORLD_PTRACE_SCOPE)
        return false;
    neap_os_kernel_settings_read(&settings);
    return settings.ptrace_scope == 1;
}

/* Whoever looks into this process traces it for a moment, and may have gone before that is asked. */
static bool may_be_a_tracer_that_left(enum neap_os_world_refusal refusal) {
    return refusal == NEAP_OS_WORLD_POLICY || refusal == NEAP_OS_WORLD_PTRACE_SCOPE;
}

static struct neap_os_world_figures figures_of(const struct neap__os_stopper *stopper) {
    struct neap_os_world_figures figures = {0};
    for (uint32_t i = 0; i < stopper->count; i++)
        figures.threads += !stopper->holds[i].ended;
    figures.stopped_ns = stopper->begin_ns ? stopper->end_ns - stopper->begin_ns : 0;
    return figures;
}

int neap_os_world_stop(struct neap_os_world *world, uint32_t bound_us, void (*act)(void *context),
                       void *context, struct neap_os_world_figures *figures) {
    int before = errno, error;
    struct neap__os_stopper stopper;
    world->refusal = neap__os_world_refusal_ahead(world->despite_filter);
    if (world->refusal != NEAP_OS_WORLD_FREE)
        return NEAP_ERROR_PERMISSION;
    for (unsigned untraced = 0;;) {
        stopper = (struct neap__os_stopper){.act = act,
                                            .context = context,
                                            .bound_us = bound_us + !bound_us,
                                            .only_waiting = world->only_waiting};
        error = world_stop_once(world, &stopper);
        if (error != NEAP_ERROR_PERMISSION)
            break;
        if (may_name_tracer(world))
            world->names_tracer = true;
        else if (!may_be_a_tracer_that_left(world->refusal) || ++untraced == UNTRACED_MOST)
            break;
        world->refusal = NEAP_OS_WORLD_FREE;
    }
    if (error == NEAP_OK && figures)
        *figures = figures_of(&stopper);
    errno = before;
    return error;
}

enum neap_os_world_refusal neap_os_world_try(struct neap_os_world *world) {
    neap_os_world_stop(world, TRY_US, NULL, NULL, NULL);
    return world->refusal;
}
