/* When libc is asked to give back, tried on a model of a process and its C memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hook/libc_trim.h"

enum { MB = 1 << 20 };

/* A process as the helper sees it: `live` is in use, `free` is free but in memory. */
struct process {
    struct neap__libc_moment now;
    uint64_t live_bytes, free_bytes;
    uint64_t trim_us; /* how long a trim takes */
    struct neap__libc_pace pace;
    unsigned trims;
    uint64_t spent_us; /* by trims, and by making again what they gave back */
    bool rests;
};

/* One look. A trim gives back all that is free. */
static void look(struct process *process) {
    enum neap__libc_step step = neap__libc_pace_look(&process->pace, &process->now);
    process->rests = step == NEAP_LIBC_REST;
    if (step != NEAP_LIBC_TRIM)
        return;
    struct neap__libc_moment before = process->now, after;
    before.resident_bytes = process->live_bytes + process->free_bytes;
    process->free_bytes = 0;
    after = process->now;
    after.resident_bytes = process->live_bytes;
    const struct neap__libc_cost cost = {.used_us = process->trim_us, .took_us = process->trim_us};
    neap__libc_pace_learn(&process->pace, &before, &after, &cost);
    process->trims++;
    process->spent_us += process->trim_us;
}

/* A second in which the program runs for `run_us`, and touches `bytes` of what is free or new. */
static void second(struct process *process, uint64_t run_us, uint64_t bytes) {
    process->now.at_ms += NEAP_LIBC_LOOK_MS;
    process->now.ran_us += run_us;
    if (bytes > process->free_bytes) {
        process->spent_us += (bytes - process->free_bytes) / MB * NEAP_LIBC_US_A_MB;
        process->free_bytes = bytes;
    }
    look(process);
}

static void free_memory_goes_at_the_next_look(void **state) {
    (void)state;
    struct process process = {.live_bytes = 20 * MB, .free_bytes = 100 * MB, .trim_us = 3000};
    second(&process, 500000, 0);
    assert_int_equal(process.free_bytes, 0);
    process.free_bytes = 100 * MB;
    second(&process, 500000, 0);
    assert_int_equal(process.free_bytes, 0);
}

/* A program that needs a little again and again loses all else that is free. */
static void under_traffic_too(void **state) {
    (void)state;
    struct process process = {.live_bytes = 20 * MB, .trim_us = 2000};
    for (int s = 0; s < 100; s++) {
        if (s % 10 == 0)
            process.free_bytes += 150 * MB;
        second(&process, 900000, 5 * MB);
        second(&process, 900000, 5 * MB);
        second(&process, 900000, 5 * MB);
        assert_true(process.free_bytes <= 5 * MB);
    }
}

static void takes_a_hundredth_of_the_time(void **state) {
    (void)state;
    const uint64_t used_mb[] = {0, 1, 10, 100, 1000, 10000}, trims_us[] = {20, 2000, 15000, 200000};
    for (size_t i = 0; i < sizeof(used_mb) / sizeof(*used_mb); i++) {
        for (size_t j = 0; j < sizeof(trims_us) / sizeof(*trims_us); j++) {
            struct process process = {.live_bytes = 20 * MB, .trim_us = trims_us[j]};
            process.free_bytes = used_mb[i] * MB;
            for (int s = 0; s < 3000; s++)
                second(&process, s % 7 == 0 ? 0 : 900000, used_mb[i] * MB);
            assert_true(process.trims > 1);
            /* the first trim is made on credit, and the last one is not paid for yet */
            uint64_t unpaid_us = 2 * (trims_us[j] + used_mb[i] * NEAP_LIBC_US_A_MB);
            assert_true(process.spent_us <= UINT64_C(3000) * 1000000 / 100 + unpaid_us);
        }
    }
}

/* Where a trim made a thread wait, the next one comes when the program does nothing. */
static void long_trims_wait_for_a_pause(void **state) {
    (void)state;
    struct process process = {.live_bytes = 20 * MB, .free_bytes = 400 * MB, .trim_us = 150000};
    second(&process, 900000, 0);
    assert_int_equal(process.trims, 1); /* nobody could know */
    for (int s = 0; s < 100; s++) {
        process.free_bytes = 400 * MB;
        second(&process, 900000, 0);
        assert_false(process.rests);
    }
    assert_int_equal(process.trims, 1);
    second(&process, 100, 0);
    assert_int_equal(process.trims, 2);
    process.trim_us = 300; /* it has become quick */
    for (int s = 0; s < 30; s++)
        second(&process, 900000, 0);
    second(&process, 100, 0);
    for (int s = 0; s < 20; s++)
        second(&process, 900000, 0);
    assert_true(process.trims > 10);
}

static void a_program_at_rest_is_left_alone(void **state) {
    (void)state;
    struct process process = {.live_bytes = 20 * MB, .free_bytes = 100 * MB, .trim_us = 1000};
    second(&process, 900000, 0);
    assert_int_equal(process.trims, 1);
    process.now.ran_us -= 200; /* the clock went back */
    second(&process, 100, 0);
    assert_true(process.rests);
    assert_int_equal(process.trims, 1);
    process.now.ran_us += 200;
    for (int s = 0; s < 8; s++) /* little by little it adds up */
        second(&process, 100, 0);
    assert_int_equal(process.trims, 1);
    second(&process, 100, 0);
    assert_int_equal(process.trims, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_memory_goes_at_the_next_look), cmocka_unit_test(under_traffic_too),
        cmocka_unit_test(takes_a_hundredth_of_the_time),     cmocka_unit_test(long_trims_wait_for_a_pause),
        cmocka_unit_test(a_program_at_rest_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
