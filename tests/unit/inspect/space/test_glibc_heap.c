/* glibc's heap: chunks laid out by hand, sound and broken; and this process's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/space/glibc_heap.h"
#include "inspect/process/snapshot.h"
#include "inspect/process/span_kind.h"

enum { PAGE = 4096, HEAP_PAGES = 16, BASE = 0x100000 };

static uint64_t words[HEAP_PAGES * PAGE / 8];

static int heap_read(void *context, uint64_t address, void *out, size_t bytes) {
    (void)context;
    if (address < BASE || address - BASE > sizeof(words) || bytes > sizeof(words) - (address - BASE))
        return NEAP_ERROR_FORMAT;
    memcpy(out, (char *)words + (address - BASE), bytes);
    return NEAP_OK;
}

static const struct neap_memory memory = {.read = heap_read};

/* Lays chunks of these sizes out; `used` says of each whether the next one's flag is set. The rest is top. */
static void chunks_lay(const uint64_t *sizes, const bool *used, size_t count) {
    uint64_t at = 0;
    memset(words, 0, sizeof(words));
    for (size_t i = 0; i <= count; i++) {
        uint64_t size = i < count ? sizes[i] : sizeof(words) - at;
        words[at / 8 + 1] = size | (i == 0 || used[i - 1]);
        at += size;
    }
}

static void image_make(struct neap_process_image *image, const char *path) {
    *image = (struct neap_process_image){.page_bytes = PAGE, .pointer_bytes = 8, .mapping_count = 1};
    image->mappings = calloc(1, sizeof(*image->mappings));
    *image->mappings = (struct neap_image_mapping){.start = BASE,
                                                   .end = BASE + sizeof(words),
                                                   .access = "rw-p",
                                                   .path = path,
                                                   .rss_bytes = sizeof(words)};
    assert_int_equal(neap__process_image_spans(image), NEAP_OK);
}

static void test_main_heap(void **state) {
    (void)state;
    static const uint64_t sizes[] = {0x110, 0x200, 0x30, 0x400, 0x20};
    static const bool used[] = {true, false, true, false, true};
    struct neap_process_image image;
    struct neap_glibc_facts facts;
    chunks_lay(sizes, used, 5);
    image_make(&image, "[heap]");
    assert_int_equal(neap_glibc_heap_claim(&image, &memory, &facts), NEAP_OK);
    assert_int_equal(image.span_count, 1);
    assert_int_equal(image.spans[0].kind, NEAP_SPAN_GLIBC_MAIN);
    assert_in_range(image.spans[0].used_bytes, 0x110 + 0x30 + 0x20 - 1, 0x110 + 0x30 + 0x20);
    assert_int_equal(facts.chunks, 6);
    assert_int_equal(facts.used_bytes + facts.free_bytes, sizeof(words));
    neap_process_image_clear(&image);
}

/* A chunk whose size is nonsense, wherever it is: nothing is claimed. */
static void test_broken_heap(void **state) {
    (void)state;
    static const uint64_t sizes[] = {0x110, 0x200, 0x30, 0x400, 0x20};
    static const bool used[] = {true, true, true, true, true};
    static const uint64_t nonsense[] = {0, 8, 0x18, UINT64_MAX, sizeof(words) + 16, 0x1002};
    static const uint64_t places[] = {0, 0x110, 0x310, 0x340, 0x740, 0x760};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            struct neap_process_image image;
            struct neap_glibc_facts facts;
            chunks_lay(sizes, used, 5);
            words[places[i] / 8 + 1] = nonsense[k];
            image_make(&image, "[heap]");
            assert_int_equal(neap_glibc_heap_claim(&image, &memory, &facts), NEAP_OK);
            assert_int_equal(facts.broken, 1);
            assert_int_equal(image.spans[0].kind, NEAP_SPAN_NAMED);
            neap_process_image_clear(&image);
        }
}

