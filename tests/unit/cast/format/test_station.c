/* The settings of a broadcasting server: what a file may say, and what its errors say. */
#include "station_fixture.h"

/* --- defaults ------------------------------------------------------------------- */

static void assert_default_server(const struct cast_station *station) {
    assert_list(&station->listen, 1, (const char *const[]){"127.0.0.1:8000"});
    assert_string_equal(station->admin_user, "admin");
    assert_null(station->admin_password);
    assert_null(station->admin_password_file);
    assert_null(station->source_password_file);
    assert_string_equal(station->hostname, "localhost");
    assert_null(station->location);
    assert_null(station->admin_mail);
    assert_null(station->access_log);
    assert_null(station->error_log);
    assert_null(station->run_as);
    assert_int_equal(station->trusted_proxies.count, 0);
    assert_int_equal(station->deny_agents.count, 0);
    assert_int_equal(station->max_listeners, 20000);
    assert_int_equal(station->max_listeners_per_address, 0);
    assert_int_equal(station->max_sources, 64);
    assert_int_equal(station->loops, 0);
    assert_int_equal(station->batch_ms, 500);
    assert_int_equal(station->header_timeout_ms, 10000);
    assert_int_equal(station->listener_timeout_ms, 35000);
    assert_int_equal(station->metadata_interval, 16000);
}

static void assert_default_mount(const struct cast_mount_settings *mount) {
    assert_string_equal(mount->source_user, "source");
    assert_null(mount->source_password);
    assert_null(mount->fallback);
    assert_null(mount->relay);
    assert_null(mount->charset);
    assert_null(mount->stream_name);
    assert_null(mount->description);
    assert_null(mount->genre);
    assert_null(mount->url);
    assert_false(mount->hidden);
    assert_int_equal(mount->max_listeners, 0);
    assert_int_equal(mount->burst_bytes, 65536);
    assert_int_equal(mount->queue_bytes, 524288);
    assert_int_equal(mount->time_limit_ms, 0);
    assert_int_equal(mount->source_timeout_ms, 10000);
}

static void assert_default(struct cast_station *station) {
    assert_default_server(station);
    assert_default_mount(&station->defaults);
    assert_null(station->defaults.name);
    assert_int_equal(station->mount_count, 0);
    assert_ptr_equal(cast_station_mount(station, "/any"), &station->defaults);
    cast_station_destroy(station);
}

static void defaults(void **state) {
    (void)state;
    assert_default(cast_station_new());
    assert_default(read_bytes("", 0));
    assert_default(read_text("\n\r\n  \t\r\n# comment\n; comment\n   # indented, too\n[server]"));
    assert_default(read_text("\xef\xbb\xbf[server]\r\n")); /* a mark of UTF-8 in front */
    assert_default(read_text("\xef\xbb\xbf"));
    cast_station_destroy(NULL);
}

static void every_key_is_read(void **state) {
    (void)state;
    struct cast_station *station = read_text(
        "[server]\nlisten = 0.0.0.0:80, [::]:80\nadmin-user=boss\nadmin-password: "
        "secret\nhostname=radio.example.org\n"
        "location = Trøndelag\nadmin-mail=me@example.org\naccess-log=/a.log\nerror-log = /e.log ; comment\n"
        "run-as=radio\ntrusted-proxies=10.0.0.1 ::1\ndeny-agents=bot,spider\nmax-listeners=7\n"
        "max-listeners-per-address=3\nmax-sources=2\nloops=5\nbatch=100 ms\nheader-timeout=1 min\n"
        "listener-timeout=1 h\nmetadata-interval=8 KB\nsource-password-file=/s\nadmin-password-file=/p\n");
    assert_list(&station->listen, 2, (const char *const[]){"0.0.0.0:80", "[::]:80"});
    assert_string_equal(station->admin_user, "boss");
    assert_string_equal(station->admin_password, "secret");
    assert_string_equal(station->hostname, "radio.example.org");
    assert_string_equal(station->location, "Trøndelag");
    assert_string_equal(station->admin_mail, "me@example.org");
    assert_string_equal(station->access_log, "/a.log");
    assert_string_equal(station->error_log, "/e.log");
    assert_string_equal(station->run_as, "radio");
    assert_string_equal(station->source_password_file, "/s");
    assert_string_equal(station->admin_password_file, "/p");
    assert_list(&station->trusted_proxies, 2, (const char *const[]){"10.0.0.1", "::1"});
    assert_list(&station->deny_agents, 2, (const char *const[]){"bot", "spider"});
    assert_int_equal(station->max_listeners, 7);
    assert_int_equal(station->max_listeners_per_address, 3);
    assert_int_equal(station->max_sources, 2);
    assert_int_equal(station->loops, 5);
    assert_int_equal(station->batch_ms, 100);
    assert_int_equal(station->header_timeout_ms, 60000);
    assert_int_equal(station->listener_timeout_ms, 3600000);
    assert_int_equal(station->metadata_interval, 8000);
    assert_default_mount(&station->defaults);
    cast_station_destroy(station);
}

