/* Maps in files: what was saved is found, through any damage nothing else is touched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "containers/map/map_model.h"
#include "os/atomic_file.h"
#include "os/file.h"

enum { ENTRIES = 700 };

static char path[64];

static int set_up(void **state) {
    (void)state;
    snprintf(path, sizeof(path), "/tmp/neap-map-XXXXXX");
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int tear_down(void **state) {
    (void)state;
    return unlink(path);
}

/* Key and value of entry `i`; every 50th key and every 40th value is long. */
static union neap_item text_of(uint32_t i, uint32_t long_every, char room[400]) {
    int bytes = snprintf(room, 400, "%u", i);
    while (i % long_every == 0 && bytes < 390)
        room[bytes] = (char)('a' + bytes % 5), bytes++;
    return (union neap_item){.text = {room, (size_t)bytes}};
}

static neap_map_t *filled(void) {
    char key[400], value[400];
    neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_BYTES, NULL);
    for (uint32_t i = 0; i < ENTRIES; i++)
        assert_int_equal(neap_map_put(map, text_of(i, 50, key), text_of(i, 40, value), NULL), NEAP_OK);
    return map;
}

static void compare(const neap_map_t *map) {
    char key[400], value[400];
    union neap_item found;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        union neap_item wanted = text_of(i, 40, value);
        assert_true(neap_map_get(map, text_of(i, 50, key), &found));
        assert_int_equal(found.text.bytes, wanted.text.bytes);
        assert_memory_equal(found.text.data, wanted.text.data, wanted.text.bytes);
    }
    assert_false(neap_map_get(map, text_of(ENTRIES, 50, key), NULL));
    assert_int_equal(neap_map_count(map), ENTRIES);
}

static void a_saved_map_is_found_in_its_file(void **state) {
    (void)state;
    neap_map_t *map = filled(), *file, *copy;
    const char *why;
    assert_int_equal(neap_map_save(map, path), NEAP_OK);
    assert_true(neap_map_check(map, &why));
    neap_map_destroy(map);
    assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
    assert_true(neap_map_is_file(file));
    compare(file);
    assert_int_equal(neap_map_verify(file), NEAP_OK);
    union neap_item item = {.text = {"7", 1}};
    assert_int_equal(neap_map_put(file, item, item, NULL), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_map_add(file, item, item, NULL), NEAP_ERROR_PERMISSION);
    assert_false(neap_map_remove(file, item));
    assert_false(neap_map_clear(file));
    assert_int_equal(neap_map_trim(file), 0);
    compare(file);
    copy = neap_map_copy(file, NULL);
    assert_int_equal(neap_map_save(file, path), NEAP_OK); /* over the file it is */
    neap_map_destroy(file);
    compare(copy);
    assert_true(neap_map_remove(copy, item));
    neap_map_destroy(copy);
    assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
    compare(file);
    neap_map_destroy(file);
}

static void empty_maps_and_sets_too(void **state) {
    (void)state;
    neap_map_t *map = neap_map_new(NEAP_KIND_U64, NEAP_KIND_NONE, NULL), *file;
    assert_int_equal(neap_map_save(map, path), NEAP_OK);
    assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
    assert_int_equal(neap_map_count(file), 0);
    assert_false(neap_map_get(file, (union neap_item){.u = 1}, NULL));
    assert_false(neap_map_any(file, NULL, NULL));
    assert_int_equal(neap_map_verify(file), NEAP_OK);
    neap_map_destroy(file);
    assert_int_equal(neap_map_put(map, (union neap_item){.u = 1}, (union neap_item){.u = 0}, NULL), NEAP_OK);
    assert_int_equal(neap_map_save(map, path), NEAP_OK);
    assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
    assert_true(neap_map_get(file, (union neap_item){.u = 1}, NULL));
    neap_map_destroy(file);
    neap_map_destroy(map);
}

static void a_failed_save_leaves_the_old_file(void **state) {
    (void)state;
    neap_map_t *map = filled(), *file;
    assert_int_equal(neap_map_save(map, path), NEAP_OK);
    neap_map_clear(map);
    for (unsigned n = 1;; n++) {
        neap_os_atomic_file_fault_after(n);
        int error = neap_map_save(map, path);
        neap_os_atomic_file_fault_after(0);
        if (error == NEAP_OK)
            break;
        assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
        compare(file);
        neap_map_destroy(file);
    }
    assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
    assert_int_equal(neap_map_count(file), 0);
    neap_map_destroy(file);
    neap_map_destroy(map);
}

/* Uses a map in every way that reading knows. */
static uint64_t read_all(const neap_map_t *map) {
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    char room[400];
    const char *why;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ENTRIES; i += 7) {
        if (neap_map_get(map, text_of(i, 50, room), &value))
            sum += value.text.bytes > 0 ? *(const unsigned char *)value.text.data : 0;
    }
    while (neap_map_next(map, &cursor, &key, &value)) {
        for (size_t at = 0; at < value.text.bytes; at++)
            sum += ((const unsigned char *)value.text.data)[at];
        for (size_t at = 0; at < key.text.bytes; at++)
            sum += ((const unsigned char *)key.text.data)[at];
    }
    neap_map_any(map, &key, &value);
    neap_map_check(map, &why);
    return sum;
}

