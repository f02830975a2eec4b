/* Files that appear whole: whose they are, what permission bits they get, which links are followed, and that
 * nothing is left of one that fails or is killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "os/atomic_file.h"
#include "os/path.h"

enum { OTHER = 65534 };

static char folder[64], path[128], link_path[128];

static int setup(void **state) {
    (void)state;
    strcpy(folder, "/tmp/atomic_file.XXXXXX");
    umask(022);
    if (!mkdtemp(folder) || chmod(folder, 0777) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/report", folder);
    snprintf(link_path, sizeof(link_path), "%s/link", folder);
    return 0;
}

static size_t entries(void) {
    DIR *directory = opendir(folder);
    size_t count = 0;
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static int teardown(void **state) {
    (void)state;
    unlink(path);
    unlink(link_path);
    return rmdir(folder);
}

static int save(const char *to, const char *text) {
    struct neap_os_atomic_file file;
    int error = neap_os_atomic_file_open(&file, to);
    if (error != NEAP_OK)
        return error;
    error = neap_os_atomic_file_write(&file, text, strlen(text));
    if (error == NEAP_OK)
        return neap_os_atomic_file_commit(&file);
    neap_os_atomic_file_discard(&file);
    return error;
}

static void make(const char *text, mode_t mode, uid_t owner) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    assert_int_equal(fchown(file, owner, owner), 0);
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

static struct stat status_of(const char *at) {
    struct stat status;
    assert_int_equal(lstat(at, &status), 0);
    return status;
}

static void holds(const char *text) {
    char found[64] = {0};
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(found, 1, sizeof(found) - 1, file) == strlen(text));
    assert_string_equal(found, text);
    fclose(file);
}

static void a_new_file_has_the_mode_of_any(void **state) {
    (void)state;
    assert_int_equal(save(path, "new"), NEAP_OK);
    assert_int_equal(status_of(path).st_mode & 07777, 0644);
    assert_int_equal(entries(), 1);
    holds("new");
}

static void ones_own_bits_stay_but_not_set_id(void **state) {
    (void)state;
    make("old", 0600, geteuid());
    assert_int_equal(chmod(path, 06750), 0);
    assert_int_equal(save(path, "new"), NEAP_OK);
    assert_int_equal(status_of(path).st_mode & 07777, 0750);
    holds("new");
}

/* The way in which a user could become root: a set-id file of theirs under root's report. */
static void anothers_bits_do_not_stay(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    make("old", 06777, OTHER);
    assert_int_equal(save(path, "new"), NEAP_OK);
    struct stat status = status_of(path);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(status.st_uid, 0);
}

static void ones_own_link_is_followed(void **state) {
    (void)state;
    make("old", 0640, geteuid());
    assert_int_equal(symlink("report", link_path), 0);
    assert_int_equal(save(link_path, "new"), NEAP_OK);
    assert_true(S_ISLNK(status_of(link_path).st_mode));
    assert_int_equal(status_of(path).st_mode & 07777, 0640);
    holds("new");
}

static void anothers_link_is_not_followed(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    make("old", 0600, 0);
    assert_int_equal(symlink("report", link_path), 0);
    assert_int_equal(lchown(link_path, OTHER, OTHER), 0);
    assert_true(neap_os_path_is_foreign(link_path));
    errno = 0;
    assert_int_equal(save(link_path, "new"), NEAP_ERROR_PERMISSION);
    assert_int_equal(errno, EPERM);
    holds("old");
}

static void anothers_pipe_is_foreign(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_false(neap_os_path_is_foreign(path));
    assert_int_equal(chown(path, OTHER, OTHER), 0);
    assert_true(neap_os_path_is_foreign(path));
}

/* As where somebody puts a link to a file in the place of a pipe that was looked at. */
static void a_stream_that_became_a_file_is_left_alone(void **state) {
    (void)state;
    int descriptor;
    make("old", 0600, geteuid());
    assert_int_equal(symlink("report", link_path), 0);
    assert_int_equal(neap_os_path_stream_open(link_path, &descriptor), NEAP_ERROR_FORMAT);
    holds("old");
    assert_int_equal(neap_os_path_stream_open("/tmp/no such folder/x", &descriptor), NEAP_ERROR_ABSENT);
    assert_int_equal(neap_os_path_stream_open("/dev/null", &descriptor), NEAP_OK);
    close(descriptor);
}

static void what_is_no_file_is_refused(void **state) {
    (void)state;
    assert_int_equal(save(folder, "new"), NEAP_ERROR_FORMAT);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(save(path, "new"), NEAP_ERROR_FORMAT);
    assert_int_equal(errno, ENODEV);
    assert_true(S_ISFIFO(status_of(path).st_mode));
    assert_int_equal(save("/tmp/no such folder/report", "new"), NEAP_ERROR_ABSENT);
    assert_int_equal(symlink("link", link_path), 0);
    assert_int_equal(save(link_path, "new"), NEAP_ERROR_SYSTEM);
    assert_int_equal(errno, ELOOP);
}

static void nothing_is_left_of_what_fails(void **state) {
    (void)state;
    make("old", 0600, geteuid());
    for (unsigned n = 1; n <= 4; n++) {
        neap_os_atomic_file_fault_after(n);
        int error = save(path, "new");
        neap_os_atomic_file_fault_after(0);
        assert_int_equal(error, NEAP_ERROR_SYSTEM);
        assert_int_equal(entries(), 1);
        holds("old");
    }
}

