/* containers/stream/stream_send.c: sends from the ring to a socket.
 *
 * The kernel copies from the ring while the writer continues. That is safe if the writer does
 * not reach these bytes during the call. A reader that the writer has nearly overtaken is
 * therefore sent from a verified copy.
 */
#include <errno.h>

#include "containers/stream/stream_reader.h"
#include "containers/stream/stream_ring.h"
#include "os/socket.h"

enum { COPY_BYTES = 16 * 1024, TOUCH_BYTES = 4096 /* no page is smaller */ };

/* Whether the writer will overtake the reader after less than a quarter of the ring. */
static bool is_close(const struct neap_stream_reader *reader) {
    const struct neap_stream *stream = reader->stream;
    uint64_t claimed = atomic_load_explicit(&stream->layout->claimed, memory_order_relaxed);
    uint64_t behind = claimed > reader->offset ? claimed - reader->offset : 0;
    return behind > stream->ring_bytes - stream->ring_bytes / 4;
}

static int send_copy(struct neap_stream_reader *reader, int socket, size_t bytes, size_t *sent) {
    char copy[COPY_BYTES];
    size_t went = 0;
    struct neap_span span = {copy,
                             neap__stream_reader_copy(reader, copy, bytes < COPY_BYTES ? bytes : COPY_BYTES)};
    if (span.bytes > 0) {
        int error = neap_os_socket_send(socket, &span, 1, &went);
        if (error != NEAP_OK)
            return error;
        neap__stream_reader_skip(reader, went);
    }
    *sent = went;
    return NEAP_OK;
}

/* Whether the kernel found no memory to send from because the stream was cut short. The kernel raises no
 * signal for that, so the bytes are touched here. */
static bool is_cut(const struct neap_stream_reader *reader, const struct neap_span *spans, unsigned count) {
    for (unsigned i = 0; i < count && reader->stream->shared; i++) {
        const volatile char *data = spans[i].data;
        for (size_t at = 0; at < spans[i].bytes; at += TOUCH_BYTES)
            (void)data[at];
        (void)data[spans[i].bytes - 1];
    }
    return neap__ring_is_cut(reader->stream);
}

int neap_stream_reader_send(struct neap_stream_reader *reader, int socket, size_t bytes, size_t *sent) {
    struct neap_span spans[2];
    unsigned count = neap_stream_reader_peek(reader, bytes, spans);
    if (count == 0) {
        *sent = 0;
        return NEAP_OK;
    }
    if (is_close(reader))
        return send_copy(reader, socket, bytes, sent);
    size_t went;
    int error = neap_os_socket_send(socket, spans, count, &went);
    if (error == NEAP_ERROR_SYSTEM && errno == EFAULT && is_cut(reader, spans, count))
        return NEAP_ERROR_FORMAT;
    if (error != NEAP_OK)
        return error;
    if (!neap_stream_reader_done(reader, went))
        return neap__ring_is_cut(reader->stream) ? NEAP_ERROR_FORMAT : NEAP_ERROR_OVERRUN;
    *sent = went;
    return NEAP_OK;
}
