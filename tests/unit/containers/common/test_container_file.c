/* Container files: what is written comes back, nothing else is taken for it, and
 * a write that fails at any step leaves what was there. */
#include <dirent.h>
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

#include "containers/common/container_file.h"
#include "os/atomic_file.h"
#include "os/file.h"

enum { VERSION = 3, PIECES = 5000 };

struct head {
    uint64_t offset_of_last;
    char name[16];
};

static char folder[64], path[96];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/neap-file-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/saved", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails if a writer was left there */
}

/* PIECES numbers, then one byte of the context. */
static int write_pieces(struct neap__container_writer *writer, const void *context, void *head) {
    for (uint32_t i = 0; i < PIECES; i++) {
        int error = neap__container_writer_write(writer, &i, sizeof(i));
        if (error != NEAP_OK)
            return error;
    }
    *(struct head *)head = (struct head){neap__container_writer_offset(writer), "pieces"};
    return neap__container_writer_write(writer, context, 1);
}

static int save(const char *last) {
    struct head head;
    return neap__container_file_save(path, NEAP_CONTAINER_MAP, VERSION, &head, sizeof(head), write_pieces,
                                     last);
}

static int load(struct neap__container_file *file) {
    return neap__container_file_open(path, NEAP_CONTAINER_MAP, VERSION, sizeof(struct head), file);
}

static char last_of_file(void) {
    struct neap__container_file file;
    struct head head;
    assert_int_equal(load(&file), NEAP_OK);
    assert_int_equal(neap__container_file_verify(&file), NEAP_OK);
    memcpy(&head, file.head, sizeof(head));
    const unsigned char *last = neap__container_file_bytes(&file, head.offset_of_last, 1);
    assert_non_null(last);
    char value = (char)*last;
    neap__container_file_close(&file);
    return value;
}

static void what_is_saved_comes_back(void **state) {
    (void)state;
    struct neap__container_file file;
    assert_int_equal(load(&file), NEAP_ERROR_ABSENT);
    assert_int_equal(save("a"), NEAP_OK);
    assert_int_equal(load(&file), NEAP_OK);
    assert_int_equal((uintptr_t)file.body % NEAP_CONTAINER_FILE_ALIGN, 0);
    assert_int_equal(file.body_bytes, PIECES * 4 + 1);
    for (uint32_t i = 0; i < PIECES; i++)
        assert_memory_equal(neap__container_file_bytes(&file, 4 * i, 4), &i, 4);
    assert_null(neap__container_file_bytes(&file, file.body_bytes - 3, 4));
    assert_null(neap__container_file_bytes(&file, UINT64_MAX, 2));
    assert_null(neap__container_file_bytes(&file, 1, UINT64_MAX));
    /* Replaced while it is open: the reader has the old one. */
    assert_int_equal(save("b"), NEAP_OK);
    assert_int_equal(neap__container_file_bytes(&file, PIECES * 4, 1)[0], 'a');
    neap__container_file_close(&file);
    assert_int_equal(last_of_file(), 'b');
}

static void modes_are_kept(void **state) {
    (void)state;
    struct stat status;
    mode_t mask = umask(027);
    assert_int_equal(save("a"), NEAP_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(save("b"), NEAP_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    umask(mask);
}

static void a_failed_save_leaves_the_old_file(void **state) {
    (void)state;
    assert_int_equal(save("a"), NEAP_OK);
    unsigned steps = 1;
    for (;; steps++) {
        neap_os_atomic_file_fault_after(steps);
        errno = 0;
        int error = save("b");
        neap_os_atomic_file_fault_after(0);
        if (error == NEAP_OK)
            break;
        assert_int_equal(error, NEAP_ERROR_SYSTEM);
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(last_of_file(), 'a');
    }
    assert_true(steps > 4); /* two writes at least, the head, the sync, the rename */
    assert_int_equal(last_of_file(), 'b');
}

static int write_badly(struct neap__container_writer *writer, const void *context, void *head) {
    (void)context;
    (void)head;
    neap__container_writer_write(writer, "x", 1);
    return NEAP_ERROR_MEMORY;
}

static void a_writer_may_give_up(void **state) {
    (void)state;
    struct head head = {0};
    assert_int_equal(
        neap__container_file_save(path, NEAP_CONTAINER_MAP, VERSION, &head, sizeof(head), write_badly, NULL),
        NEAP_ERROR_MEMORY);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(neap__container_file_save("/nowhere/at/all", NEAP_CONTAINER_MAP, VERSION, &head,
                                               sizeof(head), write_pieces, "a"),
                     NEAP_ERROR_ABSENT);
}

/* A copy of the saved file, in memory. */
static unsigned char *read_all(size_t *bytes) {
    const void *data;
    assert_int_equal(neap_os_file_map(path, &data, bytes), NEAP_OK);
    unsigned char *copy = aligned_alloc(64, (*bytes + 63) / 64 * 64);
    memcpy(copy, data, *bytes);
    neap_os_file_unmap(data, *bytes);
    return copy;
}

static int view(const unsigned char *data, size_t bytes) {
    struct neap__container_file file;
    return neap__container_file_view(data, bytes, NEAP_CONTAINER_MAP, VERSION, sizeof(struct head), &file);
}

static void every_flipped_bit_is_seen(void **state) {
    (void)state;
    assert_int_equal(save("a"), NEAP_OK);
    size_t bytes;
    unsigned char *copy = read_all(&bytes);
    size_t checked = 64 + sizeof(struct head); /* by opening */
    assert_int_equal(view(copy, bytes), NEAP_OK);
    for (size_t bit = 0; bit < checked * 8; bit++) {
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(view(copy, bytes), NEAP_ERROR_FORMAT);
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < bytes; cut += cut < 200 ? 1 : 97)
        assert_int_equal(view(copy, cut), NEAP_ERROR_FORMAT);
    copy[bytes - 2] ^= 1; /* in the body: seen by verifying */
    struct neap__container_file file;
    assert_int_equal(
        neap__container_file_view(copy, bytes, NEAP_CONTAINER_MAP, VERSION, sizeof(struct head), &file),
        NEAP_OK);
    assert_int_equal(neap__container_file_verify(&file), NEAP_ERROR_FORMAT);
    free(copy);
}

static void other_files_are_refused(void **state) {
    (void)state;
    struct neap__container_file file;
    assert_int_equal(save("a"), NEAP_OK);
    assert_int_equal(
        neap__container_file_open(path, NEAP_CONTAINER_TRIE, VERSION, sizeof(struct head), &file),
        NEAP_ERROR_FORMAT);
    assert_int_equal(
        neap__container_file_open(path, NEAP_CONTAINER_MAP, VERSION + 1, sizeof(struct head), &file),
        NEAP_ERROR_FORMAT);
    assert_int_equal(neap__container_file_open(path, NEAP_CONTAINER_MAP, VERSION, 8, &file),
                     NEAP_ERROR_FORMAT);
    assert_int_equal(neap__container_file_open(folder, NEAP_CONTAINER_MAP, VERSION, 8, &file),
                     NEAP_ERROR_FORMAT);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(load(&file), NEAP_ERROR_FORMAT);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(load(&file), NEAP_ERROR_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_saved_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(modes_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_save_leaves_the_old_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_writer_may_give_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_files_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
