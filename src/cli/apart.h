/* cli/apart.h: foreign bytes are analysed in a process that may do nothing but that.
 *
 *   neap look ──┬── options, can the output files be made?
 *               ├─fork─> worker: opens target, core or map ── copies ──| gives up all rights |── analyses,
 *               │                                                       prints, sends the other forms ─┐
 *               └── waits, and writes the files with what it is sent <────────────────────────────────┘
 *
 * So a fault in what reads a hostile process or file has, at the worst, a false report, and not the rights of
 * root. The process that was started keeps its rights, but sees no byte of the target. NEAP_CONFINE=0
 * switches this off. Main thread.
 */
#ifndef NEAP_CLI_APART_H
#define NEAP_CLI_APART_H

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/output.h"

/* Splits the process in two. In the worker, CLI_GO_ON. In the other one, an exit code: the worker has ended,
 * the files of `output` are written, and the verb is done. If NEAP_CONFINE=0, CLI_GO_ON in one process. */
int cli_apart_begin(const struct cli_output *output);

/* In the worker: from now on files can be opened only for reading. Nothing happens where there is none. */
void cli_apart_only_read(void);

/* In the worker: gives up everything. What is open can still be read: a target's memory, too. */
void cli_apart_confine(void);

/* Whether this is the worker, which writes no files and sends them. */
bool cli_apart_is_worker(void);

/* In the worker: sends what is to be written to the file that `output` names as number `form`. False if
 * nobody listens. */
bool cli_apart_send(unsigned form, const void *text, size_t bytes);

#endif
