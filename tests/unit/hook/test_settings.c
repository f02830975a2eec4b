/* What the preloaded library makes of the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/setting.h"
#include "heap/purge.h"
#include "hook/settings.h"

static int clear(void **state) {
    (void)state;
    for (unsigned i = 0; i < NEAP_SETTINGS; i++)
        unsetenv(neap_settings[i].variable);
    return 0;
}

/* Reads the settings; what was written on standard error meanwhile goes into `said`. */
static struct neap__settings read_listening(char said[1024]) {
    FILE *file = tmpfile();
    assert_non_null(file);
    int before = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    struct neap__settings settings = neap__settings_read();
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    said[fread(said, 1, 1023, file)] = '\0';
    fclose(file);
    return settings;
}

static void assert_defaults(const struct neap__settings *settings) {
    assert_false(settings->off || settings->summary || settings->check);
    assert_true(settings->helper && settings->mesh);
    assert_int_equal(settings->decay_ms, 0);
    assert_true(settings->reserve_bytes == 0 && settings->limit_bytes == 0);
}

static void test_nothing_set(void **state) {
    (void)state;
    char said[1024];
    struct neap__settings settings = read_listening(said);
    assert_defaults(&settings);
    setenv("NEAP_CHECK", "", 1);
    settings = read_listening(said);
    assert_defaults(&settings);
    assert_string_equal(said, "");
}

static void test_all_set(void **state) {
    (void)state;
    char said[1024];
    static const char *const set[][2] = {
        {"NEAP_OFF", "1"},
        {"NEAP_SUMMARY", "1"},
        {"NEAP_CHECK", "1"},
        {"NEAP_HARDEN", "1"},
        {"NEAP_MESH", "0"},
        {"NEAP_HELPER", "0"},
        {"NEAP_DECAY_MS", "250"},
        {"NEAP_RESERVE_BYTES", "1048576"},
        {"NEAP_LIMIT_BYTES", "35184372088832"},
        {"NEAP_CONFINE", "0"}, /* of neap itself */
    };
    assert_int_equal(sizeof(set) / sizeof(set[0]), NEAP_SETTINGS);
    for (unsigned i = 0; i < NEAP_SETTINGS; i++)
        setenv(set[i][0], set[i][1], 1);
    struct neap__settings settings = read_listening(said);
    assert_true(settings.off && settings.summary && settings.check && settings.harden && !settings.mesh);
    assert_false(settings.helper);
    assert_int_equal(settings.decay_ms, 250);
    assert_true(settings.reserve_bytes == 1 << 20);
    assert_true(settings.limit_bytes == UINT64_C(32) << 40);
    assert_string_equal(said, "");
}

/* One line each, with what the variable takes, and the default is in force. */
static void test_nonsense_is_named_and_ignored(void **state) {
    (void)state;
    char said[1024];
    setenv("NEAP_HELPER", "no", 1);
    setenv("NEAP_DECAY_MS", "0", 1);
    setenv("NEAP_LIMIT_BYTES", "512M", 1);
    struct neap__settings settings = read_listening(said);
    assert_defaults(&settings);
    assert_string_equal(
        said,
        "neap: ignoring NEAP_HELPER=no: it takes 0 or 1\n"
        "neap: ignoring NEAP_DECAY_MS=0: it takes a whole number from 1 to 3600000\n"
        "neap: ignoring NEAP_LIMIT_BYTES=512M: it takes a whole number from 1048576 to 1125899906842624\n");
}

/* base knows nothing of the heap, and says its default all the same. */
static void test_the_default_decay_is_the_heaps(void **state) {
    (void)state;
    assert_int_equal(atoi(neap_settings[NEAP_SETTING_DECAY_MS].standard), NEAP_DECAY_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_set, clear),
        cmocka_unit_test_setup(test_all_set, clear),
        cmocka_unit_test_setup(test_nonsense_is_named_and_ignored, clear),
        cmocka_unit_test(test_the_default_decay_is_the_heaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
