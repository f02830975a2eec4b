/* trial/comparison.h: one command under several allocators, in turn, n times.
 *
 *     round 1:  cpython  neap  glibc ...      so that what the machine does
 *     round 2:  cpython  neap  glibc ...      meanwhile hits all alike
 *
 * Figures are medians over the rounds. The first entry is the one that ratios
 * are to. An allocator that is absent keeps its entry, with the reason; one
 * under which the command failed is not run again, and keeps that trial.
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
    NEAP_FIGURE_PEAK, /* bytes, and so on: three of each memory kind, in their order */
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
    const struct neap_trial *failure; /* the trial that failed; NULL: none did */
};

struct neap_comparison_progress {
    const char *allocator;
    unsigned trial, trials; /* the one under way, from 1; of all */
    uint64_t elapsed_ns;    /* of this trial */
    uint64_t expected_ns;   /* of a trial, from those before; 0: not known yet */
};

struct neap_comparison {
    struct neap_comparison_entry *entries;
    size_t entry_count;
    unsigned rounds;
};

/* Room for `count` allocators, found for `command`; see neap_allocator_choice_find.
 * NULL if memory is short. The caller owns it. */
struct neap_comparison *neap_comparison_new(const struct neap_allocator_choice *const *allocators,
                                            size_t count, char *const *command, const char *program);
void neap_comparison_destroy(struct neap_comparison *comparison);

/* Runs `count` rounds (1 to NEAP_COMPARISON_ROUNDS_MAX) of the plan, whose `watch` is replaced by `progress`
 * (may be NULL). Errors are those of neap_trial_run, and then the comparison
 * holds what was done so far; an interruption is none, see the last trial. */
int neap_comparison_run(struct neap_comparison *comparison, const struct neap_trial_plan *plan,
                        unsigned count,
                        void (*progress)(void *context, const struct neap_comparison_progress *now),
                        void *context);

/* Whether there are figures: it is present, has run, and never failed. */
bool neap_comparison_has_figures(const struct neap_comparison_entry *entry);

/* The median over the entry's trials; only where there are figures. */
double neap_comparison_figure(const struct neap_comparison_entry *entry, enum neap_figure figure);

/* The trial nearest to the median in mean RSS: the one to draw. */
const struct neap_trial *neap_comparison_typical(const struct neap_comparison_entry *entry);

#endif
