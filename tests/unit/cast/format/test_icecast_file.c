/* A configuration of Icecast becomes settings: what is written, and what is said of each setting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <neap/error.h>

#include "cast/format/icecast_file.h"
#include "cast/format/station_keys.h"

/* --- converting ------------------------------------------------------------------- */

static char *settings, *notes;
static struct cast_station *station;

static int convert_bytes(const char *xml, size_t bytes, struct cast_station_error *error) {
    size_t settings_bytes = 0, notes_bytes = 0;
    free(settings);
    free(notes);
    settings = notes = NULL;
    FILE *out = open_memstream(&settings, &settings_bytes), *said = open_memstream(&notes, &notes_bytes);
    assert_non_null(out);
    assert_non_null(said);
    int result = cast_icecast_convert(xml, bytes, "i.xml", out, said, error);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(said), 0);
    return result;
}

/* Converts what stands within <icecast>, and reads the settings that were made. */
static void convert(const char *inner) {
    struct cast_station_error error = {.line = 77};
    char *xml = NULL;
    assert_true(asprintf(&xml, "<icecast>%s</icecast>", inner) > 0);
    if (convert_bytes(xml, strlen(xml), &error) != NEAP_OK)
        fail_msg("line %u: %s", error.line, error.text);
    free(xml);
    cast_station_destroy(station);
    station = NULL;
    if (cast_station_read(settings, strlen(settings), &station, &error) != NEAP_OK)
        fail_msg("line %u: %s in %s", error.line, error.text, settings);
    if (cast_station_verify(station, &error) != NEAP_OK)
        fail_msg("%s", error.text);
}

static void said(const char *wanted) {
    if (!strstr(notes, wanted))
        fail_msg("\"%s\" is not in: %s", wanted, notes);
}

static void unsaid(const char *unwanted) {
    if (strstr(notes, unwanted))
        fail_msg("\"%s\" is in: %s", unwanted, notes);
}

static void refused(const char *xml, size_t bytes, unsigned line, const char *wanted) {
    struct cast_station_error error = {.line = 77};
    assert_int_equal(convert_bytes(xml, bytes, &error), NEAP_ERROR_FORMAT);
    assert_string_equal(error.text, wanted);
    assert_int_equal(error.line, line);
    assert_string_equal(settings, "");
    assert_string_equal(notes, "");
}

static const struct cast_mount_settings *mount(const char *name) {
    return cast_station_mount(station, name);
}

static int all_free(void **state) {
    (void)state;
    cast_station_destroy(station);
    free(settings);
    free(notes);
    station = NULL;
    settings = notes = NULL;
    return 0;
}

/* --- what is carried over --------------------------------------------------------- */

static void test_server(void **state) {
    (void)state;
    convert("<limits>\n<clients> 100 </clients><sources>2</sources>\n<queue-size>1000000</queue-size>"
            "<header-timeout>15</header-timeout><source-timeout>20</source-timeout>"
            "<burst-size>70000</burst-size></limits><hostname>radio.example.org</hostname>"
            "<location>K\xc3\xb6ln &amp; <!-- a comment -->Bonn</location><admin>me@example.org</admin>"
            "<security><changeowner><user>icecast2</user></changeowner></security>");
    assert_int_equal(station->max_listeners, 100);
    assert_int_equal(station->max_sources, 2);
    assert_int_equal(station->defaults.queue_bytes, 1000000);
    assert_int_equal(station->defaults.burst_bytes, 70000);
    assert_int_equal(station->defaults.source_timeout_ms, 20000);
    assert_int_equal(station->header_timeout_ms, 15000);
    assert_string_equal(station->hostname, "radio.example.org");
    assert_string_equal(station->location, "K\xc3\xb6ln & Bonn");
    assert_string_equal(station->admin_mail, "me@example.org");
    assert_string_equal(station->run_as, "icecast2");
    said("i.xml:2: <clients> 100: carried over as max-listeners = 100; it counts listeners only\n");
    said("i.xml:3: <queue-size> 1000000: carried over as queue = 1000000\n");
    assert_non_null(strstr(settings, "\n# <queue-size>, line 3\nqueue = 1000000\n"));
}

