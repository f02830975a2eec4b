/* One writer that never waits, sixteen reading threads, each byte delivered verified. Run by
 * ThreadSanitizer too: nothing here is locked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "stream_bytes.h"

enum { READERS = 16 };

struct reading {
    neap_stream_t *stream;
    unsigned number;
    uint64_t delivered, missed, start;
    int good, consistent;
};

static size_t take(struct neap_stream_reader *reader, unsigned number, uint8_t *buffer, size_t room) {
    switch (number % 3) {
    case 0:
        return neap_stream_reader_read_block(reader, buffer);
    case 1:
        return neap_stream_reader_read(reader, buffer, 1 + (number * 97) % room);
    default:
        return neap_stream_reader_read(reader, buffer, room);
    }
}

static void *read_all(void *argument) {
    struct reading *reading = argument;
    size_t room = neap_stream_block_bytes(reading->stream) * neap_stream_block_count(reading->stream);
    uint8_t *buffer = malloc(room);
    struct neap_stream_reader reader;
    neap_stream_reader_open(&reader, reading->stream, NEAP_STREAM_READER_OLDEST);
    reading->start = reader.offset;
    for (;;) {
        int ended = neap_stream_state(reading->stream) == NEAP_STREAM_CLOSED;
        size_t bytes = take(&reader, reading->number, buffer, room);
        if (bytes == 0 && ended)
            break;
        if (bytes == 0) {
            neap_stream_reader_wait(&reader, reading->number % 2, 1000);
            continue;
        }
        reading->good &= stream_bytes_good(buffer, reader.offset - bytes, bytes);
        reading->delivered += bytes;
    }
    free(buffer);
    reading->missed = reader.missed_bytes;
    reading->consistent = reading->start + reading->delivered + reading->missed == reader.offset &&
                          reader.offset == neap_stream_written(reading->stream);
    return NULL;
}

static void write_to_many(size_t block_bytes, size_t block_count, unsigned pieces, unsigned longest) {
    neap_stream_t *stream = neap_stream_new(block_bytes, block_count, NULL);
    struct reading readings[READERS];
    pthread_t threads[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        readings[i] = (struct reading){.stream = stream, .number = i, .good = 1};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
    }
    unsigned random = 1;
    for (unsigned i = 0; i < pieces; i++) {
        random = random * 1664525 + 1013904223;
        assert_int_equal(stream_bytes_write(stream, 1 + (random >> 8) % longest), NEAP_OK);
    }
    assert_int_equal(neap_stream_close(stream), NEAP_OK);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < READERS; i++) {
        assert_true(readings[i].good);
        assert_true(readings[i].consistent);
        assert_true(readings[i].delivered > block_bytes * (block_count - 1)); /* what was left, at least */
    }
    const char *why = "";
    assert_true(neap_stream_check(stream, &why));
    neap_stream_destroy(stream);
}

static unsigned steps(unsigned few) {
    const char *asked = getenv("NEAP_TEST_STEPS");
    return asked ? (unsigned)atoi(asked) / 5 : few;
}

static void small_pieces(void **state) {
    (void)state;
    write_to_many(512, 8, steps(20000), 1400);
}

/* Reads longer than what is verified at once. */
static void large_pieces(void **state) {
    (void)state;
    write_to_many(32768, 16, steps(20000) / 50, 100000);
}

struct relay {
    neap_stream_t *there, *back;
    unsigned turns;
};

static void *answer(void *argument) {
    const struct relay *relay = argument;
    struct neap_stream_reader reader;
    uint8_t byte;
    neap_stream_reader_open(&reader, relay->there, NEAP_STREAM_READER_OLDEST);
    for (unsigned i = 0; i < relay->turns; i++) {
        while (neap_stream_reader_read(&reader, &byte, 1) == 0)
            neap_stream_reader_wait(&reader, 1, 0);
        neap_stream_write(relay->back, &byte, 1);
    }
    return NULL;
}

/* Two threads that wake each other without a time limit: a lost wake-up would hang here. */
static void no_wakeup_is_lost(void **state) {
    (void)state;
    struct relay relay = {neap_stream_new(1, 16, NULL), neap_stream_new(1, 16, NULL), 3000};
    struct neap_stream_reader reader;
    pthread_t thread;
    uint8_t byte;
    neap_stream_reader_open(&reader, relay.back, 0);
    assert_int_equal(pthread_create(&thread, NULL, answer, &relay), 0);
    for (unsigned i = 0; i < relay.turns; i++) {
        uint8_t sent = (uint8_t)i;
        assert_int_equal(neap_stream_write(relay.there, &sent, 1), NEAP_OK);
        while (neap_stream_reader_read(&reader, &byte, 1) == 0)
            neap_stream_reader_wait(&reader, 1, 0);
        assert_int_equal(byte, sent);
    }
    pthread_join(thread, NULL);
    neap_stream_destroy(relay.there);
    neap_stream_destroy(relay.back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_pieces),
        cmocka_unit_test(large_pieces),
        cmocka_unit_test(no_wakeup_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
