/* cli/option.h: the options of a verb as a table, from which they are parsed and --help is printed.
 *
 *     uint64_t decay_ms = 100;
 *     bool json = false;
 *     const struct cli_option table[] = {
 *         {"decay", 0, "MS", "keep a free page that long", CLI_INTEGER, &decay_ms, 0, 60000},
 *         {"json", 0, NULL, "print JSON", CLI_FLAG, &json},
 *         {NULL},
 *     };
 *     int rest;
 *     int code = cli_options_parse(table, &usage, argc, argv, &rest);
 *     if (code != CLI_GO_ON)
 *         return code;
 *     ... argv[rest] .. argv[argc - 1] are the operands ...
 *
 * It understands --name, --name VALUE, --name=VALUE, -x, -xVALUE, -x VALUE, -xyz for flags,
 * `--`, and --help (-h) without an entry in the table.
 */
#ifndef NEAP_CLI_OPTION_H
#define NEAP_CLI_OPTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The type of the target, and the accepted values. */
enum cli_option_kind {
    CLI_FLAG,     /* bool; set to true */
    CLI_INTEGER,  /* int64_t or uint64_t; decimal */
    CLI_STRING,   /* const char *; points into argv */
    CLI_OUTPUT,   /* const char *; a file with --name=FILE, "-" for standard output with --name alone */
    CLI_SIZE,     /* uint64_t, bytes; "512M", "1.5G": powers of 1024 */
    CLI_DURATION, /* uint64_t, nanoseconds; "1.5s", "200ms", "3m"; "2" is seconds */
};

struct cli_option {
    const char *name;     /* long name without dashes; NULL ends a table */
    char letter;          /* short name; 0 if there is none */
    const char *argument; /* name of its value, "MS"; NULL for a flag */
    const char *help;     /* a sentence without a full stop; wrapped when printed */
    enum cli_option_kind kind;
    void *target;       /* written only when the option is given */
    double least, most; /* bounds of a number, included, in the target's unit; both 0 = no bounds */
};

struct cli_usage {
    const char *verb;     /* "run" */
    const char *synopsis; /* the words after `neap run`: "[options] [--] COMMAND [ARGUMENT ...]" */
    const char *about;    /* one paragraph, wrapped when printed; may be NULL */
    bool mixed;           /* true if options may follow operands (`stat PID --json`); else the first
                             operand ends the options, because the rest is another program's command */
};

enum { CLI_GO_ON = -1 };

/* Reads the options from argv[1] on. Of equal options, the last one counts. Returns CLI_GO_ON and
 * stores the index of the first operand in *rest; if usage->mixed, operands are moved behind the options.
 * Returns CLI_EXIT_DONE after it has printed --help, or CLI_EXIT_USAGE after one line on stderr. */
int cli_options_parse(const struct cli_option *table, const struct cli_usage *usage, int argc, char **argv,
                      int *rest);

/* Prints --help on stdout, at most 80 columns wide. */
void cli_options_print(const struct cli_option *table, const struct cli_usage *usage);

/* Prints `text` from `column` on, wrapped between `indent` and 80 columns; ends the line. */
void cli_text_write(const char *text, int column, int indent, FILE *out);

/* The same on stdout. */
void cli_text_print(const char *text, int column, int indent);

/* Writes one line to stderr, `neap: ` and the text. Returns `exit_code`, for `return cli_error(...)`. */
__attribute__((format(printf, 2, 3))) int cli_error(int exit_code, const char *format, ...);

/* Read `text` as CLI_SIZE and CLI_DURATION are read. False if it is not valid. */
bool cli_size_parse(const char *text, uint64_t *bytes);
bool cli_duration_parse(const char *text, uint64_t *ns);

#endif
