/* Sending out of the ring: what comes out at the other end is what was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream_bytes.h"

static int pair[2];

static int open_pair(void **state) {
    (void)state;
    int bytes = 4096;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
           setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) != 0;
}

static int close_pair(void **state) {
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void received(uint64_t offset, size_t bytes) {
    uint8_t buffer[65536];
    assert_true(bytes <= sizeof(buffer));
    assert_int_equal(recv(pair[1], buffer, bytes, MSG_WAITALL), bytes);
    assert_true(stream_bytes_good(buffer, offset, bytes));
}

static void around_the_end(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(100, 8, NULL);
    struct neap_stream_reader reader;
    size_t sent = 99;
    neap_stream_reader_open(&reader, stream, 0);
    assert_int_equal(neap_stream_reader_send(&reader, pair[0], 1000, &sent), NEAP_OK);
    assert_int_equal(sent, 0);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t offset = reader.offset;
        assert_int_equal(stream_bytes_write(stream, 370), NEAP_OK);
        assert_int_equal(neap_stream_reader_send(&reader, pair[0], 200, &sent), NEAP_OK);
        assert_int_equal(sent, 200);
        received(offset, 200);
        assert_int_equal(neap_stream_reader_send(&reader, pair[0], 1000, &sent), NEAP_OK);
        assert_int_equal(sent, 170);
        received(offset + 200, 170);
    }
    assert_int_equal(reader.missed_bytes, 0);
    neap_stream_destroy(stream);
}

/* A reader at the very end of its window goes by way of a copy, to the same effect. */
static void at_the_end_of_the_window(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(100, 8, NULL);
    struct neap_stream_reader reader;
    size_t sent;
    neap_stream_reader_open(&reader, stream, 0);
    assert_int_equal(stream_bytes_write(stream, 790), NEAP_OK);
    assert_int_equal(neap_stream_reader_send(&reader, pair[0], 50, &sent), NEAP_OK);
    assert_int_equal(sent, 50);
    assert_int_equal(reader.offset, 50);
    received(0, 50);
    assert_int_equal(stream_bytes_write(stream, 100), NEAP_OK);
    assert_int_equal(neap_stream_reader_send(&reader, pair[0], 20, &sent), NEAP_OK);
    assert_int_equal(sent, 20);
    assert_int_equal(reader.offset, 120);
    assert_int_equal(reader.missed_bytes, 50);
    received(100, 20);
    neap_stream_destroy(stream);
}

static void a_socket_that_is_full(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(4096, 64, NULL);
    struct neap_stream_reader reader;
    uint64_t all = 0;
    size_t sent;
    neap_stream_reader_open(&reader, stream, 0);
    assert_int_equal(stream_bytes_write(stream, 200000), NEAP_OK);
    int error;
    while ((error = neap_stream_reader_send(&reader, pair[0], 200000, &sent)) == NEAP_OK && sent > 0)
        all += sent;
    assert_int_equal(error, NEAP_ERROR_BUSY);
    assert_int_equal(reader.offset, all);
    assert_true(all > 0 && all < 200000);
    for (uint64_t offset = 0; offset < all;) {
        size_t part = all - offset < 4096 ? (size_t)(all - offset) : 4096;
        received(offset, part);
        offset += part;
    }
    uint64_t offset = reader.offset;
    assert_int_equal(neap_stream_reader_send(&reader, pair[0], 100, &sent), NEAP_OK);
    assert_int_equal(sent, 100);
    received(offset, 100);
    neap_stream_destroy(stream);
}

static void a_peer_that_went(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(100, 8, NULL);
    struct neap_stream_reader reader;
    size_t sent = 7;
    neap_stream_reader_open(&reader, stream, 0);
    assert_int_equal(stream_bytes_write(stream, 100), NEAP_OK);
    shutdown(pair[1], SHUT_RDWR);
    assert_int_equal(neap_stream_reader_send(&reader, pair[0], 100, &sent), NEAP_ERROR_SYSTEM);
    assert_int_equal(errno, EPIPE); /* and no signal */
    assert_int_equal(neap_stream_reader_send(&reader, -1, 100, &sent), NEAP_ERROR_SYSTEM);
    assert_int_equal(errno, EBADF);
    assert_int_equal(sent, 7);
    assert_int_equal(reader.offset, 0);
    neap_stream_destroy(stream);
}

#ifndef __SANITIZE_THREAD__ /* it takes the kernel's look at the ring for one of ours */

enum { LARGE_BYTES = 1 << 16, SENDS = 3000 };

struct writer {
    neap_stream_t *stream;
    uint32_t stop;
};

/* Goes round and round as fast as it can. */
static void *write_on(void *argument) {
    struct writer *writer = argument;
    while (!__atomic_load_n(&writer->stop, __ATOMIC_RELAXED))
        stream_bytes_write(writer->stream, LARGE_BYTES);
    return NULL;
}

/* Receives it all and looks at it; whether it is `bytes` from `offset` on. */
static int received_well(uint64_t offset, size_t bytes) {
    static uint8_t data[LARGE_BYTES];
    assert_true(bytes <= sizeof(data));
    assert_int_equal(bytes > 0 ? recv(pair[1], data, bytes, MSG_WAITALL) : 0, bytes);
    return stream_bytes_good(data, offset, bytes);
}

static size_t waiting_bytes(void) {
    int bytes = 0;
    assert_int_equal(ioctl(pair[1], FIONREAD, &bytes), 0);
    return (size_t)bytes;
}

/* A ring of little more than what is sent at once, and a writer that laps it: what is said to have
 * been sent is good, and what was not good is said. */
static void lapped_while_sending(void **state) {
    (void)state;
    int room = 8 * LARGE_BYTES;
    struct writer writer = {neap_stream_new(LARGE_BYTES, 4, NULL), 0};
    struct neap_stream_reader reader;
    pthread_t thread;
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    neap_stream_reader_open(&reader, writer.stream, 0);
    for (unsigned i = 0; i < SENDS; i++) {
        size_t sent = 0;
        while (!neap_stream_reader_wait(&reader, LARGE_BYTES, 0))
            ;
        int error = neap_stream_reader_send(&reader, pair[0], LARGE_BYTES, &sent);
        if (error == NEAP_ERROR_OVERRUN) {
            received_well(0, waiting_bytes()); /* nobody says that it is good */
        } else {
            assert_int_equal(error, NEAP_OK);
            assert_true(received_well(reader.offset - sent, sent));
        }
    }
    __atomic_store_n(&writer.stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    neap_stream_destroy(writer.stream);
}

#endif

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        TEST(around_the_end),        TEST(at_the_end_of_the_window),
        TEST(a_socket_that_is_full), TEST(a_peer_that_went),
#ifndef __SANITIZE_THREAD__
        TEST(lapped_while_sending),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
