/* base/outside_text.c: the table of characters that are not shown. */
#include "base/outside_text.h"

#include <stddef.h>

struct range {
    uint32_t first, last;
};

/* In ascending order. */
static const struct range hidden[] = {
    {0x00, 0x1f},   /* C0 controls */
    {0x7f, 0x9f},   /* delete, C1 controls */
    {0xad, 0xad},   /* soft hyphen */
    {0x34f, 0x34f}, /* combining grapheme joiner */
    {0x600, 0x605}, /* Arabic number signs */
    {0x61c, 0x61c}, /* Arabic letter mark */
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
    {0x8e2, 0x8e2},     {0x115f, 0x1160}, /* Hangul fillers */
    {0x17b4, 0x17b5},   {0x180b, 0x180f}, /* Mongolian selectors and separator */
    {0x200b, 0x200f},                     /* zero width, direction marks */
    {0x2028, 0x202e},                     /* separators of lines, bidi embedding */
    {0x2060, 0x206f},                     /* word joiner, invisible operators, bidi isolates */
    {0x3164, 0x3164},                     /* Hangul filler */
    {0xd800, 0xdfff},                     /* surrogates */
    {0xfdd0, 0xfdef},                     /* noncharacters */
    {0xfe00, 0xfe0f},                     /* variation selectors */
    {0xfeff, 0xfeff},                     /* byte order mark */
    {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, /* interlinear annotation */
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, /* tags, further selectors */
};

bool neap_outside_character_shown(uint32_t character) {
    if (character > 0x10ffff || (character & 0xfffe) == 0xfffe)
        return false;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (character < hidden[i].first)
            return true;
        if (character <= hidden[i].last)
            return false;
    }
    return true;
}

/* The character that begins at `text`, and its length in bytes. If it is not UTF-8, UINT32_MAX and 1. */
static uint32_t decode(const unsigned char *text, size_t *length) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t wanted = text[0] < 0x80 ? 1 : text[0] < 0xc0 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    uint32_t character = wanted == 1 ? text[0] : text[0] & (0xffu >> (wanted + 1));
    *length = 1;
    for (size_t i = 1; i < wanted; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        character = character << 6 | (text[i] & 0x3f);
    }
    if (wanted == 0 || character < least[wanted] || text[0] >= 0xf8)
        return UINT32_MAX;
    *length = wanted;
    return character;
}

char *neap_outside_text_clean(char *text) {
    unsigned char *from = (unsigned char *)text, *to = from;
    while (*from) {
        size_t length;
        if (neap_outside_character_shown(decode(from, &length)))
            for (size_t i = 0; i < length; i++)
                *to++ = from[i];
        else
            *to++ = '?';
        from += length;
    }
    *to = '\0';
    return text;
}
