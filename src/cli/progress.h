/* cli/progress.h: one line on standard error that tells how far a verb is.
 *
 * Shown only while standard error is a terminal, redrawn ten times a second at
 * most, and gone when the verb is done. One at a time; main thread.
 */
#ifndef NEAP_CLI_PROGRESS_H
#define NEAP_CLI_PROGRESS_H

#include <stdint.h>

/* Shows `done` (0 to 1) as a bar, `text` and, if `left_ns` is not 0, what is
 * left. */
void cli_progress_show(double done, const char *text, uint64_t left_ns);

/* Takes the line away. */
void cli_progress_clear(void);

#endif
