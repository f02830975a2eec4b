/* cli/look_report.h: prints the result of `neap look`, as text and as JSON. Main thread. */
#ifndef NEAP_CLI_LOOK_REPORT_H
#define NEAP_CLI_LOOK_REPORT_H

#include <stdio.h>

#include "cli/python_argument.h"
#include "inspect/objects/census_rows.h"
#include "inspect/objects/object_detail.h"

struct cli_look_report {
    const struct cli_python *python;
    const neap_census_t *census;
    const struct neap_memory_account *account;
    const char *by; /* "type" */
    bool by_arena;
    const struct neap_census_rows *rows;
    size_t shown;     /* the most rows or objects to print */
    const char *type; /* NULL, or the type of `largest` */
    const struct neap_object_details *largest;
};

/* Prints text as wide as the terminal, or 80 columns if `out` is none. */
void cli_look_print(const struct cli_look_report *report, FILE *out);

/* Prints JSON, schema neap.look/1, see docs/look.md. Returns 0 or a negative enum neap_error. */
int cli_look_print_json(const struct cli_look_report *report, FILE *out);

#endif
