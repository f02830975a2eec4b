/* cli/progress.h: a line on standard error that shows how much of its work a verb has done.
 *
 * It is shown only if standard error is a terminal, and redrawn at most ten times a second.
 * The verb removes it at the end. Main thread.
 */
#ifndef NEAP_CLI_PROGRESS_H
#define NEAP_CLI_PROGRESS_H

#include <stdint.h>

/* Shows `done` (0 to 1) as a bar, `text` and, if `left_ns` is not 0, the time left. */
void cli_progress_show(double done, const char *text, uint64_t left_ns);

/* Removes the line. */
void cli_progress_clear(void);

#endif
