/* cli/number_format.h: formats counts and paths for the reports about Python objects. Any thread. */
#ifndef NEAP_CLI_NUMBER_FORMAT_H
#define NEAP_CLI_NUMBER_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum { CLI_NUMBER_ROOM = 32 };

/* Writes "1,234,567" and returns `out`. */
char *cli_number_format(char out[CLI_NUMBER_ROOM], uint64_t number);

/* Writes `text`, cleaned (base/outside_text.h), to `out`. If it takes too many columns, only its end, after
 * "..", because the end of a path tells more. Returns `out`. */
const char *cli_text_cut(char *out, size_t room, const char *text, unsigned columns);

#endif
