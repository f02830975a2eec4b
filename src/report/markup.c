/* report/markup.c: escaping and UTF-8. */
#include "report/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const char replacement[] = "\xEF\xBF\xBD";

void neap_markup_text(const char *text, FILE *stream) {
    while (*text) {
        size_t length = neap_utf8_character(text);
        bool control = (uint8_t)*text < 0x20 && *text != '\n' && *text != '\t';
        if (length == 0 || control)
            fputs(replacement, stream);
        else if (*text == '&')
            fputs("&amp;", stream);
        else if (*text == '<')
            fputs("&lt;", stream);
        else if (*text == '>')
            fputs("&gt;", stream);
        else if (*text == '"')
            fputs("&quot;", stream);
        else
            fwrite(text, 1, length, stream);
        text += length ? length : 1;
    }
}

char *neap_markup_utf8(const char *text) {
    char *copy = malloc(strlen(text) * (sizeof(replacement) - 1) + 1), *out = copy;
    if (!copy)
        return NULL;
    while (*text) {
        size_t length = neap_utf8_character(text);
        memcpy(out, length ? text : replacement, length ? length : sizeof(replacement) - 1);
        out += length ? length : sizeof(replacement) - 1;
        text += length ? length : 1;
    }
    *out = '\0';
    return copy;
}
