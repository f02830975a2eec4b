/* Limits of control groups, of memory alone and with swap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "os/limits.h"

enum { MB = 1 << 20 };

static void version_2_adds_swap(void **state) {
    (void)state;
    assert_int_equal(neap__os_limit_with_swap(100 * MB, UINT64_MAX, false, 900 * MB), UINT64_C(1000) * MB);
    assert_int_equal(neap__os_limit_with_swap(100 * MB, 50 * MB, false, 900 * MB), 150 * MB);
    assert_int_equal(neap__os_limit_with_swap(100 * MB, 0, false, 900 * MB), 100 * MB);
    assert_int_equal(neap__os_limit_with_swap(100 * MB, UINT64_MAX, false, 0), 100 * MB);
}

static void version_1_limits_both_together(void **state) {
    (void)state;
    assert_int_equal(neap__os_limit_with_swap(100 * MB, 100 * MB, true, 900 * MB), 100 * MB);
    assert_int_equal(neap__os_limit_with_swap(100 * MB, 300 * MB, true, 900 * MB), 300 * MB);
    assert_int_equal(neap__os_limit_with_swap(100 * MB, UINT64_MAX, true, 900 * MB), UINT64_C(1000) * MB);
    assert_int_equal(neap__os_limit_with_swap(100 * MB, 300 * MB, true, 0), 100 * MB);
}

static void no_limit_stays_none(void **state) {
    (void)state;
    assert_true(neap__os_limit_with_swap(UINT64_MAX, UINT64_MAX, false, 900 * MB) == UINT64_MAX);
    assert_true(neap__os_limit_with_swap(UINT64_MAX - MB, UINT64_MAX, true, 900 * MB) == UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_adds_swap),
        cmocka_unit_test(version_1_limits_both_together),
        cmocka_unit_test(no_limit_stays_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
