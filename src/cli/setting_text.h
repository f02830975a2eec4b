/* cli/setting_text.h: the table of base/setting.h, as options of `neap run` and as text. */
#ifndef NEAP_CLI_SETTING_TEXT_H
#define NEAP_CLI_SETTING_TEXT_H

#include "base/setting.h"
#include "cli/option.h"

/* What the command line says of a setting; unless `given`, the environment stays as it is. */
union cli_setting_value {
    bool given;      /* of a flag */
    uint64_t number; /* UINT64_MAX: not given */
};

/* The settings that have an option, in their order; values[i] belongs to neap_settings[i]. */
void cli_setting_options(struct cli_option table[NEAP_SETTINGS + 1],
                         union cli_setting_value values[NEAP_SETTINGS]);

/* Puts what was given into the environment. */
void cli_settings_export(const union cli_setting_value values[NEAP_SETTINGS]);

/* Prints the table on stdout, at most 80 columns wide. */
void cli_settings_print(void);

#endif
