/* cast/format/icy_metadata.c: blocks of titles, written and read; texts of any charset. */
#include "cast/format/icy_metadata.h"

#include <assert.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/utf8.h"

static const char title_key[] = "StreamTitle=", url_key[] = "StreamUrl=";

/* --- writing ----------------------------------------------------------------- */

/* Copies a text as it may stand between quotes. Returns its bytes; there is no terminator. */
static size_t quoted_write(const char *text, char *out, size_t room) {
    size_t bytes = 0;
    while (*text) {
        size_t length = neap_utf8_character(text);
        const char *from = length == 0 ? "?" : neap_utf8_is_control(text) ? " " : text;
        size_t wanted = from == text ? length : 1;
        bool would_end = *from == ';' && bytes > 0 && out[bytes - 1] == '\'';
        if (room - bytes < wanted + would_end)
            break;
        if (would_end)
            out[bytes++] = ' ';
        memcpy(out + bytes, from, wanted);
        bytes += wanted;
        text += length == 0 ? 1 : length;
    }
    return bytes;
}

/* Writes key='text'; and returns its bytes, of which `most` are the text's. */
static size_t field_write(const char *key, const char *text, char *out, size_t most) {
    size_t bytes = 0;
    for (; key[bytes] != '\0'; bytes++)
        out[bytes] = key[bytes];
    out[bytes++] = '\'';
    bytes += quoted_write(text, out + bytes, most);
    out[bytes++] = '\'';
    out[bytes++] = ';';
    return bytes;
}

size_t cast_icy_block_write(const char *title, const char *url, uint8_t block[CAST_ICY_BLOCK_BYTES_MOST]) {
    const size_t most = CAST_ICY_BLOCK_BYTES_MOST - 1;
    char *text = (char *)block + 1;
    size_t bytes = field_write(title_key, title, text, CAST_ICY_TITLE_BYTES_MOST - 1);
    if (url && *url)
        bytes += field_write(url_key, url, text + bytes, most - bytes - strlen(url_key) - 3);
    size_t units = (bytes + 15) / 16;
    memset(text + bytes, 0, units * 16 - bytes);
    block[0] = (uint8_t)units;
    return 1 + units * 16;
}

/* --- charsets ---------------------------------------------------------------- */

/* Writes one character below U+10000 to out[*bytes ..]. False if it does not fit before a terminator. */
static bool character_write(unsigned character, char *out, size_t *bytes, size_t room) {
    char *at = out + *bytes;
    size_t wanted = character < 0x80 ? 1 : character < 0x800 ? 2 : 3;
    if (room - *bytes <= wanted)
        return false;
    if (wanted == 1)
        at[0] = (char)character;
    else if (wanted == 2)
        at[0] = (char)(0xc0 | character >> 6);
    else {
        at[0] = (char)(0xe0 | character >> 12);
        at[1] = (char)(0x80 | (character >> 6 & 0x3f));
    }
    if (wanted > 1)
        at[wanted - 1] = (char)(0x80 | (character & 0x3f));
    *bytes += wanted;
    return true;
}

/* As browsers read Latin-1: with the characters of Windows-1252 where ISO 8859-1 has controls. */
static void latin1_convert(const char *text, char *out, size_t room) {
    static const uint16_t windows[32] = {0x20ac, '?',    0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                         0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, '?',    0x017d, '?',
                                         '?',    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                         0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, '?',    0x017e, 0x0178};
    size_t bytes = 0;
    for (; *text; text++) {
        unsigned byte = (unsigned char)*text;
        if (!character_write(byte >= 0x80 && byte < 0xa0 ? windows[byte - 0x80] : byte, out, &bytes, room))
            break;
    }
    out[bytes] = '\0';
}

/* Copies UTF-8 as far as it fits. False if the text is none. */
static bool utf8_copy(const char *text, char *out, size_t room) {
    size_t bytes = 0;
    bool full = false;
    while (*text) {
        size_t length = neap_utf8_character(text);
        if (length == 0)
            return false;
        full = full || room - bytes <= length;
        if (!full) {
            memcpy(out + bytes, text, length);
            bytes += length;
        }
        text += length;
    }
    out[bytes] = '\0';
    return true;
}

