/* Quantities as text: rounding must never show 1000.0 of a unit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"

static void test_bytes(void **state) {
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {12345678, "12.3 MB"},
        {UINT64_C(4000000000), "4.0 GB"},
        {UINT64_MAX, "18446744.1 TB"},
    };
    char out[NEAP_UNITS_ROOM];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(neap_units_bytes(out, cases[i].bytes), cases[i].text);
}

static void test_ns(void **state) {
    (void)state;
    char out[NEAP_UNITS_ROOM];
    assert_string_equal(neap_units_ns(out, 250), "250 ns");
    assert_string_equal(neap_units_ns(out, 1300), "1.3 us");
    assert_string_equal(neap_units_ns(out, 999960), "1.0 ms");
    assert_string_equal(neap_units_ns(out, UINT64_C(999960000)), "1.00 s");
    assert_string_equal(neap_units_ns(out, UINT64_C(59994000000)), "59.99 s");
    assert_string_equal(neap_units_ns(out, UINT64_C(59999000000)), "1 min 0 s");
    assert_string_equal(neap_units_ns(out, UINT64_C(200000000000)), "3 min 20 s");
}

static void test_ratio(void **state) {
    (void)state;
    char out[NEAP_UNITS_ROOM];
    assert_string_equal(neap_units_ratio(out, 0.449), "0.45x");
    assert_string_equal(neap_units_ratio(out, 9.994), "9.99x");
    assert_string_equal(neap_units_ratio(out, 9.996), "10.0x");
    assert_string_equal(neap_units_ratio(out, 99.96), "100x");
    assert_string_equal(neap_units_ratio(out, NAN), "-");
    assert_string_equal(neap_units_ratio(out, INFINITY), "-");
}

static void test_pick(void **state) {
    (void)state;
    assert_string_equal(neap_units_pick(9999).name, "B");
    assert_string_equal(neap_units_pick(10000).name, "kB");
    assert_string_equal(neap_units_pick(UINT64_C(9999000000)).name, "MB");
    assert_string_equal(neap_units_pick(UINT64_C(10000000000)).name, "GB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_ns),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_pick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
