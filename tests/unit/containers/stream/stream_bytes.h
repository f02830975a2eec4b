/* A stream's content as a function of its offset, so that any byte can be verified without keeping it. */
#ifndef STREAM_BYTES_H
#define STREAM_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <neap/stream.h>

static inline uint64_t stream_word_at(uint64_t offset) {
    return (offset / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline void stream_bytes_fill(void *data, uint64_t offset, size_t bytes) {
    uint8_t *to = data;
    while (bytes > 0) {
        uint64_t word = stream_word_at(offset);
        size_t part = 8 - offset % 8 < bytes ? (size_t)(8 - offset % 8) : bytes;
        memcpy(to, (uint8_t *)&word + offset % 8, part);
        to += part;
        offset += part;
        bytes -= part;
    }
}

/* Whether all of `data` is what was written at `offset`. */
static inline int stream_bytes_good(const void *data, uint64_t offset, size_t bytes) {
    const uint8_t *at = data;
    while (bytes > 0) {
        uint64_t word = stream_word_at(offset);
        size_t part = 8 - offset % 8 < bytes ? (size_t)(8 - offset % 8) : bytes;
        if (memcmp(at, (uint8_t *)&word + offset % 8, part) != 0)
            return 0;
        at += part;
        offset += part;
        bytes -= part;
    }
    return 1;
}

/* Appends the next `bytes` of it; the result of neap_stream_write. */
static inline int stream_bytes_write(neap_stream_t *stream, size_t bytes) {
    uint8_t *data = malloc(bytes + 1);
    stream_bytes_fill(data, neap_stream_written(stream), bytes);
    int result = neap_stream_write(stream, data, bytes);
    free(data);
    return result;
}

#endif
