/* cli/stat_report.h: prints the result of `neap stat` for a Neap heap, as text and as JSON. Main thread. */
#ifndef NEAP_CLI_STAT_REPORT_H
#define NEAP_CLI_STAT_REPORT_H

#include <stdio.h>

#include "cli/kernel_notes.h"
#include "inspect/neap_heap/live_neap_heap.h"

/* Prints text of at most 80 columns. */
void cli_stat_print(const struct neap_live_heap *target, const struct neap_heap_view *view, FILE *out);

/* Prints JSON, schema neap.stat/1, see docs/stat.md. Returns 0 or a negative enum neap_error. */
int cli_stat_print_json(const struct neap_live_heap *target, const struct neap_heap_view *view,
                        const struct neap_os_kernel_settings *kernel, FILE *out);

#endif
