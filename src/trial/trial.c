/* trial/trial.c: starts the command, samples its memory, and stops it. */
#include "trial/trial.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/child.h"
#include "os/clock.h"
#include "os/process_info.h"
#include "os/output_tail.h"
#include "os/process_tree.h"

#define MS      UINT64_C(1000000)
#define FOREVER UINT64_MAX

/* Sampling takes at most this share of a core. It is less than 2 %, because the
 * samples at the start and the end come in addition. */
enum { SAMPLING_SHARE = 64 };

/* Time limits: until a server listens while it uses CPU; until a server that uses
 * no CPU counts as ready; to end after SIGTERM; for remaining processes to end by
 * themselves. */
static const uint64_t listen_most_ns = 30000 * MS;
static const uint64_t listen_quiet_ns = 1000 * MS;
static const uint64_t grace_ns = 5000 * MS;
static const uint64_t leave_ns = 500 * MS;

enum phase {
    PHASE_PLAIN,  /* without load: until the command ends or its time is over */
    PHASE_STARTS, /* until it listens */
    PHASE_LOADED, /* until the load ends or its time is over */
    PHASE_IDLES,  /* until its time is over */
    PHASE_OVER,   /* to be stopped */
};

struct run {
    const struct neap_trial_plan *plan;
    const struct neap_allocator_setup *setup;
    struct neap_trial *trial;
    neap_os_process_tree_t *tree;
    enum phase phase;
    pid_t command, load; /* 0: not running */
    uint64_t start_ns, phase_ns, deadline_ns, next_sample_ns;
    uint64_t quiet_since_ns, quiet_cpu_ns; /* PHASE_STARTS: how long it has used no CPU */
    uint64_t own_peak_bytes;               /* of this process when it started the command */
    uint64_t exit_peak_bytes;              /* the largest peak of a process, reported at its end */
    bool library_seen;
    int errors; /* descriptor */
};

/* --- sampling ---------------------------------------------------------- */

static void library_look(struct run *run, const pid_t *members, size_t count) {
    if (run->setup->library[0] == '\0')
        run->library_seen = true;
    for (size_t i = 0; i < count && !run->library_seen; i++)
        neap_os_process_info_maps(members[i], run->setup->library, &run->library_seen);
}

/* Sums the memory of the tree, without processes that end meanwhile. */
static struct neap_sample sample_take(struct run *run) {
    struct neap_sample sample = {.at_ns = neap_os_now_ns() - run->start_ns};
    size_t count;
    neap_os_process_tree_update(run->tree); /* on failure the members of before are the best there is */
    const pid_t *members = neap_os_process_tree_members(run->tree, &count);
    for (size_t i = 0; i < count; i++) {
        struct neap_os_process_info_memory memory;
        if (neap_os_process_info_memory(members[i], &memory) != 0)
            continue;
        sample.bytes[NEAP_MEMORY_RSS] += memory.rss_bytes;
        sample.bytes[NEAP_MEMORY_PSS] += memory.pss_bytes;
        sample.bytes[NEAP_MEMORY_PRIVATE] += memory.private_dirty_bytes;
        sample.processes++;
    }
    if (!run->library_seen)
        library_look(run, members, count);
    return sample;
}

static int sample_step(struct run *run) {
    uint64_t before_ns = neap_os_process_info_own_cpu_ns();
    struct neap_sample sample = sample_take(run);
    int error = sample.processes > 0 ? neap_series_add(&run->trial->series, &sample) : 0;
    uint64_t cost_ns = neap_os_process_info_own_cpu_ns() - before_ns;
    run->trial->sampling_ns += cost_ns;
    uint64_t pause_ns = cost_ns * SAMPLING_SHARE;
    run->next_sample_ns =
        neap_os_now_ns() + (pause_ns > run->plan->interval_ns ? pause_ns : run->plan->interval_ns);
    neap_os_output_tail_trim(run->errors);
    if (run->plan->watch)
        run->plan->watch(run->plan->context, sample.at_ns);
    return error;
}