static void every_key_of_a_mount_is_read(void **state) {
    (void)state;
    static const char keys[] =
        "source-user=dj\nsource-password=secret\nfallback=/b.mp3\ncharset=KOI8-R\nstream-name=Name\n"
        "description=Some text\ngenre=Jazz\nurl=https://example.org/?a=b\nhidden=yes\n%s=9\nburst=1 KiB\n"
        "queue=8 KiB\ntime-limit=2 h\nsource-timeout=3\n";
    for (int of_server = 0; of_server < 2; of_server++) {
        char text[1024];
        size_t head = (size_t)sprintf(text, of_server ? "[server]\n" : "[mount /a.mp3]\n");
        snprintf(text + head, sizeof(text) - head, keys,
                 of_server ? "max-listeners-per-mount" : "max-listeners");
        struct cast_station *station = read_text(text);
        const struct cast_mount_settings *mount = cast_station_mount(station, "/a.mp3");
        assert_ptr_equal(mount, of_server ? &station->defaults : &station->mounts[0]);
        assert_string_equal(mount->source_user, "dj");
        assert_string_equal(mount->source_password, "secret");
        assert_string_equal(mount->fallback, "/b.mp3");
        assert_string_equal(mount->charset, "KOI8-R");
        assert_string_equal(mount->stream_name, "Name");
        assert_string_equal(mount->description, "Some text");
        assert_string_equal(mount->genre, "Jazz");
        assert_string_equal(mount->url, "https://example.org/?a=b");
        assert_true(mount->hidden);
        assert_int_equal(mount->max_listeners, 9);
        assert_int_equal(mount->burst_bytes, 1024);
        assert_int_equal(mount->queue_bytes, 8192);
        assert_int_equal(mount->time_limit_ms, 7200000);
        assert_int_equal(mount->source_timeout_ms, 3000);
        assert_default_server(station);
        if (!of_server)
            assert_default_mount(&station->defaults);
        cast_station_destroy(station);
    }
}

static void a_relay_is_of_one_mount(void **state) {
    (void)state;
    static const char *const good[] = {"http://a", "http://a:8000/x?y=z", "HTTP://[::1]:80/",
                                       "http://1.2.3.4/ä"};
    static const char *const bad[] = {
        "a",           "https://a/x",     "http://",     "http://u:p@a/", "http://a/b c",
        "http://a:0/", "http://a:99999/", "http://a/#b", "http://a\\b"};
    char text[256], wanted[256];
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(text, sizeof(text), "[server]\n[mount /a]\nrelay = %s\n[mount /b]\n", good[i]);
        struct cast_station *station = read_text(text);
        assert_string_equal(cast_station_mount(station, "/a")->relay, good[i]);
        assert_null(cast_station_mount(station, "/b")->relay);
        assert_null(station->defaults.relay);
        cast_station_destroy(station);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof(text), "[mount /a]\nrelay = %s\n", bad[i]);
        snprintf(wanted, sizeof(wanted),
                 "relay: \"%s\" is no URL of a stream: http://host:8000/live.mp3, and no https", bad[i]);
        refused(text, 2, wanted);
    }
    refused("[server]\nrelay = http://a/\n", 2,
            "relay in [server]: it belongs in a section like [mount /live.mp3]");
}

/* --- lines ------------------------------------------------------------------------ */

#define INDENTED "the line is indented: only a list continues so, and a key begins at the margin"
#define NO_LINE  "the line is none of: key = value, [section], # comment"
#define NO_END   "a section ends with ], and nothing follows: [server] or [mount /live.mp3]"

