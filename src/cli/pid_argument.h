/* cli/pid_argument.h: the PID that a verb takes. Main thread. */
#ifndef NEAP_CLI_PID_ARGUMENT_H
#define NEAP_CLI_PID_ARGUMENT_H

#include "inspect/neap_heap/live_neap_heap.h"

/* Reads a PID. False if `text` has anything but digits, or is out of range. */
bool cli_pid_parse(const char *text, pid_t *pid);

/* Finds the process that the only operand of `verb` names, whatever it runs. Returns CLI_GO_ON, and the
 * caller closes *target; or an exit code after one line on stderr. */
int cli_pid_open(const char *verb, int argc, char **argv, struct neap_live_heap *target);

/* Whether a Neap heap serves the process. */
bool cli_pid_served(const struct neap_live_heap *target);

/* As cli_pid_open, to trim the process: a Neap heap must serve it. */
int cli_pid_find(const char *verb, int argc, char **argv, struct neap_live_heap *target);

/* Says on stderr why a later call on the target failed with `error`. Returns the exit code. */
int cli_pid_error(const char *verb, const struct neap_live_heap *target, int error);

#endif
