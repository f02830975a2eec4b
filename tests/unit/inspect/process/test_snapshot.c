/* Snapshots of a child that holds known bytes, in every way there is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/process/snapshot.h"

enum { PAGES = 3000 };

/* Of these pages the child touches those with `touched`; a variable that it has changed, and one
 * that is as in the file. */
static unsigned char *pages;
static size_t page;
static pid_t child;
static volatile uint64_t changed = 1;
static const char constant[] = "as it is in the file";

static bool touched(size_t i) {
    return i % 7 != 0 && !(i >= 600 && i < 1500);
}

static unsigned char byte_of(size_t place) {
    return (unsigned char)(place * 31 + place / page);
}

static int start_child(void **state) {
    (void)state;
    int ready[2];
    char byte;
    page = (size_t)sysconf(_SC_PAGESIZE);
    pages = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || pipe(ready) != 0)
        return 1;
    madvise(pages, PAGES * page,
            MADV_NOHUGEPAGE); /* where they are for everybody, untouched pages come along */
    child = fork();
    if (child == 0) {
        changed = 2;
        for (size_t i = 0; i < PAGES; i++)
            for (size_t at = i * page; touched(i) && at < (i + 1) * page; at++)
                pages[at] = byte_of(at);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    bool up = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    close(ready[1]);
    return up ? 0 : 1;
}

static int end_child(void **state) {
    (void)state;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

static void assert_content(const unsigned char *bytes, size_t from, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bytes[i], touched((from + i) / page) ? byte_of(from + i) : 0);
}

static void assert_reads(neap_snapshot_t *snapshot, bool views) {
    static unsigned char out[PAGES * 65536];
    struct neap_memory memory = neap_snapshot_memory(snapshot);
    uint64_t base = (uintptr_t)pages, value = 0;
    char text[sizeof(constant)];
    assert_int_equal(memory.read(memory.context, base, out, PAGES * page), NEAP_OK);
    assert_content(out, 0, PAGES * page);
    for (size_t step = 1; step < 5000; step += 333) {
        size_t from = step * 641 % (PAGES * page - 5000);
        assert_int_equal(memory.read(memory.context, base + from, out, step), NEAP_OK);
        assert_content(out, from, step);
    }
    const unsigned char *view = memory.view(memory.context, base, PAGES * page);
    assert_true(views == (view != NULL));
    if (view)
        assert_content(view, 0, PAGES * page);
    assert_int_equal(memory.read(memory.context, (uintptr_t)&changed, &value, sizeof(value)), NEAP_OK);
    assert_int_equal(value, 2);
    assert_int_equal(memory.read(memory.context, (uintptr_t)constant, text, sizeof(text)), NEAP_OK);
    assert_string_equal(text, constant);
    assert_int_equal(memory.read(memory.context, 16, text, 1), NEAP_ERROR_FORMAT);
    assert_int_equal(memory.read(memory.context, UINT64_MAX - 4, text, 4), NEAP_ERROR_FORMAT);
    assert_null(memory.view(memory.context, 16, 1));
    assert_null(memory.view(memory.context, base, SIZE_MAX));
}

static void assert_image(neap_snapshot_t *snapshot) {
    const struct neap_process_image *image = neap_snapshot_image(snapshot);
    const char *why;
    uint64_t base = (uintptr_t)pages, expected = 0;
    for (size_t i = 0; i < PAGES; i++)
        expected += touched(i) ? page : 0;
    assert_true(neap_process_image_check(image, &why));
    assert_int_equal(neap_process_image_resident(image, base, base + PAGES * page), expected);
    assert_int_equal(neap_process_image_resident(image, base + 599 * page + 10, base + 601 * page),
                     page - 10);
    assert_int_equal(image->pointer_bytes, sizeof(void *));
    assert_string_equal(image->program, "test_snapshot");
    assert_int_equal(image->thread_count, 1);
    const struct neap_image_span *stack = neap_process_image_span(image, image->threads[0].stack_pointer);
    assert_non_null(stack);
    assert_int_equal(stack->kind, NEAP_SPAN_STACK);
    assert_int_equal(neap_process_image_span(image, (uintptr_t)constant)->kind, NEAP_SPAN_FILE);
    assert_int_equal(neap_process_image_span(image, (uintptr_t)&changed)->kind, NEAP_SPAN_DATA);
}

static void test_paused(void **state) {
    (void)state;
    neap_snapshot_t *snapshot;
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_PAUSE, &snapshot), NEAP_OK);
    assert_reads(snapshot, true);
    assert_image(snapshot);
    const struct neap_snapshot_facts *facts = neap_snapshot_facts(snapshot);
    assert_true(facts->pause_ns > 0 && facts->missing_bytes == 0);
    assert_true(facts->copied_bytes > PAGES * page / 3);
    neap_snapshot_destroy(snapshot);
}

static void test_running(void **state) {
    (void)state;
    neap_snapshot_t *snapshot;
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_RUNNING, &snapshot), NEAP_OK);
    assert_reads(snapshot, true);
    assert_image(snapshot);
    assert_int_equal(neap_snapshot_facts(snapshot)->pause_ns, 0);
    neap_snapshot_destroy(snapshot);
}

static void test_held(void **state) {
    (void)state;
    neap_snapshot_t *snapshot;
    char byte;
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_HOLD, &snapshot), NEAP_OK);
    assert_reads(snapshot, false);
    assert_image(snapshot);
    assert_true(neap_snapshot_release(snapshot) > 0);
    struct neap_memory memory = neap_snapshot_memory(snapshot);
    assert_int_equal(memory.read(memory.context, (uintptr_t)pages, &byte, 1), NEAP_ERROR_PROCESS);
    neap_snapshot_destroy(snapshot);
}

/* What was copied stays when the process goes. */
static void test_process_ends(void **state) {
    (void)state;
    neap_snapshot_t *snapshot, *none = NULL, *held;
    unsigned char out[100];
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_PAUSE, &snapshot), NEAP_OK);
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_HOLD, &held), NEAP_OK);
    kill(child, SIGKILL);
    struct neap_memory memory = neap_snapshot_memory(snapshot), gone = neap_snapshot_memory(held);
    for (int i = 0; i < 1000 && gone.read(gone.context, (uintptr_t)pages + page, out, 10) == NEAP_OK; i++)
        usleep(1000), gone.read(gone.context, (uintptr_t)pages + page + 2048 * 16384, out, 10);
    assert_int_equal(memory.read(memory.context, (uintptr_t)pages + page, out, sizeof(out)), NEAP_OK);
    assert_content(out, page, sizeof(out));
    neap_snapshot_destroy(held);
    neap_snapshot_destroy(snapshot);
    waitpid(child, NULL, 0);
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_PAUSE, &none), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_HOLD, &none), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_RUNNING, &none), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_snapshot_take(child, NEAP_SNAPSHOT_CORE, &none), NEAP_ERROR_ARGUMENT);
    assert_null(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paused, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_running, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_held, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_process_ends, start_child, end_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
