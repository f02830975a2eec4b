/* What fuzz targets share that read a stream: what must hold, copies of the exact size, and pieces. */
#ifndef FUZZ_PIECES_H
#define FUZZ_PIECES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline void expect(bool truth) {
    if (!truth)
        abort();
}

/* The bytes of the next piece, 1 to `left`: mostly few, and single ones often. */
static inline size_t piece_next(uint32_t *state, size_t left) {
    static const size_t most[] = {1, 8, 64, 2048};
    *state = *state * 1664525u + 1013904223u;
    size_t wanted = 1 + (*state >> 8 & 0xffff) % most[*state >> 30];
    return wanted < left ? wanted : left;
}

/* A copy with room for `more` bytes behind it and none beyond, so that a sanitizer sees one byte too many.
 * The caller frees it. */
static inline char *copy_of(const uint8_t *data, size_t bytes, size_t more) {
    char *copy = malloc(bytes + more + (bytes + more == 0));
    expect(copy != NULL);
    memcpy(copy, data, bytes);
    return copy;
}

#endif
