/* cli/setting_text.c: makes options and text from the table of settings. */
#include "cli/setting_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum cli_option_kind kind_of(const struct neap_setting *setting) {
    return setting->kind == NEAP_SETTING_FLAG      ? CLI_FLAG
           : setting->kind == NEAP_SETTING_INTEGER ? CLI_INTEGER
                                                   : CLI_SIZE;
}

void cli_setting_options(struct cli_option table[NEAP_SETTINGS + 1],
                         union cli_setting_value values[NEAP_SETTINGS]) {
    unsigned count = 0;
    for (unsigned i = 0; i < NEAP_SETTINGS; i++) {
        const struct neap_setting *setting = &neap_settings[i];
        bool flag = setting->kind == NEAP_SETTING_FLAG;
        values[i] = flag ? (union cli_setting_value){.given = false}
                         : (union cli_setting_value){.number = UINT64_MAX};
        if (*setting->option == '\0')
            continue;
        table[count++] = (struct cli_option){
            .name = setting->option,
            .argument = flag ? NULL : setting->argument,
            .help = setting->help,
            .kind = kind_of(setting),
            .target = &values[i],
            .least = flag ? 0 : (double)setting->least,
            .most = flag ? 0 : (double)setting->most,
        };
    }
    table[count] = (struct cli_option){.name = NULL};
}

void cli_settings_export(const union cli_setting_value values[NEAP_SETTINGS]) {
    for (unsigned i = 0; i < NEAP_SETTINGS; i++) {
        const struct neap_setting *setting = &neap_settings[i];
        char number[24];
        if (setting->kind == NEAP_SETTING_FLAG) {
            if (values[i].given)
                setenv(setting->variable, setting->flag ? "1" : "0", 1);
        } else if (values[i].number != UINT64_MAX) {
            snprintf(number, sizeof(number), "%" PRIu64, values[i].number);
            setenv(setting->variable, number, 1);
        }
    }
}

/* Prints a bound: "1 MiB" for a size, "3600000" for a number. */
static void bound_print(const struct neap_setting *setting, uint64_t bound) {
    bool size = setting->kind == NEAP_SETTING_SIZE;
    bool large = size && bound >> 40 != 0;
    printf("%" PRIu64 "%s", size ? bound >> (large ? 40 : 20) : bound, large ? " TiB" : size ? " MiB" : "");
}

static void setting_print(const struct neap_setting *setting) {
    bool flag = setting->kind == NEAP_SETTING_FLAG;
    printf("\n%s=%s\n    ", setting->variable,
           flag                                 ? (setting->flag ? "1" : "0")
           : setting->kind == NEAP_SETTING_SIZE ? "BYTES"
                                                : setting->argument);
    cli_text_print(setting->help, 4, 4);
    if (!flag) {
        fputs("    from ", stdout);
        bound_print(setting, setting->least);
        fputs(" to ", stdout);
        bound_print(setting, setting->most);
        putchar('\n');
    }
    printf("    default: %s", setting->standard);
    if (*setting->option != '\0')
        printf("; option: --%s%s%s", setting->option, flag ? "" : " ", setting->argument);
    putchar('\n');
}

void cli_settings_print(void) {
    cli_text_print("Environment variables of a program under Neap, read once when it starts. Its children "
                   "inherit them. `neap run` has an option for most. The last is for neap itself.",
                   0, 0);
    for (unsigned i = 0; i < NEAP_SETTINGS; i++)
        setting_print(&neap_settings[i]);
}