static void lines(void **state) {
    (void)state;
    refused("hostname = x\n", 1, "a key stands above the first section: begin with [server]");
    refused("\n# a\n\xef\xbb\xbf[server]\nhostname = x", 3, NO_LINE);
    refused("[server]\nhostname\n", 2, NO_LINE);
    refused("[server]\nhostname", 2, NO_LINE);
    refused("[server]\nhostname\nhostname = a b\n", 2, NO_LINE); /* the first error counts */
    refused("[server]\n= x\n", 2, NO_LINE);
    refused("[server]\nhostname ; = x\n", 2, NO_LINE);
    refused("[server]\n  hostname = x\n", 2, INDENTED);
    refused("[server]\nhostname = x\n  y\n", 3, INDENTED);
    refused("[server]\ndeny-agents = x\nhostname = y\n\tz\n", 4, INDENTED);
    refused("[server]\ndeny-agents = x\n[mount /a]\n z\n", 4, INDENTED);
    refused(" [server]\n", 1, INDENTED);
    refused_bytes("[server]\nhost\0name = x\n", 23, 2, "the line has a NUL byte: this is no text file");
    refused_bytes("[server]\n# \0\n", 13, 2, "the line has a NUL byte: this is no text file");
    refused_bytes("\n\n\0", 3, 3, "the line has a NUL byte: this is no text file");
    refused("[server]\r\n\r\nbatch = 1\rs\r\n", 3, "batch: \"1?s\" is no time: 250 ms, 10 s, 5 min");
    refused("[server]\nlocation = a\rb\n", 2, "location: \"a?b\" is no line of UTF-8 text");
}

static void sections(void **state) {
    (void)state;
    refused("[server", 1, NO_END);
    refused("[", 1, NO_END);
    refused("[server] hostname = x\n", 1, NO_END);
    refused("[server ;]\n", 1, NO_END);
    refused("[]\n", 1, "no section []: there are [server] and [mount /live.mp3]");
    refused("\n[Server]\n", 2, "no section [Server]: there are [server] and [mount /live.mp3]");
    refused("[mount]\n", 1, "no section [mount]: there are [server] and [mount /live.mp3]");
    refused("[mounts /a]\n", 1, "no section [mounts /a]: there are [server] and [mount /live.mp3]");
    refused("[\x1b[2J]\n", 1, "no section [?[2J]: there are [server] and [mount /live.mp3]");
    refused("[server]\n[server]\n", 2, "[server] stands twice");
    refused("[mount /a]\n[server]\n[mount  /a ]\n", 3, "[mount /a] stands twice");
    refused("[mount a]\n", 1,
            "[mount a]: that is no mount: a path like /live.mp3, not one of the server's own");
    refused("[mount /admin/]\n", 1,
            "[mount /admin/]: that is no mount: a path like /live.mp3, not one of the server's own");
    struct cast_station *station = read_text("[ server ] ; comment\r\n[mount\t/a b]c;d ]\t; e ;f\n");
    assert_int_equal(station->mount_count, 1);
    assert_string_equal(station->mounts[0].name, "/a b]c;d");
    cast_station_destroy(station);
}

