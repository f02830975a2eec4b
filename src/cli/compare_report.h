/* cli/compare_report.h: a comparison as table, JSON, page and picture.
 *
 * All four show the same figures: medians, and ratios to the first allocator. Only
 * verb_compare.c calls it.
 */
#ifndef NEAP_CLI_COMPARE_REPORT_H
#define NEAP_CLI_COMPARE_REPORT_H

#include <stdio.h>

#include "trial/comparison.h"

struct cli_compare_report {
    const struct neap_comparison *comparison;
    const struct neap_trial_plan *plan;
    const char *command;    /* the command that was run, quoted for a shell */
    const char *invocation; /* the whole `neap compare ...`, quoted too */
};

/* Prints the tables with captions, and the last lines of standard error of failed runs. */
void cli_compare_print(const struct cli_compare_report *report, FILE *out);

/* Prints the document "neap.compare/1", see docs/compare.md. Returns 0 or a negative enum neap_error. */
int cli_compare_json(const struct cli_compare_report *report, FILE *out);

/* Prints the HTML page. Returns 0 or a negative enum neap_error. */
int cli_compare_page(const struct cli_compare_report *report, FILE *out);

/* Prints RSS over time as SVG. Returns 0 or a negative enum neap_error; NEAP_ERROR_ABSENT if nothing was
 * measured. */
int cli_compare_picture(const struct cli_compare_report *report, FILE *out);

#endif
