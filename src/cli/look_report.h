/* cli/look_report.h: what `neap look` found, as text and as JSON. Main thread. */
#ifndef NEAP_CLI_LOOK_REPORT_H
#define NEAP_CLI_LOOK_REPORT_H

#include <stdio.h>

#include "cli/python_argument.h"
#include "inspect/objects/census_rows.h"
#include "inspect/objects/largest.h"

enum { CLI_LOOK_REFERRERS = 3 };

/* One of the largest of a type. */
struct cli_look_object {
    struct neap_largest largest;
    char what[160];                         /* "str, 1,204 characters" */
    char path[NEAP_HOLDER_TEXT_ROOM];       /* what keeps it alive */
    char referrers[CLI_LOOK_REFERRERS][80]; /* "dict in app.cache" */
    unsigned referrer_count;                /* of these */
    uint64_t referrer_total;
};

struct cli_look_report {
    const struct cli_python *python;
    const neap_census_t *census;
    const struct neap_memory_account *account;
    const char *by; /* "type" */
    bool by_arena;
    const struct neap_census_rows *rows;
    size_t shown;     /* rows or objects at most */
    const char *type; /* NULL, or what `objects` are of */
    const struct cli_look_object *objects;
    size_t object_count;
    uint64_t object_total;
};

/* As wide as the terminal, 80 columns where there is none. */
void cli_look_print(const struct cli_look_report *report, FILE *out);

/* Schema neap.look/1, see docs/look.md. 0, or a negative enum neap_error. */
int cli_look_print_json(const struct cli_look_report *report, FILE *out);

#endif
