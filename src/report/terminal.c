/* report/terminal.c: asks the terminal. */
#include "report/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_LEAST = 40, COLUMNS_UNKNOWN = 80 };

bool neap_terminal_is(FILE *stream) {
    return isatty(fileno(stream)) == 1;
}

bool neap_terminal_colours(FILE *stream) {
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    return neap_terminal_is(stream) && !(refused && *refused) && kind && strcmp(kind, "dumb") != 0;
}

unsigned neap_terminal_columns(FILE *stream) {
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_UNKNOWN;
    return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
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
        columns += (*text & 0xC0) != 0x80; /* continuation bytes take none */
    return columns;
}