static void test_passwords_are_not_said(void **state) {
    (void)state;
    convert("<authentication><source-password>hush-1</source-password><admin-user>boss</admin-user>"
            "<admin-password>hush-2</admin-password><relay-password>hush-3</relay-password>"
            "</authentication><master-password>hush-4</master-password>"
            "<mount><mount-name>/a</mount-name><username>me</username><password>hush-5</password>"
            "<authentication type=\"url\"><option name=\"password\" value=\"hush-6\"/></authentication>"
            "</mount><mount><mount-name>/b</mount-name><password> hush-7</password></mount>"
            "<relay><server>x</server><mount>/r</mount><password>hush-8</password></relay>"
            "<sorce-password>hush-9</sorce-password>");
    assert_string_equal(station->defaults.source_password, "hush-1");
    assert_string_equal(station->admin_user, "boss");
    assert_string_equal(station->admin_password, "hush-2");
    assert_string_equal(mount("/a")->source_user, "me");
    assert_string_equal(mount("/a")->source_password, "hush-5");
    unsaid("hush");
    said("<source-password>: carried over as source-password\n");
    said("<password>: carried over as source-password in [mount /a]\n");
    said("<password>: not carried over: a value has no white space at its ends");
    said("<option name=\"password\">: not carried over");
    said("<sorce-password>: not carried over: Icecast 2.4 has no such setting\n");
}

static void test_a_mount(void **state) {
    (void)state;
    convert("<mount>\n<max-listeners>7</max-listeners><mount-name>/a.ogg</mount-name>"
            "<fallback-mount>/b.ogg</fallback-mount><charset>ISO8859-1</charset><hidden>1</hidden>"
            "<stream-name>Name</stream-name><stream-description>D</stream-description>"
            "<stream-url>http://x/</stream-url><genre>G</genre><burst-size>8000</burst-size>"
            "<max-listener-duration>60</max-listener-duration></mount>"
            "<mount><mount-name>/c</mount-name><max-listeners>-1</max-listeners><hidden>0</hidden></mount>"
            "<mount><mount-name>/d</mount-name><max-listeners>0</max-listeners></mount>");
    const struct cast_mount_settings *made = mount("/a.ogg");
    assert_int_equal(made->max_listeners, 7);
    assert_string_equal(made->fallback, "/b.ogg");
    assert_string_equal(made->charset, "ISO8859-1");
    assert_true(made->hidden);
    assert_string_equal(made->stream_name, "Name");
    assert_string_equal(made->description, "D");
    assert_string_equal(made->url, "http://x/");
    assert_string_equal(made->genre, "G");
    assert_int_equal(made->burst_bytes, 8000);
    assert_int_equal(made->time_limit_ms, 60000);
    assert_false(mount("/c")->hidden);
    assert_int_equal(station->mount_count, 3);
    said("i.xml:2: <max-listeners> 7: carried over as max-listeners = 7 in [mount /a.ogg]\n");
    said("<mount-name> /a.ogg: carried over as [mount /a.ogg]\n");
    said("<max-listeners> 0: not carried over: here, 0 is no limit\n");
}

static void test_sockets(void **state) {
    (void)state;
    convert("<listen-socket><port>8010</port></listen-socket>"
            "<listen-socket><bind-address>::1</bind-address><port>8011</port></listen-socket>"
            "<listen-socket><port>8443</port><ssl>1</ssl></listen-socket>"
            "<listen-socket><port>99999</port></listen-socket>");
    assert_int_equal(station->listen.count, 2);
    assert_string_equal(station->listen.items[0], "0.0.0.0:8010");
    assert_string_equal(station->listen.items[1], "[::1]:8011");
    said("<port> 8010: carried over as listen = 0.0.0.0:8010; for IPv6");
    said("<bind-address> ::1: carried over as listen = [::1]:8011\n");
    said("<port> 8443: not carried over: put a proxy in front, see docs/cast.md\n");
    said("<port> 99999: not carried over: listen: \"0.0.0.0:99999\" is no address");
    unsaid("<listen-socket>");
    convert("");
    assert_string_equal(station->listen.items[0], "0.0.0.0:8000");
    assert_string_equal(notes, "i.xml: no <listen-socket>: carried over as listen = 0.0.0.0:8000; "
                               "for IPv6, [::] and the port have to be added\n");
}

