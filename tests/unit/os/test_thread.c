/* The bell: a wait ends at its time limit, at a ring, and at a ring from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/thread.h"

#define DOOR "/proc/self/exe"

static void time_limit(void **state) {
    (void)state;
    for (int door = 0; door < 2; door++) {
        struct neap_os_bell bell = {0};
        neap_os_bell_open(&bell, door ? DOOR : NULL);
        assert_int_equal(bell.door != NULL, door);
        uint64_t start_ns = neap_os_now_ns();
        while (neap_os_now_ns() - start_ns < 20 * 1000000) /* it may return early, but comes back */
            neap_os_bell_wait(&bell, bell.rung, 20);
        neap_os_bell_close(&bell);
    }
}

static void ring_before_the_wait(void **state) {
    (void)state;
    struct neap_os_bell bell = {0};
    neap_os_bell_open(&bell, DOOR);
    uint32_t seen = bell.rung;
    neap_os_bell_ring(&bell);
    neap_os_bell_wait(&bell, seen, 0); /* without a limit: it must not sleep */
    assert_int_not_equal(bell.rung, seen);
    neap_os_bell_close(&bell);
}

struct sleeper {
    struct neap_os_bell bell;
    uint32_t awake;
};

static void *sleep_once(void *argument) {
    struct sleeper *sleeper = argument;
    neap_os_bell_wait(&sleeper->bell, sleeper->bell.rung, 0);
    __atomic_store_n(&sleeper->awake, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void ring_from_outside(void **state) {
    (void)state;
    struct sleeper sleeper = {.awake = 0};
    pthread_t thread;
    neap_os_bell_open(&sleeper.bell, DOOR);
    assert_int_equal(pthread_create(&thread, NULL, sleep_once, &sleeper), 0);
    while (!__atomic_load_n(&sleeper.awake, __ATOMIC_ACQUIRE)) {
        assert_int_equal(neap_os_bell_ring_process(DOOR, getpid()), 0);
        neap_os_sleep_ns(1000000);
    }
    pthread_join(thread, NULL);
    neap_os_bell_close(&sleeper.bell);
    assert_int_equal(neap_os_bell_ring_process("/nowhere", getpid()), NEAP_ERROR_ABSENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_limit),
        cmocka_unit_test(ring_before_the_wait),
        cmocka_unit_test(ring_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
