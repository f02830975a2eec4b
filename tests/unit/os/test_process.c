/* One program in one process: a child that lies still, one that executes another program, one that is gone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process.h"
#include "os/residence.h"

enum { PAGES = 3, FORKED = 64, FAR = 40 };

/* Three pages of which the child has given up the last; pages that parent and child share; pages that nobody
 * touched, but for the one in the middle, and a file's. The same addresses here and there. */
static unsigned char *stretch, *forked, *untouched, *file;
static size_t page;
static pid_t child;
static neap_os_process_t *process;

static int start_child(void **state) {
    (void)state;
    int ready[2];
    page = (size_t)sysconf(_SC_PAGESIZE);
    FILE *contents = tmpfile();
    for (size_t i = 0; contents && i < PAGES * page; i++)
        fputc((int)(i % 251), contents);
    if (!contents || fflush(contents) != 0 || pipe(ready) != 0)
        return 1;
    int private = MAP_PRIVATE | MAP_ANONYMOUS;
    stretch = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, private, -1, 0);
    forked = mmap(NULL, FORKED * page, PROT_READ | PROT_WRITE, private, -1, 0);
    untouched = mmap(NULL, FORKED * page, PROT_READ | PROT_WRITE, private, -1, 0);
    file = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(contents), 0);
    if (stretch == MAP_FAILED || forked == MAP_FAILED || untouched == MAP_FAILED || file == MAP_FAILED)
        return 1;
    madvise(untouched, FORKED * page, MADV_NOHUGEPAGE);
    madvise(file, PAGES * page, MADV_RANDOM);
    memset(forked, 'f', FORKED * page);
    child = fork();
    if (child == 0) {
        for (size_t i = 0; i < PAGES * page; i++)
            stretch[i] = (unsigned char)(i * 7);
        munmap(stretch + 2 * page, page);
        untouched[FAR * page] = 'u';
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    bool up = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    close(ready[1]);
    return up && neap_os_process_open(child, true, &process) == NEAP_OK ? 0 : 1;
}

static int end_child(void **state) {
    (void)state;
    neap_os_process_close(process);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    munmap(stretch, PAGES * page);
    munmap(forked, FORKED * page);
    munmap(untouched, FORKED * page);
    munmap(file, PAGES * page);
    return 0;
}

static void test_read(void **state) {
    (void)state;
    unsigned char copy[1000];
    uint64_t at = (uintptr_t)stretch + page - 500; /* over a page's end */
    assert_int_equal(neap_os_process_read(process, at, copy, sizeof(copy)), NEAP_OK);
    for (size_t i = 0; i < sizeof(copy); i++)
        assert_int_equal(copy[i], (unsigned char)((page - 500 + i) * 7));
}

static void test_hole_is_told(void **state) {
    (void)state;
    unsigned char copy[1000];
    uint64_t end = (uintptr_t)stretch + 2 * page;
    assert_int_equal(neap_os_process_read(process, end - 1000, copy, sizeof(copy)), NEAP_OK);
    assert_int_equal(neap_os_process_read(process, end - 999, copy, sizeof(copy)), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_process_read(process, end, copy, 1), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_os_process_read(process, UINT64_MAX - 8, copy, 4), NEAP_ERROR_FORMAT);
}

static void test_gather(void **state) {
    (void)state;
    unsigned char a[100], b[1000], c[50], d[200];
    memset(b, 0xEE, sizeof(b));
    uint64_t start = (uintptr_t)stretch, hole = start + 2 * page, missing = 7;
    const struct neap_os_process_piece pieces[] = {
        {start, a, sizeof(a)},
        {hole - 400, b, sizeof(b)}, /* 400 bytes of it are there */
        {hole, c, sizeof(c)},
        {start + page - 100, d, sizeof(d)},
    };
    assert_int_equal(neap_os_process_gather(process, pieces, 4, &missing), NEAP_OK);
    assert_int_equal(missing, 7 + 600 + 50);
    for (size_t i = 0; i < sizeof(a); i++)
        assert_int_equal(a[i], (unsigned char)(i * 7));
    for (size_t i = 0; i < sizeof(b); i++)
        assert_int_equal(b[i], i < 400 ? (unsigned char)((2 * page - 400 + i) * 7) : 0xEE);
    for (size_t i = 0; i < sizeof(d); i++)
        assert_int_equal(d[i], (unsigned char)((page - 100 + i) * 7));
}

