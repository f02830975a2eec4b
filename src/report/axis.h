/* report/axis.h: chooses the marks of an axis. Pure; any thread. */
#ifndef NEAP_REPORT_AXIS_H
#define NEAP_REPORT_AXIS_H

#include <stddef.h>

struct neap_axis {
    double step;  /* between marks: 1, 2 or 5 times a power of ten */
    size_t marks; /* at 0, step ... (marks - 1) * step */
    int decimals; /* digits after the point that a mark needs */
};

/* Chooses about `wanted` marks (at least 2), from 0 on, for values up to `most`
 * (0 and less count as 1). With `cover` the last mark is at `most` or above,
 * otherwise at `most` or below. */
struct neap_axis neap_axis_make(double most, size_t wanted, int cover);

#endif
