/* URLs of relays: what is read, what is refused, and that a request holds nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/format/relay_url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void reads(void **state) {
    (void)state;
    static const struct {
        const char *text, *host, *target;
        unsigned port;
    } cases[] = {
        {"http://radio.example.org:8000/live.mp3", "radio.example.org", "/live.mp3", 8000},
        {"HTTP://a", "a", "/", 80},
        {"http://a/", "a", "/", 80},
        {"http://a:1?x=y&z", "a", "/?x=y&z", 1},
        {"http://192.0.2.1:65535/;stream", "192.0.2.1", "/;stream", 65535},
        {"http://[2001:db8::1]:80/a//b", "2001:db8::1", "/a//b", 80},
        {"http://a-b_c.d/%41?%42", "a-b_c.d", "/%41?%42", 80},
        {"http://a/Grün\xff", "a", "/Gr%C3%BCn%FF", 80},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cast_relay_url url;
        assert_true(cast_relay_url_read(cases[i].text, &url));
        assert_string_equal(url.host, cases[i].host);
        assert_string_equal(url.target, cases[i].target);
        assert_int_equal(url.port, cases[i].port);
    }
}

static void refuses(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",           "a",           "/a",           "http:",          "http://",        "http:///x",
        "https://a/", "ftp://a/",    "http://u@a/",  "http://u:p@a/",  "http://a b/",    "http://a/b c",
        "http://a:/", "http://a:0/", "http://a:-1/", "http://a:65536", "http://a:80x",   "http://a:000080/",
        "http://[a",  "http://[]/",  "http://[::1",  "http://[1]/",    "http://[::1]x",  "http://a#b",
        "http://a/#", "http://a\\b", "http://ä/",    "http://a/\r\nX", "http://a/\x7f/", " http://a/",
    };
    struct cast_relay_url url, before;
    memset(&url, 0x55, sizeof(url));
    before = url;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cast_relay_url_read(cases[i], &url))
            fail_msg("%s is read", cases[i]);
        assert_memory_equal(&url, &before, sizeof(url));
    }
}

static void lengths(void **state) {
    (void)state;
    char text[4096], request[CAST_RELAY_REQUEST_ROOM];
    struct cast_relay_url url;
    for (size_t host = CAST_RELAY_HOST_ROOM - 2; host <= CAST_RELAY_HOST_ROOM; host++) {
        snprintf(text, sizeof(text), "http://%0*d/", (int)host, 0);
        assert_int_equal(cast_relay_url_read(text, &url), host < CAST_RELAY_HOST_ROOM);
    }
    size_t longest = 0;
    for (size_t path = CAST_RELAY_TARGET_ROOM - 8; path <= CAST_RELAY_TARGET_ROOM + 8; path++) {
        snprintf(text, sizeof(text), "http://%0*d:65535/%0*d", CAST_RELAY_HOST_ROOM - 1, 0, (int)path, 0);
        if (cast_relay_url_read(text, &url)) {
            longest = path;
            assert_true(strlen(url.target) < CAST_RELAY_TARGET_ROOM);
            size_t bytes = cast_relay_request_write(&url, request);
            assert_int_equal(bytes, strlen(request));
        }
    }
    assert_true(longest > CAST_RELAY_TARGET_ROOM - 8 && longest < CAST_RELAY_TARGET_ROOM);
}

static void follows(void **state) {
    (void)state;
    static const struct {
        const char *location, *host, *target; /* NULL: refused */
    } cases[] = {
        {"/there?x", "a", "/there?x"}, {"/", "a", "/"},       {"http://b/x", "b", "/x"}, {"", NULL, NULL},
        {"there", NULL, NULL},         {"//b/x", NULL, NULL}, {"/a b", NULL, NULL},      {"/a#b", NULL, NULL},
        {"https://b/x", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cast_relay_url url;
        assert_true(cast_relay_url_read("http://a:8000/here", &url));
        assert_int_equal(cast_relay_url_follow(&url, cases[i].location, &url), cases[i].host != NULL);
        assert_string_equal(url.host, cases[i].host ? cases[i].host : "a");
        assert_string_equal(url.target, cases[i].target ? cases[i].target : "/here");
        assert_int_equal(url.port, cases[i].host && *url.host == 'b' ? 80 : 8000);
    }
}

static void requests(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"http://a/x", "GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: Neap-cast/"},
        {"http://[::1]:8000", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\nUser-Agent: Neap-cast/"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cast_relay_url url;
        char request[CAST_RELAY_REQUEST_ROOM];
        assert_true(cast_relay_url_read(cases[i][0], &url));
        size_t bytes = cast_relay_request_write(&url, request);
        assert_int_equal(bytes, strlen(request));
        assert_memory_equal(request, cases[i][1], strlen(cases[i][1]));
        assert_non_null(strstr(request, "\r\nIcy-MetaData: 1\r\n"));
        assert_non_null(strstr(request, "\r\nConnection: close\r\n"));
        assert_string_equal(strstr(request, "\r\n\r\n"), "\r\n\r\n");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),   cmocka_unit_test(refuses),  cmocka_unit_test(lengths),
        cmocka_unit_test(follows), cmocka_unit_test(requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
