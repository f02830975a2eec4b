/* Snapshots of a child that holds known bytes, in every way there is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/process/memory_copy.h"
#include "inspect/process/snapshot.h"
#include "os/residence.h"

enum { PAGES = 3000, FORKED_BYTES = 4 << 20, ZERO_BYTES = 256 << 20, HUGE_BYTES = 2 << 20, MIB = 1 << 20 };

/* Of these pages the child touches those with `touched`; a variable that it has changed, and one
 * that is as in the file. */
static unsigned char *pages;
static size_t page;
static pid_t child;
static neap_os_process_t *process;
static unsigned char *forked; /* written before the fork: parent and child share it */
static volatile unsigned char *zeros,
    *huge_zeros; /* the child reads all of it and writes to one byte of each */
static volatile uint64_t changed = 1;
static const char constant[] = "as it is in the file";

static bool touched(size_t i) {
    return i % 7 != 0 && !(i >= 600 && i < 1500);
}

static unsigned char byte_of(size_t place) {
    return (unsigned char)(place * 31 + place / page);
}

static void *map(size_t bytes, int advice) {
    void *place =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        abort();
    madvise(place, bytes, advice);
    return place;
}

static void read_all(volatile unsigned char *place) {
    unsigned char sum = 0;
    place[ZERO_BYTES / 2] = 'z';
    for (size_t at = 0; at < ZERO_BYTES; at += page)
        sum |= place[at];
    (void)sum;
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
    forked = map(FORKED_BYTES, MADV_NOHUGEPAGE);
    memset(forked, 'f', FORKED_BYTES);
    zeros = map(ZERO_BYTES, MADV_NOHUGEPAGE);
    huge_zeros = map(ZERO_BYTES, MADV_HUGEPAGE);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        changed = 2;
        read_all(zeros);
        read_all(huge_zeros);
        for (size_t i = 0; i < PAGES; i++)
            for (size_t at = i * page; touched(i) && at < (i + 1) * page; at++)
                pages[at] = byte_of(at);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]); /* so that a child that could not start is noticed */
    bool up = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    return up && neap_os_process_open(child, false, &process) == NEAP_OK ? 0 : 1;
}

/* With __WALL for the threads of a child that is still held: it has not ended before all are collected. */
static void child_end(void) {
    if (child > 0)
        kill(child, SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
        ;
    child = 0;
}

static int end_child(void **state) {
    (void)state;
    neap_os_process_close(process);
    munmap(pages, PAGES * page);
    munmap(forked, FORKED_BYTES);
    munmap((void *)(uintptr_t)zeros, ZERO_BYTES);
    munmap((void *)(uintptr_t)huge_zeros, ZERO_BYTES);
    child_end();
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
#ifdef __SANITIZE_THREAD__ /* which may have a thread of its own there */
    assert_in_range(image->thread_count, 1, 2);
#else
    assert_int_equal(image->thread_count, 1);
#endif
    const struct neap_image_span *stack = neap_process_image_span(image, image->threads[0].stack_pointer);
    assert_non_null(stack);
    assert_int_equal(stack->kind, NEAP_SPAN_STACK);
    assert_int_equal(neap_process_image_span(image, (uintptr_t)constant)->kind, NEAP_SPAN_FILE);
    assert_int_equal(neap_process_image_span(image, (uintptr_t)&changed)->kind, NEAP_SPAN_DATA);
}

/* ThreadSanitizer maps nearly all address space, which leaves no room for a copy of what it has mapped in the
 * child; and what it notes of each page there is memory of the child too. */
static void need_no_checker(void) {
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

static void test_paused(void **state) {
    (void)state;
    need_no_checker();
    neap_snapshot_t *snapshot;
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_PAUSE, &snapshot), NEAP_OK);
    assert_reads(snapshot, true);
    assert_image(snapshot);
    const struct neap_snapshot_facts *facts = neap_snapshot_facts(snapshot);
    assert_true(facts->pause_ns > 0 && facts->missing_bytes == 0);
    assert_true(facts->copied_bytes > PAGES * page / 3);
    neap_snapshot_destroy(snapshot);
}

