/* Texts held once: numbers, holders, and what happens at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cast/air/words.h"

static void equal_texts_are_one(void **state) {
    (void)state;
    char out[64];
    const char *why;
    struct cast_words *words = cast_words_new();
    uint32_t a = cast_words_hold(words, "VLC/3.0"), b = cast_words_hold(words, "mpv");
    assert_int_equal(cast_words_hold(words, "VLC/3.0"), a);
    assert_true(a != b && a != 0 && b != 0);
    assert_int_equal(cast_words_hold(words, NULL), 0);
    assert_int_equal(cast_words_hold(words, ""), 0);
    assert_string_equal(cast_words_copy(words, 0, out, sizeof(out)), "");
    cast_words_drop(words, a);
    assert_string_equal(cast_words_copy(words, a, out, sizeof(out)), "VLC/3.0");
    assert_string_equal(cast_words_copy(words, a, out, 4), "VLC");
    cast_words_drop(words, a);
    assert_int_equal(cast_words_hold(words, "another"), a); /* its number is used again */
    assert_string_equal(cast_words_copy(words, b, out, sizeof(out)), "mpv");
    assert_true(cast_words_check(words, &why));
    cast_words_destroy(words);
}

static void random_steps(void **state) {
    (void)state;
    enum { TEXTS = 700 };
    static unsigned holders[TEXTS];
    static uint32_t numbers[TEXTS];
    struct cast_words *words = cast_words_new();
    const char *why;
    srand(11);
    for (unsigned step = 0; step < 60000; step++) {
        char text[16], out[16];
        size_t i = (size_t)rand() % TEXTS;
        bool many = step / 10000 % 2 == 0; /* grow and shrink in turn */
        snprintf(text, sizeof(text), "text %zu", i);
        if (holders[i] > 0 && rand() % 10 < (many ? 3 : 8)) {
            cast_words_drop(words, numbers[i]);
            holders[i]--;
        } else if (many || holders[i] > 0) {
            uint32_t number = cast_words_hold(words, text);
            assert_true(number != 0);
            if (holders[i]++ > 0)
                assert_int_equal(number, numbers[i]);
            numbers[i] = number;
        }
        if (holders[i] > 0)
            assert_string_equal(cast_words_copy(words, numbers[i], out, sizeof(out)), text);
        if (step % 64 == 0)
            assert_true(cast_words_check(words, &why));
    }
    cast_words_destroy(words);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_one),
        cmocka_unit_test(random_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
