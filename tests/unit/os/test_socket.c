/* Sockets that never wait, and the set that tells what happens to them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include <neap/stream.h>

#include "os/descriptor.h"
#include "os/poll_set.h"
#include "os/socket.h"

static int listener, near_end, far_end; /* far_end: the accepted one */

/* Tries for at most two seconds: loopback is quick, but not at once. */
static bool comes(bool (*try_it)(void *), void *context) {
    for (int i = 0; i < 400; i++) {
        if (try_it(context))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

static bool accepted(void *peer) {
    return neap_os_socket_accept(listener, &far_end, peer) == NEAP_OK;
}

static int connect_pair(void **state) {
    struct neap_os_address address, peer;
    (void)state;
    if (!neap_os_address_read("127.0.0.1:0", &address) ||
        neap_os_socket_listen(&address, 16384, &listener) != NEAP_OK ||
        neap_os_socket_own_address(listener, &address) != NEAP_OK || address.port == 0 ||
        neap_os_socket_connect(&address, &near_end) != NEAP_OK || !comes(accepted, &peer))
        return 1;
    return neap_os_address_is_v4(&peer) && neap_os_socket_error(near_end) == 0 ? 0 : 1;
}

static int close_pair(void **state) {
    (void)state;
    neap_os_descriptor_close(listener);
    neap_os_descriptor_close(near_end);
    neap_os_descriptor_close(far_end);
    return 0;
}

struct reading {
    char bytes[64];
    size_t got;
    int error;
};

static bool received(void *context) {
    struct reading *reading = context;
    reading->error = neap_os_socket_receive(near_end, reading->bytes, sizeof(reading->bytes), &reading->got);
    return reading->error != NEAP_ERROR_BUSY;
}

static void bytes_and_the_end(void **state) {
    (void)state;
    struct reading reading = {.got = 9};
    struct neap_span spans[2] = {{(void *)(uintptr_t) "hel", 3}, {(void *)(uintptr_t) "lo", 2}};
    size_t sent;
    assert_int_equal(neap_os_socket_receive(near_end, reading.bytes, 8, &reading.got), NEAP_ERROR_BUSY);
    assert_int_equal(reading.got, 9);
    assert_int_equal(neap_os_socket_send(far_end, spans, 2, &sent), NEAP_OK);
    assert_int_equal(sent, 5);
    assert_true(comes(received, &reading));
    assert_int_equal(reading.error, NEAP_OK);
    assert_int_equal(reading.got, 5);
    assert_memory_equal(reading.bytes, "hello", 5);
    neap_os_socket_finish(far_end);
    assert_true(comes(received, &reading));
    assert_int_equal(reading.error, NEAP_OK);
    assert_int_equal(reading.got, 0);
}

static bool told(void *context) {
    struct neap_os_poll_event *event = context;
    int set = (int)event->tag;
    return neap_os_poll_set_take(set, event, 1) == 1;
}

/* Fills a socket whose peer takes nothing. Its send buffer bounds what the kernel holds. */
static size_t fill(int socket) {
    static char data[65536];
    struct neap_span span = {data, sizeof(data)};
    size_t sum = 0, sent;
    while (neap_os_socket_send(socket, &span, 1, &sent) == NEAP_OK)
        sum += sent;
    return sum;
}

static bool drained(void *context) {
    static char data[65536];
    size_t got, *sum = context;
    while (neap_os_socket_receive(near_end, data, sizeof(data), &got) == NEAP_OK && got > 0)
        *sum += got;
    return *sum > 0;
}

static void what_happens_is_told_once(void **state) {
    (void)state;
    int set;
    assert_int_equal(neap_os_poll_set_open(&set), NEAP_OK);
    assert_int_equal(neap_os_poll_set_add(set, far_end, 77, NEAP_OS_POLL_WRITABLE_AGAIN), NEAP_OK);
    struct neap_os_poll_event event = {.tag = (uint64_t)set};
    assert_true(comes(told, &event));
    assert_int_equal(event.tag, 77);
    assert_true(event.writable && !event.ended);
    assert_int_equal(neap_os_poll_set_take(set, &event, 1), 0);

    size_t held = fill(far_end), taken = 0;
    assert_true(held > 0 && held < 4000000);
    assert_int_equal(neap_os_poll_set_take(set, &event, 1), 0);
    assert_true(comes(drained, &taken));
    event.tag = (uint64_t)set;
    for (int i = 0; i < 400 && neap_os_poll_set_take(set, &event, 1) == 0; i++)
        comes(drained, &taken);
    assert_true(event.writable);

    neap_os_descriptor_close(near_end);
    near_end = -1;
    event = (struct neap_os_poll_event){.tag = (uint64_t)set};
    fill(far_end);
    assert_true(comes(told, &event));
    assert_true(event.ended);
    neap_os_descriptor_close(set);
}

static void several_may_listen_at_one_address(void **state) {
    (void)state;
    struct neap_os_address address;
    int second;
    assert_int_equal(neap_os_socket_own_address(listener, &address), NEAP_OK);
    assert_true(neap_os_socket_address_is_taken(&address));
    assert_int_equal(neap_os_socket_listen(&address, 0, &second), NEAP_OK);
    neap_os_descriptor_close(second);
    address.port = 0;
    assert_false(neap_os_socket_address_is_taken(&address));
    address.bytes[12] = 203; /* nobody's here */
    assert_false(neap_os_socket_address_is_taken(&address));
    assert_int_equal(neap_os_socket_listen(&address, 0, &second), NEAP_ERROR_SYSTEM);
}

static void without_a_descriptor(void **state) {
    (void)state;
    struct neap_os_address address, peer;
    struct rlimit limit, none;
    int more, unused = 123;
    assert_int_equal(neap_os_socket_own_address(listener, &address), NEAP_OK);
    assert_int_equal(neap_os_socket_connect(&address, &more), NEAP_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int error = NEAP_ERROR_BUSY;
    for (int i = 0; i < 400 && error == NEAP_ERROR_BUSY; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        error = neap_os_socket_accept(listener, &unused, &peer);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(error, NEAP_ERROR_MEMORY);
    assert_int_equal(unused, 123);
    neap_os_descriptor_close(more);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_and_the_end, connect_pair, close_pair),
        cmocka_unit_test_setup_teardown(what_happens_is_told_once, connect_pair, close_pair),
        cmocka_unit_test_setup_teardown(several_may_listen_at_one_address, connect_pair, close_pair),
        cmocka_unit_test_setup_teardown(without_a_descriptor, connect_pair, close_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