static bool tree_listens(struct run *run) {
    size_t count;
    neap_os_process_tree_update(run->tree);
    const pid_t *members = neap_os_process_tree_members(run->tree, &count);
    bool listens = false;
    for (size_t i = 0; i < count && !listens; i++)
        neap_os_process_info_listens(members[i], &listens);
    return listens;
}

static uint64_t tree_cpu_ns(const struct run *run) {
    size_t count;
    const pid_t *members = neap_os_process_tree_members(run->tree, &count);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct neap_os_process_info_stat stat;
        if (neap_os_process_info_stat(members[i], &stat) == 0)
            sum += stat.cpu_ns;
    }
    return sum;
}

/* --- endings ----------------------------------------------------------- */

static void command_ended(struct run *run, const struct neap_os_ending *ending) {
    struct neap_trial *trial = run->trial;
    run->command = 0;
    trial->wall_ns = neap_os_now_ns() - run->start_ns;
    if (trial->stopped || trial->outcome != NEAP_TRIAL_DONE)
        return;
    trial->status = ending->status;
    trial->signal = ending->signal;
    if (ending->signal)
        trial->outcome = NEAP_TRIAL_KILLED;
    else if (ending->status)
        trial->outcome = NEAP_TRIAL_EXITED;
    else if (run->plan->load)
        trial->outcome = NEAP_TRIAL_EARLY;
}

static void load_ended(struct run *run, const struct neap_os_ending *ending, bool stopped) {
    run->load = 0;
    run->trial->load_ns = neap_os_now_ns() - run->phase_ns;
    run->trial->load_cpu_ns = ending->cpu_ns;
    if (stopped || (ending->status == 0 && ending->signal == 0))
        return;
    run->trial->outcome = NEAP_TRIAL_LOAD_FAILED;
    run->trial->status = ending->status;
    run->trial->signal = ending->signal;
}

/* Reaps all children that have ended. False if there are no children left. */
static bool endings_take(struct run *run, bool load_stopped) {
    struct neap_os_ending ending;
    int error;
    while ((error = neap_os_child_reap(-1, &ending)) == 0) {
        if (ending.pid == run->load) {
            load_ended(run, &ending, load_stopped);
            continue;
        }
        run->trial->cpu_ns += ending.cpu_ns;
        if (ending.peak_bytes > run->exit_peak_bytes)
            run->exit_peak_bytes = ending.peak_bytes;
        if (ending.pid == run->command)
            command_ended(run, &ending);
    }
    return error == NEAP_ERROR_TIMEOUT;
}

/* Sends `signal` to the child's process group, and SIGKILL after the grace time.
 * Returns when *pid is 0, which endings_take sets. */
static void child_stop(struct run *run, const pid_t *pid, int signal, bool group) {
    if (*pid == 0)
        return;
    uint64_t until_ns = neap_os_now_ns() + grace_ns;
    kill(group ? -*pid : *pid, signal);
    while (*pid != 0) {
        pid_t waited = *pid;
        neap_os_child_await(&waited, 1, until_ns);
        endings_take(run, pid == &run->load);
        if (*pid != 0 && neap_os_now_ns() >= until_ns)
            kill(-*pid, SIGKILL);
    }
}

/* Ends remaining processes that do not end by themselves soon. Only children are signalled: their pids cannot
 * be reused before they are reaped. When a child ends, its own children become ours. */
static void leftovers_end(struct run *run) {
    neap_os_process_tree_t *tree = neap_os_process_tree_new(getpid());
    uint64_t patience_ns = neap_os_now_ns() + leave_ns;
    while (endings_take(run, true)) {
        neap_os_sleep_ns(2 * MS);
        if (neap_os_now_ns() < patience_ns)
            continue;
        size_t count = 0;
        const pid_t *members = NULL;
        if (tree && neap_os_process_tree_update(tree) == 0)
            members = neap_os_process_tree_members(tree, &count);
        for (size_t i = 0; i < count; i++) {
            struct neap_os_process_info_stat stat;
            if (neap_os_process_info_stat(members[i], &stat) == 0 && stat.parent == getpid())
                kill(members[i], SIGKILL);
        }
    }
    neap_os_process_tree_destroy(tree);
}

