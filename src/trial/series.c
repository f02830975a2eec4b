/* trial/series.c: computes figures from samples. */
#include "trial/series.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include <neap/error.h>

#include "base/array.h"

int neap_series_add(struct neap_series *series, const struct neap_sample *sample) {
    assert(series->count == 0 || series->samples[series->count - 1].at_ns <= sample->at_ns);
    if (!NEAP_ARRAY_RESERVE(series->samples, series->room, series->count + 1))
        return NEAP_ERROR_MEMORY;
    series->samples[series->count++] = *sample;
    return 0;
}

void neap_series_clear(struct neap_series *series) {
    free(series->samples);
    *series = (struct neap_series){0};
}

double neap_series_peak(const struct neap_series *series, enum neap_memory_kind kind) {
    uint64_t peak = 0;
    for (size_t i = 0; i < series->count; i++)
        if (series->samples[i].bytes[kind] > peak)
            peak = series->samples[i].bytes[kind];
    return (double)peak;
}

double neap_series_mean(const struct neap_series *series, enum neap_memory_kind kind) {
    double area = 0, time = 0;
    for (size_t i = 1; i < series->count; i++) {
        const struct neap_sample *a = &series->samples[i - 1], *b = a + 1;
        double step = (double)(b->at_ns - a->at_ns);
        area += step * ((double)a->bytes[kind] + (double)b->bytes[kind]) / 2;
        time += step;
    }
    return time > 0 ? area / time : neap_series_end(series, kind);
}

double neap_series_end(const struct neap_series *series, enum neap_memory_kind kind) {
    size_t first = series->count;
    while (first > 0 &&
           series->samples[series->count - 1].at_ns - series->samples[first - 1].at_ns <= NEAP_SERIES_END_NS)
        first--;
    for (size_t i = first; i < series->count; i++) {
        uint64_t value = series->samples[i].bytes[kind];
        size_t below = 0, equal = 0, half = (series->count - first - 1) / 2;
        for (size_t k = first; k < series->count; k++) {
            below += series->samples[k].bytes[kind] < value;
            equal += series->samples[k].bytes[kind] == value;
        }
        if (below <= half && half < below + equal)
            return (double)value;
    }
    return 0;
}

uint32_t neap_series_processes(const struct neap_series *series) {
    uint32_t most = 0;
    for (size_t i = 0; i < series->count; i++)
        if (series->samples[i].processes > most)
            most = series->samples[i].processes;
    return most;
}

/* The value at `at_ns` on the line between samples `i - 1` and `i`. */
static double between(const struct neap_series *series, enum neap_memory_kind kind, size_t i, double at_ns) {
    const struct neap_sample *b = &series->samples[i];
    if (i == 0)
        return (double)b->bytes[kind];
    const struct neap_sample *a = b - 1;
    double gap = (double)(b->at_ns - a->at_ns);
    double part = gap > 0 ? (at_ns - (double)a->at_ns) / gap : 1;
    return (double)a->bytes[kind] + part * ((double)b->bytes[kind] - (double)a->bytes[kind]);
}

void neap_series_steps(const struct neap_series *series, enum neap_memory_kind kind, uint64_t step_ns,
                       double *steps, size_t count) {
    size_t i = 0;
    for (size_t step = 0; step < count; step++) {
        uint64_t end_ns = (step + 1) * step_ns;
        if (i == series->count) {
            steps[step] = NAN;
            continue;
        }
        if (series->samples[i].at_ns >= end_ns) {
            steps[step] = between(series, kind, i, ((double)step + 0.5) * (double)step_ns);
            continue;
        }
        double most = 0;
        for (; i < series->count && series->samples[i].at_ns < end_ns; i++)
            most = fmax(most, (double)series->samples[i].bytes[kind]);
        steps[step] = most;
    }
}
