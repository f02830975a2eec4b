/* address_set: members against a plain list; the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/objects/address_set.h"

static void test_members(void **state) {
    (void)state;
    enum { MEMBERS = 20000 };
    struct neap_address_set set = {0};
    srandom(3);
    for (uint64_t i = 1; i <= MEMBERS; i++) {
        bool added;
        uint64_t address = i * 4096 + (uint64_t)(random() % 4) * 16;
        struct neap_address_entry *entry = neap_address_set_add(&set, address, i, &added);
        assert_non_null(entry);
        assert_true(added);
        assert_int_equal(neap_address_set_add(&set, address, 0, &added)->value, i);
        assert_false(added);
    }
    assert_int_equal(set.count, MEMBERS);
    srandom(3);
    for (uint64_t i = 1; i <= MEMBERS; i++) {
        uint64_t address = i * 4096 + (uint64_t)(random() % 4) * 16;
        assert_int_equal(neap_address_set_find(&set, address)->value, i);
        assert_null(neap_address_set_find(&set, address + 8));
    }
    neap_address_set_clear(&set);
    assert_null(neap_address_set_find(&set, 4096));
}

static void test_limit(void **state) {
    (void)state;
    struct neap_address_set set = {.limit = 3};
    for (uint64_t i = 1; i <= 3; i++)
        assert_non_null(neap_address_set_add(&set, i, 0, NULL));
    assert_false(set.lost);
    assert_null(neap_address_set_add(&set, 4, 0, NULL));
    assert_true(set.lost);
    assert_non_null(neap_address_set_add(&set, 2, 0, NULL)); /* a member still is one */
    neap_address_set_clear(&set);
}

static void test_no_address(void **state) {
    (void)state;
    struct neap_address_set set = {0};
    assert_null(neap_address_set_add(&set, 0, 1, NULL));
    assert_null(neap_address_set_find(&set, 0));
    neap_address_set_clear(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
