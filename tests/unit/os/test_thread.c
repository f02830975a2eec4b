/* A wait for a wakeup ends at its time limit, when one is posted, and when one is posted from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/thread.h"

#define PAGE_FILE "/proc/self/exe"

static void time_limit(void **state) {
    (void)state;
    for (int page = 0; page < 2; page++) {
        struct neap_os_wakeup wakeup = {0};
        neap_os_wakeup_open(&wakeup, page ? PAGE_FILE : NULL);
        assert_int_equal(wakeup.page != NULL, page);
        uint64_t start_ns = neap_os_now_ns();
        while (neap_os_now_ns() - start_ns < 20 * 1000000) /* it may return early, but comes back */
            neap_os_wakeup_wait(&wakeup, wakeup.count, 20);
        neap_os_wakeup_close(&wakeup);
    }
}

static void ring_before_the_wait(void **state) {
    (void)state;
    struct neap_os_wakeup wakeup = {0};
    neap_os_wakeup_open(&wakeup, PAGE_FILE);
    uint32_t seen = wakeup.count;
    neap_os_wakeup_post(&wakeup);
    neap_os_wakeup_wait(&wakeup, seen, 0); /* without a limit: it must not sleep */
    assert_int_not_equal(wakeup.count, seen);
    neap_os_wakeup_close(&wakeup);
}

struct sleeper {
    struct neap_os_wakeup wakeup;
    uint32_t awake;
};

static void *sleep_once(void *argument) {
    struct sleeper *sleeper = argument;
    neap_os_wakeup_wait(&sleeper->wakeup, sleeper->wakeup.count, 0);
    __atomic_store_n(&sleeper->awake, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void ring_from_outside(void **state) {
    (void)state;
    struct sleeper sleeper = {.awake = 0};
    pthread_t thread;
    const uint32_t *page = neap_os_wakeup_page_open(PAGE_FILE);
    assert_non_null(page);
    neap_os_wakeup_open(&sleeper.wakeup, PAGE_FILE);
    assert_int_equal(pthread_create(&thread, NULL, sleep_once, &sleeper), 0);
    while (!__atomic_load_n(&sleeper.awake, __ATOMIC_ACQUIRE)) {
        neap_os_wakeup_page_post(page, getpid());
        neap_os_sleep_ns(1000000);
    }
    pthread_join(thread, NULL);
    neap_os_wakeup_close(&sleeper.wakeup);
    neap_os_wakeup_page_close(page);
    assert_null(neap_os_wakeup_page_open("/nowhere"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_limit),
        cmocka_unit_test(ring_before_the_wait),
        cmocka_unit_test(ring_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
