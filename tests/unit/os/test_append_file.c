/* Files that lines are appended to: what is opened, what is refused, and that no line gets lost unseen. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#include "os/append_file.h"

#include "as_user.h"

static char folder[] = "/tmp/neap-append-XXXXXX", path[PATH_MAX], other[PATH_MAX];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/log", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void assert_content(const char *name, const char *wanted) {
    char found[200] = "";
    int file = open(name, O_RDONLY);
    assert_true(file >= 0);
    assert_int_equal(read(file, found, sizeof(found) - 1), strlen(wanted));
    close(file);
    assert_string_equal(found, wanted);
}

static void lines_are_appended(void **state) {
    (void)state;
    struct stat facts;
    int file;
    bool made;
    umask(0);
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_OK);
    assert_true(made);
    assert_true(neap_os_append_write(file, "one\n", 4));
    assert_int_equal(fstat(file, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
    close(file);
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_OK);
    assert_false(made);
    assert_true(neap_os_append_write(file, "two\n", 4));
    close(file);
    assert_content(path, "one\ntwo\n");
}

static void the_number_goes_on(void **state) {
    (void)state;
    int file, fresh;
    bool made;
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_OK);
    assert_true(neap_os_append_write(file, "one\n", 4));
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(neap_os_append_open(path, &fresh, &made), NEAP_OK);
    neap_os_append_replace(file, fresh);
    assert_int_equal(fcntl(fresh, F_GETFD), -1);
    assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
    assert_true(neap_os_append_write(file, "two\n", 4));
    close(file);
    assert_content(other, "one\n");
    assert_content(path, "two\n");
}

static void names_that_others_could_have_made_are_refused(void **state) {
    (void)state;
    int file = 77, target = open(other, O_WRONLY | O_CREAT, 0600);
    bool made;
    close(target);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_ERROR_PERMISSION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(other, path), 0);
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_ERROR_PERMISSION);
    assert_int_equal(errno, EMLINK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody reads it: not waited for */
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_ERROR_SYSTEM);
    assert_int_equal(errno, ENXIO);
    assert_int_equal(neap_os_append_open("/nonexistent/log", &file, &made), NEAP_ERROR_SYSTEM);
    assert_int_equal(file, 77);
    if (geteuid() != 0)
        return;
    assert_int_equal(lchown(path, 65534, 65534), 0);
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_ERROR_PERMISSION);
}

static void a_full_disk_is_told(void **state) {
    (void)state;
    int file;
    bool made;
    assert_int_equal(neap_os_append_open("/dev/full", &file, &made), NEAP_OK);
    assert_false(neap_os_append_write(file, "one\n", 4));
    close(file);
}

static void a_file_can_be_given(void **state) {
    (void)state;
    struct stat facts;
    int file;
    bool made;
    assert_int_equal(neap_os_append_open(path, &file, &made), NEAP_OK);
    assert_int_equal(neap_os_append_give(file, 1, 1), geteuid() == 0);
    assert_int_equal(fstat(file, &facts), 0);
    assert_int_equal(facts.st_uid, geteuid() == 0 ? 1 : geteuid());
    close(file);
}

static int group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_appended, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_number_goes_on, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(names_that_others_could_have_made_are_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_can_be_given, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) {
    return run_as_root_and_user(group);
}
