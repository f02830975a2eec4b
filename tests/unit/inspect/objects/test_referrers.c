/* Who refers to whom, in made-up processes of every version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysed_core.h"

enum { BLOCKS_MAX = 1 << 16 };

/* Every object is reached once, after what reached it; a chain of parents ends at a root. */
static void order_check(const neap_referrers_t *referrers) {
    static bool reached[BLOCKS_MAX];
    uint32_t count;
    const uint32_t *order = neap_referrers_order(referrers, &count);
    memset(reached, 0, sizeof(reached));
    assert_true(count > 30);
    for (uint32_t i = 0; i < count; i++) {
        struct neap_referrer parent;
        assert_true(order[i] < BLOCKS_MAX && !reached[order[i]]);
        assert_true(neap_referrers_parent(referrers, order[i], &parent));
        if (parent.is_root)
            assert_non_null(neap_referrers_root(referrers, parent.number));
        else
            assert_true(parent.number < BLOCKS_MAX && reached[parent.number]);
        reached[order[i]] = true;
    }
}

struct wanted {
    uint32_t parent;
    bool seen;
};

static bool is_parent(void *context, uint32_t object, uint32_t referrer) {
    (void)object;
    struct wanted *wanted = context;
    wanted->seen = referrer == wanted->parent;
    return !wanted->seen;
}

/* The parent of an object is among all that refer to it. */
static void parents_check(const neap_referrers_t *referrers) {
    uint32_t count;
    const uint32_t *order = neap_referrers_order(referrers, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct neap_referrer parent;
        assert_true(neap_referrers_parent(referrers, order[i], &parent));
        struct wanted wanted = {.parent = parent.number};
        if (parent.is_root)
            continue;
        assert_int_equal(neap_referrers_each(referrers, &order[i], 1, is_parent, &wanted), NEAP_OK);
        assert_true(wanted.seen);
    }
}

static void test_every_version(void **state) {
    (void)state;
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        struct looked looked;
        look(i, &looked);
        order_check(looked.analysis.referrers);
        parents_check(looked.analysis.referrers);
        end(&looked);
    }
}

/* Modules are the first roots; sys.modules is one, and not looked into. */
static void test_roots(void **state) {
    (void)state;
    struct looked looked;
    look(0, &looked);
    const neap_referrers_t *referrers = looked.analysis.referrers;
    uint32_t count;
    const uint32_t *order = neap_referrers_order(referrers, &count);
    unsigned kinds = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct neap_referrer parent;
        assert_true(neap_referrers_parent(referrers, order[i], &parent));
        if (parent.is_root)
            kinds |= 1U << neap_referrers_root(referrers, parent.number)->kind;
    }
    struct neap_referrer first;
    assert_true(neap_referrers_parent(referrers, order[0], &first));
    assert_true(first.is_root);
    assert_int_equal(neap_referrers_root(referrers, first.number)->kind, NEAP_ROOT_MODULE);
    assert_string_equal(neap_referrers_root(referrers, first.number)->name, "sys");
    assert_int_equal(kinds, 1 << NEAP_ROOT_MODULE | 1 << NEAP_ROOT_MODULES | 1 << NEAP_ROOT_INTERPRETER |
                                1 << NEAP_ROOT_UNKNOWN);
    assert_false(neap_referrers_parent(referrers, UINT32_MAX, &first));
    end(&looked);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_version), cmocka_unit_test(test_roots)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
