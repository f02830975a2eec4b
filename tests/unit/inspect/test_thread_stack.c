/* Stacks: by their threads' pointers, in any order of threads; by guards; a great many of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "inspect/span_kind.h"
#include "inspect/thread_stack.h"

enum { PAGE = 4096, STACK_PAGES = 8, BASE = 0x100000, STACKS = 20000 };

/* `count` times a guard of one page and a stack; a thread's pointer in the middle of each. */
static void image_make(struct neap_process_image *image, size_t count, bool guards) {
    *image = (struct neap_process_image){.page_bytes = PAGE, .pointer_bytes = 8};
    image->mappings = calloc(2 * count, sizeof(*image->mappings));
    image->threads = calloc(count, sizeof(*image->threads));
    assert_true(image->mappings && image->threads);
    uint64_t at = BASE;
    for (size_t i = 0; i < count; i++) {
        if (guards)
            image->mappings[image->mapping_count++] =
                (struct neap_image_mapping){.start = at, .end = at + PAGE, .access = "---p", .path = ""};
        at += PAGE;
        image->mappings[image->mapping_count++] = (struct neap_image_mapping){
            .start = at, .end = at + STACK_PAGES * PAGE, .access = "rw-p", .path = ""};
        image->threads[image->thread_count++] =
            (struct neap_image_thread){.tid = (pid_t)(1 + i),
                                       .stack_pointer = at + 2 * PAGE,
                                       .thread_pointer = at + STACK_PAGES * PAGE - 2304};
        at += STACK_PAGES * PAGE;
    }
    assert_int_equal(neap__process_image_spans(image), NEAP_OK);
}

static void stacks_check(const struct neap_process_image *image, bool known) {
    const char *why;
    size_t stacks = 0;
    assert_true(neap_process_image_check(image, &why));
    for (size_t i = 0; i < image->span_count; i++)
        if (image->spans[i].kind == NEAP_SPAN_STACK) {
            assert_int_equal(image->spans[i].end - image->spans[i].start, STACK_PAGES * PAGE);
            assert_int_equal(image->spans[i].tid, known ? 1 + stacks : 0);
            stacks++;
        }
    assert_int_equal(stacks, image->thread_count);
}

/* So many that to look at each span for each of them would not end. */
static void test_pointers(void **state) {
    (void)state;
    struct neap_process_image image;
    image_make(&image, STACKS, true);
    for (size_t i = 1; i < image.thread_count; i++) { /* the kernel tells threads in no order of address */
        size_t other = (size_t)rand() % i;
        struct neap_image_thread kept = image.threads[i];
        image.threads[i] = image.threads[other];
        image.threads[other] = kept;
    }
    assert_int_equal(neap_thread_stacks_claim(&image), NEAP_OK);
    stacks_check(&image, true);
    neap_process_image_clear(&image);
}

static void test_guards(void **state) {
    (void)state;
    struct neap_process_image image;
    image_make(&image, STACKS, true);
    for (size_t i = 0; i < image.thread_count; i++)
        image.threads[i].stack_pointer = image.threads[i].thread_pointer = 0;
    assert_int_equal(neap_thread_stacks_claim(&image), NEAP_OK);
    stacks_check(&image, false);
    neap_process_image_clear(&image);
}

/* Neighbouring stacks in one mapping: each thread has what lies above the block of the one below. */
static void test_joined(void **state) {
    (void)state;
    enum { THREADS = 5 };
    struct neap_process_image image;
    image_make(&image, THREADS, false);
    struct neap_image_mapping *joined = &image.mappings[0];
    joined->end = image.mappings[THREADS - 1].end;
    image.mapping_count = 1;
    assert_int_equal(neap__process_image_spans(&image), NEAP_OK);
    assert_int_equal(neap_thread_stacks_claim(&image), NEAP_OK);
    assert_int_equal(image.span_count, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(image.spans[i].tid, 1 + i);
        assert_true(image.spans[i].start <= image.threads[i].stack_pointer &&
                    image.threads[i].stack_pointer < image.spans[i].end);
    }
    neap_process_image_clear(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
