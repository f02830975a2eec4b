/* Descriptors: what is no regular file is refused without waiting; what stands behind a path. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/path.h"

static char folder[] = "/tmp/neap-descriptor-XXXXXX";
static char file[64], pipe_path[64], absent[64];

static int folder_make(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(file, sizeof(file), "%s/file", folder);
    snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", folder);
    snprintf(absent, sizeof(absent), "%s/absent", folder);
    FILE *out = fopen(file, "w");
    return !out || fputs("0123456789", out) < 0 || fclose(out) != 0 || mkfifo(pipe_path, 0600) != 0;
}

static int folder_remove(void **state) {
    (void)state;
    return unlink(file) != 0 || unlink(pipe_path) != 0 || rmdir(folder) != 0;
}

static void test_path_kind(void **state) {
    (void)state;
    assert_int_equal(neap_os_path_kind(file), NEAP_OS_PATH_FILE);
    assert_int_equal(neap_os_path_kind(folder), NEAP_OS_PATH_FOLDER);
    assert_int_equal(neap_os_path_kind(pipe_path), NEAP_OS_PATH_STREAM);
    assert_int_equal(neap_os_path_kind("/dev/null"), NEAP_OS_PATH_STREAM);
    assert_int_equal(neap_os_path_kind(absent), NEAP_OS_PATH_NONE);
}

static void test_open(void **state) {
    (void)state;
    int descriptor = -1;
    char out[4] = "";
    assert_int_equal(neap_os_descriptor_open(absent, &descriptor), NEAP_ERROR_ABSENT);
    assert_int_equal(neap_os_descriptor_open(folder, &descriptor), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_descriptor_open(pipe_path, &descriptor), NEAP_ERROR_FORMAT);
    assert_int_equal(descriptor, -1);
    assert_int_equal(neap_os_descriptor_open(file, &descriptor), NEAP_OK);
    assert_true(neap_os_descriptor_read(descriptor, 3, out, sizeof(out)));
    assert_memory_equal(out, "3456", sizeof(out));
    assert_false(neap_os_descriptor_read(descriptor, 8, out, sizeof(out)));
    neap_os_descriptor_close(descriptor);
}

static void test_standard_streams(void **state) {
    (void)state;
    assert_true(neap_os_descriptor_standard_are_open());
    for (int number = 0; number < 3; number++) {
        int kept = dup(number);
        close(number);
        bool open = neap_os_descriptor_standard_are_open();
        dup2(kept, number);
        close(kept);
        assert_false(open);
    }
    assert_true(neap_os_descriptor_standard_are_open());
}

static void test_no_terminal(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_false(neap_os_descriptor_is_terminal(ends[0]));
    assert_int_equal(neap_os_descriptor_columns(ends[0]), 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_kind),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_standard_streams),
        cmocka_unit_test(test_no_terminal),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
