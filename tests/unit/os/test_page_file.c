/* Pages of a file in memory at several addresses: shared until written to, and what is left when that is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/memory.h"
#include "os/page_file.h"

enum { PLACES = 4 };

static size_t page;
static unsigned char *places; /* private memory, a page each, all 'p' */

static int setup(void **state) {
    (void)state;
    void *memory;
    page = neap_os_page_bytes();
    if (neap_os_map(PLACES * page, &memory) != NEAP_OK)
        return 1;
    places = memset(memory, 'p', PLACES * page);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    neap_os_release(places, PLACES * page);
    return 0;
}

static bool is_all(const unsigned char *bytes, int value) {
    for (size_t i = 0; i < page; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

/* Mappings of such files in this process, and descriptors of them. */
static int left(const char *path) {
    char line[512];
    int count = 0;
    FILE *file = popen(path, "r");
    while (fgets(line, sizeof(line), file))
        count += strstr(line, "memfd:neap-mesh") != NULL;
    pclose(file);
    return count;
}

/* Lays one page of 's' at the first three places. */
static void lay_three(void) {
    struct neap_os_page_file file;
    bool lost;
    assert_int_equal(neap_os_page_file_begin(2 * page, &file), NEAP_OK);
    assert_true(is_all(file.view, 0));
    memset(file.view + page, 's', page);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(neap_os_page_file_lay(&file, page, page, places + i * page, &lost), NEAP_OK);
    neap_os_page_file_end(&file);
}

static void shared_until_written_to(void **state) {
    (void)state;
    lay_three();
    for (size_t i = 0; i < 3; i++)
        assert_true(is_all(places + i * page, 's'));
    assert_true(is_all(places + 3 * page, 'p'));
    places[page] = 'w';
    assert_int_equal(places[0], 's');
    assert_int_equal(places[2 * page], 's');
    assert_int_equal(places[page + 1], 's');
}

static void a_child_writes_for_itself(void **state) {
    (void)state;
    lay_three();
    int status;
    pid_t child = fork();
    if (child == 0) {
        memset(places, 'c', 3 * page);
        _exit(is_all(places, 'c') ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(is_all(places, 's') && is_all(places + 2 * page, 's'));
}

static void lifted(void **state) {
    (void)state;
    char maps[64], files[64];
    bool lost;
    snprintf(maps, sizeof(maps), "cat /proc/%d/maps", getpid());
    snprintf(files, sizeof(files), "ls -l /proc/%d/fd", getpid());
    lay_three();
    assert_int_equal(left(maps), 3);
    assert_int_equal(left(files), 0);
    places[0] = 'w';
    assert_int_equal(neap_os_page_file_lift(places, 3 * page, &lost), NEAP_OK);
    assert_true(is_all(places, 0) && is_all(places + page, 0) && is_all(places + 2 * page, 0));
    assert_int_equal(left(maps), 0);
}

static void refused(void **state) {
    (void)state;
    struct neap_os_page_file file;
    bool lost = true;
    neap_os_fault_after(1);
    assert_int_equal(neap_os_page_file_begin(page, &file), NEAP_ERROR_MEMORY);
    assert_int_equal(neap_os_page_file_begin(page, &file), NEAP_OK);
    neap_os_fault_after(1);
    assert_int_equal(neap_os_page_file_lay(&file, 0, page, places, &lost), NEAP_ERROR_MEMORY);
    assert_false(lost);
    assert_true(is_all(places, 0)); /* private memory, and the contents are gone */
    memset(places, 'q', page);
    assert_int_equal(neap_os_page_file_lay(&file, 0, page, places, &lost), NEAP_OK);
    neap_os_page_file_end(&file);
    places[0] = 'w';
    neap_os_fault_after(1);
    assert_int_equal(neap_os_page_file_lift(places, page, &lost), NEAP_ERROR_MEMORY);
    assert_false(lost);
    assert_int_equal(places[0], 'w'); /* as it was */
}

#define AT_PLACES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_PLACES(shared_until_written_to),
        AT_PLACES(a_child_writes_for_itself),
        AT_PLACES(lifted),
        AT_PLACES(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