static void test_logs(void **state) {
    (void)state;
    static const char logs[] = "<logging><accesslog>a.log</accesslog><errorlog>e.log</errorlog></logging>"
                               "<paths><basedir>/base</basedir><logdir>/log</logdir></paths>"
                               "<security><chroot>%c</chroot></security>";
    char inner[512];
    snprintf(inner, sizeof(inner), logs, '0');
    convert(inner);
    assert_string_equal(station->access_log, "/log/a.log");
    assert_string_equal(station->error_log, "/log/e.log");
    snprintf(inner, sizeof(inner), logs, '1');
    convert(inner);
    assert_string_equal(station->access_log, "/base//log/a.log");
    convert("<logging><accesslog>-</accesslog><errorlog>-</errorlog></logging>");
    assert_null(station->access_log);
    said("<accesslog> -: not carried over: name a file for access-log\n");
    said("<errorlog> -: needs nothing: messages go to standard error\n");
}

static void test_proxies_are_a_list(void **state) {
    (void)state;
    convert("<paths><x-forwarded-for>127.0.0.1</x-forwarded-for><x-forwarded-for>::1</x-forwarded-for>"
            "<x-forwarded-for>nowhere</x-forwarded-for></paths>");
    assert_int_equal(station->trusted_proxies.count, 2);
    assert_string_equal(station->trusted_proxies.items[1], "::1");
    said("<x-forwarded-for> nowhere: not carried over: trusted-proxies: \"nowhere\" is no address");
}

static void test_relays(void **state) {
    (void)state;
    convert("<relay><server>radio.example.org</server><port>8001</port><mount>/a b</mount>"
            "<local-mount>/l</local-mount></relay>"
            "<relay><server>::1</server><mount>/six</mount></relay>"
            "<relay><server>a\nsource-password = x</server><mount>/evil</mount></relay>"
            "<relay><server>x</server><mount>/</mount></relay>");
    assert_non_null(strstr(settings, "\nrelay = http://radio.example.org:8001/a%20b\n"));
    assert_non_null(strstr(settings, "\nrelay = http://[::1]:8000/six\n"));
    assert_null(strstr(settings, "\nsource-password"));
    said("<server> a?source-password = x: not carried over: server, port and mount make no URL\n");
    said("<mount> /: not carried over: its <local-mount> is no mount");
}

/* --- what Icecast understands differently ------------------------------------------ */

static void test_the_last_counts(void **state) {
    (void)state;
    convert("<limits>\n<burst-on-connect>0</burst-on-connect>\n<burst-size>1000</burst-size></limits>");
    assert_int_equal(station->defaults.burst_bytes, 1000);
    said("i.xml:2: <burst-on-connect> 0: not carried over: line 3 says it again, and that counts\n");
    convert("<limits><burst-size>1000</burst-size><burst-on-connect>0</burst-on-connect></limits>");
    assert_int_equal(station->defaults.burst_bytes, 0);
}

static void test_the_first_mount_counts(void **state) {
    (void)state;
    convert("<mount><mount-name>/a</mount-name><genre>first</genre></mount>"
            "<mount><mount-name>/a</mount-name><genre>second</genre></mount>"
            "<mount><genre>third</genre></mount><mount><mount-name>/admin/x</mount-name></mount>");
    assert_string_equal(mount("/a")->genre, "first");
    said("<genre> second: not carried over: it is the second such mount, and the first counts\n");
    said("<genre> third: not carried over: the mount has no <mount-name>\n");
    said("<mount-name> /admin/x: not carried over: this is no mount");
}

/* Icecast's default is for mounts that have no <mount>. */
static void test_defaults(void **state) {
    (void)state;
    convert("<limits><burst-size>1000</burst-size></limits>"
            "<authentication><source-password>all</source-password></authentication>"
            "<mount type=\"default\"><burst-size>2000</burst-size><max-listeners>5</max-listeners>"
            "<password>other</password><fallback-mount>/f</fallback-mount><genre>G</genre></mount>"
            "<mount><mount-name>/a</mount-name></mount>"
            "<mount><mount-name>/b</mount-name><genre>own</genre></mount>");
    assert_int_equal(station->max_listeners, 20000);
    assert_int_equal(mount("/x")->burst_bytes, 2000);
    assert_int_equal(mount("/x")->max_listeners, 5);
    assert_string_equal(mount("/x")->source_password, "other");
    assert_string_equal(mount("/x")->fallback, "/f");
    assert_int_equal(mount("/a")->burst_bytes, 1000);
    assert_int_equal(mount("/a")->max_listeners, 0);
    assert_string_equal(mount("/a")->source_password, "all");
    assert_null(mount("/a")->fallback);
    assert_null(mount("/a")->genre);
    assert_string_equal(mount("/b")->genre, "own");
    assert_null(mount("/f")->fallback);
    said("<mount type=\"default\">: carried over as defaults in [server]\n");
    said("<max-listeners> 5: carried over as max-listeners-per-mount = 5\n");
}

