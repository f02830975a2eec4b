/* Texts from outside: what a terminal would act upon, what hides or turns text, and what is no UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/outside_text.h"

static void becomes(const char *text, const char *wanted) {
    char copy[128];
    strcpy(copy, text);
    assert_string_equal(neap_outside_text_clean(copy), wanted);
}

static void plain_text_stays(void **state) {
    (void)state;
    becomes("", "");
    becomes("python3.11 (deleted) <b>%s", "python3.11 (deleted) <b>%s");
    becomes("Grüße 日本語 🐍", "Grüße 日本語 🐍");
}

static void controls_go(void **state) {
    (void)state;
    becomes("a\x1b[31mred\x07", "a?[31mred?");
    becomes("x\nneap: forged\r", "x?neap: forged?");
    becomes("\x7f\xc2\x9b"
            "31m",
            "??31m");
}

static void what_hides_or_turns_text_goes(void **state) {
    (void)state;
    becomes("a\u202eb\u2066c\u061cd\u200fe\u180ef\ufff9g", "a?b?c?d?e?f?g");
    becomes("h\U000e0041i\ufeff\u2028", "h?i??");
}

static void what_is_no_utf_8_goes_byte_by_byte(void **state) {
    (void)state;
    becomes("bad\xff\xfe.", "bad??.");
    becomes("\xc3", "?");               /* cut off */
    becomes("\xc0\xaf", "??");          /* overlong */
    becomes("\xed\xa0\x80", "?");       /* a surrogate */
    becomes("\xf4\x90\x80\x80z", "?z"); /* beyond Unicode */
    becomes("\xf8\x88\x80\x80\x80", "?????");
    becomes("\xef\xbf\xbf", "?"); /* a noncharacter */
}

/* Whatever the bytes, the text becomes no longer, and cleaning it again changes nothing. */
static void any_bytes(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 100000; round++) {
        char text[24], once[24];
        size_t length = 0;
        for (; length < sizeof(text) - 1; length++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            text[length] = (char)(random >> (random & 31));
        }
        text[length] = '\0';
        length = strlen(text);
        neap_outside_text_clean(text);
        assert_true(strlen(text) <= length);
        strcpy(once, text);
        assert_string_equal(neap_outside_text_clean(text), once);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(controls_go),
        cmocka_unit_test(what_hides_or_turns_text_goes),
        cmocka_unit_test(what_is_no_utf_8_goes_byte_by_byte),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
