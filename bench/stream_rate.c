/* bench/stream_rate.c: what a stream costs in C. Built and run by bench/stream.py; prints
 * `name nanoseconds` a line, each the least of some rounds. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <neap/stream.h>

enum { BLOCK_BYTES = 4096, BLOCKS = 64, ROUNDS = 15, READERS_MAX = 10000 };

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static char block[BLOCK_BYTES], copy[BLOCK_BYTES];
static struct neap_stream_reader readers[READERS_MAX];

static void write_blocks(neap_stream_t *stream, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        neap_stream_write(stream, block, sizeof(block));
}

/* The next block of each of `count` readers, in place; a block a turn is written, not timed. */
static double next_blocks(neap_stream_t *stream, unsigned count) {
    double took = 0;
    unsigned turns = 200000 / count > 0 ? 200000 / count : 1;
    volatile char seen;
    for (unsigned i = 0; i < count; i++)
        neap_stream_reader_open(&readers[i], stream, 0);
    for (unsigned turn = 0; turn < turns; turn++) {
        write_blocks(stream, 1);
        double start = now_ns();
        for (unsigned i = 0; i < count; i++) {
            struct neap_span span;
            if (!neap_stream_reader_next(&readers[i], &span))
                abort();
            seen = *(volatile char *)span.data;
            if (!neap_stream_reader_done(&readers[i], span.bytes))
                abort();
        }
        took += now_ns() - start;
    }
    (void)seen;
    return took / turns / count;
}

static double next_one(neap_stream_t *stream) {
    return next_blocks(stream, 100);
}

static double next_thousands(neap_stream_t *stream) {
    return next_blocks(stream, READERS_MAX);
}

static double copy_blocks(neap_stream_t *stream) {
    double took = 0;
    for (unsigned turn = 0; turn < 500; turn++) {
        neap_stream_reader_open(readers, stream, 60 * BLOCK_BYTES);
        double start = now_ns();
        for (unsigned i = 0; i < 60; i++)
            if (neap_stream_reader_read_block(readers, copy) != sizeof(copy))
                abort();
        took += now_ns() - start;
    }
    return took / 500 / 60;
}

static double copy_plain(neap_stream_t *stream) {
    static char ring[BLOCK_BYTES * BLOCKS];
    static void *(*volatile plain)(void *, const void *, size_t) = memcpy;
    (void)stream;
    double start = now_ns();
    for (unsigned i = 0; i < 30000; i++)
        plain(copy, ring + (size_t)(i % 60) * BLOCK_BYTES, sizeof(copy));
    return (now_ns() - start) / 30000;
}

static double write_pieces(neap_stream_t *stream) {
    double start = now_ns();
    for (unsigned i = 0; i < 100000; i++)
        neap_stream_write(stream, block, 200 + i * 37 % 1201);
    return (now_ns() - start) / 100000;
}

static double nothing_there(neap_stream_t *stream) {
    struct neap_span span;
    neap_stream_reader_open(readers, stream, 0);
    double start = now_ns();
    for (unsigned i = 0; i < 100000; i++)
        if (neap_stream_reader_next(readers, &span))
            abort();
    return (now_ns() - start) / 100000;
}

static const struct {
    const char *name;
    double (*run)(neap_stream_t *stream);
} measured[] = {
    {"next block, 100 readers", next_one},
    {"next block, 10000 readers", next_thousands},
    {"next block, none there", nothing_there},
    {"4 KB block, copied", copy_blocks},
    {"4 KB by memcpy", copy_plain},
    {"write, 200 to 1400 bytes", write_pieces},
};

int main(void) {
    neap_stream_t *stream = neap_stream_new(BLOCK_BYTES, BLOCKS, NULL);
    if (!stream)
        return 1;
    write_blocks(stream, BLOCKS);
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        double best = 1e18;
        for (int round = 0; round < ROUNDS; round++) {
            double ns = measured[i].run(stream);
            best = ns < best ? ns : best;
        }
        printf("%s %.1f\n", measured[i].name, best);
    }
    printf("bytes a reader %zu\n", sizeof(struct neap_stream_reader));
    printf("bytes beside the ring %zu\n", neap_stream_memory_bytes(stream) - (size_t)BLOCK_BYTES * BLOCKS);
    neap_stream_destroy(stream);
    return 0;
}
