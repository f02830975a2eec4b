/* Bits in files that others change: two handles, in one process and in two, lose nothing of each other's; a
 * file that is cut short is an error and never a signal; links of other users are not followed. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
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

#include <neap/bits.h>

enum { OTHER = 65534, APPENDS = 20000 };

static char folder[64], path[128], link_path[128];

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "/tmp/neap-bits.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/bits", folder);
    snprintf(link_path, sizeof(link_path), "%s/link", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    unlink(link_path);
    return rmdir(folder);
}

static neap_bits_t opened(enum neap_bits_mode mode) {
    neap_bits_t bits;
    assert_int_equal(neap_bits_open(&bits, path, mode), NEAP_OK);
    return bits;
}

static void require_sound(const neap_bits_t *bits) {
    const char *why;
    if (!neap_bits_check(bits, &why))
        fail_msg("%s", why);
}

static off_t file_bytes(void) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static uint64_t ones(const neap_bits_t *bits) {
    return neap_bits_count(bits, 0, bits->count);
}

static void an_append_keeps_what_another_appended(void **state) {
    (void)state;
    neap_bits_t a = opened(NEAP_BITS_MAKE);
    assert_int_equal(neap_bits_resize(&a, 65), NEAP_OK); /* ends within a byte, and within a word */
    neap_bits_t b = opened(NEAP_BITS_WRITE);
    assert_int_equal(b.count, 72);
    assert_int_equal(neap_bits_resize(&b, 80000), NEAP_OK);
    neap_bits_fill(&b, 0, b.count, true);
    neap_bits_clear_rest(&a); /* as when a buffer of it is given back */
    assert_int_equal(ones(&b), 80000 - 7);
    assert_int_equal(neap_bits_append(&a, true), NEAP_OK);
    assert_int_equal(a.count, 80001);
    assert_int_equal(file_bytes(), 10001);
    assert_int_equal(ones(&a), 80001 - 7);
    require_sound(&a);
    assert_int_equal(neap_bits_length(&b), 80008);
    assert_int_equal(neap_bits_length(&a), 80001);
    assert_int_equal(neap_bits_follow(&b), NEAP_OK);
    assert_int_equal(b.count, 80008);
    assert_int_equal(neap_bits_insert(&b, 8, 8), NEAP_OK);
    assert_int_equal(neap_bits_remove(&a, 0, 16), NEAP_OK); /* a byte of ones, and the zeros */
    assert_int_equal(ones(&a), 80001 - 7 - 8);
    require_sound(&a);
    neap_bits_end(&a);
    neap_bits_end(&b);
}

/* The other's bits lie in the last word of this one. */
static void combining_ends_with_the_last_bit(void **state) {
    (void)state;
    neap_bits_t a = opened(NEAP_BITS_MAKE), mask;
    assert_int_equal(neap_bits_resize(&a, 65), NEAP_OK);
    neap_bits_t b = opened(NEAP_BITS_WRITE);
    assert_int_equal(neap_bits_resize(&b, 128), NEAP_OK);
    neap_bits_fill(&b, 0, 128, true);
    assert_int_equal(neap_bits_init(&mask, NULL, 65), NEAP_OK);
    assert_int_equal(neap_bits_combine(&a, NEAP_BITS_AND, &mask), NEAP_OK);
    assert_int_equal(ones(&b), 63);
    assert_int_equal(neap_bits_combine(&a, NEAP_BITS_XOR, &mask), NEAP_OK);
    neap_bits_invert(&a, 0, 65);
    assert_int_equal(ones(&b), 128);
    neap_bits_end(&a);
    neap_bits_end(&b);
    neap_bits_end(&mask);
}

static void append_many(int start, unsigned bits_each) {
    neap_bits_t bits;
    char byte;
    int error = neap_bits_open(&bits, path, NEAP_BITS_WRITE);
    if (read(start, &byte, 1) != 1)
        _exit(2);
    for (unsigned i = 0; error == NEAP_OK && i < bits_each; i++)
        error = neap_bits_append(&bits, true);
    _exit(error != NEAP_OK);
}

static void two_processes_append(void **state) {
    (void)state;
    neap_bits_t bits = opened(NEAP_BITS_MAKE);
    pid_t children[2];
    int start[2];
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            append_many(start[0], APPENDS);
    }
    assert_int_equal(write(start[1], "go", 2), 2);
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(neap_bits_follow(&bits), NEAP_OK);
    assert_int_equal(ones(&bits), 2 * APPENDS);
    neap_bits_end(&bits);
    close(start[0]);
    close(start[1]);
}

