/* Functions that take a const map, each beside each in two threads: on a map in memory and on one from a
 * file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/map.h>

#include "../common/const_pairs.h"

enum { ENTRIES = 300 };

static const neap_map_t *map;
static char folder[] = "/tmp/neap-map-threads.XXXXXX";

static union neap_item key_of(unsigned i, char room[400]) {
    int bytes = snprintf(room, 400, "%u", i);
    while (i % 50 == 0 && bytes < 390)
        room[bytes++] = 'k'; /* some are long */
    return (union neap_item){.text = {room, (size_t)bytes}};
}

static void get(void) {
    char room[400];
    union neap_item value;
    for (unsigned i = 0; i < ENTRIES; i++) {
        assert_true(neap_map_get(map, key_of(i, room), &value));
        assert_int_equal(value.u, i);
    }
}

static void walk(void) {
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    unsigned count = 0;
    while (neap_map_next(map, &cursor, &key, &value))
        count++;
    assert_int_equal(count, ENTRIES);
    assert_true(neap_map_any(map, &key, &value));
}

static void copy(void) {
    neap_map_t *copy = neap_map_copy(map, NULL);
    assert_int_equal(neap_map_count(copy), ENTRIES);
    neap_map_destroy(copy);
}

static void save(void) {
    static _Atomic unsigned saved;
    char path[128];
    snprintf(path, sizeof(path), "%s/%u", folder, saved++);
    assert_int_equal(neap_map_save(map, path), NEAP_OK);
    unlink(path);
}

static void check(void) {
    const char *why;
    assert_true(neap_map_check(map, &why));
    assert_int_equal(neap_map_verify(map), NEAP_OK);
}

static void figures(void) {
    assert_true(neap_map_bytes(map) > 0);
    assert_int_equal(neap_map_count(map), ENTRIES);
    assert_false(neap_map_is_damaged(map));
    neap_map_changes(map);
    neap_map_is_file(map);
    neap_map_key_kind(map);
    neap_map_value_kind(map);
}

static const struct const_call calls[] = {
    {"get", get}, {"walk", walk}, {"copy", copy}, {"save", save}, {"check", check}, {"figures", figures},
};

static void each_beside_each(void **state) {
    (void)state;
    char room[400], path[128];
    neap_map_t *made = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL), *file;
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_int_equal(neap_map_put(made, key_of(i, room), (union neap_item){.u = i}, NULL), NEAP_OK);
    map = made;
    assert_non_null(mkdtemp(folder));
    const_pairs_run(calls, sizeof(calls) / sizeof(calls[0]));
    snprintf(path, sizeof(path), "%s/map", folder);
    assert_int_equal(neap_map_save(made, path), NEAP_OK);
    assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
    map = file;
    const_pairs_run(calls, sizeof(calls) / sizeof(calls[0]));
    neap_map_destroy(made);
    neap_map_destroy(file);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_beside_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
