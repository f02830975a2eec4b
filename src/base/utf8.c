/* base/utf8.c: Unicode 15, table 3-7, byte by byte. */
#include "base/utf8.h"

size_t neap_utf8_character(const char *text) {
    const unsigned char *byte = (const unsigned char *)text;
    if (byte[0] < 0x80)
        return byte[0] != '\0';
    size_t bytes = byte[0] < 0xc2 || byte[0] > 0xf4 ? 0 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < bytes; i++)
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
        (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
        return 0;
    return bytes;
}

bool neap_utf8_is_control(const char *text) {
    unsigned char first = (unsigned char)text[0];
    return first < ' ' || first == 127 || (first == 0xc2 && (unsigned char)text[1] < 0xa0);
}
