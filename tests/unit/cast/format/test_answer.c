/* Heads of answers: exact lines, nothing that a value can break, and never more than the buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <neap/version.h>

#include "cast/format/answer.h"

static struct cast_answer answer;

/* The answer so far, as a string. */
static const char *text(void) {
    static char copy[CAST_ANSWER_BYTES_MOST + 1];
    assert_true(answer.bytes <= CAST_ANSWER_BYTES_MOST);
    memcpy(copy, answer.text, answer.bytes);
    copy[answer.bytes] = '\0';
    return copy;
}

static void test_whole(void **state) {
    (void)state;
    char day[4], month[4], end;
    int date, year, hour, minute, second;
    cast_answer_begin(&answer, 200, 1);
    cast_answer_header(&answer, "Content-Type", "audio/ogg");
    cast_answer_number(&answer, "icy-metaint", UINT64_MAX);
    cast_answer_header(&answer, "ice-name", "");
    cast_answer_header(&answer, "ice-genre", NULL);
    cast_answer_end(&answer);
    assert_int_equal(strncmp(text(), "HTTP/1.1 200 OK\r\nDate: ", 23), 0);
    assert_int_equal(sscanf(text() + 17, "Date: %3s, %2d %3s %4d %2d:%2d:%2d GM%c", day, &date, month, &year,
                            &hour, &minute, &second, &end),
                     8);
    assert_true(strstr("Sun Mon Tue Wed Thu Fri Sat", day) && date >= 1 && date <= 31 && year >= 2024 &&
                end == 'T');
    assert_non_null(strstr("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", month));
    assert_string_equal(strstr(text(), "\r\nServer"), "\r\nServer: neap-cast/" NEAP_VERSION "\r\n"
                                                      "Content-Type: audio/ogg\r\n"
                                                      "icy-metaint: 18446744073709551615\r\n"
                                                      "\r\n");
}

static void test_versions(void **state) {
    (void)state;
    cast_answer_begin(&answer, 404, 0);
    assert_int_equal(strncmp(text(), "HTTP/1.0 404 Not Found\r\n", 24), 0);
    cast_answer_begin(&answer, 100, 9);
    assert_int_equal(strncmp(text(), "HTTP/1.1 100 Continue\r\n", 23), 0);
    cast_answer_begin(&answer, 799, 1);
    assert_int_equal(strncmp(text(), "HTTP/1.1 799 Status\r\n", 21), 0);
    assert_string_equal(cast_answer_reason(401), "Unauthorized");
    assert_string_equal(cast_answer_reason(431), "Request Header Fields Too Large");
    assert_string_equal(cast_answer_reason(505), "HTTP Version Not Supported");
    assert_string_equal(cast_answer_reason(-1), "Status");
}

static void test_harmless(void **state) {
    (void)state;
    cast_answer_begin(&answer, 200, 1);
    size_t before = answer.bytes;
    cast_answer_header(&answer, "ice-name", "a\r\nSet-Cookie: b\n\tc\x7f\x1b%s\xc3\xa9");
    assert_string_equal(text() + before, "ice-name: a  Set-Cookie: b  c  %s\xc3\xa9\r\n");
}

/* Headers of every length are added until nothing fits; the end always does. */
static void test_full(void **state) {
    (void)state;
    for (size_t length = 1; length < CAST_ANSWER_BYTES_MOST + 100; length += length < 50 ? 1 : 37) {
        char value[CAST_ANSWER_BYTES_MOST + 200];
        memset(value, 'x', length);
        value[length] = '\0';
        cast_answer_begin(&answer, 200, 1);
        size_t begun = answer.bytes, before;
        do {
            before = answer.bytes;
            cast_answer_header(&answer, "A", value);
            assert_true(answer.bytes == before || answer.bytes == before + length + 5);
        } while (answer.bytes > before);
        assert_true(answer.bytes + 2 <= CAST_ANSWER_BYTES_MOST);
        assert_true(answer.bytes + length + 5 + 3 > CAST_ANSWER_BYTES_MOST);
        for (size_t i = 0; i < 2000; i++)
            cast_answer_number(&answer, "B", i);
        cast_answer_end(&answer);
        assert_true(answer.bytes <= CAST_ANSWER_BYTES_MOST && answer.bytes > begun);
        assert_memory_equal(answer.text + answer.bytes - 4, "\r\n\r\n", 4);
    }
}

static void test_cross_origin(void **state) {
    (void)state;
    for (int preflight = 0; preflight < 2; preflight++) {
        cast_answer_begin(&answer, preflight ? 204 : 200, 1);
        cast_answer_cross_origin(&answer, preflight);
        assert_non_null(strstr(text(), "\r\nAccess-Control-Allow-Origin: *\r\n"));
        assert_int_equal(strstr(text(), "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n") != NULL,
                         preflight);
        assert_int_equal(strstr(text(), "Icy-MetaData") != NULL, preflight);
        assert_int_equal(strstr(text(), "Access-Control-Expose-Headers: Icy-MetaInt") != NULL, !preflight);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_versions),     cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_full),  cmocka_unit_test(test_cross_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