/* More pieces than one call takes, with holes between them. */
static void test_gather_many(void **state) {
    (void)state;
    enum { MANY = 3000 };
    static unsigned char out[MANY][4];
    static struct neap_os_process_piece pieces[MANY];
    uint64_t missing = 0, absent = 0;
    for (size_t i = 0; i < MANY; i++) {
        size_t place = i * 8 % (3 * page);
        absent += place >= 2 * page ? 4 : 0;
        pieces[i] = (struct neap_os_process_piece){(uintptr_t)stretch + place, out[i], 4};
    }
    assert_int_equal(neap_os_process_gather(process, pieces, MANY, &missing), NEAP_OK);
    assert_int_equal(missing, absent);
    for (size_t i = 0; i < MANY; i++) {
        size_t place = i * 8 % (3 * page);
        assert_int_equal(out[i][1], place < 2 * page ? (unsigned char)((place + 1) * 7) : 0);
    }
}

static void test_write(void **state) {
    (void)state;
    const uint32_t said = 0xdeadbeef;
    uint32_t heard = 0;
    uint64_t at = (uintptr_t)stretch + 64;
    assert_int_equal(neap_os_process_write(process, at, &said, sizeof(said)), NEAP_OK);
    assert_int_equal(neap_os_process_read(process, at, &heard, sizeof(heard)), NEAP_OK);
    assert_int_equal(heard, said);
    assert_int_equal(stretch[64], 0); /* the child's, not ours */
}

static void test_write_needs_to_be_asked_for(void **state) {
    (void)state;
    neap_os_process_t *reader;
    const uint32_t said = 1;
    uint32_t heard = 0;
    assert_int_equal(neap_os_process_open(child, false, &reader), NEAP_OK);
    assert_int_equal(neap_os_process_write(reader, (uintptr_t)stretch, &said, sizeof(said)),
                     NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_os_process_read(reader, (uintptr_t)stretch, &heard, sizeof(heard)), NEAP_OK);
    assert_int_not_equal(heard, said);
    neap_os_process_close(reader);
}

/* --- looking changes nothing ------------------------------------------------ */

/* Entries of pagemap, without the kernel's own marks of what was written lately. */
static void entries_of(const unsigned char *address, uint64_t *entries, size_t count) {
    neap_os_residence_t *residence;
    assert_int_equal(neap_os_residence_open(child, &residence), NEAP_OK);
    assert_int_equal(neap_os_residence_read(residence, (uintptr_t)address, entries, count), NEAP_OK);
    neap_os_residence_close(residence);
    for (size_t i = 0; i < count; i++)
        entries[i] &= ~(UINT64_C(1) << 55);
}

static void test_untouched_pages_stay_untouched(void **state) {
    (void)state;
    static unsigned char out[FORKED * 65536];
    uint64_t before[FORKED], after[FORKED];
    entries_of(untouched, before, FORKED);
    assert_int_equal(neap_os_process_read(process, (uintptr_t)untouched + 100, out, FORKED * page - 100),
                     NEAP_OK);
    entries_of(untouched, after, FORKED);
    assert_memory_equal(before, after, sizeof(before));
    for (size_t i = 0; i < FORKED * page - 100; i++)
        assert_int_equal(out[i], i == FAR * page - 100 ? 'u' : 0);
    assert_false(neap_os_page_present(after[0]));
    assert_true(neap_os_page_present(after[FAR]));
}

