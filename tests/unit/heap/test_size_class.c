/* The table of classes keeps what its header promises, for every page size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/size_class.h"

static struct neap__size_class classes[NEAP_LAYOUT_CLASSES_MAX];
static uint8_t class_of_step[NEAP_STEPS];

static void make(unsigned page_shift) {
    uint32_t page = 1u << page_shift;
    neap__size_class_table(classes, class_of_step, page_shift, page / 1024 > 16 ? page / 1024 * 64 : 1024);
}

static uint32_t serves(size_t bytes) {
    return classes[class_of_step[(bytes + 15) / 16]].block_bytes;
}

static void rounding_wastes_an_eighth_at_most(void **state) {
    (void)state;
    make(12);
    for (size_t bytes = 1; bytes <= NEAP_CLASS_BYTES_MAX; bytes++) {
        uint32_t block = serves(bytes);
        assert_true(block >= bytes);
        assert_int_equal(block % 16, 0);
        if (bytes > 128) /* below, a step of 16 is more than an eighth */
            assert_true((block - bytes) * 8 <= block);
        else
            assert_true(block - bytes < 16);
    }
}

static void index_and_offset_agree(void **state) {
    (void)state;
    for (unsigned shift = 12; shift <= 16; shift += 2) {
        make(shift);
        for (uint32_t i = 1; i < neap__size_class_count; i++) {
            const struct neap__size_class *c = &classes[i];
            uint32_t end = 0;
            for (uint32_t n = 0; n < c->slab_blocks; n++) {
                uint32_t offset = neap__size_class_offset(c, n);
                assert_true(offset >= end);
                end = offset + c->block_bytes;
                assert_int_equal(neap__size_class_index(c, offset), n);
                assert_int_equal(neap__size_class_index(c, end - 1), n);
            }
            assert_true(end <= 16u << shift);
        }
    }
}

/* Against the definition: the blocks whose bytes overlap the page's. */
static void pages_name_the_blocks_on_them(void **state) {
    (void)state;
    for (unsigned shift = 12; shift <= 16; shift += 2) {
        make(shift);
        for (uint32_t i = 1; i < neap__size_class_count; i++) {
            const struct neap__size_class *c = &classes[i];
            for (uint32_t page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page++) {
                struct neap__block_span span = neap__size_class_on_page(c, shift, page);
                uint32_t first = UINT32_MAX, last = 0, from = page << shift, to = from + (1u << shift);
                for (uint32_t n = 0; n < c->slab_blocks; n++) {
                    uint32_t offset = neap__size_class_offset(c, n);
                    if (offset >= to || offset + c->block_bytes <= from)
                        continue;
                    first = first == UINT32_MAX ? n : first;
                    last = n;
                }
                if (first == UINT32_MAX) {
                    assert_true(span.first > span.last);
                    continue;
                }
                assert_int_equal(span.first, first);
                assert_int_equal(span.last, last);
                assert_true(c->page_blocks <= last - first + 1);
            }
        }
    }
}

static void groups_waste_a_64th_unless_the_slab_is_one(void **state) {
    (void)state;
    make(12);
    for (uint32_t i = 1; i < neap__size_class_count; i++) {
        uint32_t group = 1u << classes[i].group_shift;
        assert_int_equal(classes[i].group_tail, group - classes[i].group_blocks * classes[i].block_bytes);
        if (classes[i].group_shift < 16)
            assert_true(classes[i].group_tail <= group / 64);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_wastes_an_eighth_at_most),
        cmocka_unit_test(index_and_offset_agree),
        cmocka_unit_test(pages_name_the_blocks_on_them),
        cmocka_unit_test(groups_waste_a_64th_unless_the_slab_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
