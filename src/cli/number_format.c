/* cli/number_format.c: groups digits and cuts texts. */
#include "cli/number_format.h"

#include <stdio.h>
#include <string.h>

#include "base/outside_text.h"
#include "report/terminal.h"

char *cli_number_format(char out[CLI_NUMBER_ROOM], uint64_t number) {
    char digits[CLI_NUMBER_ROOM];
    int count = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number), to = 0;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    out[to] = '\0';
    return out;
}

const char *cli_text_cut(char *out, size_t room, const char *text, unsigned columns) {
    if (neap_terminal_text_columns(text) <= columns) {
        snprintf(out, room, "%s", text);
        return neap_outside_text_clean(out);
    }
    size_t from = strlen(text);
    unsigned seen = 0;
    while (from > 0 && seen + 2 < columns) {
        from--;
        seen += ((unsigned char)text[from] & 0xc0) != 0x80;
    }
    snprintf(out, room, "..%s", text + from);
    return neap_outside_text_clean(out);
}