static void test_running(void **state) {
    (void)state;
    need_no_checker();
    neap_snapshot_t *snapshot;
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_RUNNING, &snapshot), NEAP_OK);
    assert_reads(snapshot, true);
    assert_image(snapshot);
    assert_int_equal(neap_snapshot_facts(snapshot)->pause_ns, 0);
    neap_snapshot_destroy(snapshot);
}

static void test_held(void **state) {
    (void)state;
    neap_snapshot_t *snapshot;
    char byte;
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_HOLD, &snapshot), NEAP_OK);
    assert_reads(snapshot, false);
    assert_image(snapshot);
    assert_true(neap_snapshot_release(snapshot) > 0);
    struct neap_memory memory = neap_snapshot_memory(snapshot);
    assert_int_equal(memory.read(memory.context, (uintptr_t)pages, &byte, 1), NEAP_ERROR_PROCESS);
    neap_snapshot_destroy(snapshot);
}

static void assert_gone(void) {
    static const enum neap_snapshot_way ways[] = {NEAP_SNAPSHOT_PAUSE, NEAP_SNAPSHOT_HOLD,
                                                  NEAP_SNAPSHOT_RUNNING};
    neap_snapshot_t *none = NULL;
    child_end();
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        assert_int_equal(neap_snapshot_take(process, ways[i], &none), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_CORE, &none), NEAP_ERROR_ARGUMENT);
    assert_null(none);
}

/* What was copied stays when the process goes. */
static void test_process_ends(void **state) {
    (void)state;
    need_no_checker();
    neap_snapshot_t *snapshot;
    unsigned char out[100];
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_PAUSE, &snapshot), NEAP_OK);
    kill(child, SIGKILL);
    assert_gone();
    struct neap_memory memory = neap_snapshot_memory(snapshot);
    assert_int_equal(memory.read(memory.context, (uintptr_t)pages + page, out, sizeof(out)), NEAP_OK);
    assert_content(out, page, sizeof(out));
    assert_false(neap_snapshot_facts(snapshot)->ended);
    neap_snapshot_destroy(snapshot);
}

/* Of a process that goes while it is held nothing can be read, and whoever tries learns why. */
static void test_held_process_ends(void **state) {
    (void)state;
    neap_snapshot_t *held;
    unsigned char out[10];
    assert_int_equal(neap_snapshot_take(process, NEAP_SNAPSHOT_HOLD, &held), NEAP_OK);
    struct neap_memory gone = neap_snapshot_memory(held);
    assert_int_equal(gone.read(gone.context, (uintptr_t)pages + page, out, sizeof(out)), NEAP_OK);
    assert_false(neap_snapshot_facts(held)->ended);
    kill(child, SIGKILL);
    for (size_t i = 8; i < PAGES && !neap_snapshot_facts(held)->ended; i++) { /* the first are in its cache */
        gone.read(gone.context, (uintptr_t)pages + i * page, out, sizeof(out));
        usleep(1000);
    }
    assert_true(neap_snapshot_facts(held)->ended);
    assert_int_equal(gone.read(gone.context, (uintptr_t)constant, out, 1), NEAP_ERROR_PROCESS);
    assert_gone();
    neap_snapshot_destroy(held);
}

/* --- what looking costs ------------------------------------------------------------------ */

/* The figures of the child that looking could change. Those of what it shares change with what we, who forked
 * it, write ourselves. */
static void figures_read(char *text, size_t bytes) {
    static const char *const files[] = {"smaps_rollup", "status"};
    static const char *const keys[] = {"Rss:", "Anonymous:", "Swap:", "VmPTE:", "VmSwap:", "RssFile:"};
    char path[64], line[256];
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, files[i]);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof(line), file))
            for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
                if (strncmp(line, keys[k], strlen(keys[k])) == 0)
                    strncat(text, line, bytes - strlen(text) - 1);
        if (file)
            fclose(file);
    }
}

