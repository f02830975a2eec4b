/* Files that are mapped or read in pieces, and what is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

static char folder[] = "./neap-file-XXXXXX", path[64], empty[64], pipe_path[64];

static int make(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/text", folder);
    snprintf(empty, sizeof(empty), "%s/empty", folder);
    snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", folder);
    FILE *file = fopen(path, "w"), *none = fopen(empty, "w");
    bool made = file && none && fputs("0123456789", file) >= 0 && mkfifo(pipe_path, 0600) == 0;
    return fclose(file) == 0 && fclose(none) == 0 && made ? 0 : 1;
}

static int clear(void **state) {
    (void)state;
    unlink(path);
    unlink(empty);
    unlink(pipe_path);
    return rmdir(folder);
}

static void test_read(void **state) {
    (void)state;
    char out[16] = "";
    assert_int_equal(neap_os_file_read(path, 3, out, 4), NEAP_OK);
    assert_string_equal(out, "3456");
    assert_int_equal(neap_os_file_read(path, 6, out, 4), NEAP_OK);
    assert_int_equal(neap_os_file_read(path, 7, out, 4), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_read(path, UINT64_MAX, out, 4), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_read(path, 10, out, 0), NEAP_OK);
    assert_int_equal(neap_os_file_read(empty, 0, out, 1), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_read(pipe_path, 0, out, 1), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_read(folder, 0, out, 1), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_read("./no such file", 0, out, 1), NEAP_ERROR_ABSENT);
}

static void test_map(void **state) {
    (void)state;
    char inside[72];
    const void *data;
    size_t bytes;
    assert_int_equal(neap_os_file_map(path, &data, &bytes), NEAP_OK);
    assert_int_equal(bytes, 10);
    assert_memory_equal(data, "0123456789", 10);
    neap_os_file_unmap(data, bytes);
    assert_int_equal(neap_os_file_map(empty, &data, &bytes), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_map(pipe_path, &data, &bytes), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_map(folder, &data, &bytes), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_file_map("./no such file", &data, &bytes), NEAP_ERROR_ABSENT);
    snprintf(inside, sizeof(inside), "%s/x", path);
    assert_int_equal(neap_os_file_map(inside, &data, &bytes), NEAP_ERROR_ABSENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
