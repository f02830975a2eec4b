/* Mounts: who may take one, what stays when a source is lost, and where a listener begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "air_fixture.h"

static struct cast_air air;

static int open_air(void **state) {
    (void)state;
    return cast_air_open(&air);
}

static int close_air(void **state) {
    (void)state;
    cast_air_close(&air);
    return 0;
}

static struct cast_mount *take(const char *name, const char *type) {
    struct cast_facts facts = facts_of(type);
    struct cast_mount *mount = NULL;
    assert_int_equal(cast_mounts_take(&air.mounts, name, 65536, 3, &facts, &mount), NEAP_OK);
    return mount;
}

static void assert_sound(struct cast_mount *mount) {
    const char *why = "";
    if (!cast_mount_check(mount, &why))
        fail_msg("%s", why);
}

static void a_mount_has_one_source(void **state) {
    (void)state;
    struct cast_facts facts = facts_of("audio/mpeg");
    struct cast_mount *mount = take("/b", "audio/mpeg"), *other = NULL;
    assert_int_equal(cast_mounts_take(&air.mounts, "/b", 65536, 3, &facts, &other), NEAP_ERROR_BUSY);
    assert_null(other);
    cast_mount_drop(take("/a", "audio/mpeg"));
    cast_mount_drop(take("/c", "audio/mpeg"));
    facts = facts_of("audio/mpeg");
    assert_int_equal(cast_mounts_take(&air.mounts, "/d", 65536, 3, &facts, &other), NEAP_ERROR_MEMORY);
    other = cast_mounts_find(&air.mounts, "/b");
    assert_ptr_equal(other, mount);
    assert_null(cast_mounts_find(&air.mounts, "/d"));
    cast_mount_drop(other);
    assert_sound(mount);
    cast_mount_drop(mount);
}

static void a_source_comes_back(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    uint32_t version = atomic_load(&air.mounts.version);
    assert_int_equal(atomic_load(&mount->state), CAST_MOUNT_OPEN);
    put_on_air(mount, NULL, 1000);
    assert_int_equal(atomic_load(&mount->state), CAST_MOUNT_ON_AIR);
    cast_mounts_end(&air.mounts, mount); /* it has a source: nothing happens */
    assert_int_equal(atomic_load(&mount->state), CAST_MOUNT_ON_AIR);
    cast_mount_lose(mount, 5);
    struct cast_mount *again = take("/a", "audio/aac");
    assert_ptr_equal(again, mount);
    assert_int_equal(neap_stream_written(again->ring), 1000);
    assert_string_equal(again->facts.content_type, "audio/aac");
    assert_true(atomic_load(&air.mounts.version) != version);
    cast_mount_lose(again, 6);
    cast_mounts_end(&air.mounts, again);
    assert_int_equal(atomic_load(&mount->state), CAST_MOUNT_ENDED);
    assert_null(cast_mounts_find(&air.mounts, "/a"));
    struct cast_mount *fresh = take("/a", "audio/mpeg");
    assert_ptr_not_equal(fresh, mount);
    cast_mounts_end(&air.mounts, mount); /* another has its name: nothing happens to that one */
    assert_int_equal(atomic_load(&fresh->state), CAST_MOUNT_OPEN);
    cast_mount_drop(mount);
    cast_mount_drop(again);
    cast_mount_drop(fresh);
}

static void titles(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    assert_null(mount->title_block);
    assert_int_equal(cast_mount_set_title(mount, "Háčko", "http://x"), NEAP_OK);
    assert_int_equal(mount->title_version, 1);
    assert_non_null(
        strstr((const char *)mount->title_block->data + 1, "StreamTitle='Háčko';StreamUrl='http://x';"));
    assert_int_equal(mount->title_block->bytes, 1 + 16 * mount->title_block->data[0]);
    assert_int_equal(cast_mount_set_title(mount, "", ""), NEAP_OK);
    assert_int_equal(mount->title_version, 2);
    assert_sound(mount);
    cast_mount_drop(mount);
}

static uint64_t entry(struct cast_mount *mount, uint64_t burst_bytes) {
    struct cast_blob *headers;
    uint64_t offset = cast_mount_entry(mount, burst_bytes, &headers);
    assert_ptr_equal(headers, mount->headers);
    cast_blob_drop(headers);
    return offset;
}

static void what_begins_as_ogg_is_ogg(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    put_on_air(mount, "OggS and more", 13);
    assert_true(mount->is_ogg);
    assert_string_equal(mount->facts.content_type, "application/ogg");
    cast_mount_drop(mount);
    mount = take("/b", "audio/mpeg");
    put_on_air(mount, "not OggS", 8);
    put_on_air(mount, "OggS", 4);
    assert_false(mount->is_ogg);
    cast_mount_drop(mount);
}

