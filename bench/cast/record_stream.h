/* bench/cast/record_stream.h: a stream of bytes that says of each byte where it stands.
 *
 *     | marker, 8 | n, 8 | 48 bytes that follow from n | marker, 8 | n + 1, 8 | …
 *     `-------- record n, at position 64 n ------------'
 *
 * Whoever takes it up anywhere knows the position from the next record on, and what every byte has to be.
 * Numbers are little-endian. The source makes it, the listeners verify it with record_check.h.
 */
#ifndef BENCH_CAST_RECORD_STREAM_H
#define BENCH_CAST_RECORD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RECORD_BYTES = 64, RECORD_WORDS = RECORD_BYTES / 8 };

/* Not text, and with both line ends: a server that treats the stream as text is found out. */
static const uint8_t RECORD_MARKER[8] = {0x9e, 'n', 'e', 'a', 'p', '\r', '\n', 0x1a};

static inline uint64_t record_little_endian(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

/* The last step of splitmix64: each bit of x changes about half of the result's. */
static inline uint64_t record_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline void record_write(uint64_t n, uint8_t record[RECORD_BYTES]) {
    memcpy(record, RECORD_MARKER, 8);
    for (unsigned i = 1; i < RECORD_WORDS; i++) {
        uint64_t word = i == 1 ? n : record_mix(n * RECORD_WORDS + i);
        word = record_little_endian(word);
        memcpy(record + (size_t)i * 8, &word, 8);
    }
}

static inline bool record_is(const uint8_t *bytes, uint64_t n) {
    uint8_t record[RECORD_BYTES];
    record_write(n, record);
    return memcmp(bytes, record, RECORD_BYTES) == 0;
}

/* The number that a record says it has. */
static inline uint64_t record_number(const uint8_t *bytes) {
    uint64_t n;
    memcpy(&n, bytes + 8, 8);
    return record_little_endian(n);
}

/* Fills out[0 .. count) with the stream from a position on, which may be within a record. */
static inline void record_fill(uint64_t position, uint8_t *out, size_t count) {
    uint8_t record[RECORD_BYTES];
    while (count > 0) {
        size_t from = (size_t)(position % RECORD_BYTES), bytes = RECORD_BYTES - from;
        bytes = bytes < count ? bytes : count;
        record_write(position / RECORD_BYTES, record);
        memcpy(out, record + from, bytes);
        out += bytes, position += bytes, count -= bytes;
    }
}

#endif
