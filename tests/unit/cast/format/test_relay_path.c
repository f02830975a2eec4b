/* The way of a stream over relays: marks that are found, and paths that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/format/relay_path.h"

static void marks(void **state) {
    (void)state;
    char one[CAST_RELAY_MARK_ROOM], other[CAST_RELAY_MARK_ROOM];
    assert_int_equal(strlen(cast_relay_mark(1, "/a", one)), 16);
    assert_true(cast_relay_path_valid(one));
    assert_string_equal(cast_relay_mark(1, "/a", other), one);
    assert_string_not_equal(cast_relay_mark(2, "/a", other), one);
    assert_string_not_equal(cast_relay_mark(1, "/b", other), one);
}

static void paths(void **state) {
    (void)state;
    char path[CAST_RELAY_PATH_ROOM] = "", longer[CAST_RELAY_PATH_ROOM], mark[CAST_RELAY_MARK_ROOM];
    for (unsigned hop = 0; hop < CAST_RELAY_HOPS_MOST + 4; hop++) {
        assert_false(cast_relay_path_has(path, cast_relay_mark(hop, "/live", mark)));
        assert_ptr_equal(cast_relay_path_join(mark, path, longer), longer);
        strcpy(path, longer);
        assert_true(cast_relay_path_valid(path));
        unsigned first = hop < CAST_RELAY_HOPS_MOST ? 0 : hop - CAST_RELAY_HOPS_MOST + 1;
        for (unsigned i = 0; i <= hop; i++)
            assert_int_equal(cast_relay_path_has(path, cast_relay_mark(i, "/live", mark)), i >= first);
    }
}

static void no_paths(void **state) {
    (void)state;
    static const char *const cases[] = {
        " ",
        "x",
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789abcdeF",
        "0123456789abcdef ",
        " 0123456789abcdef",
        "0123456789abcdef,0123456789abcdef",
        "0123456789abcdef  0123456789abcdef",
        "0123456789abcdef 0123",
    };
    char path[CAST_RELAY_PATH_ROOM + 32] = "";
    assert_true(cast_relay_path_valid(""));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_false(cast_relay_path_valid(cases[i]));
    for (unsigned i = 0; i <= CAST_RELAY_HOPS_MOST; i++)
        strcat(path, i > 0 ? " 0123456789abcdef" : "0123456789abcdef");
    assert_false(cast_relay_path_valid(path));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(marks), cmocka_unit_test(paths),
                                       cmocka_unit_test(no_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
