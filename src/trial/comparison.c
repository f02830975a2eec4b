/* trial/comparison.c: rounds and medians. */
#include "trial/comparison.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include <neap/error.h>

struct neap_comparison *neap_comparison_new(const struct neap_allocator_choice *const *allocators,
                                            size_t count, char *const *command, const char *program) {
    struct neap_comparison *comparison = calloc(1, sizeof(*comparison));
    if (!comparison)
        return NULL;
    comparison->entries = calloc(count, sizeof(*comparison->entries));
    if (!comparison->entries) {
        free(comparison);
        return NULL;
    }
    comparison->entry_count = count;
    for (size_t i = 0; i < count; i++) {
        comparison->entries[i].allocator = allocators[i];
        neap_allocator_choice_find(allocators[i], command, program, &comparison->entries[i].setup);
    }
    return comparison;
}

static void trials_clear(struct neap_comparison *comparison) {
    for (size_t i = 0; i < comparison->entry_count; i++) {
        struct neap_comparison_entry *entry = &comparison->entries[i];
        for (unsigned n = 0; n < entry->trial_count; n++)
            neap_trial_clear(&entry->trials[n]);
        free(entry->trials);
        entry->trials = NULL;
        entry->trial_count = 0;
        entry->failure = NULL;
    }
}

void neap_comparison_destroy(struct neap_comparison *comparison) {
    if (!comparison)
        return;
    trials_clear(comparison);
    free(comparison->entries);
    free(comparison);
}

/* --- rounds ------------------------------------------------------------ */

/* The context of `watch`, which reports the progress of all trials. */
struct rounds {
    struct neap_comparison_progress now;
    void (*progress)(void *context, const struct neap_comparison_progress *now);
    void *context;
    uint64_t spent_ns; /* in the trials that have ended */
    unsigned over;
};

static void trial_watch(void *context, uint64_t elapsed_ns) {
    struct rounds *rounds = context;
    rounds->now.elapsed_ns = elapsed_ns;
    if (rounds->progress)
        rounds->progress(rounds->context, &rounds->now);
}

static int trials_prepare(struct neap_comparison *comparison, unsigned count) {
    trials_clear(comparison);
    comparison->rounds = count;
    for (size_t i = 0; i < comparison->entry_count; i++) {
        comparison->entries[i].trials = calloc(count, sizeof(struct neap_trial));
        if (!comparison->entries[i].trials)
            return NEAP_ERROR_MEMORY;
    }
    return 0;
}

/* How many trials follow, from `round` on, if no further one fails. */
static unsigned trials_left(const struct neap_comparison *comparison, unsigned round) {
    unsigned left = 0;
    for (size_t i = 0; i < comparison->entry_count; i++) {
        const struct neap_comparison_entry *entry = &comparison->entries[i];
        if (entry->setup.present && !entry->failure)
            left += comparison->rounds - (entry->trial_count > round ? entry->trial_count : round);
    }
    return left;
}

static int entry_run(struct neap_comparison *comparison, struct neap_comparison_entry *entry, unsigned round,
                     const struct neap_trial_plan *plan, struct rounds *rounds) {
    struct neap_trial *trial = &entry->trials[entry->trial_count];
    rounds->now.allocator = entry->allocator->name;
    rounds->now.trial = rounds->over + 1;
    rounds->now.trials = rounds->over + trials_left(comparison, round);
    rounds->now.expected_ns = rounds->over ? rounds->spent_ns / rounds->over : 0;
    int error = neap_trial_run(plan, &entry->setup, trial);
    if (error) {
        neap_trial_clear(trial);
        return error;
    }
    entry->trial_count++;
    if (trial->outcome != NEAP_TRIAL_DONE)
        entry->failure = trial;
    rounds->over++;
    rounds->spent_ns += trial->wall_ns;
    return 0;
}

int neap_comparison_run(struct neap_comparison *comparison, const struct neap_trial_plan *plan,
                        unsigned count,
                        void (*progress)(void *context, const struct neap_comparison_progress *now),
                        void *context) {
    struct rounds rounds = {.progress = progress, .context = context};
    struct neap_trial_plan watched = *plan;
    watched.watch = trial_watch;
    watched.context = &rounds;
    assert(count >= 1 && count <= NEAP_COMPARISON_ROUNDS_MAX);
    int error = trials_prepare(comparison, count);
    for (unsigned round = 0; !error && round < count; round++) {
        for (size_t i = 0; !error && i < comparison->entry_count; i++) {
            struct neap_comparison_entry *entry = &comparison->entries[i];
            if (!entry->setup.present || entry->failure)
                continue;
            error = entry_run(comparison, entry, round, &watched, &rounds);
            if (!error && entry->failure && entry->failure->outcome == NEAP_TRIAL_INTERRUPTED)
                return 0;
        }
    }
    return error;
}

/* --- figures ----------------------------------------------------------- */

bool neap_comparison_has_figures(const struct neap_comparison_entry *entry) {
    return entry->setup.present && entry->trial_count > 0 && !entry->failure;
}

static double trial_figure(const struct neap_trial *trial, enum neap_figure figure) {
    switch (figure) {
    case NEAP_FIGURE_WALL:
        return (double)trial->wall_ns;
    case NEAP_FIGURE_CPU:
        return (double)trial->cpu_ns;
    case NEAP_FIGURE_LOAD:
        return (double)trial->load_ns;
    default:
        break;
    }
    if (figure < NEAP_FIGURE_MEAN)
        return trial->peak[figure - NEAP_FIGURE_PEAK];
    if (figure < NEAP_FIGURE_END)
        return trial->mean[figure - NEAP_FIGURE_MEAN];
    return trial->end[figure - NEAP_FIGURE_END];
}

static int double_compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double neap_comparison_figure(const struct neap_comparison_entry *entry, enum neap_figure figure) {
    assert(neap_comparison_has_figures(entry));
    unsigned count = entry->trial_count;
    double values[NEAP_COMPARISON_ROUNDS_MAX];
    for (unsigned i = 0; i < count; i++)
        values[i] = trial_figure(&entry->trials[i], figure);
    qsort(values, count, sizeof(*values), double_compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

const struct neap_trial *neap_comparison_typical(const struct neap_comparison_entry *entry) {
    assert(neap_comparison_has_figures(entry));
    const enum neap_figure figure = NEAP_FIGURE_MEAN + NEAP_MEMORY_RSS;
    double median = neap_comparison_figure(entry, figure);
    const struct neap_trial *typical = &entry->trials[0];
    for (unsigned i = 1; i < entry->trial_count; i++)
        if (fabs(trial_figure(&entry->trials[i], figure) - median) <
            fabs(trial_figure(typical, figure) - median))
            typical = &entry->trials[i];
    return typical;
}
