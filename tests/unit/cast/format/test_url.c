/* Paths and queries: percent signs in both directions, and that no name of a mount is anything else, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/format/url.h"

static void test_decode(void **state) {
    (void)state;
    static const struct {
        const char *text, *decoded; /* NULL: malformed */
    } cases[] = {
        {"", ""},         {"/live", "/live"}, {"%41%5a%2f%2F", "AZ//"},
        {"%2541", "%41"}, {"%C3%a9", "é"},    {"%ff%80", "\xff\x80"},
        {"a+b", "a+b"},   {"%20", " "},       {"%", NULL},
        {"%4", NULL},     {"%4g", NULL},      {"%g4", NULL},
        {"%%41", NULL},   {"%-1", NULL},      {"%00", NULL},
        {"%1f", NULL},    {"%7f", NULL},      {"a\nb", NULL},
        {"a\x7f", NULL},  {"%4:", NULL},      {"%4@", NULL},
        {"%G0", NULL},    {"%`0", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = strdup(cases[i].text); /* of its exact size, for sanitizers */
        assert_int_equal(cast_percent_decode(text), cases[i].decoded != NULL);
        if (cases[i].decoded)
            assert_string_equal(text, cases[i].decoded);
        free(text);
    }
}

static void test_encode(void **state) {
    (void)state;
    char out[800], every[256];
    assert_true(cast_percent_encode("/a-b._~/Z9", out, sizeof(out)));
    assert_string_equal(out, "/a-b._~/Z9");
    assert_true(cast_percent_encode("é \"<?#%+", out, sizeof(out)));
    assert_string_equal(out, "%C3%A9%20%22%3C%3F%23%25%2B");

    assert_false(cast_percent_encode("abc", out, 3));
    assert_string_equal(out, "");
    assert_true(cast_percent_encode("abc", out, 4));
    assert_false(cast_percent_encode("a b", out, 5));
    assert_true(cast_percent_encode("a b", out, 6));
    assert_true(cast_percent_encode("", out, 1));

    size_t bytes = 0;
    for (unsigned byte = ' '; byte < 256; byte++)
        if (byte != 127)
            every[bytes++] = (char)byte;
    every[bytes] = '\0';
    assert_true(cast_percent_encode(every, out, sizeof(out)));
    assert_true(cast_percent_decode(out));
    assert_string_equal(out, every);
}

static void test_query(void **state) {
    (void)state;
    static const char query[] =
        "mode=updinfo&mount=%2Flive.ogg&song=Bj%C3%B6rk+%2B+%26&&song=two&e=&n&%61b=c&x=%0a1%7F&"
        "nul=%00&bad=%4&bad=1&modes=1&q=a=b?c&=empty&last";
    static const struct {
        const char *name, *value; /* NULL: none, or malformed */
    } cases[] = {
        {"mode", "updinfo"}, {"mount", "/live.ogg"}, {"song", "Björk + &"}, {"e", ""},       {"n", ""},
        {"ab", "c"},         {"x", " 1 "},           {"nul", NULL},         {"bad", NULL},   {"modes", "1"},
        {"q", "a=b?c"},      {"last", ""},           {"las", NULL},         {"lastt", NULL}, {"mod", NULL},
        {"Mode", NULL},
    };
    char out[64];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(out, "before");
        assert_int_equal(cast_query_find(query, cases[i].name, out, sizeof(out)), cases[i].value != NULL);
        assert_string_equal(out, cases[i].value ? cases[i].value : "");
    }
    assert_false(cast_query_find("", "a", out, sizeof(out)));
    assert_true(cast_query_find("a=123", "a", out, 4));
    assert_false(cast_query_find("a=1234", "a", out, 4));
    assert_string_equal(out, "");
    assert_true(cast_query_find("a=", "a", out, 1));
    assert_false(cast_query_find("%4=b&a=c", "b", out, sizeof(out)));
    assert_true(cast_query_find("%4=b&a=c", "a", out, sizeof(out)));
    assert_string_equal(out, "c");
}

static void test_mount_names(void **state) {
    (void)state;
    static const char *const valid[] = {
        "/a",   "/live.mp3",      "/a/b/c",     "/Grüße €", "/...",    "/.a",
        "/a..", "/administrator", "/metrics/x", "/𝄞",       "/a.m3u8", "/a%20b",
    };
    static const char *const invalid[] = {
        "",
        "/",
        "a",
        "live/",
        "/a/",
        "//",
        "//a",
        "/a//b",
        "/.",
        "/..",
        "/a/../b",
        "/a/.",
        "/./a",
        "/a\\b",
        "/a\"b",
        "/a\nb",
        "/a\x7f",
        "/a\xc2\x85",
        "/\xff",
        "/\xc3",
        "/\xc0\xaf",
        "/\xe0\x80\xaf",
        "/\xed\xa0\x80",
        "/\xf0\x80\x80\xaf",
        "/\xf4\x90\x80\x80",
        "/\xf8\x88\x80\x80\x80",
        "/\x80",
        "/admin",
        "/admin/",
        "/admin/x",
        "/metrics",
        "/status-json.xsl",
        "/status.xsl",
        "/favicon.ico",
        "/a.m3u",
        "/a.xspf",
        "/.m3u",
    };
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        if (!cast_mount_name_valid(valid[i]))
            fail_msg("%s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        if (cast_mount_name_valid(invalid[i]))
            fail_msg("%s", invalid[i]);

    char name[CAST_MOUNT_BYTES_MOST + 2] = "/";
    memset(name + 1, 'x', CAST_MOUNT_BYTES_MOST - 1);
    name[CAST_MOUNT_BYTES_MOST] = '\0';
    assert_true(cast_mount_name_valid(name));
    name[CAST_MOUNT_BYTES_MOST] = 'x';
    name[CAST_MOUNT_BYTES_MOST + 1] = '\0';
    assert_false(cast_mount_name_valid(name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_mount_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
