/* report/markup.c: escaping and UTF-8. */
#include "report/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD";

/* Bytes of the character at `text` if it is well-formed UTF-8, else 0: no
 * overlong forms, no surrogates, nothing beyond U+10FFFF. */
static size_t character_length(const char *text) {
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t more = 0; more < 4; more++) {
        if ((bytes[0] & forms[more].mask) != forms[more].lead)
            continue;
        uint32_t code = bytes[0] & (uint8_t)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((bytes[i] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (bytes[i] & 0x3Fu);
        }
        bool valid = code >= forms[more].least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        return valid ? more + 1 : 0;
    }
    return 0;
}

void neap_markup_text(const char *text, FILE *stream) {
    while (*text) {
        size_t length = character_length(text);
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
        size_t length = character_length(text);
        memcpy(out, length ? text : replacement, length ? length : sizeof(replacement) - 1);
        out += length ? length : sizeof(replacement) - 1;
        text += length ? length : 1;
    }
    *out = '\0';
    return copy;
}
