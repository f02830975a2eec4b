/* cli/pins_report.h: what `neap pins` found, as text and as JSON. Main thread. */
#ifndef NEAP_CLI_PINS_REPORT_H
#define NEAP_CLI_PINS_REPORT_H

#include <stdio.h>

#include "cli/python_argument.h"
#include "inspect/objects/analysis.h"
#include "inspect/objects/pins.h"

struct cli_pins_report {
    const struct cli_python *python;
    const struct neap_analysis *analysis;
    const struct neap_pins *pins;
    size_t shown;        /* groups at most */
    size_t places_shown; /* arenas at most */
    bool show_values;
};

/* As wide as the terminal, 80 columns where there is none. */
void cli_pins_print(const struct cli_pins_report *report, FILE *out);

/* Schema neap.pins/1, see docs/pins.md. 0, or a negative enum neap_error. */
int cli_pins_print_json(const struct cli_pins_report *report, FILE *out);

#endif
