/* report/chart.h: a line chart as data, and as a picture.
 *
 * All lines share one grid of x: value i stands at i * x_step. NAN is no value;
 * a line may end before the others. Nothing here is owned by the chart.
 */
#ifndef NEAP_REPORT_CHART_H
#define NEAP_REPORT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct neap_chart_line {
    const char *name;     /* identifies it: "neap" */
    const char *label;    /* stands at its end: "neap 12 MB" */
    const char *colour;   /* "#0072b2": to be seen on white and on black */
    bool strong;          /* the one that the picture is about */
    const double *values; /* count of the chart */
};

struct neap_chart {
    const char *name;    /* short, for a button: "RSS" */
    const char *title;   /* what is to be seen */
    const char *note;    /* smaller, below it; "" for none */
    const char *x_title; /* with the unit */
    const char *y_title;
    double x_step;
    size_t count;
    const struct neap_chart_line *lines;
    size_t line_count;
};

/* Writes the chart as an SVG document, 800 units wide, on a light ground of its
 * own, so that it can be seen on a dark page too. Any thread. */
void neap_chart_svg(const struct neap_chart *chart, FILE *stream);

/* The largest value; 0 if there is none. */
double neap_chart_most(const struct neap_chart *chart);

#endif
