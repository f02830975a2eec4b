/* The table of settings is complete, and values are taken as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/setting.h"

static void test_table(void **state) {
    (void)state;
    for (unsigned i = 0; i < NEAP_SETTINGS; i++) {
        const struct neap_setting *setting = &neap_settings[i];
        assert_memory_equal(setting->variable, "NEAP_", 5);
        assert_true(strlen(setting->standard) > 0 && strlen(setting->help) > 0);
        assert_true(setting->least < setting->most);
        assert_int_equal(setting->kind == NEAP_SETTING_FLAG, setting->argument[0] == '\0');
        for (unsigned other = 0; other < i; other++)
            assert_string_not_equal(setting->variable, neap_settings[other].variable);
    }
}

/* The bounds themselves are taken, their neighbours are not. */
static void test_bounds(void **state) {
    (void)state;
    for (unsigned i = 0; i < NEAP_SETTINGS; i++) {
        const struct neap_setting *setting = &neap_settings[i];
        const uint64_t inside[] = {setting->least, setting->most};
        const uint64_t outside[] = {setting->least - 1, setting->most + 1};
        for (unsigned end = 0; end < 2; end++) {
            char text[24];
            uint64_t value = 77;
            snprintf(text, sizeof(text), "%llu", (unsigned long long)outside[end]);
            assert_false(neap_setting_parse(setting, text, &value));
            assert_int_equal(value, 77);
            snprintf(text, sizeof(text), "%llu", (unsigned long long)inside[end]);
            assert_true(neap_setting_parse(setting, text, &value));
            assert_true(value == inside[end]);
        }
    }
}

static void test_nonsense(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        " 1",
                                        "1 ",
                                        "+1",
                                        "-1",
                                        "1x",
                                        "0x1",
                                        "1.0",
                                        "yes",
                                        "512M",
                                        "01x",
                                        "1e3",
                                        "99999999999999999999999"};
    uint64_t value = 77;
    for (unsigned i = 0; i < NEAP_SETTINGS; i++)
        for (unsigned n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
            assert_false(neap_setting_parse(&neap_settings[i], texts[n], &value));
    assert_false(neap_setting_parse(&neap_settings[NEAP_SETTING_CHECK], "01", &value));
    assert_int_equal(value, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
