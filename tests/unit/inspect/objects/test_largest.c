/* The largest of many against sorting all of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "inspect/objects/largest.h"

enum { ITEMS = 300 };

static int larger_first(const void *a, const void *b) {
    const struct neap_largest *one = a, *other = b;
    if (one->bytes != other->bytes)
        return one->bytes < other->bytes ? 1 : -1;
    return (one->address > other->address) - (one->address < other->address);
}

static void test_against_sorting(void **state) {
    (void)state;
    srand(11);
    for (size_t most = 0; most < ITEMS + 10; most += 1 + most / 3) {
        struct neap_largest all[ITEMS], kept[ITEMS + 10];
        struct neap_largest_list largest = {.list = kept, .most = most};
        for (size_t i = 0; i < ITEMS; i++) { /* many of one size; every address is another */
            all[i] = (struct neap_largest){(uint32_t)i, (uint64_t)(rand() % 50), i * 16};
            neap_largest_add(&largest, &all[i]);
        }
        neap_largest_sort(&largest);
        qsort(all, ITEMS, sizeof(*all), larger_first);
        assert_int_equal(largest.count, most < ITEMS ? most : ITEMS);
        for (size_t i = 0; i < largest.count; i++)
            assert_int_equal(kept[i].ordinal, all[i].ordinal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_sorting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
