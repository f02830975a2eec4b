/* cli/compare_report.h: a comparison as table, JSON, page and picture.
 *
 * The four show the same figures: medians, and ratios to the first allocator.
 * Called by verb_compare.c alone.
 */
#ifndef NEAP_CLI_COMPARE_REPORT_H
#define NEAP_CLI_COMPARE_REPORT_H

#include <stdio.h>

#include "trial/comparison.h"

struct cli_compare_report {
    const struct neap_comparison *comparison;
    const struct neap_trial_plan *plan;
    const char *command;    /* what was run, quoted for a shell */
    const char *invocation; /* all of `neap compare ...`, likewise */
};

/* The tables, a line on what they show, and the last words of what failed. */
void cli_compare_print(const struct cli_compare_report *report, FILE *out);

/* The document "neap.compare/1", see docs/compare.md. 0 or an enum neap_error. */
int cli_compare_json(const struct cli_compare_report *report, FILE *out);

/* The HTML page. */
int cli_compare_page(const struct cli_compare_report *report, FILE *out);

/* RSS over time as SVG. NEAP_ERROR_ABSENT if nothing was measured. */
int cli_compare_picture(const struct cli_compare_report *report, FILE *out);

#endif