/* --- phases ------------------------------------------------------------ */

static void phase_begin(struct run *run, enum phase phase, uint64_t length_ns) {
    run->phase = phase;
    run->phase_ns = neap_os_now_ns();
    run->deadline_ns = length_ns == FOREVER ? FOREVER : run->phase_ns + length_ns;
}

static int load_begin(struct run *run) {
    char shell[] = "/bin/sh", option[] = "-c";
    char *const argv[] = {shell, option, (char *)run->plan->load, NULL};
    const struct neap_os_command command = {argv, NULL, -1, run->errors};
    phase_begin(run, PHASE_LOADED,
                run->plan->for_ns ? run->plan->for_ns : FOREVER); /* it also limits the load */
    int error = neap_os_child_start(&command, &run->load);
    if (error == NEAP_OK)
        neap_os_process_tree_except(run->tree, run->load);
    return error;
}

/* Whether the server is ready: it listens, or it has used no CPU for a while. */
static bool is_ready(struct run *run) {
    uint64_t now_ns = neap_os_now_ns(), cpu_ns = tree_cpu_ns(run);
    const uint64_t noise_ns = 50 * MS;
    if (cpu_ns > run->quiet_cpu_ns + noise_ns || run->quiet_since_ns == 0) {
        run->quiet_cpu_ns = cpu_ns;
        run->quiet_since_ns = now_ns;
    }
    return now_ns >= run->deadline_ns || now_ns - run->quiet_since_ns >= listen_quiet_ns || tree_listens(run);
}

/* Begins the next phase if the time is over or the event has happened. */
static int phase_step(struct run *run) {
    bool due = neap_os_now_ns() >= run->deadline_ns;
    switch (run->phase) {
    case PHASE_STARTS:
        return is_ready(run) ? load_begin(run) : 0;
    case PHASE_LOADED:
        if (due)
            child_stop(run, &run->load, SIGTERM, true);
        if (run->trial->outcome != NEAP_TRIAL_DONE)
            run->phase = PHASE_OVER;
        else if (run->load == 0)
            phase_begin(run, PHASE_IDLES, run->plan->idle_ns);
        return 0;
    case PHASE_PLAIN:
    case PHASE_IDLES:
        if (!due)
            return 0;
        run->phase = PHASE_OVER;
        return sample_step(run);
    case PHASE_OVER:
        break;
    }
    return 0;
}

static void await(const struct run *run) {
    pid_t pids[2];
    size_t count = 0;
    if (run->command)
        pids[count++] = run->command;
    if (run->load)
        pids[count++] = run->load;
    uint64_t until_ns = run->deadline_ns < run->next_sample_ns ? run->deadline_ns : run->next_sample_ns;
    neap_os_child_await(pids, count, until_ns);
}

static bool interrupted(const struct run *run) {
    return run->plan->interrupted && *run->plan->interrupted;
}

static int watch(struct run *run) {
    int error = sample_step(run);
    if (run->plan->load)
        phase_begin(run, PHASE_STARTS, listen_most_ns);
    else
        phase_begin(run, PHASE_PLAIN, run->plan->for_ns ? run->plan->for_ns : FOREVER);
    while (!error && run->phase != PHASE_OVER) {
        await(run);
        endings_take(run, false);
        if (interrupted(run))
            run->trial->outcome = NEAP_TRIAL_INTERRUPTED;
        if (run->command == 0 || interrupted(run))
            break;
        if (neap_os_now_ns() >= run->next_sample_ns)
            error = sample_step(run);
        if (!error)
            error = phase_step(run);
    }
    return error;
}

/* --- the run ----------------------------------------------------------- */

static int command_start(struct run *run) {
    size_t front = 0, length = 0;
    while (run->setup->front[front])
        front++;
    while (run->plan->command[length])
        length++;
    char **argv = calloc(front + length + 1, sizeof(*argv));
    if (!argv)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < front; i++)
        argv[i] = (char *)run->setup->front[i];
    memcpy(argv + front, run->plan->command, length * sizeof(*argv));
    const struct neap_os_command command = {argv, run->setup->environment, run->plan->output, run->errors};
    if (neap_os_process_info_peak(getpid(), &run->own_peak_bytes) != 0)
        run->own_peak_bytes = UINT64_MAX;
    run->start_ns = neap_os_now_ns();
    int error = neap_os_child_start(&command, &run->command);
    free(argv);
    return error;
}