/* libinih would split the first, and cut the name of the last. */
static void long_lines(void **state) {
    (void)state;
    char text[1024], name[CAST_MOUNT_BYTES_MOST + 2];
    for (int bytes = 190; bytes < 400; bytes++) {
        int value = sprintf(text, "[server]\nlocation = ") - (int)strlen("[server]\n");
        memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
        strcpy(text + strlen("[server]\n") + bytes, "   \r\nhostname = end\n");
        if (bytes <= 198) {
            struct cast_station *station = read_text(text);
            assert_int_equal(strlen(station->location), bytes - value);
            assert_string_equal(station->hostname, "end");
            cast_station_destroy(station);
        } else {
            char wanted[128];
            sprintf(wanted, "the line has %d bytes, and 198 are the most", bytes);
            refused(text, 2, wanted);
        }
        text[strlen("[server]\n")] = '#'; /* a comment has no limit */
        struct cast_station *station = read_text(text);
        assert_null(station->location);
        assert_string_equal(station->hostname, "end");
        cast_station_destroy(station);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[0] = '/', name[CAST_MOUNT_BYTES_MOST] = '\0';
    sprintf(text, "[mount %s]\nhidden = yes\n", name);
    struct cast_station *station = read_text(text);
    assert_true(cast_station_mount(station, name)->hidden);
    cast_station_destroy(station);
    sprintf(text, "[mount %sx]\nhidden = yes\n", name);
    refused(text, 1,
            "[mount /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...]: that is no mount: a "
            "path like "
            "/live.mp3, not one of the server's own");
}

static void names_of_keys(void **state) {
    (void)state;
    refused("[server]\nsoruce-password = x\n", 2,
            "no key soruce-password in [server]: did you mean source-password?");
    refused("[server]\nListen = x\n", 2, "no key Listen in [server]: did you mean listen?");
    refused("[server]\nmax-listener = 1\n", 2,
            "no key max-listener in [server]: did you mean max-listeners?");
    refused("[server]\nlisens = 1\n", 2, "no key lisens in [server]: did you mean listen?");
    refused("[server]\nlisening = 1\n", 2, "no key lisening in [server]");
    refused("[server]\nlistener-time = 1\n", 2, "no key listener-time in [server]");
    refused("[server]\nlistener-timeo = 1\n", 2,
            "no key listener-timeo in [server]: did you mean listener-timeout?");
    refused("[server]\nsource password = x\n", 2, "no key source in [server]: did you mean source-password?");
    refused("[server]\nsource-password secret=x\n", 2, "source-password: a = has to follow the key");
    refused("[server]\n\x1b[2J\xff = x\n", 2, "no key ?[2J? in [server]");
    refused("[mount /a]\nbrust = 1\n", 2, "no key brust in [mount /a]: did you mean burst?");
    refused("[mount /a]\nxyz = 1\n", 2, "no key xyz in [mount /a]");
    refused("[mount /a]\nlisten = 1.2.3.4:5\n", 2, "listen in [mount /a]: it belongs in [server]");
    refused("[mount /a]\nmax-listeners-per-mount = 5\n", 2,
            "max-listeners-per-mount in [mount /a]: it belongs in [server]");
    refused("[server]\nlocation =\nhostname = a\n\nhostname = b\n", 5, "hostname stands twice in [server]");
    refused("[server]\nlisten = a:1\nlisten = b:1\n", 3, "listen stands twice in [server]");
    refused("[server]\nburst = 1\nburst = 1\n", 3, "burst stands twice in [server]");
    refused("[mount /b]\nurl = a\n[mount /a]\nurl = b\nurl =\n", 5, "url stands twice in [mount /a]");
    struct cast_station *station = cast_station_new();
    set_refused(station, "hotsname", "x", "no key hotsname in [server]: did you mean hostname?");
    set_refused(station, "", "x", "no key  in [server]");
    set(station, "hostname", "a");
    set(station, "hostname", "b"); /* an option replaces what the file says */
    assert_string_equal(station->hostname, "b");
    cast_station_destroy(station);
}

static void tables(void **state) {
    (void)state;
    const struct cast_key *key;
    for (int of_server = 0; of_server < 2; of_server++)
        for (size_t i = 0; (key = cast_key_at(i, of_server)); i++) {
            const char *name = cast_key_name(key, of_server);
            assert_ptr_equal(cast_key_find(name, of_server), key); /* no name stands twice */
            assert_ptr_equal(cast_key_nearest(name, of_server), key);
            assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
            assert_int_equal(key->help[strlen(key->help) - 1], '.');
            if (key->kind >= CAST_KEY_NUMBER)
                assert_true(key->standard && key->least < key->most);
        }
}

static void what_errors_show(void **state) {
    (void)state;
    struct cast_station *station = cast_station_new();
    set_refused(
        station, "hidden", "123456789 123456789 123456789 123456789 123456789 123456789 ",
        "hidden: \"123456789 123456789 123456789 123456789 123456789 123456789 \" is neither yes nor no");
    set_refused(
        station, "hidden", "123456789 123456789 123456789 123456789 123456789 123456789 1",
        "hidden: \"123456789 123456789 123456789 123456789 123456789 123456789 ...\" is neither yes nor no");
    set_refused(station, "hidden", "\u202e\x1b[31m\n", "hidden: \"??[31m?\" is neither yes nor no");
    char text[4096], wanted[512] = "hidden: \"";
    for (size_t i = 0; i < sizeof(text) - 4; i += 2)
        strcpy(text + i, "ä");
    for (int i = 0; i < 60; i++)
        strcat(wanted, "ä");
    strcat(wanted, "...\" is neither yes nor no");
    set_refused(station, "hidden", text, wanted);
    strcpy(wanted, "hidden: \"");
    for (size_t i = 0; i < sizeof(text) - 4; i += 4)
        strcpy(text + i, "🐍");
    for (int i = 0; i < 31; i++) /* there is room for so many */
        strcat(wanted, "🐍");
    strcat(wanted, "...\" is neither yes nor no");
    set_refused(station, "hidden", text, wanted);
    memmove(text + 1, text, sizeof(text) - 1);
    text[0] = 'a', text[sizeof(text) - 4] = '\0';
    strcpy(wanted, "hidden: \"a");
    for (int i = 0; i < 30; i++)
        strcat(wanted, "🐍");
    strcat(wanted, "...\" is neither yes nor no");
    set_refused(station, "hidden", text, wanted);
    struct cast_station_error error; /* an error that is too long is cut between characters */
    for (int shift = 0; shift < 4; shift++) {
        assert_int_equal(cast_station_refuse(&error, "%.*s%s", shift, "abc", text + 1), NEAP_ERROR_FORMAT);
        assert_int_equal(strlen(error.text), shift + (239 - shift) / 4 * 4);
    }
    cast_station_destroy(station);
}

/* --- mounts ---------------------------------------------------------------------------- */

static void mounts_override_defaults(void **state) {
    (void)state;
    static const char server[] = "[server]\ngenre = Jazz\nhidden = yes\nfallback = /s\nburst = 1 KiB\n",
                      one[] = "[mount /b]\ngenre = Rock\nfallback =\n",
                      two[] = "[mount /a]\nhidden = no\nburst = 2 KiB\n";
    const char *const parts[] = {server, one, two};
    static const int orders[][3] = {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}, {2, 1, 0}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        char text[512];
        sprintf(text, "%s%s%s", parts[orders[i][0]], parts[orders[i][1]], parts[orders[i][2]]);
        struct cast_station *station = read_text(text);
        const struct cast_mount_settings *a = cast_station_mount(station, "/a"),
                                         *b = cast_station_mount(station, "/b"),
                                         *c = cast_station_mount(station, "/c");
        assert_int_equal(station->mount_count, 2);
        assert_string_equal(a->name, "/a");
        assert_string_equal(a->genre, "Jazz");
        assert_string_equal(a->fallback, "/s");
        assert_string_equal(a->source_user, "source");
        assert_false(a->hidden);
        assert_int_equal(a->burst_bytes, 2048);
        assert_string_equal(b->name, "/b");
        assert_string_equal(b->genre, "Rock");
        assert_null(b->fallback);
        assert_true(b->hidden);
        assert_int_equal(b->burst_bytes, 1024);
        assert_ptr_equal(c, &station->defaults);
        assert_string_equal(c->genre, "Jazz");
        assert_int_equal(c->queue_bytes, 524288);
        set(station, "genre", "Blues"); /* an option is a default, too */
        set(station, "source-password", "secret");
        assert_string_equal(a->genre, "Blues");
        assert_string_equal(b->genre, "Rock");
        assert_string_equal(b->source_password, "secret");
        set(station, "genre", "");
        assert_null(a->genre);
        cast_station_destroy(station);
    }
}

