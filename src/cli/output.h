/* cli/output.h: where a report goes, and in which form: the same for every verb that has one.
 *
 *     neap look 1234                     text, on standard output
 *     neap look --json 1234              JSON there instead
 *     neap look --json=a.json 1234       text there, and JSON in a file
 *     neap map --html a.html 1234        likewise; "-" for FILE is standard output
 *
 * A file is written whole or stays as it was. A worker (cli/apart.h) sends what goes to files. Main thread.
 */
#ifndef NEAP_CLI_OUTPUT_H
#define NEAP_CLI_OUTPUT_H

#include <stdio.h>

/* What was asked for; NULL: not this. CLI_OUTPUT_JSON and the like fill it. */
struct cli_output {
    const char *json, *html, *svg;
};

/* An entry in a verb's table of options (cli/option.h). */
#define CLI_OUTPUT_JSON(output, schema)                                                                      \
    {                                                                                                        \
        .name = "json", .argument = "FILE",                                                                  \
        .help = "print JSON, schema " schema ", instead; with =FILE write it there, besides",                \
        .kind = CLI_OUTPUT, .target = &(output)->json                                                        \
    }

/* Writes `report` in one form. 0 or a negative enum neap_error; failures of `out` need not be noticed. */
typedef int cli_output_form(const void *report, FILE *out);

struct cli_output_forms {
    cli_output_form *text, *json, *html, *svg; /* NULL: a form that the verb has no option for */
};

/* Before the work: whether the files can be made. CLI_GO_ON, or an exit code after one line on stderr. */
int cli_output_check(const struct cli_output *output);

/* Writes the report wherever it is to go. CLI_EXIT_DONE, or an exit code after one line on stderr;
 * main tells of a standard output that fails. */
int cli_output_write(const struct cli_output *output, const struct cli_output_forms *forms,
                     const void *report);

/* Writes a text that is ready to the file that was asked for as number `form` of json, html, svg.
 * CLI_EXIT_DONE, or an exit code after one line on stderr. */
int cli_output_text_write(const struct cli_output *output, unsigned form, const char *text, size_t bytes);

#endif