static void test_a_default_password_stays_with_its_mounts(void **state) {
    (void)state;
    convert("<mount type=\"default\"><password>other</password></mount>"
            "<mount><mount-name>/a</mount-name></mount>");
    assert_null(mount("/a")->source_password);
    assert_null(mount("/x")->source_password);
    said("<password>: not carried over: it would be that of the other mounts, too\n");
}

/* --- what is not ------------------------------------------------------------------- */

static void test_what_needs_nothing(void **state) {
    (void)state;
    convert(
        "<http-headers><header name=\"Access-Control-Allow-Origin\" value=\"*\"/>"
        "<header name=\"X\" value=\"*\"/></http-headers><fileserve>0</fileserve>"
        "<paths><alias source=\"/\" destination=\"/status.xsl\"/><alias source=\"/a\" dest=\"/b\"/></paths>"
        "<security><chroot>0</chroot></security><location></location>"
        "<mount><mount-name>/a</mount-name><fallback-override>1</fallback-override></mount>");
    said("<header name=\"Access-Control-Allow-Origin\">: needs nothing");
    said("<header name=\"X\">: not carried over");
    said("<fileserve>: needs nothing");
    said("<alias source=\"/\">: needs nothing");
    said("<alias source=\"/a\">: not carried over");
    said("<chroot>: needs nothing");
    said("<location>: needs nothing: it is empty\n");
    said("<fallback-override>: needs nothing");
}

/* What is valid alone, and not beside the rest. */
static void test_what_does_not_fit_together(void **state) {
    (void)state;
    convert("<limits><queue-size>8192</queue-size></limits>"
            "<mount><mount-name>/a</mount-name><fallback-mount>/b</fallback-mount></mount>"
            "<mount><mount-name>/b</mount-name><fallback-mount>/a</fallback-mount></mount>"
            "<mount><mount-name>/c</mount-name><burst-size>1000000</burst-size></mount>"
            "<mount><mount-name>/d</mount-name><burst-size>900000</burst-size>"
            "<queue-size>1000000</queue-size></mount>");
    assert_int_equal(station->defaults.queue_bytes, 524288);
    assert_int_equal(mount("/d")->burst_bytes, 900000);
    assert_non_null(mount("/a")->fallback);
    assert_null(mount("/b")->fallback);
    said("<queue-size> 8192: not carried over: [server]: a burst of 64 KiB is above a queue of 8 KiB\n");
    said("<fallback-mount> /a: not carried over: mount /");
    said("<burst-size> 1000000: not carried over: mount /c: a burst of");
}

/* Only so many faults are searched for; what could be another is then left out. */
static void test_much_that_does_not_fit_together(void **state) {
    (void)state;
    char *inner = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&inner, &bytes);
    assert_non_null(out);
    for (int i = 0; i < 100; i++)
        fprintf(out,
                "<mount><mount-name>/%d</mount-name><fallback-mount>/%d</fallback-mount><genre>G</genre>"
                "<burst-size>600000</burst-size></mount>",
                i, (i + 1) % 100);
    fclose(out);
    convert(inner);
    free(inner);
    assert_int_equal(station->mount_count, 100);
    assert_string_equal(mount("/99")->genre, "G");
    assert_int_equal(mount("/99")->burst_bytes, 65536);
    said("<burst-size> 600000: not carried over: mount /0: a burst of");
    said("<burst-size> 600000: not carried over: too much in this file does not fit together\n");
}

static void test_values_that_no_line_can_have(void **state) {
    (void)state;
    char inner[400];
    convert("<location>a ; b</location><hostname>not a host</hostname>");
    assert_null(station->location);
    said("<location> a ; b: not carried over: a value has no white space at its ends");
    said("<hostname> not a host: not carried over: hostname: \"not a host\" is no name of a host");
    snprintf(inner, sizeof(inner), "<location>%0250d</location>", 0);
    convert(inner);
    said("not carried over: it is too long: a line has at most 198 bytes\n");
}