static void test_an_untouched_file_reads_as_the_file(void **state) {
    (void)state;
    unsigned char out[1000];
    uint64_t before[PAGES], after[PAGES];
    entries_of(file, before, PAGES);
    assert_int_equal(neap_os_process_read(process, (uintptr_t)file + page - 300, out, sizeof(out)), NEAP_OK);
    entries_of(file, after, PAGES);
    assert_memory_equal(before, after, sizeof(before));
    for (size_t i = 0; i < sizeof(out); i++)
        assert_int_equal(out[i], (page - 300 + i) % 251);
}

static void test_shared_pages_stay_shared(void **state) {
    (void)state;
    static unsigned char out[FORKED * 65536];
    uint64_t before[FORKED], after[FORKED], missing = 0;
    const struct neap_os_process_piece piece = {(uintptr_t)forked, out, FORKED * page};
    entries_of(forked, before, FORKED);
    assert_true(neap_os_page_present(before[0]) && !neap_os_page_exclusive(before[0]));
    assert_int_equal(neap_os_process_sift(process, &piece, &missing), NEAP_OK);
    assert_int_equal(neap_os_process_read(process, (uintptr_t)forked, out, FORKED * page), NEAP_OK);
    entries_of(forked, after, FORKED);
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(missing, 0);
    for (size_t i = 0; i < FORKED * page; i++)
        assert_int_equal(out[i], 'f');
}

/* Pages of zeros leave the destination as it is; so do pages that are not there, which are counted. */
static void test_sift_leaves_zeros(void **state) {
    (void)state;
    unsigned char *out =
        mmap(NULL, 2 * PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t missing = 0;
    memset(out, 0xee, 2 * PAGES * page);
    const struct neap_os_process_piece there = {(uintptr_t)untouched + (FAR - 1) * page, out, PAGES * page};
    const struct neap_os_process_piece hole = {(uintptr_t)stretch + page, out + PAGES * page, 2 * page};
    assert_int_equal(neap_os_process_sift(process, &there, &missing), NEAP_OK);
    assert_int_equal(missing, 0);
    assert_int_equal(out[0], 0xee);
    assert_int_equal(out[page], 'u');
    assert_int_equal(out[page + 1], 0);
    assert_int_equal(out[2 * page], 0xee);
    assert_int_equal(neap_os_process_sift(process, &hole, &missing), NEAP_OK);
    assert_int_equal(missing, page);
    assert_int_equal(out[PAGES * page], (unsigned char)(page * 7));
    assert_int_equal(out[(PAGES + 1) * page], 0xee);
    munmap(out, 2 * PAGES * page);
}

/* --- exec and end ------------------------------------------------------------- */

static int wait_for_exec(void **state) {
    int go[2], error = pipe(go);
    page = (size_t)sysconf(_SC_PAGESIZE);
    child = error == 0 ? fork() : -1;
    if (child == 0) {
        char byte;
        close(go[1]);
        if (read(go[0], &byte, 1) == 1)
            execlp("sleep", "sleep", "1000", (char *)NULL);
        _exit(1);
    }
    close(go[0]);
    *state = (void *)(intptr_t)go[1];
    return child > 0 && neap_os_process_open(child, true, &process) == NEAP_OK ? 0 : 1;
}

static int end_exec(void **state) {
    (void)state;
    neap_os_process_close(process);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

static uint32_t kept = 0x4e656170;

/* Until the exec is done. */
static void let_execute(void **state) {
    int go = (int)(intptr_t)*state;
    char name[64] = "", path[64];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
    assert_int_equal(write(go, "x", 1), 1);
    close(go);
    for (int i = 0; i < 5000 && strncmp(name, "sleep", 5) != 0; i++) {
        FILE *comm = fopen(path, "r");
        assert_non_null(comm);
        assert_non_null(fgets(name, sizeof(name), comm));
        fclose(comm);
        usleep(1000);
    }
    assert_int_equal(strncmp(name, "sleep", 5), 0);
}

static void test_nothing_reaches_the_next_program(void **state) {
    const uint32_t said = 1;
    uint32_t heard = 0;
    uint64_t missing = 0;
    const struct neap_os_process_piece piece = {(uintptr_t)&kept, &heard, sizeof(heard)};
    assert_int_equal(neap_os_process_same(process), NEAP_OK);
    assert_int_equal(neap_os_process_read(process, (uintptr_t)&kept, &heard, sizeof(heard)), NEAP_OK);
    assert_int_equal(heard, kept);
    let_execute(state);
    assert_int_equal(neap_os_process_same(process), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_read(process, (uintptr_t)&kept, &heard, sizeof(heard)),
                     NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_write(process, (uintptr_t)&kept, &said, sizeof(said)),
                     NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_sift(process, &piece, &missing), NEAP_ERROR_PROCESS);
    neap_os_process_t *next;
    assert_int_equal(neap_os_process_open(child, false, &next), NEAP_OK);
    assert_int_equal(neap_os_process_same(next), NEAP_OK);
    neap_os_process_close(next);
}

/* A mapping of the new program at the very address is not written to, nor read. */
static void test_the_same_address_is_not_reached(void **state) {
    char line[512], path[64];
    uint64_t at = 0;
    const char said[4] = "NEAP";
    char heard[4];
    let_execute(state);
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)child);
    FILE *maps = fopen(path, "r");
    while (at == 0 && fgets(line, sizeof(line), maps))
        at = strstr(line, "rw-p") ? strtoull(line, NULL, 16) : 0;
    fclose(maps);
    assert_int_not_equal(at, 0);
    assert_int_equal(neap_os_process_write(process, at, said, sizeof(said)), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_read(process, at, heard, sizeof(heard)), NEAP_ERROR_PROCESS);
}

