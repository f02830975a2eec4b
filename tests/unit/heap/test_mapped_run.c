/* Mapped runs: how they grow, what they keep and give back, and every way in which the
 * system can refuse, as the kernel refuses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "heap/mapped_run.h"
#include "heap/purge.h"
#include "os/clock.h"

#include "one_heap.h" /* last: it defines `heap` */

enum { MB = 1 << 20 };

/* Fills with bytes that tell one page from the next, and one block from another. */
static unsigned char *filled(size_t bytes, unsigned seed) {
    unsigned char *block = neap_heap_alloc(heap, bytes);
    assert_non_null(block);
    for (size_t i = 0; i < bytes; i += 512)
        block[i] = (unsigned char)(i / 4096 * 7 + seed);
    return block;
}

static void verify(const unsigned char *block, size_t bytes, unsigned seed) {
    for (size_t i = 0; i < bytes; i += 512)
        assert_int_equal(block[i], (unsigned char)(i / 4096 * 7 + seed));
}

/* Whether the system has any page of [address, address + bytes) in a mapping. */
static bool is_mapped(const void *address) {
    unsigned char in;
    return mincore((void *)(uintptr_t)address, neap_os_page_bytes(), &in) == 0;
}

/* The fault of kernels before 6.17: a list that grows, again and again, with others beside it. */
static void many_grow_in_turn(void **state) {
    (void)state;
    enum { LISTS = 7 };
    unsigned char *lists[LISTS];
    size_t bytes[LISTS];
    for (unsigned i = 0; i < LISTS; i++)
        lists[i] = filled(bytes[i] = 100000 + 1000 * i, i);
    for (int round = 0; round < 40; round++) {
        for (unsigned i = 0; i < LISTS; i++) {
            size_t longer = bytes[i] + bytes[i] / 8;
            lists[i] = neap_heap_realloc(heap, lists[i], longer);
            assert_non_null(lists[i]);
            verify(lists[i], bytes[i], i);
            for (size_t at = neap_word_round_up_size(bytes[i], 512); at < longer; at += 512)
                lists[i][at] = (unsigned char)(at / 4096 * 7 + i);
            bytes[i] = longer;
        }
        check();
    }
    assert_int_equal(heap->layout.mapped_count, LISTS);
    for (unsigned i = 0; i < LISTS; i++)
        neap_heap_free(heap, lists[i]);
    neap_heap_trim(heap);
    assert_int_equal(heap->layout.mapped_count, 0);
    assert_int_equal(resident(), 0);
}

static void a_free_one_serves_the_next(void **state) {
    (void)state;
    unsigned char *a = filled(4 * MB, 1);
    neap_heap_free(heap, a);
    check();
    bool zero = true;
    assert_ptr_equal(neap__mapped_alloc(heap, 3 * MB, &zero), a);
    assert_false(zero);
    assert_int_equal(resident(), 4 * MB);
    check();
    neap_heap_trim(heap);
    assert_int_equal(resident(), 3 * MB);
    check();
    neap_heap_free(heap, a);
    unsigned char *b = neap_heap_calloc(heap, 1, 5 * MB); /* a free one is made longer */
    for (size_t i = 0; i < 5 * MB; i += 64)
        assert_int_equal(b[i], 0);
    assert_int_equal(heap->layout.mapped_count, 1);
    check();
}

static void what_is_cut_off_goes(void **state) {
    (void)state;
    unsigned char *a = filled(8 * MB, 5);
    assert_ptr_equal(neap_heap_realloc(heap, a, 2 * MB + 100), a);
    check();
    neap_heap_trim(heap);
    assert_int_equal(resident(), 2 * MB + neap_os_page_bytes());
    assert_false(is_mapped(a + 4 * MB));
    verify(a, 2 * MB, 5);
    assert_int_equal(neap_heap_usable_bytes(heap, a), 2 * MB + neap_os_page_bytes());
    check();
    a = neap_heap_realloc(heap, a, 100); /* a class's block */
    assert_int_equal(a[0], 5);
    neap_heap_trim(heap);
    assert_int_equal(heap->layout.mapped_count, 0);
    check();
}

static void a_decay_later_it_is_unmapped(void **state) {
    (void)state;
    unsigned char *a = filled(40 * MB, 1);
    neap_heap_free(heap, a);
    uint64_t start_ns = neap_os_now_ns();
    while (neap_heap_purge(heap) != 0 && neap_os_now_ns() - start_ns < UINT64_C(30000000000))
        neap_os_sleep_ns(5000000);
    assert_int_equal(heap->layout.mapped_count, 0);
    assert_int_equal(resident(), 0);
    assert_false(is_mapped(a));
    assert_int_equal(heap->layout.purged_pages, 40 * MB / neap_os_page_bytes());
    check();
}

static void a_limit_is_kept(void **state) {
    (void)state;
    neap_heap_destroy(heap);
    heap = neap_heap_new(&(struct neap_heap_options){.limit_bytes = 16 * MB});
    unsigned char *a = filled(6 * MB, 1), *b = filled(6 * MB, 2);
    assert_null(neap_heap_realloc(heap, a, 12 * MB));
    verify(a, 6 * MB, 1);
    assert_null(neap_heap_alloc(heap, 6 * MB));
    neap_heap_free(heap, b);
    assert_non_null(neap_heap_realloc(heap, a, 12 * MB)); /* the free one makes way */
    check();
}

/* The n-th request of a growing block fails, whichever it is: the block is longer, or as before. */
static void nothing_is_lost_whatever_fails(void **state) {
    (void)state;
    for (unsigned n = 1; n < 12; n++) {
        unsigned char *a = filled(2 * MB, n), *other = filled(3 * MB, n + 1);
        neap_os_fault_after(n);
        unsigned char *b = neap_heap_realloc(heap, a, 5 * MB);
        neap_os_fault_after(0);
        b = b ? b : a;
        verify(b, 2 * MB, n);
        verify(other, 3 * MB, n + 1);
        check();
        neap_os_fault_after(n);
        neap_heap_free(heap, b);
        neap_heap_free(heap, other);
        neap_heap_trim(heap);
        neap_os_fault_after(0);
        check();
        assert_int_equal(resident(), 0);
    }
    neap_heap_trim(heap);
    assert_int_equal(heap->layout.mapped_count, 0);
}

/* Somebody has cut the mapping in three, by mprotect: no kernel before 6.17 moves that. */
static void a_mapping_that_was_split_is_copied(void **state) {
    (void)state;
    unsigned char *a = filled(4 * MB, 3);
    assert_int_equal(mprotect(a + MB, MB, PROT_READ), 0);
    unsigned char *b = neap_heap_realloc(heap, a, 32 * MB);
    assert_non_null(b);
    verify(b, 4 * MB, 3);
    check();
}

static void a_full_table_leaves_regions(void **state) {
    (void)state;
    filled(MB, 0);
    heap->layout.mapped_max = 1;
    unsigned char *a = filled(2 * MB, 1);
    assert_int_equal(heap->layout.mapped_count, 1);
    filled(MB, 2);
    for (size_t bytes = 2 * MB; bytes < 20 * MB; bytes += bytes / 8) {
        a = neap_heap_realloc(heap, a, bytes);
        assert_non_null(a);
        verify(a, 2 * MB, 1);
        check();
    }
    neap_heap_free(heap, a);
    neap_heap_trim(heap);
    check();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_grow_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_free_one_serves_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_cut_off_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_decay_later_it_is_unmapped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_limit_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_whatever_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mapping_that_was_split_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_table_leaves_regions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