static void many_mounts(void **state) {
    (void)state;
    enum { MOUNTS = 300 };
    static char text[MOUNTS * 64];
    size_t bytes = 0;
    for (unsigned i = 0; i < MOUNTS; i++) /* in an order that is neither up nor down */
        bytes += (size_t)sprintf(text + bytes, "[mount /%u]\nmax-listeners = %u\n", i * 7 % MOUNTS,
                                 i * 7 % MOUNTS);
    struct cast_station *station = read_text(text);
    assert_int_equal(station->mount_count, MOUNTS);
    for (unsigned i = 0; i < MOUNTS; i++) {
        char name[32];
        sprintf(name, "/%u", i);
        assert_string_equal(cast_station_mount(station, name)->name, name);
        assert_int_equal(cast_station_mount(station, name)->max_listeners, i);
        if (i > 0)
            assert_true(strcmp(station->mounts[i - 1].name, station->mounts[i].name) < 0);
    }
    assert_ptr_equal(cast_station_mount(station, "/"), &station->defaults);
    assert_ptr_equal(cast_station_mount(station, "/300"), &station->defaults);
    assert_ptr_equal(cast_station_mount(station, "/x"), &station->defaults);
    cast_station_destroy(station);
}

#define PASSWORD "[server]\nsource-password = a\n"

