/* advice_column: which kinds of numbers hold a range; tests/system/test_advise.py has real objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "advice/advice_column.h"

static struct neap_advice_column ints(int64_t least, int64_t most) {
    return (struct neap_advice_column){.kind = NEAP_SIMPLE_INT, .count = 2, .least = least, .most = most};
}

static void assert_held(int64_t least, int64_t most, enum neap_kind wanted, char code) {
    struct neap_advice_column column = ints(least, most);
    enum neap_kind kind;
    assert_true(neap_advice_column_kind(&column, &kind));
    assert_int_equal(kind, wanted);
    assert_int_equal(neap_advice_column_code(&column), code);
}

static void test_the_least_kind_of_integer(void **state) {
    (void)state;
    assert_held(-128, 127, NEAP_KIND_I8, 'b');
    assert_held(0, 127, NEAP_KIND_I8, 'b');
    assert_held(0, 255, NEAP_KIND_U8, 'B');
    assert_held(-1, 128, NEAP_KIND_I16, 'h');
    assert_held(0, 256, NEAP_KIND_I16, 'h');
    assert_held(0, 65535, NEAP_KIND_U16, 'H');
    assert_held(-32769, 0, NEAP_KIND_I32, 'i');
    assert_held(0, UINT32_MAX, NEAP_KIND_U32, 'I');
    assert_held(-1, UINT32_MAX, NEAP_KIND_I64, 'q');
    assert_held(INT64_MIN, INT64_MAX, NEAP_KIND_I64, 'q');
}

static void test_other_kinds(void **state) {
    (void)state;
    static const struct {
        enum neap_simple_value_kind content;
        enum neap_kind kind;
        char code;
    } rows[] = {
        {NEAP_SIMPLE_NONE, NEAP_KIND_NONE, 0},   {NEAP_SIMPLE_STR, NEAP_KIND_STR, 0},
        {NEAP_SIMPLE_BYTES, NEAP_KIND_BYTES, 0}, {NEAP_SIMPLE_FLOAT, NEAP_KIND_F64, 'd'},
        {NEAP_SIMPLE_BOOL, NEAP_KIND_I8, 'b'},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct neap_advice_column column = {.kind = rows[i].content, .count = 1, .most = 1};
        enum neap_kind kind;
        assert_true(neap_advice_column_kind(&column, &kind));
        assert_int_equal(kind, rows[i].kind);
        assert_int_equal(neap_advice_column_code(&column), rows[i].code);
    }
    struct neap_advice_column mixture = {.kind = NEAP_SIMPLE_OTHER, .count = 2};
    enum neap_kind kind = NEAP_KIND_U64;
    assert_false(neap_advice_column_kind(&mixture, &kind));
    assert_int_equal(kind, NEAP_KIND_U64);
    assert_int_equal(neap_advice_column_code(&mixture), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least_kind_of_integer),
        cmocka_unit_test(test_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