/* Blocks with mappings of their own among other memory. */
static void test_mapped_blocks(void **state) {
    (void)state;
    struct neap_process_image image;
    struct neap_glibc_facts facts;
    memset(words, 0xA5, sizeof(words));
    words[2 * PAGE / 8] = 0, words[2 * PAGE / 8 + 1] = 3 * PAGE | 2;
    words[7 * PAGE / 8] = 0, words[7 * PAGE / 8 + 1] = 100 * PAGE | 2; /* goes past the end */
    words[9 * PAGE / 8] = 0, words[9 * PAGE / 8 + 1] = (PAGE + 16) | 2;
    words[11 * PAGE / 8] = 0, words[11 * PAGE / 8 + 1] = (2 * PAGE - 16) | 2; /* glibc 2.43 */
    words[15 * PAGE / 8] = 0, words[15 * PAGE / 8 + 1] = PAGE | 2;
    image_make(&image, "");
    assert_int_equal(neap_glibc_heap_claim(&image, &memory, &facts), NEAP_OK);
    assert_int_equal(facts.mapped_blocks, 3);
    assert_int_equal(neap_process_image_span(&image, BASE + 2 * PAGE)->end, BASE + 5 * PAGE);
    assert_int_equal(neap_process_image_span(&image, BASE + 2 * PAGE)->kind, NEAP_SPAN_GLIBC_MAPPED);
    assert_int_equal(neap_process_image_span(&image, BASE + 9 * PAGE)->kind, NEAP_SPAN_ANONYMOUS);
    assert_int_equal(neap_process_image_span(&image, BASE + 11 * PAGE)->kind, NEAP_SPAN_GLIBC_MAPPED);
    assert_int_equal(neap_process_image_span(&image, BASE + 11 * PAGE)->end, BASE + 13 * PAGE);
    assert_int_equal(neap_process_image_span(&image, BASE + 15 * PAGE)->kind, NEAP_SPAN_GLIBC_MAPPED);
    neap_process_image_clear(&image);
}

static pid_t child;

static int end_child(void **state) {
    (void)state;
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return 0;
}

/* A child, whose heap is then of two mappings, that keeps one of two blocks: the used bytes are those it
 * keeps. */
static void test_real_heap(void **state) {
    (void)state;
    enum { BLOCKS = 4000, BYTES = 2000 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* malloc is not glibc's then */
#endif
    if (getenv("NEAP_TEST_VALGRIND"))
        skip(); /* nor there */
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        static char *blocks[BLOCKS];
        for (int i = 0; i < BLOCKS; i++)
            blocks[i] = memset(malloc(BYTES), 1, BYTES);
        for (int i = 0; i < BLOCKS; i += 2)
            free(blocks[i]);
        _exit(write(ready[1], "x", 1) == 1 ? (pause(), 0) : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    neap_os_process_t *process;
    neap_snapshot_t *snapshot;
    struct neap_glibc_facts facts;
    assert_int_equal(neap_os_process_open(child, false, &process), NEAP_OK);
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_PAUSE, &snapshot), NEAP_OK);
    struct neap_memory there = neap_snapshot_memory(snapshot);
    assert_int_equal(neap_glibc_heap_claim(neap_snapshot_image(snapshot), &there, &facts), NEAP_OK);
    assert_int_equal(facts.broken, 0);
    assert_true(facts.arenas == 1 && facts.used_bytes >= BLOCKS / 2 * BYTES);
    assert_true(facts.used_bytes < BLOCKS / 2 * BYTES + 500000);
    assert_true(facts.free_bytes >= BLOCKS / 2 * BYTES - 200000);
    neap_snapshot_destroy(snapshot);
    neap_os_process_close(process);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main_heap),
        cmocka_unit_test(test_broken_heap),
        cmocka_unit_test(test_mapped_blocks),
        cmocka_unit_test_teardown(test_real_heap, end_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