static void where_a_listener_begins(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    assert_int_equal(entry(mount, 5000), 0);
    put_on_air(mount, NULL, 3000);
    assert_int_equal(entry(mount, 5000), 0);
    put_on_air(mount, NULL, 40000);
    assert_int_equal(entry(mount, 5000), 38000);
    assert_int_equal(entry(mount, 0), 43000);
    put_on_air(mount, NULL, 100000);
    assert_int_equal(entry(mount, 1 << 20), 143000 - 65536); /* the queue */
    cast_mount_drop(mount);
}

static void who_is_late_and_where_he_goes_on(void **state) {
    (void)state;
    enum { QUEUE = 65536, MARGIN = 32768 };
    struct cast_mount *mount = take("/a", "audio/mpeg");
    put_on_air(mount, NULL, 1000000);
    uint64_t late = 1000000 - QUEUE - MARGIN;
    assert_false(cast_mount_is_late(mount, late));
    assert_true(cast_mount_is_late(mount, late - 1));
    assert_int_equal(cast_mount_landing(mount), 1000000 - QUEUE / 2);
    /* The writer has a whole margin to go before it reaches who is just not late. */
    struct neap_stream_reader reader;
    uint8_t byte;
    neap_stream_reader_open_at(&reader, mount->ring, late);
    put_on_air(mount, NULL, MARGIN);
    assert_int_equal(neap_stream_reader_read(&reader, &byte, 1), 1);
    assert_int_equal(reader.missed_bytes, 0);
    assert_int_equal(byte, stream_byte(late));
    cast_mount_drop(mount);
}

/* A page of `body` bytes, whose granule position is 0 for headers. Returns its bytes. */
static size_t page_make(uint8_t *out, uint8_t flags, uint64_t granule, size_t body) {
    memset(out, 0, 27 + 255 + body);
    memcpy(out, "OggS", 4);
    out[5] = flags;
    memcpy(out + 6, &granule, 8);
    size_t segments = body / 255 + 1;
    out[26] = (uint8_t)segments;
    memset(out + 27, 255, segments - 1);
    out[26 + segments] = (uint8_t)(body % 255);
    memset(out + 27 + segments, 'x', body);
    return 27 + segments + body;
}

static void ogg_begins_with_headers_at_a_page(void **state) {
    (void)state;
    uint8_t page[8192];
    struct cast_mount *mount = take("/a", "application/ogg; codecs=opus");
    assert_true(mount->is_ogg);
    size_t headers = 0, bytes = page_make(page, 2, 0, 19);
    put_on_air(mount, page, bytes);
    headers += bytes;
    bytes = page_make(page, 0, 0, 700);
    put_on_air(mount, page, bytes);
    headers += bytes;
    assert_null(mount->headers);          /* more of them may come */
    assert_int_equal(entry(mount, 0), 0); /* who comes now gets them as they are sent */
    assert_int_equal(entry(mount, 1 << 20), 0);
    for (unsigned i = 1; i <= 5; i++) {
        bytes = page_make(page, 0, i * 960, 1000);
        put_on_air(mount, page, bytes);
    }
    assert_non_null(mount->headers);
    assert_int_equal(mount->headers->bytes, headers);
    assert_int_equal(mount->start_count, 5);
    uint64_t last = neap_stream_written(mount->ring) - bytes;
    assert_int_equal(entry(mount, bytes), last);
    assert_int_equal(entry(mount, bytes - 1), neap_stream_written(mount->ring));
    assert_int_equal(entry(mount, 2 * bytes + 5), last - bytes);
    assert_int_equal(entry(mount, 1 << 20), headers);
    assert_int_equal(cast_mount_landing(mount), headers);
    /* A chain with other headers: places before it are gone. */
    bytes = page_make(page, 2, 0, 30);
    put_on_air(mount, page, bytes);
    size_t chain = bytes;
    bytes = page_make(page, 0, 960, 500);
    put_on_air(mount, page, bytes);
    assert_int_equal(mount->headers->bytes, chain);
    assert_int_equal(mount->start_count, 1);
    for (unsigned i = 0; i < 600; i++) {
        bytes = page_make(page, 0, i + 960, 50);
        put_on_air(mount, page, bytes);
    }
    assert_int_equal(mount->start_count, CAST_STARTS_MOST);
    assert_sound(mount);
    cast_mount_drop(mount);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mount_has_one_source, open_air, close_air),
        cmocka_unit_test_setup_teardown(a_source_comes_back, open_air, close_air),
        cmocka_unit_test_setup_teardown(titles, open_air, close_air),
        cmocka_unit_test_setup_teardown(what_begins_as_ogg_is_ogg, open_air, close_air),
        cmocka_unit_test_setup_teardown(where_a_listener_begins, open_air, close_air),
        cmocka_unit_test_setup_teardown(who_is_late_and_where_he_goes_on, open_air, close_air),
        cmocka_unit_test_setup_teardown(ogg_begins_with_headers_at_a_page, open_air, close_air),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
