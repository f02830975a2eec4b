/* cli/settings.c: the table of settings, and how it is shown. */
#include "cli/settings.h"

#include <stdio.h>

#define KIB 0x1p10
#define TIB 0x1p40

const struct cli_setting cli_settings[] = {
    {"NEAP_SUMMARY", "summary", NULL, "1", "off", "print at exit what memory was used and given back",
     CLI_FLAG, 0, 0},
    {"NEAP_CHECK", "check", NULL, "1", "off",
     "find misuse of memory (double free, write past the end ...) and end with one line that names it; "
     "slower",
     CLI_FLAG, 0, 0},
    {"NEAP_DECAY_MS", "decay", "MS", NULL, "100",
     "keep free pages for that many milliseconds before giving them back, in case they are needed again",
     CLI_INTEGER, 1, 3600000},
    {"NEAP_HELPER", "no-helper", NULL, "0", "1",
     "start no helper thread: memory is then given back only while the program allocates, or on neap.trim()",
     CLI_FLAG, 0, 0},
    {"NEAP_LIMIT_BYTES", "limit", "SIZE", NULL, "none",
     "let the heap hold no more memory than that (512M, 2G); beyond it Python raises MemoryError", CLI_SIZE,
     64 * KIB, 256 * TIB},
    {"NEAP_RESERVE_BYTES", "reserve", "SIZE", NULL, "4 times the machine's memory",
     "take that much address space at the start; it costs no memory, and more is taken when it is used up",
     CLI_SIZE, 64 * KIB, 256 * TIB},
    {NULL, NULL, NULL, NULL, NULL, NULL, CLI_FLAG, 0, 0},
};

_Static_assert(sizeof(cli_settings) / sizeof(cli_settings[0]) <= CLI_SETTINGS_MAX + 1, "raise the bound");

void cli_settings_print(void) {
    cli_text_print("Environment variables of a program under Neap, read once when it starts. Its children "
                   "inherit them. `neap run` has an option for each.",
                   0, 0);
    for (const struct cli_setting *setting = cli_settings; setting->variable; setting++) {
        printf("\n%s=%s\n", setting->variable,
               setting->kind == CLI_FLAG   ? setting->flag
               : setting->kind == CLI_SIZE ? "BYTES"
                                           : setting->argument);
        fputs("    ", stdout);
        cli_text_print(setting->help, 4, 4);
        printf("    default: %s; option: --%s%s%s\n", setting->standard, setting->option,
               setting->argument ? " " : "", setting->argument ? setting->argument : "");
    }
}
