/* trial/series.h: samples of memory over time, and figures computed from them.
 *
 * Samples are in the order of time. Memory is assumed to change linearly between
 * two samples. A series owns its samples. One thread.
 */
#ifndef NEAP_TRIAL_SERIES_H
#define NEAP_TRIAL_SERIES_H

#include <stddef.h>
#include <stdint.h>

/* Kinds of figures of memory: see os/process.h. */
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

/* Appends a sample, whose at_ns must not be less than that of the last. On NEAP_ERROR_MEMORY the series
 * is as before. */
int neap_series_add(struct neap_series *series, const struct neap_sample *sample);
void neap_series_clear(struct neap_series *series);

/* How long the end of a series is. It is longer than the shutdown of an interpreter, which frees the
 * memory of the program and must not count as its end. */
#define NEAP_SERIES_END_NS UINT64_C(250000000)

/* All three are 0 for an empty series. The mean is weighted by time. The end is the median of the
 * samples in the last NEAP_SERIES_END_NS (the lower of two middle ones). */
double neap_series_peak(const struct neap_series *series, enum neap_memory_kind kind);
double neap_series_mean(const struct neap_series *series, enum neap_memory_kind kind);
double neap_series_end(const struct neap_series *series, enum neap_memory_kind kind);

/* The largest number of processes in a sample. */
uint32_t neap_series_processes(const struct neap_series *series);

/* The maximum in each of `count` steps of `step_ns`, for drawing, so that no peak is
 * lost. A step without a sample is interpolated; steps after the last sample are
 * NAN. */
void neap_series_steps(const struct neap_series *series, enum neap_memory_kind kind, uint64_t step_ns,
                       double *steps, size_t count);

#endif