/* The kernel's record of the peak of a process includes peaks between samples.
 * But a child inherits the peak of its parent before exec. */
static double peak_rss(const struct run *run) {
    double sampled = neap_series_peak(&run->trial->series, NEAP_MEMORY_RSS);
    double recorded = (double)run->exit_peak_bytes;
    return recorded > sampled && run->exit_peak_bytes > run->own_peak_bytes ? recorded : sampled;
}

static void figures_fill(struct run *run) {
    struct neap_trial *trial = run->trial;
    for (enum neap_memory_kind kind = 0; kind < NEAP_MEMORY_KINDS; kind++) {
        trial->peak[kind] = neap_series_peak(&trial->series, kind);
        trial->mean[kind] = neap_series_mean(&trial->series, kind);
        trial->end[kind] = neap_series_end(&trial->series, kind);
    }
    trial->peak[NEAP_MEMORY_RSS] = peak_rss(run);
    trial->processes = neap_series_processes(&trial->series);
    /* The first sample may be taken before the loader has mapped libraries; later ones are not. */
    if (trial->outcome == NEAP_TRIAL_DONE && !run->library_seen && trial->series.count > 2)
        trial->outcome = NEAP_TRIAL_NOT_LOADED;
    neap_os_output_tail_read(run->errors, trial->errors, sizeof(trial->errors));
}

static int run_whole(struct run *run) {
    int error = command_start(run);
    if (error)
        return error;
    error = watch(run);
    if (run->command && !error && run->trial->outcome == NEAP_TRIAL_DONE)
        run->trial->stopped = true;
    child_stop(run, &run->load, SIGTERM, true);
    child_stop(run, &run->command, SIGTERM, false);
    leftovers_end(run);
    if (!error)
        figures_fill(run);
    return error;
}

int neap_trial_run(const struct neap_trial_plan *plan, const struct neap_allocator_setup *setup,
                   struct neap_trial *trial) {
    assert(setup->present);
    *trial = (struct neap_trial){0};
    struct run run = {.plan = plan, .setup = setup, .trial = trial};
    int error = neap_os_child_adopt_orphans();
    if (error)
        return error;
    run.errors = neap_os_output_tail_open();
    run.tree = neap_os_process_tree_new(getpid());
    if (run.errors < 0)
        error = NEAP_ERROR_SYSTEM;
    else
        error = run.tree ? run_whole(&run) : NEAP_ERROR_MEMORY;
    if (run.errors >= 0)
        close(run.errors);
    neap_os_process_tree_destroy(run.tree);
    return error;
}

void neap_trial_clear(struct neap_trial *trial) {
    neap_series_clear(&trial->series);
}

void neap_trial_describe(const struct neap_trial *trial, char *out, size_t room) {
    const char *who = trial->outcome == NEAP_TRIAL_LOAD_FAILED ? "load: " : "";
    switch (trial->outcome) {
    case NEAP_TRIAL_DONE:
        snprintf(out, room, "done");
        break;
    case NEAP_TRIAL_EXITED:
    case NEAP_TRIAL_KILLED:
    case NEAP_TRIAL_LOAD_FAILED:
        if (trial->signal)
            snprintf(out, room, "%skilled by signal %d (%s)", who, trial->signal, strsignal(trial->signal));
        else
            snprintf(out, room, "%sexit status %d", who, trial->status);
        break;
    case NEAP_TRIAL_EARLY:
        snprintf(out, room, "ended before it was to be stopped");
        break;
    case NEAP_TRIAL_NOT_LOADED:
        snprintf(out, room, "its library was not loaded (static, other word size?)");
        break;
    case NEAP_TRIAL_INTERRUPTED:
        snprintf(out, room, "interrupted");
        break;
    }
}
