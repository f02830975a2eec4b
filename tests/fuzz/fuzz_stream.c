/* Fuzz target: reading a shared stream whose memory somebody else writes as he likes.
 *
 * The input is a list of steps of 8 bytes. Each is either a change to the segment (where, modulo
 * its size, and which 32 bits to put there) or a call of a reader. The segment starts as a
 * sound stream of 3 x 40 bytes; what is attached after the first changes is read on with the
 * later ones. Whatever comes of it, no byte outside the ring is touched, and every call ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "containers/stream/stream_ring.h"

enum { BLOCK_BYTES = 40, BLOCKS = 3, ROOM = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Touches each byte of a span, so that a sanitizer sees where it lies. */
static void touch(const struct neap_span *span) {
    for (size_t i = 0; i < span->bytes; i++)
        (void)((volatile char *)span->data)[i];
}

static void use(struct neap_stream_reader *reader, unsigned how, uint32_t number) {
    static _Alignas(8) char buffer[ROOM];
    struct neap_span spans[2];
    size_t block_bytes = reader->stream->block_bytes;
    switch (how % 6) {
    case 0:
        neap_stream_reader_read(reader, buffer, number % ROOM);
        break;
    case 1:
        if (block_bytes <= ROOM && neap_stream_reader_read_block(reader, buffer) > block_bytes)
            abort();
        break;
    case 2:
        if (neap_stream_reader_next(reader, spans)) {
            touch(spans);
            neap_stream_reader_done(reader, spans[0].bytes);
        }
        break;
    case 3: {
        unsigned count = neap_stream_reader_peek(reader, number, spans);
        size_t seen = 0;
        for (unsigned i = 0; i < count; i++) {
            touch(&spans[i]);
            seen += spans[i].bytes;
        }
        neap_stream_reader_done(reader, seen);
        break;
    }
    case 4:
        if (neap_stream_reader_lag(reader) > reader->stream->ring_bytes)
            abort();
        break;
    default:
        neap_stream_reader_open(reader, reader->stream, number % 7 == 0 ? NEAP_STREAM_READER_OLDEST : number);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    const size_t size = neap__ring_bytes(BLOCK_BYTES, BLOCKS);
    char *segment = aligned_alloc(NEAP_STREAM_LINE_BYTES, size / 64 * 64 + 64);
    char *end = segment + size / 64 * 64 + 64;
    struct neap_stream_layout *layout = (void *)segment;
    struct neap_stream stream = {0};
    struct neap_stream_reader reader;
    int attached = 0;
    memset(segment, 0, (size_t)(end - segment));
    neap__ring_format(layout, BLOCK_BYTES, BLOCKS);
    atomic_store(&layout->claimed, 1000);
    atomic_store(&layout->written, 990);
    for (size_t at = 0; at + 8 <= bytes; at += 8) {
        uint32_t place, value;
        memcpy(&place, data + at, sizeof(place));
        memcpy(&value, data + at + 4, sizeof(value));
        if (place % 4 != 0) {
            memcpy(segment + place / 4 % ((size_t)(end - segment) - 3), &value, sizeof(value));
        } else if (attached) {
            use(&reader, place / 4, value);
        } else if (neap__ring_adopt(&stream, layout, (size_t)(end - segment)) == NEAP_OK) {
            attached = 1;
            neap_stream_reader_open(&reader, &stream, value);
        }
    }
    free(segment);
    return 0;
}
