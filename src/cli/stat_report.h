/* cli/stat_report.h: what `neap stat` found, as text and as JSON. Main thread. */
#ifndef NEAP_CLI_STAT_REPORT_H
#define NEAP_CLI_STAT_REPORT_H

#include <stdio.h>

#include "cli/kernel_notes.h"
#include "inspect/neap_heap/live_neap_heap.h"

/* At most 80 columns wide. */
void cli_stat_print(const struct neap_live_heap *target, const struct neap_heap_view *view, FILE *out);

/* Schema neap.stat/1, see docs/stat.md. 0, or a negative enum neap_error. */
int cli_stat_print_json(const struct neap_live_heap *target, const struct neap_heap_view *view,
                        const struct neap_os_kernel_settings *kernel, FILE *out);

#endif
