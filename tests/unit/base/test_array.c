/* Arrays that grow: contents stay, room follows its type, and what cannot be is refused with all as before.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/array.h"

static void test_one_by_one(void **state) {
    (void)state;
    enum { ITEMS = 100000 };
    uint32_t *items = NULL;
    size_t room = 0, moves = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        size_t before = room;
        assert_true(NEAP_ARRAY_RESERVE(items, room, i + 1));
        assert_true(room > i);
        moves += room != before;
        items[i] = (uint32_t)i * 7;
    }
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(items[i], (uint32_t)i * 7);
    assert_true(moves < 30 && room < 2 * ITEMS);
    free(items);
}

static void test_many_at_once(void **state) {
    (void)state;
    uint64_t *items = NULL;
    uint32_t room = 0;
    volatile size_t none = 0;
    assert_true(NEAP_ARRAY_RESERVE(items, room, (size_t)none));
    assert_null(items);
    assert_true(NEAP_ARRAY_RESERVE(items, room, 1000u));
    assert_true(room >= 1000);
    uint64_t *same = items;
    assert_true(NEAP_ARRAY_RESERVE(items, room, 1000u));
    assert_ptr_equal(items, same);
    free(items);
}

static void test_limits(void **state) {
    (void)state;
    uint64_t *items = NULL;
    size_t room = 0;
    uint8_t small_room = 0;
    volatile unsigned too_many = 256;
    assert_false(NEAP_ARRAY_RESERVE(items, room, SIZE_MAX / sizeof(*items) + 2)); /* the bytes wrap around */
    assert_false(NEAP_ARRAY_RESERVE(items, room, SIZE_MAX / 2));
    assert_null(items);
    assert_int_equal(room, 0);
    assert_true(NEAP_ARRAY_RESERVE(items, small_room, 200u));
    assert_true(NEAP_ARRAY_RESERVE(items, small_room, 255u));
    assert_int_equal(small_room, 255);
    assert_false(NEAP_ARRAY_RESERVE(items, small_room, too_many)); /* its room could not say so */
    assert_int_equal(small_room, 255);
    free(items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_by_one),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
