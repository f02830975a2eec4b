/* The summary says what the heap's statistics say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/summary.h"

enum { BLOCKS = 20000, BYTES = 500 };

/* Prints the summary of `heap`; what comes out on standard error goes into `said`. */
static void print_into(neap_heap_t *heap, char said[2048]) {
    FILE *file = tmpfile();
    assert_non_null(file);
    int before = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    neap__summary_print(heap);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    said[fread(said, 1, 2047, file)] = '\0';
    fclose(file);
}

static void figures(void **state) {
    (void)state;
    static void *blocks[BLOCKS];
    neap_heap_t *heap = neap_heap_new(NULL);
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = memset(neap_heap_alloc(heap, BYTES), 1, BYTES);
    for (int i = 1000; i < BLOCKS; i++)
        neap_heap_free(heap, blocks[i]);
    neap_heap_trim(heap);
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);

    char said[2048];
    print_into(heap, said);
    int pid;
    double peak, now, live, back, ms, again;
    unsigned long long count, purges, pages;
    assert_int_equal(sscanf(said,
                            "neap: summary of process %d\n"
                            "  peak RSS %lf MB\n"
                            "  RSS now %lf MB\n"
                            "  live %lf MB in %llu blocks\n"
                            "  given back %lf MB in %llu purges, %lf ms\n"
                            "  refaulted %lf MB (%llu pages)\n",
                            &pid, &peak, &now, &live, &count, &back, &purges, &ms, &again, &pages),
                     10);
    assert_int_equal(pid, getpid());
    assert_true(peak >= now && now > 1);
    assert_true(peak - now > 5); /* about 9 MB went */
    assert_true(live > 0.45 && live < 0.6);
    assert_int_equal(count, stats.live_blocks);
    assert_true(back * 1e6 > 0.99 * (double)stats.purged_bytes - 1e5 && back > 8);
    assert_int_equal(purges, stats.purges);
    assert_int_equal(pages, stats.refaulted_bytes / (uint64_t)sysconf(_SC_PAGESIZE));
    neap_heap_destroy(heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
