/* size_estimate: the small cases by hand; tests/system/test_advise.py has the real things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "advice/size_estimate.h"

static void test_digits(void **state) {
    (void)state;
    assert_int_equal(neap_size_estimate_digits(0), 1);
    assert_int_equal(neap_size_estimate_digits(9), 1);
    assert_int_equal(neap_size_estimate_digits(10), 2);
    assert_int_equal(neap_size_estimate_digits(-10), 3);
    assert_int_equal(neap_size_estimate_digits(INT64_MIN), 20);
}

static void test_arrays_have_a_head_from_3_10_on(void **state) {
    (void)state;
    assert_int_equal(neap_size_estimate_array(9, 1000, 8), 8064);
    assert_int_equal(neap_size_estimate_array(10, 1000, 8), 8080);
}

static void test_bits(void **state) {
    (void)state;
    assert_int_equal(neap_size_estimate_bits(64), 56); /* in the object itself */
    assert_int_equal(neap_size_estimate_bits(65), 56 + 16);
    assert_int_equal(neap_size_estimate_bits(1000000), 56 + 125000);
}

static void test_redis(void **state) {
    (void)state;
    struct neap_size_estimate_redis redis = {0};
    uint64_t none = neap_size_estimate_redis_end(&redis);
    neap_size_estimate_redis_add(&redis, 10, 2); /* 1 + 10 + 1 -> 16; 1 + 2 + 1 -> 8 */
    assert_int_equal(neap_size_estimate_redis_end(&redis) - none, 32 + 16 + 8);
    neap_size_estimate_redis_add(&redis, 128, 2); /* 3 + 128 + 1 = 132 -> 160 */
    assert_int_equal(neap_size_estimate_redis_end(&redis) - none, 32 + 16 + 8 + 32 + 160 + 8);
}

static void test_sqlite_grows_by_pages(void **state) {
    (void)state;
    struct neap_size_estimate_sqlite sqlite = {0};
    uint64_t before = neap_size_estimate_sqlite_end(&sqlite);
    neap_size_estimate_sqlite_add(&sqlite, NEAP_CELL_TEXT, 10, NEAP_CELL_INTEGER, 5);
    uint64_t one = neap_size_estimate_sqlite_end(&sqlite);
    assert_int_equal(one - before, 2 * 4360); /* a leaf of rows, a leaf of the index */
    for (int i = 1; i < 100; i++)
        neap_size_estimate_sqlite_add(&sqlite, NEAP_CELL_TEXT, 10, NEAP_CELL_INTEGER, 5);
    assert_int_equal(neap_size_estimate_sqlite_end(&sqlite), one);
    for (int i = 100; i < 1000; i++)
        neap_size_estimate_sqlite_add(&sqlite, NEAP_CELL_TEXT, 10, NEAP_CELL_INTEGER, 5);
    assert_true(neap_size_estimate_sqlite_end(&sqlite) > one + 8 * 4360);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_arrays_have_a_head_from_3_10_on),
        cmocka_unit_test(test_redis),
        cmocka_unit_test(test_sqlite_grows_by_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
