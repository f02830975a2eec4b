/* Options of Python command lines, as the interpreter itself takes them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/python_command.h"

enum { WORDS = 8 };

static void test_names(void **state) {
    (void)state;
    assert_true(neap_python_named("python"));
    assert_true(neap_python_named("python3.11"));
    assert_true(neap_python_named("/opt/env/bin/python3"));
    assert_false(neap_python_named("/opt/python/bin/gunicorn"));
    assert_false(neap_python_named("bpython"));
    assert_false(neap_python_named(""));
}

static void test_flags(void **state) {
    (void)state;
    static const struct {
        char *argv[WORDS];
        struct neap_python_flags flags; /* dev, ignores_env */
    } cases[] = {
        {{"python3"}, {false, false}},
        {{"python3", "app.py"}, {false, false}},
        {{"python3", "-E", "app.py"}, {false, true}},
        {{"python3", "-I"}, {false, true}},
        {{"python3", "-sBE", "-c", "0"}, {false, true}},
        {{"python3", "-Ic", "0"}, {false, true}},
        /* from where the program begins, all is its own */
        {{"python3", "app.py", "-E", "-X", "dev"}, {false, false}},
        {{"python3", "-c", "0", "-E"}, {false, false}},
        {{"python3", "-cE"}, {false, false}},
        {{"python3", "-m", "this", "-Xdev"}, {false, false}},
        {{"python3", "-BmEX", "dev"}, {false, false}},
        {{"python3", "-", "-E"}, {false, false}},
        {{"python3", "--", "-E"}, {false, false}},
        /* development mode */
        {{"python3", "-X", "dev", "app.py"}, {true, false}},
        {{"python3", "-Xdev"}, {true, false}},
        {{"python3", "-BX", "dev"}, {true, false}},
        {{"python3", "-Xdev=0"}, {true, false}},
        {{"python3", "-X", "utf8", "-X", "dev"}, {true, false}},
        {{"python3", "-I", "-X", "dev"}, {true, true}},
        {{"python3", "-X", "device"}, {false, false}},
        {{"python3", "-X", "importtime", "app.py", "-X", "dev"}, {false, false}},
        /* what follows is a value, whatever it looks like */
        {{"python3", "-W", "-E", "app.py"}, {false, false}},
        {{"python3", "-WE", "app.py"}, {false, false}},
        {{"python3", "-X", "-I", "app.py"}, {false, false}},
        {{"python3", "-W", "ignore", "-E"}, {false, true}},
        {{"python3", "--check-hash-based-pycs", "-E", "app.py"}, {false, false}},
        {{"python3", "--check-hash-based-pycs", "never", "-E"}, {false, true}},
        {{"python3", "--version", "-E"}, {false, true}},
        /* nothing behind what wants a value */
        {{"python3", "-X"}, {false, false}},
        {{"python3", "-W"}, {false, false}},
        {{"python3", "--check-hash-based-pycs"}, {false, false}},
        {{NULL}, {false, false}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct neap_python_flags flags = neap_python_flags_read(cases[i].argv);
        if (flags.dev != cases[i].flags.dev || flags.ignores_env != cases[i].flags.ignores_env)
            fail_msg("case %zu, %s %s: dev %d, ignores_env %d", i, cases[i].argv[1], cases[i].argv[2],
                     flags.dev, flags.ignores_env);
    }
}

static void test_overrides(void **state) {
    (void)state;
    static const struct {
        struct neap_python_flags flags;
        const char *malloc, *dev;
        enum neap_python_override override;
    } cases[] = {
        {{false, false}, NULL, NULL, NEAP_PYTHON_NOT_OVERRIDDEN},
        {{false, false}, "", "", NEAP_PYTHON_NOT_OVERRIDDEN},
        {{false, false}, "malloc", "1", NEAP_PYTHON_BY_MALLOC},
        {{true, false}, "pymalloc", NULL, NEAP_PYTHON_BY_MALLOC},
        {{true, false}, "", "1", NEAP_PYTHON_BY_DEV},
        {{false, false}, NULL, "1", NEAP_PYTHON_BY_DEV_VARIABLE},
        {{false, true}, "malloc", "1", NEAP_PYTHON_NOT_OVERRIDDEN},
        {{true, true}, "malloc", NULL, NEAP_PYTHON_BY_DEV},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(neap_python_override(cases[i].flags, cases[i].malloc, cases[i].dev),
                         cases[i].override);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_overrides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
