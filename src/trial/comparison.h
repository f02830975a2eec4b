/* trial/comparison.h: runs a command under several allocators in turn, n times.
 *
 *     round 1:  cpython  neap  glibc ...      so that other work of the
 *     round 2:  cpython  neap  glibc ...      machine affects all alike
 *
 * Figures are medians over the rounds. Ratios are to the first entry. An allocator
 * that is not present keeps its entry, with the reason. If the command fails under
 * an allocator, it is not run again under it, and the failed trial is kept.
 * One comparison at a time in a process, on one thread.
 */
#ifndef NEAP_TRIAL_COMPARISON_H
#define NEAP_TRIAL_COMPARISON_H

#include "trial/allocator_choice.h"
#include "trial/trial.h"

enum neap_figure {
    NEAP_FIGURE_WALL, /* nanoseconds */
    NEAP_FIGURE_CPU,
    NEAP_FIGURE_LOAD,
    NEAP_FIGURE_PEAK, /* bytes; from here on, one figure per memory kind, in their order */
    NEAP_FIGURE_MEAN = NEAP_FIGURE_PEAK + NEAP_MEMORY_KINDS,
    NEAP_FIGURE_END = NEAP_FIGURE_MEAN + NEAP_MEMORY_KINDS,
    NEAP_FIGURES = NEAP_FIGURE_END + NEAP_MEMORY_KINDS,
};

enum { NEAP_COMPARISON_ROUNDS_MAX = 1000 };

struct neap_comparison_entry {
    const struct neap_allocator_choice *allocator;
    struct neap_allocator_setup setup;
    struct neap_trial *trials;
    unsigned trial_count;
    const struct neap_trial *failure; /* the trial that failed; NULL: none */
};

struct neap_comparison_progress {
    const char *allocator;
    unsigned trial, trials; /* number of the current trial, from 1; number of all trials */
    uint64_t elapsed_ns;    /* time of this trial so far */
    uint64_t expected_ns;   /* time of a whole trial, from earlier ones; 0: not known yet */
};

struct neap_comparison {
    struct neap_comparison_entry *entries;
    size_t entry_count;
    unsigned rounds;
};

/* Makes a comparison of `count` allocators for `command`; see neap_allocator_choice_find.
 * NULL if there is no memory. The caller owns it. */
struct neap_comparison *neap_comparison_new(const struct neap_allocator_choice *const *allocators,
                                            size_t count, char *const *command, const char *program);
void neap_comparison_destroy(struct neap_comparison *comparison);

/* Runs `count` rounds of the plan (1 to NEAP_COMPARISON_ROUNDS_MAX). `progress`, which may be NULL,
 * replaces the plan's `watch`. Returns the errors of neap_trial_run; the comparison then has the trials
 * so far. An interruption is not an error; the last trial shows it. */
int neap_comparison_run(struct neap_comparison *comparison, const struct neap_trial_plan *plan,
                        unsigned count,
                        void (*progress)(void *context, const struct neap_comparison_progress *now),
                        void *context);

/* Whether there are figures: the allocator is present, has run, and never failed. */
bool neap_comparison_has_figures(const struct neap_comparison_entry *entry);

/* The median over the entry's trials; only where there are figures. */
double neap_comparison_figure(const struct neap_comparison_entry *entry, enum neap_figure figure);

/* The trial to draw: the one whose mean RSS is nearest to the median. */
const struct neap_trial *neap_comparison_typical(const struct neap_comparison_entry *entry);

#endif
