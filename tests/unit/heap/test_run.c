/* Runs of a region: zeroed or not, grown in place and moved, shrunk, and what of
 * them is in memory. Blocks from a mebibyte on are mapped runs: test_mapped_run.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap/run.h"
#include "os/memory.h"

#include "one_heap.h" /* last: it defines `heap` */

enum { KB = 1 << 10, MB = 1 << 20 };

/* Pages of [block, block + bytes) that the system has in memory. */
static size_t pages_in_memory(const void *block, size_t bytes) {
    FILE *file = fopen("/proc/self/pagemap", "rb");
    size_t page = neap_os_page_bytes(), count = 0;
    uint64_t entry;
    assert_non_null(file);
    for (size_t i = 0; i < bytes / page; i++) {
        assert_int_equal(fseek(file, (long)(((uintptr_t)block / page + i) * sizeof(entry)), SEEK_SET), 0);
        assert_int_equal(fread(&entry, sizeof(entry), 1, file), 1);
        count += entry >> 63;
    }
    fclose(file);
    return count;
}

static void a_dirty_run_is_zeroed_again(void **state) {
    (void)state;
    unsigned char *a = neap_heap_alloc(heap, 800 * KB);
    memset(a, 7, 800 * KB);
    neap_heap_free(heap, a);
    unsigned char *b = neap_heap_calloc(heap, 1, 800 * KB);
    assert_ptr_equal(a, b); /* the same dirty pages */
    for (size_t i = 0; i < 800 * KB; i++)
        assert_int_equal(b[i], 0);
}

static void a_clean_run_is_not_touched_to_be_zero(void **state) {
    (void)state;
    unsigned char *a = neap_heap_calloc(heap, 1, 800 * KB);
    assert_int_equal(pages_in_memory(a, 800 * KB), 0);
    assert_int_equal(a[500 * KB], 0);
}

static void a_growing_run_gets_room(void **state) {
    (void)state;
    if (sizeof(void *) < 8)
        skip();
    unsigned char *a = neap_heap_alloc(heap, 60 * KB);
    neap_heap_alloc(heap, 60 * KB); /* so that it cannot grow in place */
    memset(a, 9, 60 * KB);
    unsigned char *b = neap_heap_realloc(heap, a, 70 * KB);
    assert_ptr_not_equal(a, b);
    neap_heap_alloc(heap, 60 * KB);
    assert_ptr_equal(neap_heap_realloc(heap, b, 120 * KB), b);
    assert_int_equal(heap->layout.mapped_count, 0);
    for (size_t i = 0; i < 60 * KB; i++)
        assert_int_equal(b[i], 9);
    check();
}

static void spare_pages_go(void **state) {
    (void)state;
    unsigned char *a = neap__run_alloc(heap, 4 * MB, 4 * MB, NULL);
    memset(a, 1, 4 * MB);
    neap_heap_free(heap, a);
    unsigned char *b = neap__run_alloc(heap, MB, 4 * MB, NULL); /* room on the same dirty pages */
    assert_ptr_equal(a, b);
    check();
    neap_heap_trim(heap);
    assert_int_equal(resident(), MB);
    assert_int_equal(pages_in_memory(a, 4 * MB), MB / neap_os_page_bytes());
    assert_int_equal(b[MB - 1], 1);
    check();
}

static void pages_in_memory_are_taken_first(void **state) {
    (void)state;
    size_t bytes = 700 * KB;
    void *a = neap_heap_alloc(heap, bytes), *b = neap_heap_alloc(heap, bytes),
         *c = neap_heap_alloc(heap, bytes);
    void *d = neap_heap_alloc(heap, bytes);
    neap_heap_free(heap, a);
    neap_heap_trim(heap); /* a place that is lower, and not in memory */
    neap_heap_free(heap, c);
    assert_ptr_equal(neap_heap_alloc(heap, bytes), c);
    assert_ptr_equal(neap_heap_alloc(heap, bytes), a);
    check();
    neap_heap_free(heap, b);
    neap_heap_free(heap, d);
}

static void shrinking_gives_back_at_once(void **state) {
    (void)state;
    unsigned char *a = neap_heap_alloc(heap, 1000 * KB);
    memset(a, 1, 1000 * KB);
    unsigned char *b = neap_heap_realloc(heap, a, 128 * KB + 100);
    assert_ptr_equal(a, b);
    check();
    assert_int_equal(neap_heap_usable_bytes(heap, b), 128 * KB + neap_os_page_bytes());
    neap_heap_trim(heap);
    assert_int_equal(resident(), 128 * KB + neap_os_page_bytes());
    assert_int_equal(pages_in_memory(a, 1000 * KB), 128 * KB / neap_os_page_bytes() + 1);
    b = neap_heap_realloc(heap, b, 100); /* a class's block now */
    assert_int_equal(b[99], 1);
    check();
}

static void nothing_is_lost_when_growing_fails(void **state) {
    (void)state;
    unsigned char *a = neap_heap_alloc(heap, 900 * KB);
    memset(a, 3, 900 * KB);
    assert_null(neap_heap_realloc(heap, a, SIZE_MAX / 16 * 15));
    assert_null(neap_heap_realloc(heap, a, SIZE_MAX - 10));
    assert_null(neap_heap_alloc(heap, SIZE_MAX));
    assert_null(neap_heap_calloc(heap, SIZE_MAX / 2, 3));
    check();
    for (size_t i = 0; i < 900 * KB; i++)
        assert_int_equal(a[i], 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dirty_run_is_zeroed_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clean_run_is_not_touched_to_be_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(a_growing_run_gets_room, setup, teardown),
        cmocka_unit_test_setup_teardown(spare_pages_go, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_in_memory_are_taken_first, setup, teardown),
        cmocka_unit_test_setup_teardown(shrinking_gives_back_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_when_growing_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
