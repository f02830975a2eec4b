/* A map's file as each released version wrote it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/map.h>

enum { ENTRIES = 120 };

#define PATH NEAP_TEST_GOLDEN "/map-1"

static union neap_item key_of(uint32_t i, char room[400]) {
    int bytes = snprintf(room, 400, "key %u", i);
    while (i % 30 == 0 && bytes < 300) /* longer than what lies within a group or a leaf */
        room[bytes] = (char)('a' + bytes % 5), bytes++;
    return (union neap_item){.text = {room, (size_t)bytes}};
}

static int64_t value_of(uint32_t i) {
    return i % 3 == 0 ? -(int64_t)i : (int64_t)i * 1000003;
}

static int write_today(void) {
    char key[400];
    neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_I64, NULL);
    for (uint32_t i = 0; i < ENTRIES; i++)
        assert_int_equal(neap_map_put(map, key_of(i, key), (union neap_item){.i = value_of(i)}, NULL),
                         NEAP_OK);
    int error = neap_map_save(map, PATH);
    neap_map_destroy(map);
    return error;
}

/* The files are of little-endian machines, and written where NEAP_GOLDEN_WRITE asks for it. */
static void need_file(int (*write_it)(void)) {
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        skip();
    if (access(PATH, R_OK) != 0 && getenv("NEAP_GOLDEN_WRITE"))
        assert_int_equal(write_it(), 0);
}

static void test_version_1(void **state) {
    (void)state;
    char key[400];
    neap_map_t *map = NULL;
    union neap_item value;
    need_file(write_today);
    assert_int_equal(neap_map_open(PATH, NULL, &map), NEAP_OK);
    assert_int_equal(neap_map_verify(map), NEAP_OK);
    assert_int_equal(neap_map_key_kind(map), NEAP_KIND_STR);
    assert_int_equal(neap_map_value_kind(map), NEAP_KIND_I64);
    assert_int_equal(neap_map_count(map), ENTRIES);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        assert_true(neap_map_get(map, key_of(i, key), &value));
        assert_true(value.i == value_of(i));
    }
    assert_false(neap_map_get(map, key_of(ENTRIES, key), NULL));
    neap_map_destroy(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_version_1)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
