/* cli/output.h: writes the report of a verb in the forms and to the places that the user asked for.
 *
 *     neap look 1234                     text on standard output
 *     neap look --json 1234              JSON on standard output
 *     neap look --json=a.json 1234       text on standard output, and JSON in a file
 *     neap map --html a.html 1234        text on standard output, and HTML in a file
 *
 * "-" for FILE is standard output. A file is written whole or stays as it was. A worker (cli/apart.h) sends
 * what goes to files. Main thread.
 */
#ifndef NEAP_CLI_OUTPUT_H
#define NEAP_CLI_OUTPUT_H

#include <stdio.h>

/* The file of each form; NULL for a form that was not asked for. The options of a verb fill it. */
struct cli_output {
    const char *json, *html, *svg;
};

/* An entry in a verb's table of options (cli/option.h). */
#define CLI_OUTPUT_JSON(output, schema)                                                                      \
    {                                                                                                        \
        .name = "json", .argument = "FILE",                                                                  \
        .help = "print JSON, schema " schema ", instead of text; with =FILE, write it to FILE too",          \
        .kind = CLI_OUTPUT, .target = &(output)->json                                                        \
    }

/* Writes `report` in one form. Returns 0 or a negative enum neap_error. It need not check `out`. */
typedef int cli_output_form(const void *report, FILE *out);

struct cli_output_forms {
    cli_output_form *text, *json, *html, *svg; /* NULL for a form that the verb does not have */
};

/* Checks, before the work, that the files can be made. Returns CLI_GO_ON, or an exit code after one line on
 * stderr. */
int cli_output_check(const struct cli_output *output);

/* Writes the report in all forms that were asked for. Returns CLI_EXIT_DONE, or an exit code after one line
 * on stderr. If standard output fails, main says so. */
int cli_output_write(const struct cli_output *output, const struct cli_output_forms *forms,
                     const void *report);

/* Writes a text that is ready to the file that was asked for as number `form` of json, html, svg.
 * CLI_EXIT_DONE, or an exit code after one line on stderr. */
int cli_output_text_write(const struct cli_output *output, unsigned form, const char *text, size_t bytes);

#endif
