/* Kinds: names, ranges, and every value through its bytes and back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <neap/kind.h>

static void names_are_parsed(void **state) {
    (void)state;
    for (int i = 0; i < NEAP_KINDS; i++) {
        enum neap_kind kind = (enum neap_kind) - 1;
        assert_true(neap_kind_parse(neap_kind_name((enum neap_kind)i), &kind));
        assert_int_equal(kind, i);
    }
    enum neap_kind kind = NEAP_KIND_F32;
    assert_false(neap_kind_parse("u128", &kind));
    assert_false(neap_kind_parse("", &kind));
    assert_int_equal(kind, NEAP_KIND_F32);
}

static void integers_fit_up_to_their_limits(void **state) {
    (void)state;
    static const struct {
        enum neap_kind kind;
        int64_t least, most;
    } rows[] = {
        {NEAP_KIND_I8, INT8_MIN, INT8_MAX},
        {NEAP_KIND_I16, INT16_MIN, INT16_MAX},
        {NEAP_KIND_I32, INT32_MIN, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(neap_kind_fits(rows[i].kind, (union neap_item){.i = rows[i].least}));
        assert_true(neap_kind_fits(rows[i].kind, (union neap_item){.i = rows[i].most}));
        assert_false(neap_kind_fits(rows[i].kind, (union neap_item){.i = rows[i].least - 1}));
        assert_false(neap_kind_fits(rows[i].kind, (union neap_item){.i = rows[i].most + 1}));
    }
    static const struct {
        enum neap_kind kind;
        uint64_t most;
    } unsigned_rows[] = {{NEAP_KIND_U8, UINT8_MAX}, {NEAP_KIND_U16, UINT16_MAX}, {NEAP_KIND_U32, UINT32_MAX}};
    for (size_t i = 0; i < sizeof(unsigned_rows) / sizeof(unsigned_rows[0]); i++) {
        assert_true(neap_kind_fits(unsigned_rows[i].kind, (union neap_item){.u = 0}));
        assert_true(neap_kind_fits(unsigned_rows[i].kind, (union neap_item){.u = unsigned_rows[i].most}));
        assert_false(
            neap_kind_fits(unsigned_rows[i].kind, (union neap_item){.u = unsigned_rows[i].most + 1}));
    }
    assert_true(neap_kind_fits(NEAP_KIND_I64, (union neap_item){.i = INT64_MIN}));
    assert_true(neap_kind_fits(NEAP_KIND_U64, (union neap_item){.u = UINT64_MAX}));
}

static void floats_fit_unless_they_would_become_infinite(void **state) {
    (void)state;
    assert_true(neap_kind_fits(NEAP_KIND_F32, (union neap_item){.f = 0.1}));
    assert_true(neap_kind_fits(NEAP_KIND_F32, (union neap_item){.f = (double)INFINITY}));
    assert_true(neap_kind_fits(NEAP_KIND_F32, (union neap_item){.f = (double)NAN}));
    assert_false(neap_kind_fits(NEAP_KIND_F32, (union neap_item){.f = 1e39}));
    assert_true(neap_kind_fits(NEAP_KIND_F64, (union neap_item){.f = 1e308}));
}

static void values_come_back(void **state) {
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, 100, -128, 127};
    for (int k = NEAP_KIND_I8; k <= NEAP_KIND_F64; k++) {
        enum neap_kind kind = (enum neap_kind)k;
        size_t width = neap_kind_width(kind);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            unsigned char bytes[10];
            union neap_item item = {.i = numbers[i]};
            if (kind >= NEAP_KIND_F32)
                item.f = (double)numbers[i] / 2;
            else if (kind >= NEAP_KIND_U8)
                item.u = (uint64_t)(numbers[i] & 127);
            memset(bytes, 0xa5, sizeof(bytes));
            neap_kind_store(kind, item, bytes + 1); /* unaligned */
            assert_int_equal(bytes[0], 0xa5);
            assert_int_equal(bytes[1 + width], 0xa5);
            union neap_item back = neap_kind_load(kind, bytes + 1);
            assert_memory_equal(&back.u, &item.u, sizeof(back.u));
        }
    }
    unsigned char limits[8];
    neap_kind_store(NEAP_KIND_U64, (union neap_item){.u = UINT64_MAX}, limits);
    assert_true(neap_kind_load(NEAP_KIND_U64, limits).u == UINT64_MAX);
    neap_kind_store(NEAP_KIND_I64, (union neap_item){.i = INT64_MIN}, limits);
    assert_true(neap_kind_load(NEAP_KIND_I64, limits).i == INT64_MIN);
}

static void texts_have_no_width(void **state) {
    (void)state;
    assert_int_equal(neap_kind_width(NEAP_KIND_NONE), 0);
    assert_int_equal(neap_kind_width(NEAP_KIND_STR), 0);
    assert_int_equal(neap_kind_width(NEAP_KIND_BYTES), 0);
    assert_int_equal(neap_kind_width(NEAP_KIND_U8), 1);
    assert_int_equal(neap_kind_width(NEAP_KIND_F64), 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_parsed),
        cmocka_unit_test(integers_fit_up_to_their_limits),
        cmocka_unit_test(floats_fit_unless_they_would_become_infinite),
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(texts_have_no_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
