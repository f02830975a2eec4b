/* cli/verb_help.c: `neap help`, and what `neap` alone prints. */
#include <stdio.h>
#include <string.h>

#include <neap/version.h>

#include "cli/kernel_notes.h"
#include "cli/option.h"
#include "cli/setting_text.h"
#include "cli/verb.h"

static const struct cli_usage usage = {
    .verb = "help",
    .synopsis = "[settings | VERB]",
    .about = "Explains a verb, or the environment variables and the settings of the system that matter.",
};

static void overview_print(void) {
    puts("neap " NEAP_VERSION ": the memory of long-running Python programs follows their live data\n\n"
         "Usage: neap VERB [options] ...\n");
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        printf("  %-10s %s\n", (*verb)->name, (*verb)->summary);
    puts("\nStart with: neap run python3 app.py\n"
         "`neap help VERB` explains a verb, `neap help settings` the environment variables.");
}

static int run(int argc, char **argv) {
    const struct cli_option table[] = {{.name = NULL}};
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code != CLI_GO_ON)
        return code;
    if (rest == argc) {
        overview_print();
        return CLI_EXIT_DONE;
    }
    if (strcmp(argv[rest], "settings") == 0) {
        struct neap_os_kernel_settings kernel;
        cli_settings_print();
        neap_os_kernel_settings_read(&kernel);
        putchar('\n');
        cli_kernel_settings_print(&kernel, stdout);
        return CLI_EXIT_DONE;
    }
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++) {
        char help[] = "--help";
        char *arguments[] = {argv[rest], help, NULL};
        if (strcmp((*verb)->name, argv[rest]) == 0)
            return (*verb)->run(2, arguments);
    }
    return cli_error(CLI_EXIT_USAGE, "no help on %s: `neap help` lists the verbs", argv[rest]);
}

const struct cli_verb cli_verb_help = {"help", "explain a verb, or the settings", run};
