/* report/chart.h: a line chart as data, and as a picture.
 *
 * All lines share one grid of x: value i is at i * x_step. NAN means that there is
 * no value. A line may end before the others. The chart owns none of its data.
 */
#ifndef NEAP_REPORT_CHART_H
#define NEAP_REPORT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct neap_chart_line {
    const char *name;     /* identifies it: "neap" */
    const char *label;    /* text at its end: "neap 12 MB" */
    const char *colour;   /* "#0072b2"; visible on white and on black */
    bool strong;          /* drawn stronger than the others */
    const double *values; /* as many as the `count` of the chart */
};

struct neap_chart {
    const char *name;    /* short, for a button: "RSS" */
    const char *title;   /* says what the chart shows */
    const char *note;    /* a smaller line below the title; "" for none */
    const char *x_title; /* with the unit of measure */
    const char *y_title;
    double x_step;
    size_t count;
    const struct neap_chart_line *lines;
    size_t line_count;
};

/* Writes the chart as an SVG document, 800 units wide, with a light background,
 * so that it is readable on a dark page too. Any thread. */
void neap_chart_svg(const struct neap_chart *chart, FILE *stream);

/* The largest value; 0 if there are no values. */
double neap_chart_most(const struct neap_chart *chart);

#endif
