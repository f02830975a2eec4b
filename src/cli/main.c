/* cli/main.c: finds the verb and runs it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <neap/version.h>

#include "cli/option.h"
#include "cli/verb.h"
#include "os/descriptor.h"

const struct cli_verb *const cli_verbs[] = {
    &cli_verb_run,    &cli_verb_compare, &cli_verb_look, &cli_verb_pins,
    &cli_verb_advise, &cli_verb_map,     &cli_verb_stat, &cli_verb_trim,
    &cli_verb_cast,   &cli_verb_help,    NULL,
};

static bool is_one_of(const char *word, const char *one, const char *other) {
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

/* A full disk or a closed pipe must not look like success. */
static int output_finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE) /* the reader has closed the pipe */
        return code;
    return cli_error(CLI_EXIT_FAILED, "cannot write the output: %s: make room, or write elsewhere",
                     strerror(errno));
}

int main(int argc, char **argv) {
    neap_os_descriptor_hold_standard();
    if (argc < 2 || is_one_of(argv[1], "--help", "-h")) {
        char help[] = "help";
        char *arguments[] = {help, NULL};
        return output_finish(cli_verb_help.run(1, arguments));
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        puts("neap " NEAP_VERSION);
        return output_finish(CLI_EXIT_DONE);
    }
    for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
        if (strcmp((*verb)->name, argv[1]) == 0)
            return output_finish((*verb)->run(argc - 1, argv + 1));
    return cli_error(CLI_EXIT_USAGE, "no verb %s: `neap help` lists them", argv[1]);
}
