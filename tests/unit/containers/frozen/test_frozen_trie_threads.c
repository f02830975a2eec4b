/* Functions that take a const trie or a frozen trie, each beside each in two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/frozen_trie.h>

#include "../common/const_pairs.h"

enum { ENTRIES = 300 };

static const neap_trie_t *trie;
static const neap_frozen_trie_t *frozen;
static char folder[] = "/tmp/neap-trie-threads.XXXXXX";

static union neap_item key_of(unsigned i, char room[32]) {
    return (union neap_item){.text = {room, (size_t)snprintf(room, 32, "%u-key", i)}};
}

static const struct neap_trie_range range = {
    .first = {.text = {"1", 1}}, .last = {.text = {"7", 1}}, .has_first = true, .has_last = true};

static void get(void) {
    char room[32];
    union neap_item value;
    for (unsigned i = 0; i < ENTRIES; i++) {
        assert_true(neap_trie_get(trie, key_of(i, room), &value));
        assert_int_equal(value.u, i);
        assert_true(neap_trie_longest_prefix(trie, key_of(i, room), SIZE_MAX, NULL, NULL));
    }
}

static void walk(void) {
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
    union neap_item key, value;
    unsigned count = 0;
    while (neap_trie_cursor_next(cursor, &key, &value) > 0)
        count++;
    assert_int_equal(count, ENTRIES);
    assert_false(neap_trie_cursor_changed(cursor));
    neap_trie_cursor_destroy(cursor);
}

static void count(void) {
    size_t count = 0;
    assert_int_equal(neap_trie_range_count(trie, &range, &count), NEAP_OK);
    assert_true(count > 0 && count < ENTRIES);
    assert_true(neap_trie_bytes(trie) > 0);
    assert_int_equal(neap_trie_count(trie), ENTRIES);
}

static void freeze(void) {
    neap_frozen_trie_t *made = neap_trie_freeze(trie, NULL);
    assert_int_equal(neap_frozen_trie_count(made), ENTRIES);
    neap_frozen_trie_destroy(made);
}

static void check(void) {
    const char *why;
    assert_true(neap_trie_check(trie, &why));
}

static void frozen_get(void) {
    char room[32];
    union neap_item value;
    for (unsigned i = 0; i < ENTRIES; i++) {
        assert_true(neap_frozen_trie_get(frozen, key_of(i, room), &value));
        assert_int_equal(value.u, i);
        assert_true(neap_frozen_trie_longest_prefix(frozen, key_of(i, room), SIZE_MAX, NULL, NULL));
    }
    assert_false(neap_frozen_trie_is_damaged(frozen));
}

static void frozen_walk(void) {
    neap_frozen_cursor_t *cursor = neap_frozen_cursor_new(frozen, &range);
    union neap_item key, value;
    size_t found = 0, counted = 0;
    while (neap_frozen_cursor_next(cursor, &key, &value) > 0)
        found++;
    neap_frozen_cursor_destroy(cursor);
    assert_int_equal(neap_frozen_trie_range_count(frozen, &range, &counted), NEAP_OK);
    assert_int_equal(found, counted);
}

static void frozen_save(void) {
    static _Atomic unsigned saved;
    char path[128];
    snprintf(path, sizeof(path), "%s/%u", folder, saved++);
    assert_int_equal(neap_frozen_trie_save(frozen, path), NEAP_OK);
    unlink(path);
}

static void frozen_check(void) {
    const char *why;
    assert_true(neap_frozen_trie_check(frozen, &why));
}

static const struct const_call calls[] = {
    {"get", get},
    {"walk", walk},
    {"count", count},
    {"freeze", freeze},
    {"check", check},
    {"frozen_get", frozen_get},
    {"frozen_walk", frozen_walk},
    {"frozen_save", frozen_save},
    {"frozen_check", frozen_check},
};

static void each_beside_each(void **state) {
    (void)state;
    char room[32], path[128];
    neap_trie_t *made = neap_trie_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL);
    neap_frozen_trie_t *made_frozen, *file;
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_int_equal(neap_trie_set(made, key_of(i, room), (union neap_item){.u = i}), NEAP_OK);
    made_frozen = neap_trie_freeze(made, NULL);
    trie = made;
    frozen = made_frozen;
    assert_non_null(mkdtemp(folder));
    const_pairs_run(calls, sizeof(calls) / sizeof(calls[0]));
    snprintf(path, sizeof(path), "%s/trie", folder);
    assert_int_equal(neap_frozen_trie_save(made_frozen, path), NEAP_OK);
    assert_int_equal(neap_frozen_trie_open(path, &file), NEAP_OK);
    frozen = file;
    const_pairs_run(calls, sizeof(calls) / sizeof(calls[0]));
    neap_trie_destroy(made);
    neap_frozen_trie_destroy(made_frozen);
    neap_frozen_trie_destroy(file);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_beside_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
