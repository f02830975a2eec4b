/* Stacks of threads that lie in one mapping, with other memory between them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "inspect/process/span_kind.h"
#include "inspect/space/thread_stack.h"

enum {
    PAGE = 4096,
    PAGES = 64,
    BASE = 0x100000,
    STACK_PAGES = 8,
    NOTED_AT = 1680,  /* in a thread's block, as glibc 2.43 on x86_64 has it */
    BLOCK_BACK = 2368 /* bytes from a block to the end of its stack */
};

static uint64_t words[PAGES * PAGE / 8];

static int words_read(void *context, uint64_t address, void *out, size_t bytes) {
    (void)context;
    if (address < BASE || address - BASE > sizeof(words) || bytes > sizeof(words) - (address - BASE))
        return NEAP_ERROR_FORMAT;
    memcpy(out, (char *)words + (address - BASE), bytes);
    return NEAP_OK;
}

static const struct neap_memory memory = {.read = words_read};

static uint64_t page(unsigned number) {
    return BASE + (uint64_t)number * PAGE;
}

/* A thread whose stack begins at this page; its block says so if asked to. */
static struct neap_image_thread thread_lay(int tid, unsigned first, bool noted) {
    struct neap_image_thread thread = {.tid = tid,
                                       .stack_pointer = page(first + STACK_PAGES - 2) + 128,
                                       .thread_pointer = page(first + STACK_PAGES) - BLOCK_BACK};
    uint64_t *block = words + (thread.thread_pointer - BASE) / 8;
    block[0] = thread.thread_pointer;
    block[10] = page(first + 1); /* a page, with no length beside it */
    if (noted) {
        block[NOTED_AT / 8] = page(first);
        block[NOTED_AT / 8 + 1] = STACK_PAGES * PAGE;
    }
    return thread;
}

static void image_make(struct neap_process_image *image, size_t threads) {
    *image = (struct neap_process_image){
        .page_bytes = PAGE, .pointer_bytes = 8, .mapping_count = 1, .thread_count = threads};
    image->mappings = calloc(1, sizeof(*image->mappings));
    image->threads = calloc(threads, sizeof(*image->threads));
    *image->mappings = (struct neap_image_mapping){
        .start = BASE, .end = BASE + sizeof(words), .access = "rw-p", .path = "", .rss_bytes = sizeof(words)};
    assert_int_equal(neap__process_image_spans(image), NEAP_OK);
    memset(words, 0, sizeof(words));
}

static void assert_stack(const struct neap_process_image *image, int tid, unsigned first, unsigned end) {
    const struct neap_image_span *span = neap_process_image_span(image, page(first));
    assert_int_equal(span->kind, NEAP_SPAN_STACK);
    assert_int_equal(span->tid, tid);
    assert_int_equal(span->start, page(first));
    assert_int_equal(span->end, page(end));
}

/* The newest thread's lies lowest; there is other memory below, between and above. */
static void test_joined_stacks(void **state) {
    (void)state;
    struct neap_process_image image;
    image_make(&image, 3);
    image.threads[0] = thread_lay(1, 40, true);
    image.threads[1] = thread_lay(2, 32, true);
    image.threads[2] = thread_lay(3, 10, true);
    assert_int_equal(neap_thread_stacks_claim(&image, &memory), NEAP_OK);
    assert_stack(&image, 1, 40, 48);
    assert_stack(&image, 2, 32, 40);
    assert_stack(&image, 3, 10, 18);
    assert_int_equal(neap_process_image_span(&image, page(9))->kind, NEAP_SPAN_ANONYMOUS);
    assert_int_equal(neap_process_image_span(&image, page(20))->kind, NEAP_SPAN_ANONYMOUS);
    assert_int_equal(neap_process_image_span(&image, page(50))->kind, NEAP_SPAN_ANONYMOUS);
    neap_process_image_clear(&image);
}

/* A block that does not say it, or lies: the stack is what there is below the block. */
static void test_nothing_noted(void **state) {
    (void)state;
    static const uint64_t lies[][2] = {{0, 0},
                                       {UINT64_MAX - PAGE + 1, STACK_PAGES * PAGE},
                                       {BASE + 20 * PAGE, PAGE},
                                       {BASE + 17 * PAGE, PAGE},
                                       {BASE + 12 * PAGE, 30 * PAGE},
                                       {BASE + 10 * PAGE + 8, STACK_PAGES * PAGE - 8}};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct neap_process_image image;
        image_make(&image, 1);
        image.threads[0] = thread_lay(1, 10, false);
        memcpy(words + (image.threads[0].thread_pointer - BASE + NOTED_AT) / 8, lies[i], sizeof(lies[i]));
        assert_int_equal(neap_thread_stacks_claim(&image, &memory), NEAP_OK);
        assert_stack(&image, 1, 0, 18);
        neap_process_image_clear(&image);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joined_stacks),
        cmocka_unit_test(test_nothing_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
