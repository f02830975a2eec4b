/* Titles: they pass through a stream whole, whatever they hold, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/format/icy_metadata.h"

static uint8_t block[CAST_ICY_BLOCK_BYTES_MOST];

/* The text of a block; verifies its length. */
static const char *written(const char *title, const char *url) {
    static char text[CAST_ICY_BLOCK_BYTES_MOST];
    memset(block, 0xee, sizeof(block));
    size_t bytes = cast_icy_block_write(title, url, block);
    assert_int_equal(bytes, 1 + block[0] * 16);
    assert_true(bytes <= sizeof(block) && bytes >= 17);
    memset(text, 0, sizeof(text));
    memcpy(text, block + 1, bytes - 1);
    assert_true(strlen(text) + 16 > bytes - 1);
    return text;
}

static void test_write(void **state) {
    (void)state;
    static const struct {
        const char *title, *url, *text;
    } cases[] = {
        {"", NULL, "StreamTitle='';"},
        {"", "", "StreamTitle='';"},
        {"A - B", "http://c", "StreamTitle='A - B';StreamUrl='http://c';"},
        {"Don't; stop", NULL, "StreamTitle='Don't; stop';"},
        {"a';StreamUrl='evil", NULL, "StreamTitle='a' ;StreamUrl='evil';"},
        {"';", "';", "StreamTitle='' ;';StreamUrl='' ;';"},
        {"a'", NULL, "StreamTitle='a'';"},
        {";", NULL, "StreamTitle=';';"},
        {"a\r\n\tb\x7f\xc2\x85"
         "c",
         NULL, "StreamTitle='a   b  c';"},
        {"a\xff"
         "b\xe2\x82",
         NULL, "StreamTitle='a?b?\?';"},
        {"Björk 𝄞", NULL, "StreamTitle='Björk 𝄞';"},
        {"x", NULL, "StreamTitle='x';"}, /* 16 bytes */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(written(cases[i].title, cases[i].url), cases[i].text);
    written("x", NULL);
    assert_int_equal(block[0], 1);
    written("xy", NULL);
    assert_int_equal(block[0], 2);
}

/* Texts of any length are cut between characters, and all of it stays readable. */
static void test_write_long(void **state) {
    (void)state;
    static char title[6000], url[6000];
    for (size_t bytes = 0; bytes<sizeof(title) - 4; bytes += bytes> 2030 && bytes < 2060 ? 1 : 53) {
        memset(title, 0, sizeof(title));
        for (size_t i = 0; i < bytes; i++)
            title[i] = "\xe2\x82\xac"[i % 3]; /* the sign of the euro */
        title[bytes - bytes % 3] = '\0';
        memset(url, 'u', bytes);
        url[bytes] = '\0';
        const char *text = written(title, url), *url_at = strstr(text, "';StreamUrl='");
        size_t kept = bytes - bytes % 3, url_kept = bytes;
        kept = kept < CAST_ICY_TITLE_BYTES_MOST - 1 ? kept : (CAST_ICY_TITLE_BYTES_MOST - 1) / 3 * 3;
        url_kept = url_kept < 4080 - 28 - kept ? url_kept : 4080 - 28 - kept;
        if (bytes > 0) {
            assert_ptr_equal(url_at, text + 13 + kept);
            assert_int_equal(strlen(url_at), 13 + url_kept + 2);
        }
        assert_string_equal(text + strlen(text) - 2, "';");
    }
}

/* --- charsets ---------------------------------------------------------------- */

static void test_charsets(void **state) {
    (void)state;
    static const struct {
        const char *text, *charset, *converted;
    } cases[] = {
        {"", NULL, ""},
        {"plain", "", "plain"},
        {"Björk", NULL, "Björk"},
        {"Bj\xf6rk", NULL, "Björk"},
        {"\x80uro \x93quoted\x94 \x81\xa0\xff", NULL, "€uro “quoted” ?\xc2\xa0ÿ"},
        {"Bj\xf6rk", "ISO-8859-1", "Björk"},
        {"Bj\xf6rk", "UTF-8", "Bj?rk"},
        {"a\xe2\x82", "UTF-8", "a??"},
        {"\xcd\xcf", "KOI8-R", "мо"},
        {"\x83\x65\x83", "SHIFT_JIS", "テ?"},
        {"\xe9\xec", "CP1255", "יל"},
        {"\xe2", "CP1255", "ג"}, /* a letter that waits for a point */
        {"+AAA-b", "UTF-7", "?b"},
        {"\xf9\xba\xba\xba\xba", "UTF-8", "?\?\?\?\?"},
        {"Bj\xf6rk", "no such charset", "Björk"},
        {"Bj\xf6rk", "KOI8-R//IGNORE", "Björk"},
        {"Bj\xf6rk", "/etc/passwd", "Björk"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64] = "before";
        cast_title_to_utf8(cases[i].text, cases[i].charset, out, sizeof(out));
        assert_string_equal(out, cases[i].converted);
        for (size_t room = 1; room <= strlen(out) + 2; room++) { /* of exact sizes, for sanitizers */
            char *cut = malloc(room);
            cast_title_to_utf8(cases[i].text, cases[i].charset, cut, room);
            size_t bytes = strlen(cut);
            assert_memory_equal(cut, out, bytes);
            assert_true(bytes < room && (bytes + 4 >= room - 1 || bytes == strlen(out)));
            assert_true((out[bytes] & 0xc0) != 0x80); /* no half character */
            if (room > strlen(out))
                assert_string_equal(cut, out);
            free(cut);
        }
    }
}

/* --- reading ----------------------------------------------------------------- */

static struct cast_icy_reader reader;

/* Feeds one block, whose text has these bytes, and whose audio is one byte. Returns whether the title is
 * fresh. */
static bool feed_text(const char *text, size_t bytes) {
    char stream[2 + 255 * 16] = "a";
    size_t units = (bytes + 15) / 16;
    stream[1] = (char)units;
    memcpy(stream + 2, text, bytes);
    assert_int_equal(cast_icy_reader_feed(&reader, stream, 2 + units * 16), 1);
    bool fresh = reader.fresh;
    reader.fresh = false;
    return fresh;
}

static void test_titles(void **state) {
    (void)state;
    static const struct {
        const char *text, *title;
        bool fresh;
    } cases[] = {
        {"StreamTitle='';", "", false},
        {"StreamTitle='A - B';", "A - B", true},
        {"StreamTitle='A - B';StreamUrl='x';", "A - B", false},
        {"", "A - B", false},
        {"StreamUrl='x';", "A - B", false},
        {"StreamUrl='x';StreamTitle='It's; 'so'';", "It's; 'so'", true},
        {"StreamTitle='C';StreamTitle='D';", "C", true},
        {"StreamTitle=bare;StreamUrl=x;", "bare", true},
        {"StreamTitle='no end", "no end", true},
        {"StreamTitle='no semicolon'", "no semicolon", true},
        {"StreamTitle='", "", true},
        {"StreamTitle=';';", ";", true},
        {"StreamTitle=", "", true},
        {"streamtitle='E';", "", false},
    };
    cast_icy_reader_open(&reader, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(feed_text(cases[i].text, strlen(cases[i].text)), cases[i].fresh);
        assert_string_equal(reader.title, cases[i].title);
    }
    assert_false(feed_text("\0StreamTitle='F';", 17));
    char longest[255 * 16];
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = "\xe2\x82\xac"[i % 3];
    memcpy(longest, "StreamTitle='zz", 15);
    assert_true(feed_text(longest, sizeof(longest)));
    assert_int_equal(strlen(reader.title), (CAST_ICY_TITLE_BYTES_MOST - 1 - 2) / 3 * 3 + 2);
    assert_false(feed_text(longest, sizeof(longest)));
}

/* Audio and titles in pieces of every size. */
static void test_pieces(void **state) {
    (void)state;
    enum { INTERVAL = 37, BLOCKS = 12 };
    static const char *const titles[] = {"one", "one", "", "';",
                                         "a longer title of more than thirty-two bytes"};
    static char stream[BLOCKS * (INTERVAL + 200)], piece[sizeof(stream)];
    size_t bytes = 0;
    uint8_t next = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t j = 0; j < INTERVAL; j++)
            stream[bytes++] = (char)next++;
        if (i % 3 == 2)
            stream[bytes++] = 0;
        else {
            size_t written_bytes = cast_icy_block_write(titles[i % 5], "u", block);
            memcpy(stream + bytes, block, written_bytes);
            bytes += written_bytes;
        }
    }
    for (size_t step = 1; step <= bytes; step += step < 60 ? 1 : 31) {
        uint8_t expected = 0;
        unsigned fresh = 0;
        cast_icy_reader_open(&reader, INTERVAL);
        for (size_t at = 0; at < bytes; at += step) {
            size_t count = bytes - at < step ? bytes - at : step;
            memcpy(piece, stream + at, count);
            size_t audio = cast_icy_reader_feed(&reader, piece, count);
            assert_true(audio <= count);
            for (size_t i = 0; i < audio; i++)
                assert_int_equal((uint8_t)piece[i], expected++);
            fresh += reader.fresh;
            reader.fresh = false;
        }
        assert_int_equal(expected, (uint8_t)(BLOCKS * INTERVAL));
        if (step < INTERVAL)
            assert_int_equal(fresh, 7); /* 0 .. 11 without 2, 5, 8 and 11, and without the second "one" */
        assert_string_equal(reader.title, "one");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),  cmocka_unit_test(test_write_long), cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_titles), cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
