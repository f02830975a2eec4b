/* report/axis.h: where the marks of an axis stand. Pure; any thread. */
#ifndef NEAP_REPORT_AXIS_H
#define NEAP_REPORT_AXIS_H

#include <stddef.h>

struct neap_axis {
    double step;  /* between marks: 1, 2 or 5 times a power of ten */
    size_t marks; /* at 0, step ... (marks - 1) * step */
    int decimals; /* that a mark needs */
};

/* Marks from 0 on for values up to `most` (0 and below are taken as 1), about
 * `wanted` of them (at least 2). With `cover` the last mark is at `most` or
 * above, else at `most` or below. */
struct neap_axis neap_axis_make(double most, size_t wanted, int cover);

#endif
