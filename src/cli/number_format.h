/* cli/number_format.h: counts and paths as the reports about Python objects show them. Any thread. */
#ifndef NEAP_CLI_NUMBER_FORMAT_H
#define NEAP_CLI_NUMBER_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum { CLI_NUMBER_ROOM = 32 };

/* "1,234,567"; returns `out`. */
char *cli_number_format(char out[CLI_NUMBER_ROOM], uint64_t number);

/* `text`, cleaned (base/outside_text.h), in `out`; its end behind ".." where it takes more columns: the end
 * of a path tells more. Returns `out`. */
const char *cli_text_cut(char *out, size_t room, const char *text, unsigned columns);

#endif
