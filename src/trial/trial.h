/* trial/trial.h: runs a command under one allocator and samples its memory.
 *
 * The memory of the whole process tree is sampled while the command runs. A run
 * ends in one of these ways:
 *
 *     command        ends by itself
 *     with for_ns    runs for that time, is stopped (SIGTERM, later SIGKILL)
 *     with load      listens --> load runs --> load ends, or for_ns later
 *                    --> idle_ns pass --> last sample --> is stopped
 *
 * Processes that the command leaves behind are ended too. Sampling becomes slower
 * if it would take more than 2 % of one core. One trial at a time in a process. The
 * process adopts orphans and must have no other children meanwhile.
 */
#ifndef NEAP_TRIAL_TRIAL_H
#define NEAP_TRIAL_TRIAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "trial/allocator_choice.h"
#include "trial/series.h"

struct neap_trial_plan {
    char *const *command;
    uint64_t interval_ns; /* least time between two samples */
    uint64_t for_ns;      /* 0: no limit */
    const char *load;     /* shell command; NULL: none */
    uint64_t idle_ns;     /* after the load */
    int output;           /* descriptor for the command's standard output; -1: nowhere */

    const volatile sig_atomic_t *interrupted; /* becomes nonzero when the run is to stop; may be NULL */
    void (*watch)(void *context, uint64_t elapsed_ns); /* called after each sample; may be NULL */
    void *context;
};

enum neap_trial_outcome {
    NEAP_TRIAL_DONE = 0,    /* exit status 0, or stopped as planned */
    NEAP_TRIAL_EXITED,      /* exit status other than 0 */
    NEAP_TRIAL_KILLED,      /* by a signal that Neap did not send */
    NEAP_TRIAL_EARLY,       /* ended by itself before the load and the idling were over */
    NEAP_TRIAL_LOAD_FAILED, /* the load did not exit with 0 */
    NEAP_TRIAL_NOT_LOADED,  /* ran, but without the allocator's library */
    NEAP_TRIAL_INTERRUPTED,
};

enum { NEAP_TRIAL_ERRORS_ROOM = 1024 };

struct neap_trial {
    enum neap_trial_outcome outcome;
    int status, signal;            /* of the command; of the load if that failed */
    bool stopped;                  /* by Neap, as planned */
    uint64_t wall_ns, cpu_ns;      /* from start to end; CPU time of the process tree */
    uint64_t load_ns, load_cpu_ns; /* of the load; 0 without */
    uint64_t sampling_ns;          /* CPU time that the sampling took */
    double peak[NEAP_MEMORY_KINDS], mean[NEAP_MEMORY_KINDS], end[NEAP_MEMORY_KINDS]; /* bytes */
    uint32_t processes; /* the largest number at once */
    struct neap_series series;
    char errors[NEAP_TRIAL_ERRORS_ROOM]; /* the last lines of its standard error */
};

/* Runs the plan. A command that fails is an outcome. An error is returned only if
 * the command could not be started (NEAP_ERROR_ABSENT, NEAP_ERROR_PERMISSION; see
 * errno) or there is no memory. The caller clears `trial` in any case. */
int neap_trial_run(const struct neap_trial_plan *plan, const struct neap_allocator_setup *setup,
                   struct neap_trial *trial);
void neap_trial_clear(struct neap_trial *trial);

/* "exit status 3", "killed by signal 9 (Killed)" ...; "done". */
void neap_trial_describe(const struct neap_trial *trial, char *out, size_t room);

#endif