static void fallbacks_in_circles(void **state) {
    (void)state;
    verified(PASSWORD
             "[mount /a.mp3]\nfallback = /b.mp3\n[mount /b.mp3]\nfallback = /c.mp3\n[mount /c.mp3]\n",
             NULL);
    verified(PASSWORD "[mount /a.mp3]\nfallback = /a.mp3\n",
             "mount /a.mp3: its fallback leads back to it: /a.mp3, /a.mp3");
    verified(PASSWORD "[mount /a.mp3]\nfallback = /b.mp3\n[mount /b.mp3]\nfallback = /a.mp3\n",
             "mount /a.mp3: its fallback leads back to it: /a.mp3, /b.mp3, /a.mp3");
    /* the circle is behind the first mount */
    verified(PASSWORD "[mount /0]\nfallback = /a\n[mount /a]\nfallback = /b\n[mount /b]\nfallback = /c\n"
                      "[mount /c]\nfallback = /a\n",
             "mount /a: its fallback leads back to it: /a, /b, /c, /a");
    /* the default is a fallback of its own, if nothing is said against that */
    verified(PASSWORD "fallback = /s\n", "mount /s: its fallback leads back to it: /s, /s; that ends with "
                                         "\"fallback =\" in [mount /s]");
    verified(PASSWORD "fallback = /s\n[mount /s]\nfallback =\n[mount /a]\n", NULL);
    verified(PASSWORD "fallback = /s\n[mount /s]\nhidden = yes\n",
             "mount /s: its fallback leads back to it: /s, /s; that ends with \"fallback =\" in [mount /s]");
    verified(
        PASSWORD "fallback = /s\n[mount /s]\nfallback = /t\n",
        "mount /s: its fallback leads back to it: /s, /t, /s; that ends with \"fallback =\" in [mount /t]");
    verified(PASSWORD "fallback = /s\n[mount /s]\nfallback = /t\n[mount /t]\nfallback =\n[mount /u]\n", NULL);
}

static void long_circles(void **state) {
    (void)state;
    static char text[100 * 64];
    size_t bytes = (size_t)sprintf(text, PASSWORD);
    for (int i = 0; i < 100; i++)
        bytes +=
            (size_t)sprintf(text + bytes, "[mount /name-%02d]\nfallback = /name-%02d\n", i, (i + 1) % 100);
    verified(text, "mount /name-00: its fallback leads back to it: /name-00, /name-01, /name-02, /name-03, "
                   "/name-04, /name-05, /name-06, /name-07, /name-08, /name-09, /name-10, /name-11, "
                   "/name-12, /name-13, ...");
    strcpy(strrchr(text, '='), "= /end\n"); /* the longest way that is none */
    verified(text, NULL);
}

static void bursts_above_queues(void **state) {
    (void)state;
    verified(PASSWORD "burst = 512 KiB\n", NULL);
    verified(PASSWORD "burst = 1 MiB\n", "[server]: a burst of 1 MiB is above a queue of 512 KiB");
    verified(PASSWORD "[mount /a.mp3]\nqueue = 32 KB\n",
             "mount /a.mp3: a burst of 64 KiB is above a queue of 32 KB");
    verified(PASSWORD "[mount /a.mp3]\nqueue = 100001\nburst = 100002\n",
             "mount /a.mp3: a burst of 100002 bytes is above a queue of 100001 bytes");
    verified(PASSWORD "burst = 0\n[mount /a.mp3]\nqueue = 32 KB\n", NULL);
}

/* --- the example ------------------------------------------------------------------------- */

/* `uncommented`: without the # in front of each key. */
static char *example_make(bool uncommented) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    cast_station_write_example(out);
    fclose(out);
    char *to = text;
    for (char *from = text; *from; from++)
        if (!(uncommented && *from == '#' && from[1] >= 'a' && from[1] <= 'z'))
            *to++ = *from;
    *to = '\0';
    return text;
}

static void the_example_is_valid(void **state) {
    (void)state;
    char *text = example_make(false), *keys = example_make(true);
    struct cast_station *station = read_text(text);
    assert_default_server(station);
    assert_default_mount(&station->defaults);
    assert_int_equal(station->mount_count, 1);
    assert_default_mount(cast_station_mount(station, "/live.mp3"));
    assert_int_equal(station->mounts[0].given, 0);
    cast_station_destroy(station);
    verified(text, NULL);

    verified(keys, NULL);
    station = read_text(keys);
    assert_string_equal(station->defaults.source_password, "change-me");
    assert_string_equal(station->admin_password, "change-me-too");
    assert_int_equal(station->mounts[0].given, (1 << CAST_MOUNT_KEYS) - 1);
    set(station, "admin-password", "x"); /* but for the passwords, all are as without the file */
    cast_station_memory(station->admin_password, 0);
    station->admin_password = NULL;
    assert_default_server(station);
    cast_station_memory(station->defaults.source_password, 0);
    station->defaults.source_password = NULL;
    assert_default_mount(&station->defaults);
    cast_station_destroy(station);
    free(text);
    free(keys);
}

