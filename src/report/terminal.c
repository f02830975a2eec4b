/* report/terminal.c: asks the terminal for its width and colours. */
#include "report/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "os/descriptor.h"

enum { COLUMNS_LEAST = 40, COLUMNS_UNKNOWN = 80 };

bool neap_terminal_is(FILE *stream) {
    return neap_os_descriptor_is_terminal(fileno(stream));
}

bool neap_terminal_colours(FILE *stream) {
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    return neap_terminal_is(stream) && !(refused && *refused) && kind && strcmp(kind, "dumb") != 0;
}

unsigned neap_terminal_columns(FILE *stream) {
    unsigned columns = neap_os_descriptor_columns(fileno(stream));
    if (columns == 0)
        return COLUMNS_UNKNOWN;
    return columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns;
}

const char *neap_terminal_begin(enum neap_tone tone, bool colours) {
    static const char *const sequences[] = {
        [NEAP_TONE_PLAIN] = "",        [NEAP_TONE_STRONG] = "\033[1m", [NEAP_TONE_DIM] = "\033[2m",
        [NEAP_TONE_GOOD] = "\033[32m", [NEAP_TONE_BAD] = "\033[31m",
    };
    return colours ? sequences[tone] : "";
}

const char *neap_terminal_end(enum neap_tone tone, bool colours) {
    return colours && tone != NEAP_TONE_PLAIN ? "\033[0m" : "";
}

unsigned neap_terminal_text_columns(const char *text) {
    unsigned columns = 0;
    for (; *text; text++)
        columns += (*text & 0xC0) != 0x80; /* continuation bytes take no column */
    return columns;
}
