/* cli/look_report.h: what `neap look` found, as text and as JSON. Main thread. */
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
    size_t shown;     /* rows or objects at most */
    const char *type; /* NULL, or what `largest` are of */
    const struct neap_object_details *largest;
};

/* As wide as the terminal, 80 columns where there is none. */
void cli_look_print(const struct cli_look_report *report, FILE *out);

/* Schema neap.look/1, see docs/look.md. 0, or a negative enum neap_error. */
int cli_look_print_json(const struct cli_look_report *report, FILE *out);

#endif
