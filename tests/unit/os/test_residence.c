/* Our own memory: touched, untouched, a file's, and given up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/residence.h"

enum { PAGES = 8 };

static size_t page;

struct search {
    uint64_t address;
    struct neap_os_mapping mapping;
    struct neap_os_mapping_figures figures;
    uint64_t rss_bytes;
};

static bool look(void *context, const struct neap_os_mapping *mapping,
                 const struct neap_os_mapping_figures *figures) {
    struct search *search = context;
    search->rss_bytes += figures->rss_bytes;
    if (mapping->start <= search->address && search->address < mapping->end) {
        search->mapping = *mapping;
        search->figures = *figures;
    }
    return true;
}

static void test_figures(void **state) {
    (void)state;
    char *place = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    place[0] = place[3 * page] = 1;
    struct search search = {.address = (uintptr_t)place};
    assert_int_equal(neap_os_mapping_figures(getpid(), look, &search), NEAP_OK);
    assert_int_equal(search.mapping.start, (uintptr_t)place);
    assert_int_equal(search.figures.rss_bytes, 2 * page);
    assert_int_equal(search.figures.private_dirty_bytes, 2 * page);
    assert_int_equal(search.figures.anonymous_bytes, 0); /* shared */
    assert_true(search.rss_bytes > 100 * page);
    munmap(place, PAGES * page);
}

static void test_pages(void **state) {
    (void)state;
    FILE *file = tmpfile();
    uint64_t entries[PAGES];
    neap_os_residence_t *residence;
    for (size_t i = 0; i < PAGES * page; i++)
        fputc('x', file);
    fflush(file);
    char *own = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *files = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
    madvise(files, PAGES * page, MADV_RANDOM); /* no readahead */
    own[1 * page] = own[5 * page] = 1;
    files[2 * page] = 1;
    volatile char touched = files[4 * page];
    (void)touched;
    assert_int_equal(neap_os_residence_open(getpid(), &residence), NEAP_OK);
    assert_int_equal(neap_os_residence_read(residence, (uintptr_t)own, entries, PAGES), NEAP_OK);
    for (int i = 0; i < PAGES; i++) {
        assert_int_equal(neap_os_page_present(entries[i]), i == 1 || i == 5);
        assert_int_equal(neap_os_page_own(entries[i]), i == 1 || i == 5);
    }
    assert_int_equal(neap_os_residence_read(residence, (uintptr_t)files, entries, PAGES), NEAP_OK);
    assert_true(neap_os_page_present(entries[2]) && neap_os_page_own(entries[2]));
    assert_true(neap_os_page_present(entries[4]) && !neap_os_page_own(entries[4]));
    neap_os_residence_close(residence);
    munmap(own, PAGES * page);
    munmap(files, PAGES * page);
    fclose(file);
}

struct scan {
    uint64_t pages;
    uintptr_t last;
};

static void note(void *context, uint64_t start, uint64_t end) {
    struct scan *scan = context;
    scan->pages += (end - start) / page;
    scan->last = (uintptr_t)end - page;
}

/* Four pages in a terabyte, one of which was only read. */
static void test_scan(void **state) {
    (void)state;
    const size_t bytes = (size_t)1 << (sizeof(void *) == 8 ? 40 : 28);
    volatile char *place =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        skip(); /* no address space */
    madvise((void *)(uintptr_t)place, bytes, MADV_NOHUGEPAGE);
    place[bytes / 2] = place[bytes / 2 + page] = place[bytes - page] = 1;
    assert_int_equal(place[bytes / 4], 0);
    neap_os_residence_t *residence;
    uint64_t entry;
    struct scan scan = {0};
    assert_int_equal(neap_os_residence_open(getpid(), &residence), NEAP_OK);
    assert_int_equal(neap_os_residence_read(residence, (uintptr_t)place + bytes / 4, &entry, 1), NEAP_OK);
    assert_true(neap_os_page_present(entry) && !neap_os_page_exclusive(entry) && !neap_os_page_file(entry));
    assert_int_equal(neap_os_residence_read(residence, (uintptr_t)place + bytes / 2, &entry, 1), NEAP_OK);
    assert_true(neap_os_page_exclusive(entry));
    int error = neap_os_residence_scan(residence, (uintptr_t)place, (uintptr_t)place + bytes, note, &scan);
    neap_os_residence_close(residence);
    munmap((void *)(uintptr_t)place, bytes);
    if (error == NEAP_ERROR_ABSENT)
        skip(); /* before Linux 6.7 */
    assert_int_equal(error, NEAP_OK);
    assert_int_equal(scan.pages, 3);
    assert_int_equal(scan.last, (uintptr_t)place + bytes - page);
}

static void test_no_such_process(void **state) {
    (void)state;
    neap_os_residence_t *residence = NULL;
    struct search search = {0};
    assert_int_equal(neap_os_mapping_figures(0x7ffffff0, look, &search), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_residence_open(0x7ffffff0, &residence), NEAP_ERROR_PROCESS);
    assert_null(residence);
    neap_os_residence_close(NULL);
}

int main(void) {
    page = (size_t)sysconf(_SC_PAGESIZE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_no_such_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
