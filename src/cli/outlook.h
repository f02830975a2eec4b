/* cli/outlook.h: whether a command that `neap run` starts will be served.
 *
 *   command ──> env? ──> its command      what clears LD_PRELOAD ends the way
 *      │ file
 *      ├── #! script ──> its interpreter, as a command
 *      └── program ──> set-id, capabilities, static, for another machine, word size or C library
 *
 * What a program does when it runs cannot be seen: it may start others, and clear their environment.
 */
#ifndef NEAP_CLI_OUTLOOK_H
#define NEAP_CLI_OUTLOOK_H

#include <stdbool.h>

#include "os/program_file.h"

enum cli_outlook_kind {
    CLI_OUTLOOK_PYTHON,  /* named like a Python, and nothing is in the way */
    CLI_OUTLOOK_PROGRAM, /* another program; nothing is in the way of a Python that it starts */
    CLI_OUTLOOK_ABSENT,  /* no such command, or it may not be executed */
    CLI_OUTLOOK_HIDDEN,  /* the file may be executed, and not read */
    /* From here on it is not served. */
    CLI_OUTLOOK_SET_ID,
    CLI_OUTLOOK_CAPABILITIES,
    CLI_OUTLOOK_STATIC,
    CLI_OUTLOOK_WORD_SIZE,
    CLI_OUTLOOK_MACHINE,
    CLI_OUTLOOK_C_LIBRARY,
    CLI_OUTLOOK_CLEARED, /* env, without LD_PRELOAD */
    CLI_OUTLOOK_SUDO,
};

struct cli_outlook {
    enum cli_outlook_kind kind;
    char file[PATH_MAX]; /* the file that it is about; of what is not found, the command */
};

/* Looks along the way from `command`, at least one word and then NULL, to the program. Opens regular files
 * and reads them. `both_sizes`: the library is there for programs of the other word size too. */
void cli_outlook_find(char *const *command, bool both_sizes, struct cli_outlook *outlook);

/* Prints one line on standard error where a program is not served; else nothing. */
void cli_outlook_note(const struct cli_outlook *outlook);

/* Prints on standard output what the outlook is. Returns the exit code: 0 if nothing is in the way. */
int cli_outlook_print(const struct cli_outlook *outlook);

#endif
