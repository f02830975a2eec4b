/* Characters of UTF-8: every code point there is, and every way to cut one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

/* All code points there are, written as RFC 3629 says, are characters, but for surrogates. */
static void test_characters(void **state) {
    (void)state;
    assert_int_equal(neap_utf8_character(""), 0);
    for (unsigned point = 1; point < 0x120000; point++) {
        size_t bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        char text[5] = "";
        unsigned rest = point;
        for (size_t i = bytes; i-- > 1; rest >>= 6)
            text[i] = (char)(0x80 | (rest & 0x3f));
        text[0] = (char)(bytes == 1 ? rest : (0xf00u >> bytes & 0xff) | rest);
        bool is_one = point <= 0x10ffff && (point & 0xfff800) != 0xd800;
        assert_int_equal(neap_utf8_character(text), is_one ? bytes : 0);
        if (is_one)
            assert_int_equal(neap_utf8_is_control(text), point < 0x20 || (point >= 0x7f && point < 0xa0));
        for (size_t cut = 1; cut < bytes; cut++) {
            text[bytes - cut] = '\0';
            assert_int_equal(neap_utf8_character(text), 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_characters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
