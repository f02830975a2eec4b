/* Fuzz target: titles. The first byte says how a stream is cut into pieces and which charset a title is said
 * to have, the second is the interval; what follows is first a stream, then a title. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cast/format/icy_metadata.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* --- a stream ---------------------------------------------------------------- */

static void stream_read(const uint8_t *data, size_t bytes, uint32_t interval, uint32_t state) {
    static struct cast_icy_reader whole, pieces;
    char *one = copy_of(data, bytes, 0), *other = copy_of(data, bytes, 0);
    cast_icy_reader_open(&whole, interval);
    cast_icy_reader_open(&pieces, interval);
    size_t audio = cast_icy_reader_feed(&whole, one, bytes), same = 0;
    expect(audio <= bytes);
    for (size_t fed = 0; fed < bytes;) {
        size_t piece = piece_next(&state, bytes - fed);
        char *exact = copy_of(data + fed, piece, 0);
        size_t more = cast_icy_reader_feed(&pieces, exact, piece);
        expect(more <= piece);
        memcpy(other + same, exact, more);
        free(exact);
        same += more;
        fed += piece;
    }
    expect(audio == same && memcmp(one, other, audio) == 0);
    expect(whole.fresh == pieces.fresh && whole.audio_left == pieces.audio_left);
    expect(whole.block_left == pieces.block_left && whole.audio_left <= interval);
    expect(strnlen(whole.title, sizeof(whole.title)) < sizeof(whole.title));
    expect(strcmp(whole.title, pieces.title) == 0 && (whole.fresh || whole.title[0] == '\0'));
    free(one);
    free(other);
}

/* --- a title ----------------------------------------------------------------- */

static void utf8_verify(const char *text) {
    for (size_t length; *text; text += length) {
        length = neap_utf8_character(text);
        expect(length > 0);
    }
}

/* Writes a title into a block and reads it back. What comes out is written to a block in the same way again.
 */
static void title_pass(const char *title) {
    static struct cast_icy_reader reader;
    static uint8_t block[2][1 + CAST_ICY_BLOCK_BYTES_MOST];
    char read[CAST_ICY_TITLE_BYTES_MOST];
    for (int i = 0; i < 2; i++) {
        block[i][0] = 'a'; /* audio */
        size_t bytes = cast_icy_block_write(title, title, block[i] + 1);
        expect(bytes == 1 + (size_t)block[i][1] * 16 && bytes > 1);
        cast_icy_reader_open(&reader, 1);
        expect(cast_icy_reader_feed(&reader, (char *)block[i], 1 + bytes) == 1 && reader.block_left == 0);
        utf8_verify(reader.title);
        expect(reader.fresh == (title[0] != '\0'));
        expect(i == 0 || strcmp(read, reader.title) == 0);
        strcpy(read, reader.title);
        title = read;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const char *const charsets[] = {NULL,     "",       "UTF-8",     "ISO-8859-1",
                                           "CP1252", "KOI8-R", "SHIFT_JIS", "UTF-7",
                                           "CP1255", "BIG5",   "EUC-KR",    "UTF-8//IGNORE"};
    char utf8[CAST_ICY_TITLE_BYTES_MOST];
    if (bytes < 2)
        return 0;
    const char *charset = charsets[data[0] % (sizeof(charsets) / sizeof(charsets[0]))];
    size_t room = data[1] % 3 == 0 ? 1u + data[1] : sizeof(utf8);
    stream_read(data + 2, bytes - 2, 1u + data[1], data[0]);

    char *title = malloc(bytes - 1), *exact = malloc(room);
    expect(title && exact);
    memcpy(title, data + 2, bytes - 2);
    title[bytes - 2] = '\0';
    title_pass(title);
    cast_title_to_utf8(title, charset, exact, room);
    expect(strnlen(exact, room) < room);
    utf8_verify(exact);
    cast_title_to_utf8(exact, "", utf8, sizeof(utf8));
    expect(strcmp(exact, utf8) == 0);
    title_pass(utf8);
    free(title);
    free(exact);
    return 0;
}