static void test_no_such_process(void **state) {
    (void)state;
    neap_os_process_t *none = NULL, *ended;
    char byte;
    pid_t gone = fork();
    if (gone == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(neap_os_process_open(gone, true, &ended), NEAP_OK);
    kill(gone, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)gone, &info, WEXITED | WNOWAIT), 0); /* a zombie */
    assert_int_equal(neap_os_process_same(ended), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_open(gone, false, &none), NEAP_ERROR_PROCESS);
    waitpid(gone, NULL, 0);
    assert_int_equal(neap_os_process_open(gone, false, &none), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_same(ended), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_read(ended, (uintptr_t)&kept, &byte, 1), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_process_write(ended, (uintptr_t)&kept, &byte, 1), NEAP_ERROR_PROCESS);
    const struct neap_os_process_piece piece = {(uintptr_t)&kept, &byte, 1};
    uint64_t missing = 0;
    assert_int_equal(neap_os_process_gather(ended, &piece, 1, &missing), NEAP_ERROR_PROCESS);
    assert_null(none);
    neap_os_process_close(ended);
    neap_os_process_close(NULL);
}

int main(void) {
    const struct CMUnitTest still[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_hole_is_told),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_gather_many),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_needs_to_be_asked_for),
        cmocka_unit_test(test_untouched_pages_stay_untouched),
        cmocka_unit_test(test_an_untouched_file_reads_as_the_file),
        cmocka_unit_test(test_shared_pages_stay_shared),
        cmocka_unit_test(test_sift_leaves_zeros),
    };
    const struct CMUnitTest leaving[] = {
        cmocka_unit_test_setup_teardown(test_nothing_reaches_the_next_program, wait_for_exec, end_exec),
        cmocka_unit_test_setup_teardown(test_the_same_address_is_not_reached, wait_for_exec, end_exec),
        cmocka_unit_test(test_no_such_process),
    };
    int failed = cmocka_run_group_tests(still, start_child, end_child);
    return failed + cmocka_run_group_tests(leaving, NULL, NULL);
}