/* What pagemap says of pages of the child, but for the kernel's mark of what was written lately. */
static void entries_read(const unsigned char *address, uint64_t *entries, size_t count) {
    neap_os_residence_t *residence;
    assert_int_equal(neap_os_residence_open(child, &residence), NEAP_OK);
    assert_int_equal(neap_os_residence_read(residence, (uintptr_t)address, entries, count), NEAP_OK);
    neap_os_residence_close(residence);
    for (size_t i = 0; i < count; i++)
        entries[i] &= ~(UINT64_C(1) << 55);
}

/* The bytes that this process has mapped, and those of them that are in memory. */
static void own_bytes(uint64_t *mapped, uint64_t *resident) {
    unsigned long pages_mapped = 0, pages_resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &pages_mapped, &pages_resident), 2);
    fclose(file);
    *mapped = (uint64_t)pages_mapped * page;
    *resident = (uint64_t)pages_resident * page;
}

static uint64_t own_resident(void) {
    uint64_t mapped, resident;
    own_bytes(&mapped, &resident);
    return resident;
}

/* All of it is right, pages of zeros cost nothing, and the process is as it was. */
static void assert_looks_free(enum neap_snapshot_way way) {
    static char before[4096], after[4096];
    unsigned char out[3] = {1, 1, 1};
    neap_snapshot_t *snapshot;
    uint64_t entries[2][FORKED_BYTES / 4096], resident = own_resident();
    entries_read(forked, entries[0], FORKED_BYTES / page);
    figures_read(before, sizeof(before));
    assert_int_equal(neap_snapshot_take(process, way, &snapshot), NEAP_OK);
    struct neap_memory memory = neap_snapshot_memory(snapshot);
    for (size_t at = 0; at < FORKED_BYTES; at += page - 1) {
        assert_int_equal(memory.read(memory.context, (uintptr_t)forked + at, out, 1), NEAP_OK);
        assert_int_equal(out[0], 'f');
    }
    volatile unsigned char *both[] = {zeros, huge_zeros};
    for (int i = 0; i < 2; i++) {
        uint64_t start = (uintptr_t)both[i];
        assert_int_equal(memory.read(memory.context, start + ZERO_BYTES / 2 - 1, out, 3), NEAP_OK);
        assert_true(out[0] == 0 && out[1] == 'z' && out[2] == 0);
        assert_in_range(neap_process_image_resident(neap_snapshot_image(snapshot), start, start + ZERO_BYTES),
                        page, HUGE_BYTES);
    }
    neap_snapshot_release(snapshot);
    assert_true(neap_snapshot_facts(snapshot)->copied_bytes < PAGES * page + FORKED_BYTES + 16 * MIB);
    assert_true(own_resident() < resident + PAGES * page + FORKED_BYTES + 64 * MIB);
    neap_snapshot_destroy(snapshot);
    figures_read(after, sizeof(after));
    assert_true(strlen(before) > 100);
    assert_string_equal(before, after);
    entries_read(forked, entries[1], FORKED_BYTES / page);
    assert_false(neap_os_page_exclusive(entries[0][0]));
    assert_memory_equal(entries[0], entries[1], FORKED_BYTES / page * sizeof(uint64_t));
}

static void test_looking_is_free(void **state) {
    (void)state;
    need_no_checker();
    assert_looks_free(NEAP_SNAPSHOT_PAUSE);
    assert_looks_free(NEAP_SNAPSHOT_RUNNING);
    assert_looks_free(NEAP_SNAPSHOT_HOLD);
}

/* Memory is asked for what is copied, not for files and shared memory, of which a process may have any
 * amount. */