/* As where a process is killed in between: the file system drops a file without a name by itself. */
static void nothing_has_a_name_before_it_is_whole(void **state) {
    struct neap_os_atomic_file file;
    (void)state;
    assert_int_equal(neap_os_atomic_file_open(&file, path), NEAP_OK);
    bool unnamed = file.temporary[0] == '\0';
    size_t found = entries();
    neap_os_atomic_file_discard(&file);
    if (!unnamed)
        skip(); /* this file system has no O_TMPFILE */
    assert_int_equal(found, 0);
}

/* --- drafts ------------------------------------------------------------------------------ */

/* Ends a child that has written a part of a file which has a name from the start. */
static void die_while_writing(void) {
    struct neap_os_atomic_file file;
    int status;
    pid_t child = fork();
    if (child == 0) {
        neap_os_atomic_file_name_drafts(true);
        if (neap_os_atomic_file_open(&file, path) != NEAP_OK)
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void drafts_of_the_dead_are_removed(void **state) {
    struct neap_os_atomic_file file;
    char other[sizeof(folder) + sizeof(file.temporary)];
    (void)state;
    for (int i = 0; i < 5; i++)
        die_while_writing();
    assert_true(entries() >= 1);
    neap_os_atomic_file_name_drafts(true);
    assert_int_equal(neap_os_atomic_file_open(&file, path), NEAP_OK); /* and lives on */
    assert_int_equal(entries(), 1);
    snprintf(other, sizeof(other), "%s/%s", folder, file.temporary);
    assert_int_equal(save(path, "new"), NEAP_OK);
    assert_int_equal(access(other, F_OK), 0); /* it is written still */
    assert_int_equal(neap_os_atomic_file_write(&file, "newer", 5), NEAP_OK);
    assert_int_equal(neap_os_atomic_file_commit(&file), NEAP_OK);
    neap_os_atomic_file_name_drafts(false);
    assert_int_equal(entries(), 1);
    holds("newer");
}

/* What only looks like a draft stays: of another file, of another form, with a second name, no file at all.
 */
static void what_is_no_draft_stays(void **state) {
    static const char *const names[] = {"report.0123456789abcdef", "report.0123456789abcde.neap",
                                        "report.0123456789ABCDEF.neap", "other.0123456789abcdef.neap",
                                        "report.0123456789abcdef.neap.old"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    char at[NAMES + 3][160];
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        snprintf(at[i], sizeof(at[i]), "%s/%s", folder, names[i]);
        close(open(at[i], O_WRONLY | O_CREAT, 0600));
    }
    snprintf(at[NAMES], sizeof(at[0]), "%s/report.1111111111111111.neap", folder);
    assert_int_equal(link(at[0], at[NAMES]), 0);
    snprintf(at[NAMES + 1], sizeof(at[0]), "%s/report.2222222222222222.neap", folder);
    assert_int_equal(symlink(at[1], at[NAMES + 1]), 0);
    snprintf(at[NAMES + 2], sizeof(at[0]), "%s/report.3333333333333333.neap", folder);
    assert_int_equal(mkfifo(at[NAMES + 2], 0600), 0);
    neap_os_atomic_file_name_drafts(true);
    assert_int_equal(save(path, "new"), NEAP_OK);
    neap_os_atomic_file_name_drafts(false);
    assert_int_equal(entries(), NAMES + 4);
    for (int i = 0; i < NAMES + 3; i++)
        assert_int_equal(unlink(at[i]), 0);
}

static void drafts_of_others_stay(void **state) {
    char at[160];
    (void)state;
    if (geteuid() != 0)
        skip();
    snprintf(at, sizeof(at), "%s/report.0123456789abcdef.neap", folder);
    close(open(at, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(chown(at, OTHER, OTHER), 0);
    neap_os_atomic_file_name_drafts(true);
    assert_int_equal(save(path, "new"), NEAP_OK);
    neap_os_atomic_file_name_drafts(false);
    assert_int_equal(unlink(at), 0);
}

/* Several processes save at once, and each looks for the drafts of the dead: none loses its own. */
static void at_the_same_time(void **state) {
    enum { WRITERS = 4, SAVES = 100 };
    pid_t writers[WRITERS];
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            neap_os_atomic_file_name_drafts(true);
            for (int n = 0; n < SAVES; n++)
                if (save(path, "whole") != NEAP_OK)
                    _exit(1);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(entries(), 1);
    holds("whole");
}

/* What a descriptor is cannot be told by the text of its link. */
static void a_link_of_the_kernel_is_no_name(void **state) {
    char through[64];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(through, sizeof(through), "/proc/self/fd/%d", ends[1]);
    assert_int_equal(save(through, "new"), NEAP_ERROR_FORMAT);
    assert_int_equal(errno, ENODEV);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_file_has_the_mode_of_any, setup, teardown),
        cmocka_unit_test_setup_teardown(ones_own_bits_stay_but_not_set_id, setup, teardown),
        cmocka_unit_test_setup_teardown(anothers_bits_do_not_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(ones_own_link_is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(anothers_link_is_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(anothers_pipe_is_foreign, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_that_became_a_file_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_left_of_what_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_has_a_name_before_it_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(drafts_of_the_dead_are_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_draft_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(drafts_of_others_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(at_the_same_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_of_the_kernel_is_no_name, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
