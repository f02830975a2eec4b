/* A heap holds nothing ready while its process locks its memory, and works on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap/model.h"
#include "heap/wired.h"
#include "os/memory.h"

enum { BLOCKS = 20000, BYTES = 1000 };

static neap_heap_t *heap;
static unsigned char *blocks[BLOCKS];

static int setup(void **state) {
    (void)state;
    heap = neap_heap_new(&(struct neap_heap_options){.reserve_bytes = 256 << 20});
    return !heap;
}

static int teardown(void **state) {
    (void)state;
    neap_os_fault_after(0);
    neap_heap_destroy(heap);
    return 0;
}

static void check(void) {
    const char *why = NULL;
    if (!neap_heap_check(heap, &why))
        fail_msg("%s", why);
}

static void fill(int from, int to) {
    for (int i = from; i < to; i++) {
        blocks[i] = neap_heap_alloc(heap, BYTES);
        assert_non_null(blocks[i]);
        memset(blocks[i], i % 251, BYTES);
    }
    check();
}

static void assert_filled(int from, int to) {
    for (int i = from; i < to; i++)
        assert_true(blocks[i][0] == i % 251 && blocks[i][BYTES - 1] == i % 251);
}

static uint32_t ahead(void) {
    return heap->layout.regions[0].committed - heap->layout.regions[0].top;
}

static void nothing_is_ahead(void **state) {
    (void)state;
    fill(0, BLOCKS / 2);
    assert_true(ahead() > 0);
    neap__wired_before(heap);
    assert_int_equal(ahead(), 0);
    check();
    assert_filled(0, BLOCKS / 2);
}

static void it_works_on(void **state) {
    for (int future = 0; future < 2; future++) {
        fill(0, BLOCKS / 2);
        neap__wired_before(heap);
        neap__wired_after(heap, future == 1);
        check();
        fill(BLOCKS / 2, BLOCKS);
        assert_filled(0, BLOCKS);
        for (int i = 0; i < BLOCKS; i++)
            neap_heap_free(heap, blocks[i]);
        check();
        teardown(state);
        setup(state);
    }
}

/* With MCL_FUTURE, what is made accessible is in memory at once. */
static void what_comes_later_is_not_ahead(void **state) {
    (void)state;
    neap__wired_before(heap);
    neap__wired_after(heap, true);
    fill(0, BLOCKS);
    assert_true(ahead() <= 1);
    assert_filled(0, BLOCKS);
}

static void when_it_is_over(void **state) {
    (void)state;
    neap__wired_after(heap, true);
    neap__wired_over(heap);
    fill(0, BLOCKS / 2);
    assert_true(ahead() > 1);
    assert_filled(0, BLOCKS / 2);
}

/* As for the kernel: a call without MCL_FUTURE ends what an earlier one began. */
static void the_last_call_counts(void **state) {
    (void)state;
    neap__wired_after(heap, true);
    neap__wired_after(heap, false);
    fill(0, BLOCKS / 2);
    assert_true(ahead() > 1);
}

/* The program has called it, and the kernel refused. */
static void before_without_after(void **state) {
    (void)state;
    neap__wired_before(heap);
    fill(0, BLOCKS);
    assert_true(ahead() > 0);
    neap__wired_before(heap);
    neap__wired_before(heap);
    assert_filled(0, BLOCKS);
}

static void the_system_refuses(void **state) {
    (void)state;
    fill(0, BLOCKS / 2);
    for (unsigned n = 1; n < 4; n++) {
        neap_os_fault_after(n);
        neap__wired_before(heap);
        neap_os_fault_after(0);
        check();
        fill((int)(BLOCKS / 2 + n * 1000), (int)(BLOCKS / 2 + n * 1000 + 1000));
    }
    assert_filled(0, BLOCKS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(it_works_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_later_is_not_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(when_it_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_call_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(before_without_after, setup, teardown),
        cmocka_unit_test_setup_teardown(the_system_refuses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