/* False if iconv does not know the charset. */
static bool iconv_convert(const char *text, const char *charset, char *out, size_t room) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
    /* A slash would begin orders to iconv. */
    iconv_t how = charset[strspn(charset, plain)] == '\0' ? iconv_open("UTF-8", charset) : (iconv_t)-1;
    if (how == (iconv_t)-1)
        return false;
    char *from = (char *)text, *to = out; /* iconv takes no const, and does not write there */
    size_t from_left = strlen(text), left = room - 1;
    while (from_left > 0 && iconv(how, &from, &from_left, &to, &left) == (size_t)-1 && errno != E2BIG &&
           left > 0) {
        *to++ = '?';
        left--;
        from++;
        from_left--;
    }
    iconv(how, NULL, NULL, &to, &left); /* some charsets keep a letter back, for an accent that may follow */
    iconv_close(how);
    *to = '\0';
    /* UTF-7 can spell a NUL, and glibc 2.36 lets pass what was UTF-8 of 5 bytes. */
    for (char *at = out; at < to;) {
        size_t length = neap_utf8_character(at);
        if (length == 0)
            *at = '?';
        at += length == 0 ? 1 : length;
    }
    return true;
}

void cast_title_to_utf8(const char *text, const char *charset, char *out, size_t room) {
    assert(room > 0);
    if (charset && *charset && iconv_convert(text, charset, out, room))
        return;
    if (!utf8_copy(text, out, room))
        latin1_convert(text, out, room);
}

/* --- reading ----------------------------------------------------------------- */

void cast_icy_reader_open(struct cast_icy_reader *reader, uint32_t interval) {
    assert(interval > 0);
    reader->interval = interval;
    reader->audio_left = interval;
    reader->block_left = 0;
    reader->held = 0;
    reader->fresh = false;
    reader->title[0] = '\0';
}

/* Takes the title out of a whole block. Quotes may be missing; a title that nothing ends goes to the end. */
static void block_take(struct cast_icy_reader *reader) {
    reader->block[reader->held] = '\0';
    const char *title = strstr(reader->block, title_key);
    if (!title)
        return;
    title += sizeof(title_key) - 1;
    bool quoted = *title == '\'';
    title += quoted;
    const char *end = strstr(title, quoted ? "';" : ";");
    size_t bytes = end ? (size_t)(end - title) : strlen(title);
    if (!end && quoted && bytes > 0 && title[bytes - 1] == '\'')
        bytes--;
    if (bytes >= sizeof(reader->title)) {
        bytes = sizeof(reader->title) - 1;
        for (int i = 0; i < 3 && (title[bytes] & 0xc0) == 0x80; i++)
            bytes--; /* else half a character would be left, and the title no longer be UTF-8 */
    }
    if (strncmp(reader->title, title, bytes) == 0 && reader->title[bytes] == '\0')
        return;
    memcpy(reader->title, title, bytes);
    reader->title[bytes] = '\0';
    reader->fresh = true;
}

size_t cast_icy_reader_feed(struct cast_icy_reader *reader, char *bytes, size_t count) {
    size_t audio = 0, at = 0;
    while (at < count) {
        size_t left = count - at;
        if (reader->audio_left > 0) {
            size_t taken = left < reader->audio_left ? left : reader->audio_left;
            memmove(bytes + audio, bytes + at, taken);
            reader->audio_left -= (uint32_t)taken;
            audio += taken;
            at += taken;
        } else if (reader->block_left > 0) {
            size_t taken = left < reader->block_left ? left : reader->block_left;
            memcpy(reader->block + reader->held, bytes + at, taken);
            reader->held += (uint32_t)taken;
            reader->block_left -= (uint32_t)taken;
            at += taken;
            if (reader->block_left > 0)
                break;
            block_take(reader);
            reader->audio_left = reader->interval;
        } else {
            reader->held = 0;
            reader->block_left = (uint32_t)(unsigned char)bytes[at++] * 16;
            if (reader->block_left == 0)
                reader->audio_left = reader->interval;
        }
    }
    return audio;
}