static void the_example_has_every_key(void **state) {
    (void)state;
    char *text = example_make(false);
    const struct cast_key *key;
    char *mount = strstr(text, "\n[mount ");
    *mount++ = '\0';
    for (int of_server = 0; of_server < 2; of_server++)
        for (size_t i = 0; (key = cast_key_at(i, of_server)); i++) {
            char line[64];
            sprintf(line, "\n#%s =", cast_key_name(key, of_server));
            assert_non_null(strstr(of_server ? text : mount, line));
        }
    for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        assert_true(strcspn(line, "\n") <= 80);
    free(text);
}

/* --- memory ------------------------------------------------------------------------------- */

/* Every call for memory fails once; the fixtures see that nothing is left. */
static void no_memory(void **state) {
    (void)state;
    static const char text[] =
        "[mount /b]\nurl = x\n[server]\nlisten = a:1, b:2\n  c:3\n  d:4\nsource-password = x\n"
        "hostname = y\ngenre = z\n[mount /a]\nfallback = /c\n[mount /d]\n[mount /c]\ngenre =\n";
    struct cast_station *station = NULL;
    struct cast_station_error error = {.line = 77, .text = "as before"};
    int result = NEAP_ERROR_MEMORY;
    size_t n = 1;
    for (; result != NEAP_OK; n++) {
        assert_true(n < 200);
        calls = 0, failing = n;
        result = cast_station_read(text, strlen(text), &station, &error);
        if (result != NEAP_OK) {
            assert_int_equal(result, NEAP_ERROR_MEMORY);
            assert_null(station);
            assert_int_equal(blocks, 0);
        }
    }
    assert_true(n > 20);
    assert_int_equal(error.line, 77);
    assert_string_equal(error.text, "as before");
    failing = 0;
    cast_station_destroy(station);
    calls = 0, failing = 3;
    assert_null(cast_station_new());
    assert_int_equal(blocks, 0);
}

static void no_memory_to_set(void **state) {
    (void)state;
    static const char text[] = "[server]\ngenre = x\nlisten = a:1\n[mount /a]\n[mount /b]\ngenre = y\n";
    static const struct {
        const char *key, *value;
        size_t wanted; /* calls for memory */
    } cases[] = {{"genre", "z", 1}, {"listen", "b:1 c:2", 4}, {"burst", "1 KB", 0}, {"deny-agents", "", 0}};
    struct cast_station *station = read_text(text);
    struct cast_station_error error = {.line = 77};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t n = 1; n <= cases[i].wanted; n++) {
            calls = 0, failing = n;
            assert_int_equal(cast_station_set(station, cases[i].key, cases[i].value, &error),
                             NEAP_ERROR_MEMORY);
            assert_string_equal(station->defaults.genre, "x");
            assert_string_equal(cast_station_mount(station, "/a")->genre, "x");
            assert_string_equal(cast_station_mount(station, "/b")->genre, "y");
            assert_list(&station->listen, 1, (const char *const[]){"a:1"});
        }
    for (size_t i = 0; i < COUNT(cases); i++) {
        calls = 0, failing = 0;
        set(station, cases[i].key, cases[i].value);
        assert_int_equal(calls, cases[i].wanted);
    }
    cast_station_destroy(station);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(defaults),
        TEST(every_key_is_read),
        TEST(every_key_of_a_mount_is_read),
        TEST(a_relay_is_of_one_mount),
        TEST(lines),
        TEST(sections),
        TEST(long_lines),
        TEST(names_of_keys),
        TEST(tables),
        TEST(what_errors_show),
        TEST(mounts_override_defaults),
        TEST(many_mounts),
        TEST(fallbacks_in_circles),
        TEST(long_circles),
        TEST(bursts_above_queues),
        TEST(the_example_is_valid),
        TEST(the_example_has_every_key),
        TEST(no_memory),
        TEST(no_memory_to_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