static void a_file_that_is_cut_is_an_error(void **state) {
    (void)state;
    neap_bits_t a = opened(NEAP_BITS_MAKE), copy;
    assert_int_equal(neap_bits_resize(&a, 8 << 20), NEAP_OK);
    neap_bits_fill(&a, 0, a.count, true);
    neap_bits_t reader = opened(NEAP_BITS_READ), b = opened(NEAP_BITS_WRITE);
    assert_int_equal(neap_bits_resize(&b, 8), NEAP_OK);
    assert_int_equal(neap_bits_length(&reader), 8);
    assert_false(neap_bits_is_cut(&reader));
    assert_int_equal(ones(&reader), 8);
    assert_true(neap_bits_is_cut(&reader));
    assert_int_equal(neap_bits_init_copy(&copy, NULL, &reader, 0, 100000), NEAP_OK);
    neap_bits_end(&copy);
    assert_int_equal(neap_bits_follow(&reader), NEAP_ERROR_FORMAT);
    assert_int_equal(reader.count, 8);
    assert_int_equal(neap_bits_follow(&reader), NEAP_OK);
    assert_false(neap_bits_is_cut(&reader));
    require_sound(&reader);
    neap_bits_set(&a, a.count - 1, true);
    neap_bits_fill(&a, 0, a.count, true);
    assert_int_equal(neap_bits_flush(&a), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_bits_append(&a, true), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_bits_append(&a, true), NEAP_OK);
    assert_int_equal(a.count, 9);
    assert_int_equal(file_bytes(), 2);
    assert_int_equal(neap_bits_resize(&b, 0), NEAP_OK);
    assert_int_equal(neap_bits_insert(&a, 0, 5), NEAP_ERROR_FORMAT);
    assert_int_equal(a.count, 0);
    assert_int_equal(neap_bits_resize(&a, 40), NEAP_OK);
    require_sound(&a);
    neap_bits_end(&a);
    neap_bits_end(&b);
    neap_bits_end(&reader);
}

/* A process cuts and grows the file as fast as it can, while this one reads and writes all of it. */
static void cut_while_in_use(void **state) {
    (void)state;
    neap_bits_t bits = opened(NEAP_BITS_MAKE);
    assert_int_equal(neap_bits_resize(&bits, 8 << 20), NEAP_OK);
    pid_t child = fork();
    if (child == 0) {
        for (int file = open(path, O_RDWR);;)
            if (ftruncate(file, 0) != 0 || ftruncate(file, 1 << 20) != 0)
                _exit(1);
    }
    unsigned cuts = 0;
    for (int i = 0; cuts < 20 && i < 10000000; i++) {
        neap_bits_invert(&bits, 0, bits.count);
        ones(&bits);
        cuts += neap_bits_is_cut(&bits);
        int error = neap_bits_follow(&bits);
        assert_true(error == NEAP_OK || error == NEAP_ERROR_FORMAT);
        require_sound(&bits);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(cuts, 20);
    neap_bits_end(&bits);
}

static void holders_of_other_locks_do_not_matter(void **state) {
    (void)state;
    neap_bits_t bits = opened(NEAP_BITS_MAKE);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int file = open(path, O_RDWR);
    assert_int_equal(fcntl(file, F_OFD_SETLK, &lock), 0);
    assert_int_equal(neap_bits_append(&bits, true), NEAP_OK);
    close(file);
    neap_bits_end(&bits);
}

static void to_write_only_ones_own_links_are_followed(void **state) {
    (void)state;
    neap_bits_t bits = opened(NEAP_BITS_MAKE);
    assert_int_equal(neap_bits_resize(&bits, 80), NEAP_OK);
    neap_bits_end(&bits);
    assert_int_equal(symlink("bits", link_path), 0);
    assert_int_equal(neap_bits_open(&bits, link_path, NEAP_BITS_WRITE), NEAP_OK);
    assert_int_equal(bits.count, 80);
    neap_bits_end(&bits);
    if (geteuid() != 0)
        return;
    assert_int_equal(lchown(link_path, OTHER, OTHER), 0);
    assert_int_equal(neap_bits_open(&bits, link_path, NEAP_BITS_READ), NEAP_OK);
    neap_bits_end(&bits);
    for (int mode = NEAP_BITS_WRITE; mode <= NEAP_BITS_MAKE; mode++) {
        errno = 0;
        assert_int_equal(neap_bits_open(&bits, link_path, (enum neap_bits_mode)mode), NEAP_ERROR_PERMISSION);
        assert_int_equal(errno, EPERM);
    }
    assert_int_equal(file_bytes(), 10);
}

static void the_kernels_links_are_followed(void **state) {
    (void)state;
    char through[64];
    neap_bits_t bits;
    int file = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(file, 10), 0);
    assert_int_equal(unlink(path), 0); /* nothing has the name that the link shows */
    snprintf(through, sizeof(through), "/proc/self/fd/%d", file);
    assert_int_equal(neap_bits_open(&bits, through, NEAP_BITS_WRITE), NEAP_OK);
    assert_int_equal(bits.count, 80);
    neap_bits_end(&bits);
    close(file);
}

/* To open a pipe for writing, and to empty a file, are changes too. */
static void what_is_no_file_is_not_opened(void **state) {
    (void)state;
    neap_bits_t bits;
    assert_int_equal(mkfifo(path, 0600), 0);
    for (int mode = NEAP_BITS_READ; mode <= NEAP_BITS_MAKE; mode++) {
        assert_int_equal(neap_bits_open(&bits, path, (enum neap_bits_mode)mode), NEAP_ERROR_FORMAT);
        assert_int_equal(errno, ENODEV);
        assert_int_equal(neap_bits_open(&bits, folder, (enum neap_bits_mode)mode), NEAP_ERROR_FORMAT);
        assert_int_equal(errno, EISDIR);
    }
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_append_keeps_what_another_appended),
        TEST(combining_ends_with_the_last_bit),
        TEST(two_processes_append),
        TEST(a_file_that_is_cut_is_an_error),
        TEST(cut_while_in_use),
        TEST(holders_of_other_locks_do_not_matter),
        TEST(to_write_only_ones_own_links_are_followed),
        TEST(the_kernels_links_are_followed),
        TEST(what_is_no_file_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
