/* The files of an image: each opened once, those with code first, and not again by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "inspect/process/image_file.h"

enum { MAPPINGS = 1200, PATH_BYTES = 64 };

static char folder[] = "/tmp/neap-image-file-XXXXXX";
static char paths[MAPPINGS][PATH_BYTES];

static void file_make(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* An image of mappings, one page each; all on the heap, as neap_process_image_clear wants it. */
static struct neap_process_image image_of(size_t count) {
    struct neap_process_image image = {.core = true, .page_bytes = 4096, .mapping_count = count};
    image.mappings = calloc(count + 1, sizeof(*image.mappings));
    assert_non_null(image.mappings);
    for (size_t i = 0; i < count; i++)
        image.mappings[i] = (struct neap_image_mapping){
            .start = (i + 1) * 4096, .end = (i + 2) * 4096, .access = "r--p", .path = paths[i]};
    return image;
}

static void path_set(size_t number, const char *name) {
    snprintf(paths[number], PATH_BYTES, "%s/%s", folder, name);
}

static void test_one_file_for_all_its_mappings(void **state) {
    (void)state;
    char text[4] = "";
    path_set(0, "library");
    strcpy(paths[1], "");
    path_set(2, "library");
    path_set(3, "absent");
    path_set(4, "pipe");
    file_make(paths[0], "0123456789");
    assert_int_equal(mkfifo(paths[4], 0600), 0);
    struct neap_process_image image = image_of(5);
    assert_int_equal(neap_image_files_open(&image), NEAP_OK);
    assert_int_equal(image.file_count, 1);
    const struct neap_os_held_file *file = neap_image_file(&image, &image.mappings[2]);
    assert_ptr_equal(file, neap_image_file(&image, &image.mappings[0]));
    for (size_t i = 1; i < 5; i += i == 1 ? 2 : 1)
        assert_null(neap_image_file(&image, &image.mappings[i]));

    /* It stays this file, whatever is there later; and what is cut off is an error. */
    assert_int_equal(unlink(paths[0]), 0);
    file_make(paths[0], "another");
    assert_true(file->bytes == 10);
    assert_int_equal(neap_os_held_file_read(file, 2, text, 3), NEAP_OK);
    assert_string_equal(text, "234");
    assert_int_equal(neap_os_held_file_read(file, 8, text, 3), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_held_file_read(file, UINT64_MAX, text, 3), NEAP_ERROR_FORMAT);
    neap_process_image_clear(&image);
    assert_true(unlink(paths[0]) == 0 && unlink(paths[4]) == 0);
}

/* More files than a process may have open: the libraries come first, and nothing else suffers. */
static void test_many_files(void **state) {
    (void)state;
    char name[16];
    for (size_t i = 0; i < MAPPINGS; i++) {
        snprintf(name, sizeof(name), "%s%zu", i < MAPPINGS - 100 ? "data" : "library", i);
        path_set(i, name);
        file_make(paths[i], "x");
    }
    struct neap_process_image image = image_of(MAPPINGS);
    for (size_t i = MAPPINGS - 100; i < MAPPINGS; i++)
        image.mappings[i].access[2] = 'x';
    assert_int_equal(neap_image_files_open(&image), NEAP_OK);
    assert_in_range(image.file_count, 100, 1000);
    for (size_t i = MAPPINGS - 100; i < MAPPINGS; i++)
        assert_non_null(neap_image_file(&image, &image.mappings[i]));
    neap_process_image_clear(&image);
    for (size_t i = 0; i < MAPPINGS; i++)
        unlink(paths[i]);
}

static int folder_make(void **state) {
    (void)state;
    return !mkdtemp(folder);
}

static int folder_remove(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_file_for_all_its_mappings),
        cmocka_unit_test(test_many_files),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
