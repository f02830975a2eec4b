/* Figures of a series against ones worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trial/series.h"

static void sample_add(struct neap_series *series, uint64_t at_ns, uint64_t rss, uint32_t processes) {
    const struct neap_sample sample = {at_ns, {rss, rss / 2, rss / 4}, processes};
    assert_int_equal(neap_series_add(series, &sample), 0);
}

static void test_figures(void **state) {
    (void)state;
    struct neap_series series = {0};
    sample_add(&series, 0, 0, 1);
    sample_add(&series, 10, 400, 3);
    sample_add(&series, 110, 400, 2);
    sample_add(&series, 130, 80, 1);
    assert_float_equal(neap_series_peak(&series, NEAP_MEMORY_RSS), 400, 0);
    assert_float_equal(neap_series_end(&series, NEAP_MEMORY_RSS), 80, 0);
    assert_float_equal(neap_series_end(&series, NEAP_MEMORY_PRIVATE), 20, 0);
    /* by time, not by sample: (10 * 200 + 100 * 400 + 20 * 240) / 130 */
    assert_float_equal(neap_series_mean(&series, NEAP_MEMORY_RSS), 360, 1e-9);
    assert_float_equal(neap_series_mean(&series, NEAP_MEMORY_PSS), 180, 1e-9);
    assert_int_equal(neap_series_processes(&series), 3);
    neap_series_clear(&series);
    assert_int_equal(series.count, 0);
}

/* What the interpreter's coming down leaves is not the end; what came before the last quarter of a
 * second neither. */
static void test_end(void **state) {
    (void)state;
    enum { MS = 1000000 };
    struct neap_series series = {0};
    for (int i = 0; i < 50; i++)
        sample_add(&series, (uint64_t)i * 20 * MS, 900, 1);
    for (int i = 50; i < 60; i++)
        sample_add(&series, (uint64_t)i * 20 * MS, 300 + (uint64_t)i % 2, 1);
    sample_add(&series, 60 * 20 * MS, 100, 1);
    sample_add(&series, 61 * 20 * MS, 8, 1);
    assert_float_equal(neap_series_end(&series, NEAP_MEMORY_RSS), 300, 0);
    sample_add(&series, 90ULL * 20 * MS, 4, 1);
    assert_float_equal(neap_series_end(&series, NEAP_MEMORY_RSS), 4, 0);
    neap_series_clear(&series);
}

static void test_empty_and_single(void **state) {
    (void)state;
    struct neap_series series = {0};
    assert_float_equal(neap_series_mean(&series, NEAP_MEMORY_RSS), 0, 0);
    assert_float_equal(neap_series_peak(&series, NEAP_MEMORY_RSS), 0, 0);
    assert_float_equal(neap_series_end(&series, NEAP_MEMORY_RSS), 0, 0);
    sample_add(&series, 5, 100, 1);
    assert_float_equal(neap_series_mean(&series, NEAP_MEMORY_RSS), 100, 0);
    neap_series_clear(&series);
}

static void test_steps_keep_peaks(void **state) {
    (void)state;
    struct neap_series series = {0};
    sample_add(&series, 0, 10, 1);
    sample_add(&series, 4, 90, 1);
    sample_add(&series, 8, 20, 1);
    sample_add(&series, 35, 47, 1);
    double steps[6];
    neap_series_steps(&series, NEAP_MEMORY_RSS, 10, steps, 6);
    assert_float_equal(steps[0], 90, 0);
    assert_float_equal(steps[1], 27, 1e-9); /* at 15, on the line from (8, 20) to (35, 47) */
    assert_float_equal(steps[2], 37, 1e-9);
    assert_float_equal(steps[3], 47, 0);
    assert_true(isnan(steps[4]) && isnan(steps[5]));
    neap_series_clear(&series);
}

static void test_many(void **state) {
    (void)state;
    struct neap_series series = {0};
    for (uint64_t i = 0; i < 10000; i++)
        sample_add(&series, i, i, 1);
    assert_int_equal(series.count, 10000);
    assert_float_equal(neap_series_mean(&series, NEAP_MEMORY_RSS), 4999.5, 1e-6);
    neap_series_clear(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_empty_and_single),
        cmocka_unit_test(test_steps_keep_peaks),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
