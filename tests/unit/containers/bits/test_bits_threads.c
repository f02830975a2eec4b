/* Functions that take a const array, each beside each in two threads: on an array in memory, and on a file
 * that is open to write and to read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/bits.h>

#include "../common/const_pairs.h"

enum { BITS = 8000, SET = BITS / 8 }; /* every eighth is set */

static const neap_bits_t *bits;

static void get(void) {
    for (uint64_t at = 0; at < BITS; at += 8)
        assert_true(neap_bits_get(bits, at) && !neap_bits_get(bits, at + 1));
    assert_int_equal(neap_bits_load(bits, 3, 64), UINT64_C(0x2020202020202020));
    assert_int_equal(neap_bits_data(bits)[BITS / 16], 1);
}

static void count(void) {
    assert_int_equal(neap_bits_count(bits, 1, BITS), SET - 1);
    assert_int_equal(neap_bits_combined_count(bits, NEAP_BITS_AND, bits), SET);
}

static void find(void) {
    uint64_t at;
    assert_true(neap_bits_find(bits, true, 1, BITS, &at) && at == 8);
    assert_true(neap_bits_find_last(bits, true, 0, BITS, &at) && at == BITS - 8);
    assert_true(neap_bits_search(bits, bits, 0, BITS, &at) && at == 0);
}

static void copy(void) {
    neap_bits_t copy, part;
    assert_int_equal(neap_bits_init_copy(&copy, NULL, bits, 0, BITS), NEAP_OK);
    assert_true(neap_bits_equal(&copy, bits));
    assert_int_equal(neap_bits_combine(&copy, NEAP_BITS_XOR, bits), NEAP_OK);
    assert_int_equal(neap_bits_count(&copy, 0, BITS), 0);
    assert_int_equal(neap_bits_init(&part, NULL, 100), NEAP_OK);
    neap_bits_copy(&part, 0, bits, 8, 100);
    assert_int_equal(neap_bits_count(&part, 0, 100), 13);
    neap_bits_end(&part);
    neap_bits_end(&copy);
}

static void figures(void) {
    const char *why;
    assert_true(neap_bits_check(bits, &why));
    assert_int_equal(neap_bits_length(bits), BITS);
    assert_false(neap_bits_is_cut(bits));
    assert_true(neap_bits_block_bytes(bits) >= BITS / 8);
    neap_bits_resizes(bits);
}

static const struct const_call calls[] = {
    {"get", get}, {"count", count}, {"find", find}, {"copy", copy}, {"figures", figures},
};

static void run_on(const neap_bits_t *array) {
    bits = array;
    const_pairs_run(calls, sizeof(calls) / sizeof(calls[0]));
}

static void set_every_eighth(neap_bits_t *array) {
    for (uint64_t at = 0; at < BITS; at += 8)
        neap_bits_set(array, at, true);
}

static void each_beside_each(void **state) {
    (void)state;
    char path[] = "/tmp/neap-bits-threads.XXXXXX";
    neap_bits_t memory, written, read;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(neap_bits_init(&memory, NULL, BITS), NEAP_OK);
    set_every_eighth(&memory);
    run_on(&memory);
    assert_int_equal(neap_bits_open(&written, path, NEAP_BITS_MAKE), NEAP_OK);
    assert_int_equal(neap_bits_resize(&written, BITS), NEAP_OK);
    set_every_eighth(&written);
    run_on(&written);
    assert_int_equal(neap_bits_open(&read, path, NEAP_BITS_READ), NEAP_OK);
    run_on(&read);
    neap_bits_end(&read);
    neap_bits_end(&written);
    neap_bits_end(&memory);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_beside_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
