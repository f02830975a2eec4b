/* cli/advise_report.h: prints the result of `neap advise`, as text and as JSON. Main thread. */
#ifndef NEAP_CLI_ADVISE_REPORT_H
#define NEAP_CLI_ADVISE_REPORT_H

#include <stdio.h>

#include "advice/advice.h"
#include "cli/python_argument.h"
#include "inspect/objects/analysis.h"

struct cli_advise_report {
    const struct cli_python *python;
    const struct neap_analysis *analysis;
    const struct neap_advices *advices;
    size_t shown; /* the most advices to print */
};

/* Prints text as wide as the terminal, or 80 columns if `out` is none. */
void cli_advise_print(const struct cli_advise_report *report, FILE *out);

/* Prints JSON, schema neap.advise/1, see docs/look.md. Returns 0 or a negative enum neap_error. */
int cli_advise_print_json(const struct cli_advise_report *report, FILE *out);

#endif
