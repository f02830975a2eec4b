/* The values of settings: each kind, what is out of range, and that no error shows a password. */
#include "station_fixture.h"

/* --- kinds ------------------------------------------------------------------------ */

static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"4096", 4096},       {"64 KB", 64000},      {"64KB", 64000},
        {"64 kb", 64000},     {"64 KiB", 65536},     {"1 MB", 1000000},
        {"1MiB", 1048576},    {"1 GB", 1000000000},  {"1 gib", 1073741824},
        {"1.5 MiB", 1572864}, {"0.125 MB", 125000},  {"5000 B", 5000},
        {"5000 bytes", 5000}, {"4096.999999", 4096}, {"1.00000000009 GB", 1000000000},
    };
    static const char *const bad[] = {"",      "KiB",     "64 K", " 64 KiB",  "64 k",      "64M",     "-1",
                                      "+1",    "0x10",    "1e6",  "1,000",    "64 KiBs",   "6 4 KiB", "1.",
                                      ".5 MB", "1..5 MB", "5 s",  "infinity", "64 KiB KiB"};
    static const char *const outside[] = {"0",
                                          "4095",
                                          "4095 bytes",
                                          "1025 MiB",
                                          "1073741825",
                                          "18446744073709551616",
                                          "99999999999999999999999",
                                          "18446744073 GiB"};
    struct cast_station *station = cast_station_new();
    char wanted[256];
    for (size_t i = 0; i < COUNT(good); i++) {
        set(station, "queue", good[i].text);
        assert_int_equal(station->defaults.queue_bytes, good[i].bytes);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        sprintf(wanted, "queue: \"%s\" is no size: 500 KB, 64 KiB, 1 MiB", bad[i]);
        set_refused(station, "queue", bad[i], wanted);
    }
    for (size_t i = 0; i < COUNT(outside); i++) {
        sprintf(wanted, "queue: \"%s\" is out of range: 4 KiB to 1 GiB", outside[i]);
        set_refused(station, "queue", outside[i], wanted);
    }
    assert_int_equal(station->defaults.queue_bytes,
                     good[COUNT(good) - 1].bytes); /* an error changes nothing */
    set_refused(station, "metadata-interval", "0",
                "metadata-interval: \"0\" is out of range: 256 bytes to 1 MiB");
    set_refused(station, "burst", "2 GiB", "burst: \"2 GiB\" is out of range: 0 to 1 GiB");
    cast_station_destroy(station);
}

static void times(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"10", 10000},      {"250 ms", 250},   {"250ms", 250},    {"10 s", 10000},
        {"5 min", 300000},  {"1 h", 3600000},  {"1H", 3600000},   {"0.5", 500},
        {"1.5 min", 90000}, {"0.1004 s", 100}, {"2 MIN", 120000}, {"100 ms", 100},
    };
    static const char *const bad[] = {"",       "soon", "10 parsecs", "5 m",   "-1 s",
                                      "10 s s", "1 d",  "1:30",       "10 KB", "s"};
    static const char *const outside[] = {"0",      "99 ms",    "0.0999",
                                          "61 min", "1.0001 h", "99999999999999999999"};
    struct cast_station *station = cast_station_new();
    char wanted[256];
    for (size_t i = 0; i < COUNT(good); i++) {
        set(station, "listener-timeout", good[i].text);
        assert_int_equal(station->listener_timeout_ms, good[i].ms);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        sprintf(wanted, "listener-timeout: \"%s\" is no time: 250 ms, 10 s, 5 min", bad[i]);
        set_refused(station, "listener-timeout", bad[i], wanted);
    }
    for (size_t i = 0; i < COUNT(outside); i++) {
        sprintf(wanted, "listener-timeout: \"%s\" is out of range: 100 ms to 1 h", outside[i]);
        set_refused(station, "listener-timeout", outside[i], wanted);
    }
    assert_int_equal(station->listener_timeout_ms, 100);
    set_refused(station, "batch", "1 min", "batch: \"1 min\" is out of range: 1 ms to 10 s");
    set_refused(station, "time-limit", "8761 h", "time-limit: \"8761 h\" is out of range: 0 to 8760 h");
    cast_station_destroy(station);
}

