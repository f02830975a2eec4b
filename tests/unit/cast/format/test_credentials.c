/* Credentials: Basic as RFC 7617 has it, passwords, and addresses that have to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cast/format/credentials.h"

static void test_decode(void **state) {
    (void)state;
    static const struct {
        const char *value, *user, *password; /* NULL: refused */
    } cases[] = {
        {"Basic c291cmNlOmhhY2ttZQ==", "source", "hackme"},
        {"bASIC   c291cmNlOmhhY2ttZQ==", "source", "hackme"},
        {"Basic c291cmNlOmhhY2ttZQ", "source", "hackme"}, /* some clients leave the padding out */
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
        {"Basic dGVzdDoxMjPCow==", "test", "123£"},
        {"Basic YTpiOmM=", "a", "b:c"},
        {"Basic Og==", "", ""},
        {"Basic Oj8+/w==", "", "?>\xff"},
        {"Basic", NULL, NULL},
        {"Basic ", NULL, NULL},
        {"BasicOg==", NULL, NULL},
        {"Bearer Og==", NULL, NULL},
        {"Digest username=\"a\"", NULL, NULL},
        {"", NULL, NULL},
        {"Basic YWJj", NULL, NULL},     /* abc */
        {"Basic YTpiAA==", NULL, NULL}, /* a:b and a NUL byte */
        {"Basic YTpiCg==", NULL, NULL}, /* a:b and a line feed */
        {"Basic Og=", NULL, NULL},
        {"Basic Og===", NULL, NULL},
        {"Basic O", NULL, NULL},
        {"Basic Og==x", NULL, NULL},
        {"Basic O===", NULL, NULL},
        {"Basic YTpiO", NULL, NULL},
        {"Basic YTpi====", NULL, NULL},
        {"Basic OmE=OmE=", NULL, NULL},
        {"Basic Og==\n", NULL, NULL},
        {"Basic Om-_", NULL, NULL}, /* digits of base64url */
        {"Basic a b c d", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cast_credentials credentials = {"before", "before"};
        if (cast_credentials_decode(cases[i].value, &credentials) != (cases[i].user != NULL))
            fail_msg("%s", cases[i].value);
        assert_string_equal(credentials.user, cases[i].user ? cases[i].user : "before");
        assert_string_equal(credentials.password, cases[i].user ? cases[i].password : "before");
    }
}

static void base64_write(const char *text, size_t bytes, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        unsigned bits = 0;
        for (size_t j = i; j < i + 3; j++)
            bits = bits << 8 | (j < bytes ? (unsigned char)text[j] : 0);
        for (size_t j = 0; j < 4; j++)
            *out++ = i + j > bytes ? '=' : digits[bits >> (18 - 6 * j) & 63];
    }
    *out = '\0';
}

static void test_lengths(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 254, 255, 256, 257, 600};
    const size_t count = sizeof(lengths) / sizeof(lengths[0]);
    struct cast_credentials credentials;
    char text[1300], value[2000] = "Basic ";
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            memset(text, 'a', sizeof(text));
            text[lengths[i]] = ':';
            base64_write(text, lengths[i] + 1 + lengths[j], value + 6);
            bool fits = lengths[i] < CAST_CREDENTIAL_BYTES_MOST && lengths[j] < CAST_CREDENTIAL_BYTES_MOST;
            assert_int_equal(cast_credentials_decode(value, &credentials), fits);
            if (fits) {
                assert_int_equal(strlen(credentials.user), lengths[i]);
                assert_int_equal(strlen(credentials.password), lengths[j]);
            }
        }
}

