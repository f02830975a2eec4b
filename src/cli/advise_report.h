/* cli/advise_report.h: what `neap advise` found, as text and as JSON. Main thread. */
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
    size_t shown; /* at most */
};

/* As wide as the terminal, 80 columns where there is none. */
void cli_advise_print(const struct cli_advise_report *report, FILE *out);

/* Schema neap.advise/1, see docs/look.md. 0, or a negative enum neap_error. */
int cli_advise_print_json(const struct cli_advise_report *report, FILE *out);

#endif
