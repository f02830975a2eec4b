/* Named memory: it appears whole, has one writer, and the writer's end is seen however it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/segment.h"

enum { OTHER = 65534 };

static char name[64];

static int make_name(void **state) {
    static unsigned count;
    (void)state;
    snprintf(name, sizeof(name), "test-segment.%d.%u", (int)getpid(), count++);
    return 0;
}

static int remove_name(void **state) {
    struct neap_os_segment segment;
    (void)state;
    if (neap_os_segment_take(&segment, name) == NEAP_OK) {
        neap_os_segment_unname(&segment);
        neap_os_segment_close(&segment);
    }
    return 0;
}

static void make_and_publish(struct neap_os_segment *segment) {
    assert_int_equal(neap_os_segment_make(segment, name, 10000, 0600), NEAP_OK);
    assert_int_equal(neap_os_segment_publish(segment), NEAP_OK);
}

static void appears_whole(void **state) {
    (void)state;
    struct neap_os_segment made, seen;
    assert_int_equal(neap_os_segment_make(&made, name, 10000, 0600), NEAP_OK);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_ERROR_ABSENT);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(((char *)made.address)[i], 0);
    strcpy(made.address, "whole");
    assert_int_equal(neap_os_segment_publish(&made), NEAP_OK);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_OK);
    assert_int_equal(seen.bytes, 10000);
    assert_string_equal(seen.address, "whole");
    neap_os_segment_close(&seen);
    neap_os_segment_close(&seen);
    neap_os_segment_close(&made);
}

static void one_writer(void **state) {
    (void)state;
    struct neap_os_segment made, other, seen;
    make_and_publish(&made);
    assert_int_equal(neap_os_segment_take(&other, name), NEAP_ERROR_BUSY);
    assert_int_equal(neap_os_segment_make(&other, name, 10000, 0600), NEAP_OK);
    assert_int_equal(neap_os_segment_publish(&other), NEAP_ERROR_BUSY);
    neap_os_segment_unname(&other); /* not its own: it stays */
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_OK);
    neap_os_segment_close(&other);
    assert_true(neap_os_segment_has_writer(&seen));
    neap_os_segment_close(&made);
    assert_false(neap_os_segment_has_writer(&seen));
    assert_int_equal(neap_os_segment_take(&made, name), NEAP_OK);
    assert_true(neap_os_segment_has_writer(&seen));
    neap_os_segment_unname(&made);
    neap_os_segment_close(&made);
    assert_int_equal(neap_os_segment_take(&made, name), NEAP_ERROR_ABSENT);
    neap_os_segment_close(&seen);
}

/* A mapping would keep the lock in the child, had it been made by the descriptor that holds it. */
static void a_child_does_not_keep_it(void **state) {
    (void)state;
    struct neap_os_segment made, seen;
    int hold[2], up[2];
    char byte = 0;
    assert_int_equal(pipe(hold) | pipe(up), 0);
    make_and_publish(&made);
    pid_t child = fork();
    if (child == 0) {
        close(hold[1]);
        _exit(made.writing || !neap_os_segment_has_writer(&made) || write(up[1], "x", 1) != 1 ||
              read(hold[0], &byte, 1) != 1 || neap_os_segment_has_writer(&made));
    }
    assert_true(made.writing);
    close(hold[0]);
    close(up[1]);
    assert_int_equal(read(up[0], &byte, 1), 1); /* it lets go while it comes up */
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_OK);
    neap_os_segment_close(&made);
    assert_false(neap_os_segment_has_writer(&seen));
    assert_int_equal(write(hold[1], "x", 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(hold[1]);
    close(up[0]);
    neap_os_segment_close(&seen);
}

static char path[128];

static void make_path(void) {
    snprintf(path, sizeof(path), "/dev/shm/neap.%s", name);
}

/* Anybody may take a name first. */
static void only_the_caller_s_and_root_s(void **state) {
    (void)state;
    struct neap_os_segment made, seen;
    if (geteuid() != 0)
        skip();
    make_and_publish(&made);
    make_path();
    neap_os_segment_close(&made);
    assert_int_equal(chown(path, OTHER, OTHER), 0);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_segment_open(&seen, name, OTHER - 1), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_segment_take(&seen, name), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_segment_open(&seen, name, OTHER), NEAP_OK);
    neap_os_segment_close(&seen);
    pid_t child = fork(); /* root's, for another user */
    if (child == 0) {
        if (chown(path, 0, 0) != 0 || chmod(path, 0644) != 0 || setresuid(OTHER, OTHER, OTHER) != 0 ||
            neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT) != NEAP_OK)
            _exit(1);
        _exit(neap_os_segment_open(&seen, name, OTHER) != NEAP_ERROR_PERMISSION);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void what_others_may_write_is_not_read(void **state) {
    (void)state;
    struct neap_os_segment made, seen;
    struct stat stat_of;
    assert_int_equal(neap_os_segment_make(&made, name, 10000, 0666), NEAP_OK);
    assert_int_equal(neap_os_segment_publish(&made), NEAP_OK);
    make_path();
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0644);
    neap_os_segment_close(&made);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_segment_take(&made, name), NEAP_OK); /* its owner takes that away */
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_OK);
    neap_os_segment_close(&seen);
    neap_os_segment_close(&made);
}

static void what_is_not_a_file_of_one_name(void **state) {
    (void)state;
    struct neap_os_segment made, seen;
    char second[160];
    make_and_publish(&made);
    make_path();
    snprintf(second, sizeof(second), "%s.second", path);
    assert_int_equal(link(path, second), 0);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_ERROR_PERMISSION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(second, path), 0);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_segment_take(&seen, name), NEAP_ERROR_PERMISSION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_ERROR_FORMAT);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(unlink(second), 0);
    neap_os_segment_close(&made);
}

static void a_segment_that_is_cut(void **state) {
    (void)state;
    struct neap_os_segment made, seen;
    make_and_publish(&made);
    make_path();
    assert_int_equal(neap_os_segment_open(&seen, name, NEAP_OS_SEGMENT_OWN_OR_ROOT), NEAP_OK);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(((volatile char *)seen.address)[9999], 0);
    assert_true(neap_os_segment_is_cut(&seen));
    assert_false(neap_os_segment_is_cut(&made));
    memset(made.address, 1, 10000);
    assert_true(neap_os_segment_is_cut(&made));
    neap_os_segment_close(&seen);
    neap_os_segment_close(&made);
    assert_int_equal(unlink(path), 0);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_name, remove_name)
    const struct CMUnitTest tests[] = {
        TEST(appears_whole),
        TEST(one_writer),
        TEST(a_child_does_not_keep_it),
        TEST(only_the_caller_s_and_root_s),
        TEST(what_others_may_write_is_not_read),
        TEST(what_is_not_a_file_of_one_name),
        TEST(a_segment_that_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
