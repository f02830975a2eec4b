/* cli/setting_table.c: the table of settings, and how it is shown. */
#include "cli/setting_table.h"

#include <stdio.h>

#define MIB 0x1p20
#define TIB 0x1p40

const struct cli_setting cli_settings[] = {
    {.variable = "NEAP_SUMMARY",
     .option = "summary",
     .flag = "1",
     .standard = "0",
     .help = "print at exit what memory was used and given back"},
    {.variable = "NEAP_CHECK",
     .option = "check",
     .flag = "1",
     .standard = "0",
     .help =
         "find misuse of memory (double free, write past the end ...) and end with one line that names the "
         "block; slower"},
    {.variable = "NEAP_DECAY_MS",
     .option = "decay",
     .argument = "MS",
     .standard = "100",
     .help = "keep free pages for that many milliseconds, in case they are needed again",
     .kind = CLI_INTEGER,
     .least = 1,
     .most = 3600000},
    {.variable = "NEAP_HELPER",
     .option = "no-helper",
     .flag = "0",
     .standard = "1",
     .help = "start no helper thread: memory then goes back only before a fork and by neap.trim()"},
    {.variable = "NEAP_LIMIT_BYTES",
     .option = "limit",
     .argument = "SIZE",
     .standard = "no limit",
     .help = "let the heap hold no more memory than that (512M, 2G); beyond it Python raises MemoryError",
     .kind = CLI_SIZE,
     .least = MIB,
     .most = 16 * TIB},
    {.variable = "NEAP_RESERVE_BYTES",
     .option = "reserve",
     .argument = "SIZE",
     .standard = "4 times the machine's memory",
     .help = "take that much address space at the start: it costs no memory, and more is taken when needed",
     .kind = CLI_SIZE,
     .least = MIB,
     .most = 16 * TIB},
    {.variable = "NEAP_OFF",
     .flag = "1",
     .standard = "0",
     .help = "leave this program on CPython's own heap, though it is started under Neap"},
    {.variable = NULL},
};

_Static_assert(sizeof(cli_settings) / sizeof(cli_settings[0]) <= CLI_SETTINGS_MAX + 1, "raise the bound");

void cli_settings_print(void) {
    cli_text_print("Environment variables of a program under Neap, read once when it starts. Its children "
                   "inherit them. `neap run` has an option for most.",
                   0, 0);
    for (const struct cli_setting *setting = cli_settings; setting->variable; setting++) {
        printf("\n%s=%s\n", setting->variable,
               setting->kind == CLI_FLAG   ? setting->flag
               : setting->kind == CLI_SIZE ? "BYTES"
                                           : setting->argument);
        fputs("    ", stdout);
        cli_text_print(setting->help, 4, 4);
        printf("    default: %s", setting->standard);
        if (setting->option)
            printf("; option: --%s%s%s", setting->option, setting->argument ? " " : "",
                   setting->argument ? setting->argument : "");
        putchar('\n');
    }
}