static void damage_is_noticed_and_harms_nobody(void **state) {
    (void)state;
    neap_map_t *map = filled(), *file;
    const void *data;
    size_t bytes;
    assert_int_equal(neap_map_save(map, path), NEAP_OK);
    assert_int_equal(neap_os_file_map(path, &data, &bytes), NEAP_OK);
    size_t head = 64 + (sizeof(struct neap__map_head) + 63) / 64 * 64;
    /* A copy that ends where its memory ends: a byte beyond is a fault under ASan. */
    unsigned char *copy = aligned_alloc(64, (bytes + 63) / 64 * 64);
    uint32_t random = 1;
    for (int round = 0; round < 300; round++) {
        memcpy(copy, data, bytes);
        for (int change = 0; change < 1 + round % 5; change++) {
            random = random * 1664525 + 1013904223;
            size_t at = head + (random >> 3) % (bytes - head);
            if (round % 3 == 0) /* among the offsets, the worst place */
                at = bytes - 1 - (random >> 3) % 64;
            copy[at] ^= (unsigned char)(1u << random % 8);
        }
        assert_int_equal(neap__map_view(copy, bytes, &file), NEAP_OK);
        read_all(file);
        neap_map_t *clone = neap_map_copy(file, NULL);
        neap_map_destroy(clone);
        neap_map_destroy(file);
    }
    neap_os_file_unmap(data, bytes);
    /* And on disk: verifying finds every flipped byte. */
    for (size_t at = head; at < bytes; at += 101) {
        FILE *stream = fopen(path, "r+b");
        fseek(stream, (long)at, SEEK_SET);
        int byte = fgetc(stream);
        fseek(stream, (long)at, SEEK_SET);
        fputc(byte ^ 16, stream);
        fclose(stream);
        assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
        assert_int_equal(neap_map_verify(file), NEAP_ERROR_FORMAT);
        read_all(file);
        neap_map_destroy(file);
        assert_int_equal(neap_map_save(map, path), NEAP_OK);
    }
    free(copy);
    neap_map_destroy(map);
}

/* Another process makes the file shorter while it is open: nothing is found where it was, and it is noticed.
 */
static void a_file_that_is_cut_is_damage(void **state) {
    (void)state;
    neap_map_t *map = filled(), *file;
    struct neap_map_cursor cursor = {0};
    const char *why;
    char copy_path[80], key[400];
    for (long kept = 0; kept <= 16384; kept += 4096) {
        assert_int_equal(neap_map_save(map, path), NEAP_OK);
        assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
        assert_true(neap_map_get(file, text_of(7, 50, key), NULL));
        assert_int_equal(truncate(path, kept), 0);
        read_all(file);
        assert_true(neap_map_is_damaged(file));
        assert_false(neap_map_get(file, text_of(7, 50, key), NULL));
        assert_false(neap_map_next(file, &cursor, NULL, NULL));
        assert_false(neap_map_any(file, NULL, NULL));
        assert_false(neap_map_check(file, &why));
        assert_int_equal(neap_map_verify(file), NEAP_ERROR_FORMAT);
        assert_null(neap_map_copy(file, NULL));
        snprintf(copy_path, sizeof(copy_path), "%s.copy", path);
        assert_int_equal(neap_map_save(file, copy_path), NEAP_ERROR_FORMAT);
        assert_int_equal(errno, EIO);
        assert_int_not_equal(access(copy_path, F_OK), 0);
        neap_map_destroy(file);
    }
    neap_map_destroy(map);
}

/* Where the end of the file comes to lie between a key and its value, the value reads as zeros. */
static void no_value_is_made_of_what_is_lost(void **state) {
    enum { NUMBERS = 20000, CUTS = 40 };
    (void)state;
    neap_map_t *map = neap_map_new(NEAP_KIND_U64, NEAP_KIND_U64, NULL), *file;
    struct stat status;
    for (uint64_t i = 1; i <= NUMBERS; i++)
        assert_int_equal(neap_map_put(map, (union neap_item){.u = i}, (union neap_item){.u = ~i}, NULL),
                         NEAP_OK);
    for (int n = 0; n < CUTS; n++) {
        union neap_item value, key;
        struct neap_map_cursor cursor = {0};
        assert_int_equal(neap_map_save(map, path), NEAP_OK);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(neap_map_open(path, NULL, &file), NEAP_OK);
        assert_int_equal(truncate(path, status.st_size / CUTS * n / 4096 * 4096), 0);
        while (neap_map_next(file, &cursor, &key, &value))
            assert_int_equal(value.u, ~key.u);
        for (uint64_t i = 1; i <= NUMBERS; i++)
            assert_true(!neap_map_get(file, (union neap_item){.u = i}, &value) || value.u == ~i);
        assert_true(neap_map_is_damaged(file));
        neap_map_destroy(file);
    }
    neap_map_destroy(map);
}

/* Whether something is there when a map is saved, it is said what. */
static void what_is_no_file_is_not_replaced(void **state) {
    (void)state;
    neap_map_t *map = filled();
    errno = 0;
    assert_int_equal(neap_map_save(map, "/tmp"), NEAP_ERROR_FORMAT);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(neap_map_save(map, path), NEAP_ERROR_FORMAT);
    assert_int_equal(errno, ENODEV);
    assert_int_equal(neap_map_save(map, "/dev/null"), NEAP_ERROR_FORMAT);
    assert_int_equal(errno, ENODEV);
    assert_int_equal(neap_map_save(map, "/tmp/no such folder/map"), NEAP_ERROR_ABSENT);
    neap_map_destroy(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_saved_map_is_found_in_its_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_maps_and_sets_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_save_leaves_the_old_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_noticed_and_harms_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_is_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_value_is_made_of_what_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_not_replaced, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
