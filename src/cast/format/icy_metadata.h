/* cast/format/icy_metadata.h: titles within the bytes of a stream, as SHOUTcast has them.
 *
 *     | interval bytes of audio | n | n * 16 bytes: StreamTitle='…';StreamUrl='…';\0\0 | interval bytes …
 *
 * A length byte of 0 means that the title is as before. Any thread; one at a time for one reader.
 */
#ifndef CAST_FORMAT_ICY_METADATA_H
#define CAST_FORMAT_ICY_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAST_ICY_BLOCK_BYTES_MOST = 1 + 255 * 16,
    CAST_ICY_TITLE_BYTES_MOST = 2048, /* of a title that is kept, with its end */
};

/* Writes the block of a title in UTF-8 and, unless it is empty, a URL. Control characters become spaces; a
 * quote that a semicolon follows would end the title, so a space comes between them. Texts that are too long
 * are cut between characters. Returns the bytes of the block, its length byte included. */
size_t cast_icy_block_write(const char *title, const char *url, uint8_t block[CAST_ICY_BLOCK_BYTES_MOST]);

/* Converts a text that a source sent in `charset` (a name iconv knows) to UTF-8. NULL or "" means: UTF-8 if
 * it is valid, else Latin-1, with the characters of Windows-1252 in the place of its controls, as browsers
 * read it; the same if iconv does not know the charset. What cannot be converted becomes '?'. Cut to fit,
 * between characters. */
void cast_title_to_utf8(const char *text, const char *charset, char *out, size_t room);

/* Takes the titles out of a stream. */
struct cast_icy_reader {
    uint32_t interval;   /* bytes of audio between two titles; over 0 */
    uint32_t audio_left; /* until the next length byte */
    uint32_t block_left; /* bytes of the current block that are still to come */
    uint32_t held;
    bool fresh;                            /* `title` is new; the caller clears it */
    char title[CAST_ICY_TITLE_BYTES_MOST]; /* as it was sent, not converted */
    char block[CAST_ICY_BLOCK_BYTES_MOST];
};

void cast_icy_reader_open(struct cast_icy_reader *reader, uint32_t interval);

/* Moves the audio in bytes[0 .. count) to the front and returns its bytes. A block that names a title other
 * than the last sets `title` and `fresh`; one without StreamTitle changes nothing. Any bytes can be fed. */
size_t cast_icy_reader_feed(struct cast_icy_reader *reader, char *bytes, size_t count);

#endif
