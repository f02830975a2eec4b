/* One heap a test, which checks itself: what the tests of runs begin and end with. */
#ifndef ONE_HEAP_H
#define ONE_HEAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <neap/heap.h>

static neap_heap_t *heap;

static inline int setup(void **state) {
    (void)state;
    heap = neap_heap_new(NULL);
    return !heap;
}

static inline int teardown(void **state) {
    (void)state;
    neap_heap_destroy(heap);
    return 0;
}

static inline void check(void) {
    const char *why = NULL;
    if (!neap_heap_check(heap, &why))
        fail_msg("%s", why);
}

/* Bytes that the heap believes to be in memory; the sum of neap/heap.h holds. */
static inline uint64_t resident(void) {
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.resident_bytes,
                     stats.live_bytes + stats.cached_bytes + stats.free_bytes + stats.dirty_bytes);
    return stats.resident_bytes;
}

#endif
