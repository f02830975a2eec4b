/* cli/setting_text.h: the table of base/setting.h, as options of `neap run` and as text. */
#ifndef NEAP_CLI_SETTING_TEXT_H
#define NEAP_CLI_SETTING_TEXT_H

#include "base/setting.h"
#include "cli/option.h"

/* The value that the command line gives a setting. */
union cli_setting_value {
    bool given;      /* of a flag: the option was given */
    uint64_t number; /* of any other; UINT64_MAX if the option was not given */
};

/* Fills `table` with the options of the settings. The targets are in `values`, where values[i] belongs to
 * neap_settings[i]. */
void cli_setting_options(struct cli_option table[NEAP_SETTINGS + 1],
                         union cli_setting_value values[NEAP_SETTINGS]);

/* Sets the variables of the options that were given. The others stay as they are. */
void cli_settings_export(const union cli_setting_value values[NEAP_SETTINGS]);

/* Prints the table on stdout, at most 80 columns wide. */
void cli_settings_print(void);

#endif
