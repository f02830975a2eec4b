/* Addresses as texts: what is read, what is refused, and that both ways agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/address.h"

static void both_ways_agree(void **state) {
    (void)state;
    static const struct {
        const char *text, *without, *with;
    } cases[] = {
        {"127.0.0.1:8000", "127.0.0.1", "127.0.0.1:8000"},
        {"10.1.2.3", "10.1.2.3", "10.1.2.3:0"},
        {"[::1]:80", "::1", "[::1]:80"},
        {"::1", "::1", "[::1]:0"},
        {"[2001:db8::5]", "2001:db8::5", "[2001:db8::5]:0"},
        {"[::ffff:192.0.2.1]:65535", "192.0.2.1", "192.0.2.1:65535"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct neap_os_address address;
        char out[NEAP_OS_ADDRESS_ROOM];
        assert_true(neap_os_address_read(cases[i].text, &address));
        assert_string_equal(neap_os_address_write(&address, out), cases[i].without);
        assert_string_equal(neap_os_address_write_port(&address, out), cases[i].with);
    }
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"",
                                        ":80",
                                        "localhost:80",
                                        "1.2.3.4:",
                                        "1.2.3.4:65536",
                                        "1.2.3:80",
                                        "[::1",
                                        "[::1]80",
                                        "[::1]:",
                                        "::1:80:",
                                        "1.2.3.4:-1",
                                        "1.2.3.4:0x50",
                                        "1.2.3.4:999999",
                                        "[1.2.3.4:80",
                                        "1.2.3.4 :80",
                                        "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct neap_os_address address = {.port = 7};
        assert_false(neap_os_address_read(cases[i], &address));
        assert_int_equal(address.port, 7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_agree),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
