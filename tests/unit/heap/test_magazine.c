/* What lies in magazines and what does not: small blocks stay for the next request,
 * large ones leave their pages to whatever comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/magazine.h"

static neap_heap_t *heap;

static int setup(void **state) {
    (void)state;
    heap = neap_heap_new(NULL);
    return !heap;
}

static int setup_shared(void **state) {
    (void)state;
    struct neap_heap_options options = {.flags = NEAP_HEAP_SHARED};
    heap = neap_heap_new(&options);
    return !heap;
}

static int teardown(void **state) {
    (void)state;
    const char *why = NULL;
    if (!neap_heap_check(heap, &why))
        fail_msg("%s", why);
    neap_heap_destroy(heap);
    return 0;
}

static uint32_t cached(size_t bytes) {
    return neap__magazine_cached(heap, neap__heap_class(heap, bytes));
}

static void a_small_block_that_is_freed_is_the_next_handed_out(void **state) {
    (void)state;
    void *block = neap_heap_alloc(heap, NEAP_MAGAZINE_BYTES_MAX);
    uint32_t before = cached(NEAP_MAGAZINE_BYTES_MAX);
    neap_heap_free(heap, block);
    assert_int_equal(cached(NEAP_MAGAZINE_BYTES_MAX), before + 1);
    assert_ptr_equal(neap_heap_alloc(heap, NEAP_MAGAZINE_BYTES_MAX), block);
    neap_heap_free(heap, block);
}

static void a_large_block_is_in_no_magazine(void **state) {
    (void)state;
    void *block = neap_heap_alloc(heap, NEAP_MAGAZINE_BYTES_MAX + 1);
    assert_int_equal(cached(NEAP_MAGAZINE_BYTES_MAX + 1), 0);
    neap_heap_free(heap, block);
    assert_int_equal(cached(NEAP_MAGAZINE_BYTES_MAX + 1), 0);
}

/* As a list does: each size is left for a larger one. The unit that one leaves is
 * the next but one's. */
static void what_grows_leaves_no_pages_behind(void **state) {
    (void)state;
    size_t bytes = NEAP_MAGAZINE_BYTES_MAX + 1;
    void *block = neap_heap_alloc(heap, bytes);
    for (; bytes <= NEAP_CLASS_BYTES_MAX; bytes += bytes / 8)
        block = neap_heap_realloc(heap, block, bytes);
    assert_true(heap->layout.resident_pages <= UINT64_C(2) * NEAP_LAYOUT_UNIT_PAGES);
    neap_heap_free(heap, block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_block_that_is_freed_is_the_next_handed_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_block_is_in_no_magazine, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_block_is_in_no_magazine, setup_shared, teardown),
        cmocka_unit_test_setup_teardown(what_grows_leaves_no_pages_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(what_grows_leaves_no_pages_behind, setup_shared, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
