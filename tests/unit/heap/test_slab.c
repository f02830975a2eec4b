/* Where blocks come from: the fullest slab, the lowest address, not one to be
 * avoided; and what compaction will ask of a slab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "heap/magazine.h"
#include "heap/slab.h"

enum { BYTES = 1024, CLASS_BLOCKS = 64, SLABS = 6 };

static neap_heap_t *heap;
static void *blocks[SLABS][CLASS_BLOCKS];

static uint32_t class_index(void) {
    return neap__heap_class(heap, BYTES);
}

static void check(void) {
    const char *why = NULL;
    if (!neap_heap_check(heap, &why))
        fail_msg("%s", why);
}

static struct neap__place place_of(const void *block) {
    struct neap__place place;
    assert_true(neap__region_find(heap, block, &place));
    return place;
}

/* Six full slabs of one class, straight from the slabs: no magazine between. */
static int setup(void **state) {
    (void)state;
    heap = neap_heap_new(NULL);
    for (int s = 0; s < SLABS; s++)
        assert_int_equal(neap__slab_take(heap, class_index(), CLASS_BLOCKS, blocks[s]), CLASS_BLOCKS);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    neap_heap_destroy(heap);
    return 0;
}

static void put(int slab, int count) {
    neap__slab_put(heap, class_index(), blocks[slab], (uint32_t)count);
}

static void *take(void) {
    void *block;
    assert_int_equal(neap__slab_take(heap, class_index(), 1, &block), 1);
    return block;
}

static void a_slab_is_filled_before_the_next(void **state) {
    (void)state;
    for (int s = 0; s < SLABS; s++) {
        for (int i = 0; i < CLASS_BLOCKS; i++)
            assert_int_equal(place_of(blocks[s][i]).index, place_of(blocks[0][0]).index + (uint32_t)s);
    }
    check();
}

static void the_fullest_gives_first(void **state) {
    (void)state;
    put(1, 60);
    put(3, 10);
    put(4, 40);
    check();
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(take(), blocks[3][i]); /* lowest address first */
    for (int i = 0; i < 40; i++)
        assert_ptr_equal(take(), blocks[4][i]);
    assert_ptr_equal(take(), blocks[1][0]);
    check();
}

static void ties_go_to_the_lowest_address(void **state) {
    (void)state;
    put(4, 20);
    put(2, 20);
    put(5, 20);
    assert_ptr_equal(take(), blocks[2][0]);
    check();
}

static void avoided_slabs_give_nothing(void **state) {
    (void)state;
    put(2, 5);
    put(3, 50);
    neap__slab_avoid(heap, place_of(blocks[2][0]), true);
    check();
    assert_ptr_equal(take(), blocks[3][0]);
    neap__slab_put(heap, class_index(), &blocks[2][5], 1);
    check();
    assert_ptr_equal(take(), blocks[3][1]);
    neap__slab_avoid(heap, place_of(blocks[2][0]), false);
    assert_ptr_equal(take(), blocks[2][0]);
    check();
}

static void an_avoided_slab_that_empties_is_free(void **state) {
    (void)state;
    struct neap__place place = place_of(blocks[2][0]);
    neap__slab_avoid(heap, place, true);
    put(2, CLASS_BLOCKS);
    assert_int_equal(neap__place_unit(heap, place)->kind, NEAP_UNIT_FREE);
    check();
}

static bool count_block(void *context, void *block, uint32_t bytes) {
    uint32_t *count = context;
    assert_int_equal(bytes, BYTES);
    assert_non_null(block);
    return ++*count < 10;
}

static void blocks_are_enumerated(void **state) {
    (void)state;
    uint32_t count = 0;
    put(0, CLASS_BLOCKS - 7);
    neap__slab_each(heap, place_of(blocks[0][0]), count_block, &count);
    assert_int_equal(count, 7);
    count = 0;
    neap__slab_each(heap, place_of(blocks[1][0]), count_block, &count);
    assert_int_equal(count, 10); /* the visitor had enough */
}

static void free_pages_are_those_without_a_block(void **state) {
    (void)state;
    const neap__unit_t *unit = neap__place_unit(heap, place_of(blocks[0][0]));
    assert_int_equal(neap__slab_free_pages(heap, unit), 0);
    put(0, 4); /* four blocks of 1024 are page 0 */
    assert_int_equal(neap__slab_free_pages(heap, unit), 1);
    neap__slab_put(heap, class_index(), &blocks[0][8], 4);
    neap__slab_put(heap, class_index(), &blocks[0][60], 3);
    assert_int_equal(neap__slab_free_pages(heap, unit), 1 | 1 << 2);
    neap__slab_put(heap, class_index(), &blocks[0][63], 1);
    assert_int_equal(neap__slab_free_pages(heap, unit), 1 | 1 << 2 | 1 << 15);
}

/* Thousands of slabs in random order of fill: the ranking stays one. */
static void the_ranking_survives_anything(void **state) {
    (void)state;
    enum { MANY = 4000 };
    void **all = malloc(MANY * sizeof(*all));
    uint32_t class_of_16k = neap__heap_class(heap, 16384); /* four to a slab */
    for (int i = 0; i < MANY; i++)
        assert_int_equal(neap__slab_take(heap, class_of_16k, 1, &all[i]), 1);
    srand(3);
    for (int round = 0; round < 20000; round++) {
        int i = rand() % MANY;
        if (all[i]) {
            neap__slab_put(heap, class_of_16k, &all[i], 1);
            all[i] = NULL;
        } else {
            assert_int_equal(neap__slab_take(heap, class_of_16k, 1, &all[i]), 1);
        }
        if (round % 500 == 0)
            check();
    }
    check();
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slab_is_filled_before_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(the_fullest_gives_first, setup, teardown),
        cmocka_unit_test_setup_teardown(ties_go_to_the_lowest_address, setup, teardown),
        cmocka_unit_test_setup_teardown(avoided_slabs_give_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_avoided_slab_that_empties_is_free, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_are_enumerated, setup, teardown),
        cmocka_unit_test_setup_teardown(free_pages_are_those_without_a_block, setup, teardown),
        cmocka_unit_test_setup_teardown(the_ranking_survives_anything, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
