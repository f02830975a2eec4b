/* cli/compare_chart.h: a comparison as charts, one for each kind of memory.
 *
 * Called by compare_report.c alone.
 */
#ifndef NEAP_CLI_COMPARE_CHART_H
#define NEAP_CLI_COMPARE_CHART_H

#include "cli/compare_report.h"
#include "report/chart.h"

enum { CLI_COMPARE_LABEL_ROOM = 48 };

struct cli_compare_charts {
    struct neap_chart charts[NEAP_MEMORY_KINDS];
    size_t line_count; /* allocators that were measured; 0: there is nothing to draw */
    char title[128];
    /* What the charts point to. */
    char note[96];
    char *labels; /* of CLI_COMPARE_LABEL_ROOM each */
    double *values;
    struct neap_chart_line *lines;
};

/* 0 or NEAP_ERROR_MEMORY; the caller clears it after success. */
int cli_compare_charts_make(const struct cli_compare_report *report, struct cli_compare_charts *charts);
void cli_compare_charts_clear(struct cli_compare_charts *charts);

#endif
