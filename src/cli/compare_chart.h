/* cli/compare_chart.h: a comparison as charts, one for each kind of memory.
 *
 * Only compare_report.c calls it.
 */
#ifndef NEAP_CLI_COMPARE_CHART_H
#define NEAP_CLI_COMPARE_CHART_H

#include "cli/compare_report.h"
#include "report/chart.h"

enum { CLI_COMPARE_LABEL_ROOM = 48 };

struct cli_compare_charts {
    struct neap_chart charts[NEAP_MEMORY_KINDS];
    size_t line_count; /* number of allocators that were measured; 0 = there is nothing to draw */
    char title[128];
    /* The charts point to these. */
    char note[96];
    char *labels; /* CLI_COMPARE_LABEL_ROOM bytes each */
    double *values;
    struct neap_chart_line *lines;
};

/* Makes the charts. Returns 0 or NEAP_ERROR_MEMORY. The caller clears them after success. */
int cli_compare_charts_make(const struct cli_compare_report *report, struct cli_compare_charts *charts);
void cli_compare_charts_clear(struct cli_compare_charts *charts);

#endif
