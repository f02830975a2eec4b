/* Listeners by address: the limit, networks of IPv6, and what happens at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/air/address_count.h"

static void the_limit_holds(void **state) {
    (void)state;
    struct cast_address_counts counts = {.rows = NULL};
    uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}, other[16], v6[16] = {0x20, 1}, neighbour[16];
    memcpy(other, v4, 16);
    other[15] = 2;
    memcpy(neighbour, v6, 16);
    neighbour[15] = 9; /* in the same network of 64 bits */
    assert_true(cast_address_counts_add(&counts, v4, 2));
    assert_true(cast_address_counts_add(&counts, v4, 2));
    assert_false(cast_address_counts_add(&counts, v4, 2));
    assert_true(cast_address_counts_add(&counts, other, 2));
    assert_true(cast_address_counts_add(&counts, v6, 1));
    assert_false(cast_address_counts_add(&counts, neighbour, 1));
    cast_address_counts_remove(&counts, neighbour);
    assert_true(cast_address_counts_add(&counts, v6, 1));
    cast_address_counts_remove(&counts, v4);
    assert_true(cast_address_counts_add(&counts, v4, 2));
    cast_address_counts_clear(&counts);
}

static void random_steps(void **state) {
    (void)state;
    enum { ADDRESSES = 3000, MOST = 5 };
    static unsigned wanted[ADDRESSES];
    struct cast_address_counts counts = {.rows = NULL};
    srand(3);
    for (unsigned step = 0; step < 200000; step++) {
        size_t i = (size_t)rand() % ADDRESSES;
        bool many = step / 40000 % 2 == 0;
        uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i};
        if (rand() % 10 < (many ? 7 : 3)) {
            assert_int_equal(cast_address_counts_add(&counts, address, MOST), wanted[i] < MOST);
            wanted[i] += wanted[i] < MOST;
        } else if (wanted[i] > 0) {
            cast_address_counts_remove(&counts, address);
            wanted[i]--;
        }
    }
    cast_address_counts_clear(&counts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(random_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
