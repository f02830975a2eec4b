/* A stream's content as a function of its offset, so that any byte can be verified without keeping it. */
#ifndef STREAM_BYTES_H
#define STREAM_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <neap/stream.h>

static inline uint8_t stream_byte_at(uint64_t offset) {
    uint64_t mixed = (offset + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(mixed >> 56);
}

static inline void stream_bytes_fill(void *data, uint64_t offset, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)data)[i] = stream_byte_at(offset + i);
}

/* Whether all of `data` is what was written at `offset`. */
static inline int stream_bytes_good(const void *data, uint64_t offset, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (((const uint8_t *)data)[i] != stream_byte_at(offset + i))
            return 0;
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
