/* Answers that a relay gets: what real servers send is understood, however it is cut; the rest is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/format/relay_answer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char shoutcast[] =
    "ICY 200 OK\r\n"
    "icy-notice1:<BR>This stream requires <a href=\"http://x/\">Winamp</a><BR>\r\n"
    "icy-name:Gr\xfcn  \r\n"
    "icy-pub:1\r\n"
    "content-type:audio/aacp\r\n"
    "icy-metaint:8192\r\n"
    "\r\n";
static struct cast_relay_answer answer;
static const char *why;

/* Parses in an allocation of its exact room, in pieces. */
static int parse_bytes(const char *text, size_t bytes, size_t step) {
    static char *exact;
    size_t fed = 0;
    int result = 0;
    free(exact);
    exact = malloc(bytes + 1);
    assert_non_null(exact);
    memcpy(exact, text, bytes);
    why = NULL;
    while (result == 0 && fed < bytes) {
        size_t searched = fed;
        fed = bytes - fed < step ? bytes : fed + step;
        result = cast_relay_answer_parse(exact, fed, searched, &answer, &why);
    }
    return result;
}

static int parse(const char *text) {
    return parse_bytes(text, strlen(text), SIZE_MAX);
}

static void any_pieces(void **state) {
    (void)state;
    for (size_t step = 1; step <= sizeof(shoutcast); step++) {
        assert_int_equal(parse_bytes(shoutcast, sizeof(shoutcast) - 1, step), sizeof(shoutcast) - 1);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.head.minor, 0);
        assert_int_equal(answer.head.header_count, 5);
        assert_string_equal(cast_head_find(&answer.head, "Icy-Name"), "Gr\xfcn");
        assert_string_equal(cast_head_find(&answer.head, "icy-metaint"), "8192");
        assert_null(cast_head_find(&answer.head, "icy-genre"));
    }
}

static void first_lines(void **state) {
    (void)state;
    static const struct {
        const char *line;
        int status; /* 0: refused */
        unsigned minor;
    } cases[] = {
        {"HTTP/1.1 200 OK", 200, 1},
        {"HTTP/1.0 200 OK", 200, 0},
        {"HTTP/1.1 200", 200, 1},
        {"HTTP/1.1 200 ", 200, 1},
        {"ICY 200 OK", 200, 0},
        {"ICY 404 Resource Not Found", 404, 0},
        {"HTTP/1.0 999 \xff", 999, 0},
        {"HTTP/1.1 100 x", 100, 1},
        {"HTTP/1.1 304 x", 304, 1},
        {"HTTP/1.1 099 x", 0, 0},
        {"HTTP/1.1 20 OK", 0, 0},
        {"HTTP/1.1 2000 OK", 0, 0},
        {"HTTP/1.1  200 OK", 0, 0},
        {"HTTP/1.2 200 OK", 0, 0},
        {"HTTP/2 200", 0, 0},
        {"http/1.1 200 OK", 0, 0},
        {"ICY", 0, 0},
        {"ICY ", 0, 0},
        {"ICY 200OK", 0, 0},
        {"RTSP/1.0 200 OK", 0, 0},
        {" HTTP/1.1 200 OK", 0, 0},
        {"", 0, 0},
        {"HTTP/1.1", 0, 0},
        {"HTTP/1.1 2\t0 OK", 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "%s\r\nA: b\r\n\r\n", cases[i].line);
        for (size_t step = 1; step <= strlen(text); step++) {
            int bytes = parse_bytes(text, strlen(text), step);
            if (bytes != (cases[i].status > 0 ? (int)strlen(text) : -1))
                fail_msg("\"%s\", in pieces of %zu bytes: %d", cases[i].line, step, bytes);
        }
        if (cases[i].status > 0) {
            assert_int_equal(answer.status, cases[i].status);
            assert_int_equal(answer.head.minor, cases[i].minor);
            assert_string_equal(cast_head_find(&answer.head, "a"), "b");
        } else
            assert_string_equal(why, "it does not answer as HTTP or SHOUTcast do");
    }
}

static void heads_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "HTTP/1.1 200 OK\r\nA: b\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "ICY 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (parse(cases[i]) != -1)
            fail_msg("%s is read", cases[i]);
        assert_string_equal(why, "the head of its answer is malformed");
    }
    assert_int_equal(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), -1);
    assert_string_equal(why, "its answer is in an encoding that is not known here");
}

static void limits(void **state) {
    (void)state;
    static char text[2 * CAST_HEAD_BYTES_MOST];
    for (int filling = CAST_HEAD_BYTES_MOST - 40; filling < CAST_HEAD_BYTES_MOST + 10; filling++) {
        size_t bytes = (size_t)sprintf(text, "ICY 200 OK\r\nA: %0*d\r\n\r\n", filling, 0);
        int result = parse(text);
        assert_int_equal(result, bytes <= CAST_HEAD_BYTES_MOST ? (int)bytes : -1);
        if (result < 0)
            assert_string_equal(why, "the head of its answer is too large");
    }
    for (unsigned count = CAST_HEADERS_MOST; count <= CAST_HEADERS_MOST + 1; count++) {
        strcpy(text, "HTTP/1.1 200 OK\r\n");
        for (unsigned i = 0; i < count; i++)
            strcat(text, "A: b\r\n");
        strcat(text, "\r\n");
        assert_int_equal(parse(text), count == CAST_HEADERS_MOST ? (int)strlen(text) : -1);
    }
    assert_string_equal(why, "its answer has too many headers");
}

static void bodies(void **state) {
    (void)state;
    static const struct {
        const char *headers, *body, *decoded;
        enum cast_body_kind kind;
        bool ended;
    } cases[] = {
        {"", "hello", "hello", CAST_BODY_ENDLESS, false},
        {"Content-Length: 3\r\n", "hello", "hel", CAST_BODY_COUNTED, true},
        {"Content-Length: 0\r\n", "hello", "", CAST_BODY_COUNTED, true},
        {"Transfer-Encoding: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello", CAST_BODY_CHUNKED, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cast_body body;
        char text[256];
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n", cases[i].headers);
        assert_int_equal(parse(text), strlen(text));
        cast_relay_answer_body(&answer, &body);
        assert_int_equal(body.kind, cases[i].kind);
        strcpy(text, cases[i].body);
        assert_int_equal(cast_body_decode(&body, text, strlen(text)), strlen(cases[i].decoded));
        assert_memory_equal(text, cases[i].decoded, strlen(cases[i].decoded));
        assert_int_equal(body.ended, cases[i].ended);
    }
}

static void redirections(void **state) {
    (void)state;
    for (int status = 200; status < 400; status++) {
        answer.status = status;
        assert_int_equal(cast_relay_answer_redirects(&answer),
                         status == 301 || status == 302 || status == 307 || status == 308);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pieces), cmocka_unit_test(first_lines), cmocka_unit_test(heads_refused),
        cmocka_unit_test(limits),     cmocka_unit_test(bodies),      cmocka_unit_test(redirections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
