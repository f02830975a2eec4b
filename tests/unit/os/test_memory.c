/* Address space and pages: what each call does, and what it leaves behind when the kernel refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "os/memory.h"

enum { PAGES = 64 };

static size_t page;

static int setup(void **state) {
    (void)state;
    page = neap_os_page_bytes();
    return 0;
}

static bool is_mapped(const void *address) {
    unsigned char in;
    return mincore((void *)(uintptr_t)address, page, &in) == 0;
}

static bool is_zero(const unsigned char *bytes, size_t count) {
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0;
}

static void reserved_space_is_aligned(void **state) {
    (void)state;
    for (size_t align = page; align <= 64 * page; align *= 2) {
        void *address;
        assert_int_equal(neap_os_reserve(PAGES * page, align, &address), NEAP_OK);
        assert_int_equal((uintptr_t)address % align, 0);
        assert_int_equal(neap_os_commit(address, PAGES * page), NEAP_OK);
        assert_true(is_zero(address, PAGES * page));
        assert_int_equal(neap_os_release(address, PAGES * page), NEAP_OK);
        assert_false(is_mapped(address));
    }
}

/* Whether a core dump contains the page, by the flag "dd" (do not dump) of its mapping in smaps. */
static bool is_dumped(const void *address) {
    char line[512];
    bool here = false, dumped = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start <= (uintptr_t)address && (uintptr_t)address < end;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            dumped = !strstr(line, " dd");
    }
    fclose(file);
    return dumped;
}

static void what_is_only_reserved_is_not_dumped(void **state) {
    (void)state;
    unsigned char *m;
    assert_int_equal(neap_os_reserve(PAGES * page, page, (void **)&m), NEAP_OK);
    assert_int_equal(neap_os_commit(m + page, page), NEAP_OK);
    assert_false(is_dumped(m));
    assert_true(is_dumped(m + page));
    assert_false(is_dumped(m + 2 * page));
    assert_int_equal(neap_os_release(m, PAGES * page), NEAP_OK);
}

static void purged_pages_read_as_zero(void **state) {
    (void)state;
    unsigned char *m;
    assert_int_equal(neap_os_map(PAGES * page, (void **)&m), NEAP_OK);
    struct neap_os_range ranges[PAGES / 2];
    memset(m, 7, PAGES * page);
    for (size_t i = 0; i < PAGES / 2; i++)
        ranges[i] = (struct neap_os_range){m + 2 * i * page, page};
    neap_os_purge(ranges, PAGES / 2);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(m[i * page], i % 2 == 0 ? 0 : 7);
    assert_int_equal(neap_os_release(m, PAGES * page), NEAP_OK);
}

/* The kernel keeps locked pages and says EINVAL, to one range as to many. */
static void locked_pages_read_as_zero(void **state) {
    (void)state;
    unsigned char *m;
    assert_int_equal(neap_os_map(4 * page, (void **)&m), NEAP_OK);
    memset(m, 7, 4 * page);
    if (mlock(m, 4 * page) != 0)
        skip();
    const struct neap_os_range ranges[] = {{m, page}, {m + 2 * page, page}};
    neap_os_purge(ranges, 2);
    neap_os_purge(&(struct neap_os_range){m + 3 * page, page}, 1);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(m[i * page], i == 1 ? 7 : 0);
    assert_int_equal(neap_os_release(m, 4 * page), NEAP_OK);
}

static void remapped_pages_keep_their_contents(void **state) {
    (void)state;
    unsigned char *m, *longer;
    assert_int_equal(neap_os_map(8 * page, (void **)&m), NEAP_OK);
    memset(m, 7, 8 * page);
    assert_int_equal(neap_os_remap(m, 8 * page, PAGES * page, (void **)&longer), NEAP_OK);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(longer[i * page], i < 8 ? 7 : 0);
    assert_int_equal(neap_os_release(longer, PAGES * page), NEAP_OK);
}

/* A range in several mappings cannot be moved (before Linux 6.17), or only in part: all stays. */
static void a_remap_that_fails_changes_nothing(void **state) {
    (void)state;
    unsigned char *m;
    void *to = NULL;
    assert_int_equal(neap_os_map(8 * page, (void **)&m), NEAP_OK);
    memset(m, 7, 8 * page);
    assert_int_equal(mprotect(m + 2 * page, page, PROT_READ), 0);
    assert_true(neap_os_remap(m, 8 * page, PAGES * page, &to) < 0);
    neap_os_fault_after(1);
    assert_int_equal(neap_os_remap(m, 8 * page, PAGES * page, &to), NEAP_ERROR_MEMORY);
    neap_os_fault_after(0);
    assert_null(to);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(m[i * page], 7);
    assert_int_equal(neap_os_release(m, 8 * page), NEAP_OK);
}

/* As where the process has as many mappings as it may have: the memory goes, the addresses stay. */
static void a_release_that_fails_gives_the_memory_back(void **state) {
    (void)state;
    unsigned char *m;
    assert_int_equal(neap_os_map(8 * page, (void **)&m), NEAP_OK);
    memset(m, 7, 8 * page);
    neap_os_fault_after(1);
    assert_int_equal(neap_os_release(m + 2 * page, 2 * page), NEAP_ERROR_MEMORY);
    neap_os_fault_after(0);
    assert_true(is_mapped(m + 2 * page));
    assert_true(is_zero(m + 2 * page, 2 * page));
    assert_int_equal(m[page], 7);
    assert_int_equal(neap_os_release(m, 8 * page), NEAP_OK);
}

static void what_is_refused_is_not_taken(void **state) {
    (void)state;
    void *address = NULL;
    neap_os_fault_after(1);
    assert_int_equal(neap_os_reserve(page, page, &address), NEAP_ERROR_MEMORY);
    neap_os_fault_after(1);
    assert_int_equal(neap_os_map(page, &address), NEAP_ERROR_MEMORY);
    neap_os_fault_after(0);
    assert_int_equal(neap_os_map(SIZE_MAX / page * page - page, &address), NEAP_ERROR_MEMORY);
    assert_null(address);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_space_is_aligned),
        cmocka_unit_test(what_is_only_reserved_is_not_dumped),
        cmocka_unit_test(purged_pages_read_as_zero),
        cmocka_unit_test(locked_pages_read_as_zero),
        cmocka_unit_test(remapped_pages_keep_their_contents),
        cmocka_unit_test(a_remap_that_fails_changes_nothing),
        cmocka_unit_test(a_release_that_fails_gives_the_memory_back),
        cmocka_unit_test(what_is_refused_is_not_taken),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
