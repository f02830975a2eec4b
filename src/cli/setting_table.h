/* cli/setting_table.h: the NEAP_ environment variables, as one table.
 *
 * `neap run` makes its options from it, `neap help settings` and
 * docs/settings.md show it. The preloaded library reads the variables, once,
 * when a program starts; children inherit them.
 */
#ifndef NEAP_CLI_SETTING_TABLE_H
#define NEAP_CLI_SETTING_TABLE_H

#include "cli/option.h"

struct cli_setting {
    const char *variable;      /* "NEAP_DECAY_MS"; NULL ends the table */
    const char *option;        /* of `neap run`, "decay"; NULL: none */
    const char *argument;      /* of that option; NULL if it is a flag */
    const char *flag;          /* what a flag sets the variable to */
    const char *standard;      /* value in force if it is not set, in words */
    const char *help;          /* what it does, as --help says it */
    enum cli_option_kind kind; /* CLI_FLAG, CLI_INTEGER or CLI_SIZE */
    double least, most;
};

enum { CLI_SETTINGS_MAX = 16 };

extern const struct cli_setting cli_settings[];

/* Prints the table on stdout, at most 80 columns wide. */
void cli_settings_print(void);

#endif
