/* cli/pins_report.h: prints the result of `neap pins`, as text and as JSON. Main thread. */
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
    size_t shown;        /* the most groups to print */
    size_t places_shown; /* the most arenas or slabs to print */
    bool show_values;
};

/* Prints text as wide as the terminal, or 80 columns if `out` is none. */
void cli_pins_print(const struct cli_pins_report *report, FILE *out);

/* Prints JSON, schema neap.pins/1, see docs/pins.md. Returns 0 or a negative enum neap_error. */
int cli_pins_print_json(const struct cli_pins_report *report, FILE *out);

#endif
