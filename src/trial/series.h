/* trial/series.h: memory over time, as sampled; and what figures say of it.
 *
 * Samples stand in the order of time; between two of them memory is taken to
 * have changed evenly. A series owns its samples. Not shared between threads.
 */
#ifndef NEAP_TRIAL_SERIES_H
#define NEAP_TRIAL_SERIES_H

#include <stddef.h>
#include <stdint.h>

/* What of the memory: see os/process_info.h. */
enum neap_memory_kind { NEAP_MEMORY_RSS, NEAP_MEMORY_PSS, NEAP_MEMORY_PRIVATE, NEAP_MEMORY_KINDS };

struct neap_sample {
    uint64_t at_ns;                    /* since the start */
    uint64_t bytes[NEAP_MEMORY_KINDS]; /* of the whole process tree */
    uint32_t processes;                /* in it */
};

struct neap_series {
    struct neap_sample *samples;
    size_t count, room;
};

/* Appends; NEAP_ERROR_MEMORY leaves the series as it was. at_ns must not go back. */
int neap_series_add(struct neap_series *series, const struct neap_sample *sample);
void neap_series_clear(struct neap_series *series);

/* How long the end of a series is: longer than an interpreter takes to come down, which frees
 * all that a program held and is not what it ended with. */
#define NEAP_SERIES_END_NS UINT64_C(250000000)

/* All three are 0 for an empty series. The mean is weighted by time; the end is the median of the
 * samples in the last NEAP_SERIES_END_NS (the lower of two). */
double neap_series_peak(const struct neap_series *series, enum neap_memory_kind kind);
double neap_series_mean(const struct neap_series *series, enum neap_memory_kind kind);
double neap_series_end(const struct neap_series *series, enum neap_memory_kind kind);

/* The most processes that one sample saw. */
uint32_t neap_series_processes(const struct neap_series *series);

/* The most in each of `count` steps of `step_ns`, for drawing: a peak is never
 * lost. A step without a sample is taken from the line between its neighbours;
 * those after the last sample become NAN. */
void neap_series_steps(const struct neap_series *series, enum neap_memory_kind kind, uint64_t step_ns,
                       double *steps, size_t count);

#endif