static void numbers_and_flags(void **state) {
    (void)state;
    static const char *const no_number[] = {"",    "many", "-1",   "+1",  " ",     "1.5",
                                            "1.0", "0x10", "5 KB", "5 s", "20,000"};
    static const char *const yes[] = {"yes", "on", "true", "1", "Yes", "TRUE"}, *const no[] = {"no", "off",
                                                                                               "false", "0"};
    struct cast_station *station = cast_station_new();
    char wanted[256];
    set(station, "max-sources", "10000");
    assert_int_equal(station->max_sources, 10000);
    set(station, "max-sources", "1");
    assert_int_equal(station->max_sources, 1);
    for (size_t i = 0; i < COUNT(no_number); i++) {
        sprintf(wanted, "max-sources: \"%s\" is no whole number", no_number[i]);
        set_refused(station, "max-sources", no_number[i], wanted);
    }
    set_refused(station, "max-sources", "0", "max-sources: \"0\" is out of range: 1 to 10000");
    set_refused(station, "max-sources", "10001", "max-sources: \"10001\" is out of range: 1 to 10000");
    set_refused(station, "max-sources", "18446744073709551617",
                "max-sources: \"18446744073709551617\" is out of range: 1 to 10000");
    assert_int_equal(station->max_sources, 1);
    for (size_t i = 0; i < COUNT(yes); i++) {
        station->defaults.hidden = false;
        set(station, "hidden", yes[i]);
        assert_true(station->defaults.hidden);
    }
    for (size_t i = 0; i < COUNT(no); i++) {
        station->defaults.hidden = true;
        set(station, "hidden", no[i]);
        assert_false(station->defaults.hidden);
    }
    set_refused(station, "hidden", "maybe", "hidden: \"maybe\" is neither yes nor no");
    set_refused(station, "hidden", "", "hidden: \"\" is neither yes nor no");
    cast_station_destroy(station);
}

