/* The account of resident memory: whatever the spans and the census say, its lines add up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "inspect/space/memory_account.h"
#include "../process/random_image.h"

/* Lines never overlap, and sum up to the whole, whatever the census claims. */
static void test_account(void **state) {
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct neap_process_image image;
        struct neap_memory_account account;
        srand(round);
        image_make(&image);
        for (int i = 0; i < 10; i++) {
            uint64_t start = BASE + (uint64_t)rand() % UNITS * unit;
            struct neap_image_span claim = {.start = start,
                                            .end = start + unit * (1 + (uint64_t)rand() % 50),
                                            .kind = (unsigned)rand() % NEAP_SPAN_KINDS,
                                            .has_use = true,
                                            .used_bytes = (uint64_t)rand() % 20000};
            neap_process_image_claim(&image, &claim);
        }
        for (size_t i = 0; round % 4 == 0 && i < MAPPINGS; i++) { /* nothing is unexplained */
            struct neap_image_span claim = {
                .start = image.mappings[i].start, .end = image.mappings[i].end, .kind = NEAP_SPAN_CODE};
            neap_process_image_claim(&image, &claim);
        }
        struct neap_account_heap heap = {.known = round % 2,
                                         .object_bytes = (uint64_t)rand() % 100000,
                                         .buffer_bytes = (uint64_t)rand() % 100000,
                                         .free_pool_bytes = (uint64_t)rand() % 100000,
                                         .glibc_object_bytes = (uint64_t)rand() % 100000};
        image.mappings[0].rss_bytes -=
            image.mappings[0].rss_bytes / PAGE > 2 ? PAGE : 0; /* a page of zeros */
        neap_memory_account_make(&image, &heap, &account);
        uint64_t sum = 0, rss = 0;
        for (size_t i = 0; i < account.line_count; i++)
            sum += account.lines[i].bytes;
        for (size_t i = 0; i < MAPPINGS; i++)
            rss += image.mappings[i].rss_bytes;
        assert_int_equal(account.rss_bytes, rss);
        assert_int_equal(sum, rss);
        assert_string_equal(account.lines[account.line_count - 1].name, "unexplained");
        neap_process_image_clear(&image);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_account)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