static void test_unknown_settings(void **state) {
    (void)state;
    convert("<limits><nothing>5</nothing></limits>\n<future><sources>5</sources></future>");
    assert_int_equal(station->max_sources, 64);
    said("i.xml:1: <nothing>: not carried over: Icecast 2.4 has no such setting\n");
    said("i.xml:2: <future>: not carried over: Icecast 2.4 has no such setting\n");
    unsaid("<sources>");
}

static void test_files_that_are_refused(void **state) {
    (void)state;
#define REFUSED(xml, line, wanted) refused(xml, strlen(xml), line, wanted)
    REFUSED("", 1, "this is no XML: no element found");
    REFUSED("[server]\n", 1, "this is no XML: syntax error");
    REFUSED("<icecast>\n<limits>\n</icecast>", 3, "this is no XML: mismatched tag");
    REFUSED("\n<shoutcast/>", 2, "this is no configuration of Icecast: its root is not <icecast>");
    REFUSED("<!DOCTYPE icecast [\n<!ENTITY a 'aaaa'>]><icecast>&a;</icecast>", 2,
            "it declares an entity: write in each place what it stands for");
    REFUSED("<!DOCTYPE icecast [<!ENTITY % a SYSTEM 'file:///etc/passwd'>%a;]><icecast/>", 1,
            "it declares an entity: write in each place what it stands for");
    REFUSED("<!DOCTYPE icecast [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><icecast>&a;</icecast>", 1,
            "it declares an entity: write in each place what it stands for");
    REFUSED("<!DOCTYPE icecast SYSTEM 'a.dtd'><icecast><location>&a;</location></icecast>", 1,
            "it has an entity from elsewhere: write in its place what it stands for");
#undef REFUSED
    size_t bytes = CAST_ICECAST_BYTES_MOST + 1;
    char *large = malloc(bytes);
    assert_non_null(large);
    memset(large, ' ', bytes);
    memcpy(large, "<icecast/>", strlen("<icecast/>"));
    refused(large, bytes, 0, "it is over a megabyte");
    struct cast_station_error error;
    assert_int_equal(convert_bytes(large, bytes - 1, &error), NEAP_OK);
    free(large);
}

/* As many mounts as a megabyte has, and settings that are said again and again. */
static void test_many(void **state) {
    (void)state;
    char *inner = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&inner, &bytes);
    assert_non_null(out);
    for (int i = 0; i < 3000; i++)
        fprintf(out, "<mount><mount-name>/%d</mount-name><genre>%d</genre></mount>", i, i);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "<location>%d</location>\n", i);
    fclose(out);
    convert(inner);
    free(inner);
    assert_string_equal(station->location, "19999");
    assert_int_equal(station->mount_count, 999);
    said("<mount-name> /999: not carried over: there are too many mounts\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_server, all_free),
        cmocka_unit_test_teardown(test_passwords_are_not_said, all_free),
        cmocka_unit_test_teardown(test_a_mount, all_free),
        cmocka_unit_test_teardown(test_sockets, all_free),
        cmocka_unit_test_teardown(test_logs, all_free),
        cmocka_unit_test_teardown(test_proxies_are_a_list, all_free),
        cmocka_unit_test_teardown(test_relays, all_free),
        cmocka_unit_test_teardown(test_the_last_counts, all_free),
        cmocka_unit_test_teardown(test_the_first_mount_counts, all_free),
        cmocka_unit_test_teardown(test_defaults, all_free),
        cmocka_unit_test_teardown(test_a_default_password_stays_with_its_mounts, all_free),
        cmocka_unit_test_teardown(test_what_needs_nothing, all_free),
        cmocka_unit_test_teardown(test_what_does_not_fit_together, all_free),
        cmocka_unit_test_teardown(test_much_that_does_not_fit_together, all_free),
        cmocka_unit_test_teardown(test_values_that_no_line_can_have, all_free),
        cmocka_unit_test_teardown(test_unknown_settings, all_free),
        cmocka_unit_test_teardown(test_files_that_are_refused, all_free),
        cmocka_unit_test_teardown(test_many, all_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