static void test_shared_memory_asks_for_none(void **state) {
    (void)state;
    need_no_checker();
    const size_t bytes = 64 * MIB;
    struct neap_process_image image;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsigned char *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (place != MAP_FAILED)
            memset(place, 's', bytes);
        _exit(write(ready[1], "x", 1) == 1 ? pause() : 1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    neap_os_process_t *target;
    assert_int_equal(neap_os_process_open(pid, false, &target), NEAP_OK);
    int error = neap_process_image_read(target, &image);
    neap_os_process_close(target);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    assert_int_equal(error, NEAP_OK);
    assert_true(neap_process_image_resident(&image, 0, UINT64_MAX) > bytes);
    assert_true(neap__copy_bytes(&image) > 0 && neap__copy_bytes(&image) < bytes / 2);
    neap_process_image_clear(&image);
}

static void stretch_ignore(void *context, uint64_t start, uint64_t end) {
    (void)context, (void)start, (void)end;
}

#define VAST_BYTES ((size_t)1 << (sizeof(void *) == 8 ? 45 : 28))

/* A child with a reservation as large as a sanitizer's, in which one page is used. 0 if there is no address
 * space for it. */
static pid_t vast_start(void) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsigned char *place = mmap(NULL, VAST_BYTES, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (place != MAP_FAILED)
            place[VAST_BYTES - page] = 'v';
        if (write(ready[1], place == MAP_FAILED ? "-" : "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    if (byte == 'x')
        return pid;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}

static bool has_scans(void) {
    neap_os_residence_t *residence;
    assert_int_equal(neap_os_residence_open(getpid(), &residence), NEAP_OK);
    int scans = neap_os_residence_scan(residence, 0, (uint64_t)sysconf(_SC_PAGESIZE), stretch_ignore, NULL);
    neap_os_residence_close(residence);
    return scans != NEAP_ERROR_ABSENT;
}

/* Takes a snapshot of a child with such a reservation, while this process may map only `left` bytes more, and
 * ends both. */
static int vast_take(enum neap_snapshot_way way, uint64_t left, struct neap_snapshot_facts *facts) {
    neap_os_process_t *vast;
    neap_snapshot_t *snapshot;
    struct rlimit before, limit;
    uint64_t mapped, resident;
    if (!has_scans())
        skip(); /* before Linux 6.7 there is no other way */
    pid_t pid = vast_start();
    if (pid == 0)
        skip();
    int error = neap_os_process_open(pid, false, &vast);
    getrlimit(RLIMIT_AS, &before);
    own_bytes(&mapped, &resident);
    limit = before;
    if (left < UINT64_MAX - mapped)
        limit.rlim_cur = (rlim_t)(mapped + left);
    alarm(60); /* page by page it takes minutes, in the pause */
    if (error == NEAP_OK) {
        setrlimit(RLIMIT_AS, &limit);
        error = neap_snapshot_take(vast, way, &snapshot);
        setrlimit(RLIMIT_AS, &before);
        if (error == NEAP_OK) {
            *facts = *neap_snapshot_facts(snapshot);
            neap_snapshot_destroy(snapshot);
        }
        neap_os_process_close(vast);
    }
    alarm(0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return error;
}

/* It is not walked page by page. */
static void test_a_vast_reservation(void **state) {
    (void)state;
    struct neap_snapshot_facts facts;
    assert_int_equal(vast_take(NEAP_SNAPSHOT_PAUSE, UINT64_MAX, &facts), NEAP_OK);
    assert_int_equal(facts.way, NEAP_SNAPSHOT_PAUSE);
}

/* A copy takes as much address space as the process has; to hold it takes little. */
static void test_too_little_address_space(void **state) {
    (void)state;
    struct neap_snapshot_facts facts;
    assert_int_equal(vast_take(NEAP_SNAPSHOT_PAUSE, VAST_BYTES / 2, &facts), NEAP_OK);
    assert_int_equal(facts.way, NEAP_SNAPSHOT_HOLD);
    assert_true(facts.too_little_memory);
    assert_int_equal(vast_take(NEAP_SNAPSHOT_RUNNING, VAST_BYTES / 2, &facts), NEAP_ERROR_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paused, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_running, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_held, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_process_ends, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_held_process_ends, start_child, end_child),
        cmocka_unit_test_setup_teardown(test_looking_is_free, start_child, end_child),
        cmocka_unit_test(test_shared_memory_asks_for_none),
        cmocka_unit_test(test_a_vast_reservation),
        cmocka_unit_test(test_too_little_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
