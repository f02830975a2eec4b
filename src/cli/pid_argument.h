/* cli/pid_argument.h: the PID that `stat` and `trim` take. Main thread. */
#ifndef NEAP_CLI_PID_ARGUMENT_H
#define NEAP_CLI_PID_ARGUMENT_H

#include "inspect/neap_heap/live_neap_heap.h"

/* A PID: digits and nothing else. */
bool cli_pid_parse(const char *text, pid_t *pid);

/* Finds the process that the only operand of `verb` names, whatever it runs. CLI_GO_ON, and the caller closes
 * *target; or an exit code after one line on stderr. */
int cli_pid_open(const char *verb, int argc, char **argv, struct neap_live_heap *target);

/* Whether a Neap heap serves it. */
bool cli_pid_served(const struct neap_live_heap *target);

/* The same, to trim it: a Neap heap must serve it. CLI_GO_ON, or an exit code after one line on stderr. */
int cli_pid_find(const char *verb, int argc, char **argv, struct neap_live_heap *target);

/* Says on stderr why a later call on the target failed; returns the exit code. */
int cli_pid_error(const char *verb, const struct neap_live_heap *target, int error);

#endif