static void texts(void **state) {
    (void)state;
    static const char *const good[] = {"x",   "Grüße 日本語 🐍", "a=b:c",       "\"quoted\"", "it's",
                                       "<b>", "\xc2\xa0",       "\xed\x9f\xbf"};
    static const struct {
        const char *text, *shown;
    } bad[] = {
        {"a\tb", "a?b"},
        {"a\nb", "a?b"},
        {"a\x7f", "a?"},
        {"\x1b[31m", "?[31m"},
        {"\xc2\x9b", "?"},
        {"\xff", "?"},
        {"a\xc3", "a?"},
        {"\xc0\xaf", "??"},
        {"\xed\xa0\x80", "?"},
        {"\xe0\x80\xaf", "???"},
        {"\xf0\x80\x80\xaf", "????"},
        {"\xf4\x90\x80\x80", "?"},
        {"\xf5\x80\x80\x80", "?"},
        {"\x80", "?"},
        {"\xe2\x82", "??"},
    };
    struct cast_station *station = cast_station_new();
    char wanted[256];
    for (size_t i = 0; i < COUNT(good); i++) {
        set(station, "description", good[i]);
        assert_string_equal(station->defaults.description, good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        sprintf(wanted, "description: \"%s\" is no line of UTF-8 text", bad[i].shown);
        set_refused(station, "description", bad[i].text, wanted);
    }
    assert_string_equal(station->defaults.description, good[COUNT(good) - 1]);
    set(station, "description", ""); /* takes it back */
    assert_null(station->defaults.description);
    set_refused(station, "hostname", "", "hostname: it is empty: give a value, or leave the line out");
    set_refused(station, "source-user", "", "source-user: it is empty: give a value, or leave the line out");
    cast_station_destroy(station);
}

/* What a key accepts, and how it refuses the rest. */
struct form {
    const char *key, *why;
    const char *good[8], *bad[16];
};

static const struct form forms[] = {
    {"hostname",
     "no name of a host: radio.example.org, 192.0.2.1, [2001:db8::1]",
     {"radio.example.org", "192.0.2.1", "[2001:db8::1]", "my_host", "x"},
     {"a b", "a/b", "a:80", "<b>", "grüße", "[]", "[1]", "[::1", "[::1]:80", "[zz::1]", "http://x"}},
    {"run-as",
     "no user of the system: letters, digits, and . _ -",
     {"neap-cast", "_x", "a.b", "1000"},
     {"-x", "a b", "a:b", "a/b", "ä"}},
    {"charset",
     "no encoding: ISO-8859-1, KOI8-R",
     {"UTF-8", "ISO_8859-1:1987", "cp1252"},
     {"UTF-8//TRANSLIT", "a b", "ä", "A2345678901234567890123456789012345678901"}},
    {"listen",
     "no address with a port: 127.0.0.1:8000, [::1]:8000",
     {"0.0.0.0:0", "[::]:65535", "localhost:8000", "[fe80::1%eth0]:80", "[::ffff:1.2.3.4]:1"},
     {"8000", ":8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:80x",
      "127.0.0.1:-1", "::1:80", "[::1]", "[::1]80", "[1.2.3.4]:80", "[::1%]:80", "http://a:80", "a:000080"}},
    {"trusted-proxies",
     "no address: 192.0.2.1, 2001:db8::1",
     {"0.0.0.0", "255.255.255.255", "::1", "::ffff:10.0.0.1"},
     {"localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4/8", "1..2.3", "1.2.3.", "[::1]", "1:2",
      "1.2.3.4:80", "1:2:3:4:5:6:7:8:9", "0001.2.3.4"}},
    {"fallback",
     "no mount: a path like /live.mp3, not one of the server's own",
     {"/a", "/a b.mp3", "/ä/b", "/a]b"},
     {"a", "/", "/admin", "/admin/x", "//a", "/a\\b", "/a\"b"}},
    {"source-user",
     "no name of a user: 255 bytes at most, and no colon",
     {"source", "a b", "ä"},
     {"a:b", ":"}},
    {"admin-user", "no name of a user: 255 bytes at most, and no colon", {"root"}, {"a:b"}},
};

static void forms_of_texts(void **state) {
    (void)state;
    struct cast_station *station = cast_station_new();
    char wanted[256];
    for (size_t i = 0; i < COUNT(forms); i++) {
        const struct cast_key *key = cast_key_find(forms[i].key, true);
        void *base = cast_key_is_of_mount(key) ? (void *)&station->defaults : (void *)station;
        for (const char *const *text = forms[i].good; *text; text++) {
            set(station, forms[i].key, *text);
            union cast_value value = cast_key_get(key, base);
            assert_string_equal(key->kind == CAST_KEY_LIST ? value.list.items[0] : value.text, *text);
        }
        for (const char *const *text = forms[i].bad; *text; text++) {
            snprintf(wanted, sizeof(wanted), "%s: \"%s\" is %s", forms[i].key, *text, forms[i].why);
            set_refused(station, forms[i].key, *text, wanted);
        }
    }
    cast_station_destroy(station);
}

static void lists(void **state) {
    (void)state;
    struct cast_station *station = cast_station_new();
    set(station, "deny-agents", " a,b  c\t,, d ,");
    assert_list(&station->deny_agents, 4, (const char *const[]){"a", "b", "c", "d"});
    set(station, "deny-agents", "e");
    assert_list(&station->deny_agents, 1, (const char *const[]){"e"});
    set_refused(station, "deny-agents", "f g\x01 h", "deny-agents: \"g?\" is no line of UTF-8 text");
    assert_list(&station->deny_agents, 1, (const char *const[]){"e"});
    set(station, "deny-agents", "");
    assert_int_equal(station->deny_agents.count, 0);
    cast_station_destroy(station);

    station = read_text(
        "[server]\nlisten = 1.2.3.4:1\n  [::1]:2, 1.2.3.4:3 ; comment\n# comment\n\n\t1.2.3.4:4\r\n , \n"
        "deny-agents =\n  bot\n");
    assert_list(&station->listen, 4, (const char *const[]){"1.2.3.4:1", "[::1]:2", "1.2.3.4:3", "1.2.3.4:4"});
    assert_list(&station->deny_agents, 1, (const char *const[]){"bot"});
    cast_station_destroy(station);
    refused("[server]\nlisten = 1.2.3.4:1\n  1.2.3.4\n", 3,
            "listen: \"1.2.3.4\" is no address with a port: 127.0.0.1:8000, [::1]:8000");
    refused("[server]\nlisten = 1.2.3.4:1\n  hostname = x\n", 3,
            "listen: \"hostname\" is no address with a port: 127.0.0.1:8000, [::1]:8000");
}

/* --- passwords ---------------------------------------------------------------------- */

static void no_error_shows_a_password(void **state) {
    (void)state;
    static const char *const files[] = {
        "[server]\nsource-password = hUnTeR\x01\n",
        "[server]\nsource-password = \x7fhUnTeR\n",
        "[mount /a]\nsource-password = hUnTeR\thUnTeR\n",
        "[server]\nadmin-password = hUnTeR\rhUnTeR\n",
        "[server]\nsource-password hUnTeR\n",
        "[server]\nsource-password hUnTeR=hUnTeR\n",
        "[server]\nsource-pasword = hUnTeR\n",
        "[server]\nsource-pasword hUnTeR = hUnTeR\n",
        "[server]\nsource password = hUnTeR\n",
        "[server]\nsource-password = hUnTeR\nsource-password = hUnTeR\n",
        "[server]\nsource-password = a\n  hUnTeR\n",
        "[mount /a]\nadmin-password = hUnTeR\n",
        "source-password = hUnTeR\n",
        "[server]\nsource-password = hUnTeR\nadmin-password = hUnTeR\nhostname = a b\n",
    };
    struct cast_station_error error;
    struct cast_station *station;
    for (size_t i = 0; i < COUNT(files); i++) {
        memset(&error, 0, sizeof(error));
        assert_int_equal(cast_station_read(files[i], strlen(files[i]), &station, &error), NEAP_ERROR_FORMAT);
        assert_true(strlen(error.text) > 0);
        assert_null(strstr(error.text, "hUnTeR"));
    }
    char text[CAST_SHOWN_ROOM * 4] = "";
    memset(text, 'x', 256);
    station = cast_station_new();
    set_refused(station, "source-password", text,
                "source-password: this is no password: 255 bytes at most, and no control characters");
    set_refused(station, "admin-password", "",
                "admin-password: it is empty: give a value, or leave the line out");
    text[255] = '\0';
    set(station, "admin-password", text);
    assert_string_equal(station->admin_password, text);
    set(station, "source-password", "a:b \xff#;\" c");
    assert_string_equal(station->defaults.source_password, "a:b \xff#;\" c");
    cast_station_destroy(station);
}

static void passwords_are_verified(void **state) {
    (void)state;
    verified("", NULL); /* the server makes a password then */
    verified("[server]\nsource-password = a\n", NULL);
    verified("[server]\nsource-password-file = /a\n", NULL);
    verified("[mount /a]\n[mount /b]\nsource-password = a\n", NULL);
    verified("[mount /a]\nsource-password = a\n[server]\nsource-password-file = /a\n", NULL);
    verified("[server]\nsource-password = a\nsource-password-file = /a\n",
             "source-password and source-password-file are both given: leave one out");
    verified("[server]\nsource-password = a\nadmin-password = b\nadmin-password-file = /a\n",
             "admin-password and admin-password-file are both given: leave one out");
    verified("[server]\nsource-password = a\nlisten =\n",
             "listen: it is empty: give an address like 127.0.0.1:8000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(sizes),          TEST(times), TEST(numbers_and_flags),         TEST(texts),
        TEST(forms_of_texts), TEST(lists), TEST(no_error_shows_a_password), TEST(passwords_are_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