static void test_equal(void **state) {
    (void)state;
    static const char *const words[] = {"",       "a",      "b",      "ab",    "abc",  "abd",
                                        "hackme", "hackmf", "Hackme", "h\xff", "h\x7f"};
    const size_t count = sizeof(words) / sizeof(words[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            char *wanted = strdup(words[i]),
                 *given = strdup(words[j]); /* of their exact sizes, for sanitizers */
            assert_int_equal(cast_password_equal(wanted, given), i == j);
            free(wanted);
            free(given);
        }
}

static struct cast_attempts attempts;

/* An address of IPv4, or with 0x20 in front one of IPv6 whose network and host have these numbers. */
static const uint8_t *address(uint8_t first, uint16_t network, uint16_t host) {
    static uint8_t made[16];
    memset(made, 0, sizeof(made));
    if (first == 0x20) {
        made[0] = first;
        memcpy(made + 6, &network, 2);
        memcpy(made + 14, &host, 2);
    } else {
        made[10] = made[11] = 0xff;
        made[12] = first;
        memcpy(made + 13, &network, 2);
        made[15] = (uint8_t)host;
    }
    return made;
}

static void fail_often(const uint8_t *who, unsigned times, uint32_t now_s) {
    for (unsigned i = 0; i < times; i++)
        cast_attempts_note(&attempts, who, now_s, false);
}

static void test_waiting(void **state) {
    (void)state;
    static const uint32_t starts[] = {0, 5, UINT32_MAX - 10, UINT32_MAX - 92}; /* the clock may wrap */
    const uint8_t *who = address(192, 168, 1);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        const uint32_t start = starts[i];
        memset(&attempts, 0, sizeof(attempts));
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start), 0);
        fail_often(who, CAST_ATTEMPTS_FREE - 1, start);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start), 0);
        fail_often(who, 1, start + 1);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 1), CAST_ATTEMPT_WAIT_S);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 31), CAST_ATTEMPT_WAIT_S - 30);
        fail_often(who, 1, start + 31);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 31), CAST_ATTEMPT_WAIT_S);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 90), 1);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 91), 0);
        /* Forgiven: one more failure is the first again. */
        fail_often(who, CAST_ATTEMPTS_FREE - 1, start + 91);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 91), 0);
        fail_often(who, 1, start + 92);
        assert_true(cast_attempts_wait_s(&attempts, who, start + 92) > 0);
        cast_attempts_note(&attempts, who, start + 93, true);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 93), 0);
        fail_often(who, CAST_ATTEMPTS_FREE - 1, start + 94);
        assert_int_equal(cast_attempts_wait_s(&attempts, who, start + 94), 0);
    }
}

static void test_networks(void **state) {
    (void)state;
    memset(&attempts, 0, sizeof(attempts));
    fail_often(address(0x20, 1, 1), CAST_ATTEMPTS_FREE, 1);
    assert_true(cast_attempts_wait_s(&attempts, address(0x20, 1, 2), 1) > 0); /* the same /64 */
    assert_int_equal(cast_attempts_wait_s(&attempts, address(0x20, 2, 1), 1), 0);
    fail_often(address(10, 0, 1), CAST_ATTEMPTS_FREE, 1);
    assert_true(cast_attempts_wait_s(&attempts, address(10, 0, 1), 1) > 0);
    assert_int_equal(cast_attempts_wait_s(&attempts, address(10, 0, 2), 1), 0);
    cast_attempts_note(&attempts, address(0x20, 1, 7), 1, true);
    assert_int_equal(cast_attempts_wait_s(&attempts, address(0x20, 1, 1), 1), 0);
}

/* The one that failed longest ago is forgotten, no other. */
static void test_full(void **state) {
    (void)state;
    memset(&attempts, 0, sizeof(attempts));
    for (uint16_t i = 0; i < CAST_ATTEMPT_ROWS; i++)
        fail_often(address(10, i, 1), CAST_ATTEMPTS_FREE, 1000 + (i == 7 ? 0 : 1 + i % 3));
    cast_attempts_note(&attempts, address(11, 0, 1), 1010, false);
    assert_int_equal(cast_attempts_wait_s(&attempts, address(11, 0, 1), 1010), 0);
    for (uint16_t i = 0; i < CAST_ATTEMPT_ROWS; i++)
        assert_int_equal(cast_attempts_wait_s(&attempts, address(10, i, 1), 1010) > 0, i != 7);
    cast_attempts_note(&attempts, address(10, 9, 1), 1010, true);
    fail_often(address(12, 0, 1), CAST_ATTEMPTS_FREE, 1011); /* takes the row that became free */
    for (uint16_t i = 0; i < CAST_ATTEMPT_ROWS; i++)
        assert_int_equal(cast_attempts_wait_s(&attempts, address(10, i, 1), 1011) > 0, i != 7 && i != 9);
    assert_true(cast_attempts_wait_s(&attempts, address(12, 0, 1), 1011) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),  cmocka_unit_test(test_lengths),  cmocka_unit_test(test_equal),
        cmocka_unit_test(test_waiting), cmocka_unit_test(test_networks), cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
