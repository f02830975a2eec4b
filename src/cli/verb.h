/* cli/verb.h: the verbs of the command line.
 *
 * Each verb has a file verb_<name>.c, which defines cli_verb_<name>; everything else in it is
 * static. A verb parses its options (cli/option.h), calls modules, prints, and returns its
 * exit code. It never calls exit. A verb runs once, on the main thread.
 */
#ifndef NEAP_CLI_VERB_H
#define NEAP_CLI_VERB_H

enum cli_exit {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_FAILED = 1,           /* what the user asked for failed */
    CLI_EXIT_USAGE = 2,            /* wrong usage */
    CLI_EXIT_NOT_PERMITTED = 3,    /* the system refuses this to this user */
    CLI_EXIT_NO_PROCESS = 4,       /* no such process, or not a supported Python */
    CLI_EXIT_CANNOT_EXECUTE = 126, /* `run` found the command but cannot execute it, as in a shell */
    CLI_EXIT_NOT_FOUND = 127,      /* `run` did not find the command, as in a shell */
};

struct cli_verb {
    const char *name;
    const char *summary;               /* one line of at most 60 columns, no full stop */
    int (*run)(int argc, char **argv); /* argv[0] is the verb's name; returns the exit code */
};

extern const struct cli_verb cli_verb_run;
extern const struct cli_verb cli_verb_compare;
extern const struct cli_verb cli_verb_map;
extern const struct cli_verb cli_verb_stat;
extern const struct cli_verb cli_verb_trim;
extern const struct cli_verb cli_verb_look;
extern const struct cli_verb cli_verb_pins;
extern const struct cli_verb cli_verb_advise;
extern const struct cli_verb cli_verb_cast;
extern const struct cli_verb cli_verb_help;

/* All verbs, in the order in which help lists them. NULL ends the list. */
extern const struct cli_verb *const cli_verbs[];

#endif
