/* cli/pool_report.h: prints the result of `neap stat` for CPython's own allocator, as text and as JSON. Main
 * thread. */
#ifndef NEAP_CLI_POOL_REPORT_H
#define NEAP_CLI_POOL_REPORT_H

#include <stdio.h>

#include "cli/kernel_notes.h"
#include "inspect/python/live_pymalloc.h"
#include "inspect/neap_heap/live_neap_heap.h"

/* Prints text of at most 80 columns. `process` is the same process, as neap_live_heap_find found it. */
void cli_pool_print(const struct neap_live_pymalloc *target, const struct neap_live_heap *process,
                    const struct neap_live_pymalloc_view *view, FILE *out);

/* Prints JSON, schema neap.pools/1, see docs/stat.md. Returns 0 or a negative enum neap_error. */
int cli_pool_print_json(const struct neap_live_pymalloc *target, const struct neap_live_heap *process,
                        const struct neap_live_pymalloc_view *view,
                        const struct neap_os_kernel_settings *kernel, FILE *out);

#endif
