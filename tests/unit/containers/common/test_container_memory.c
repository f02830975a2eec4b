/* The memory of containers without an allocator: small ones share a heap, large ones
 * have their own, and what is freed goes back by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "containers/common/container_memory.h"
#include "os/memory.h"

struct thing {
    struct neap__container_memory memory;
    char own[40];
};

static struct thing *thing_new(const struct neap_allocator *given) {
    struct thing *thing = neap__container_memory_new(given, sizeof(struct thing));
    assert_non_null(thing);
    for (size_t i = 0; i < sizeof(thing->own); i++)
        assert_int_equal(thing->own[i], 0);
    return thing;
}

static void thing_end(struct thing *thing) {
    neap__container_memory_end(thing, sizeof(*thing));
}

static void small_things_have_no_heap(void **state) {
    (void)state;
    struct thing *thing = thing_new(NULL);
    char *block = NEAP_ALLOC(&thing->memory, 1000);
    memset(block, 7, 1000);
    block = NEAP_REALLOC(&thing->memory, block, 1000, 2000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(block[i], 7);
    assert_null(thing->memory.heap);
    assert_int_equal(thing->memory.level.live_bytes, sizeof(*thing) + 2000);
    assert_true(neap__container_memory_ends_all(&thing->memory));
    thing_end(thing); /* and the block with it: valgrind and ASan would tell */
}

static void blocks_outlast_the_move_to_an_own_heap(void **state) {
    (void)state;
    enum { BLOCKS = 1500, BYTES = 1000 };
    struct thing *thing = thing_new(NULL);
    unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = NEAP_ALLOC(&thing->memory, BYTES);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], i & 255, BYTES);
        assert_int_equal(thing->memory.heap != NULL, thing->memory.level.live_bytes > NEAP_SHARED_BYTES_MAX);
    }
    assert_false(neap_heap_owns(thing->memory.heap, blocks[0]));
    for (int i = 0; i < BLOCKS; i += 2) /* from either heap: shorter, then longer */
        blocks[i] = NEAP_REALLOC(&thing->memory, blocks[i], BYTES, BYTES / 2);
    for (int i = 0; i < BLOCKS; i += 4)
        blocks[i] = NEAP_REALLOC(&thing->memory, blocks[i], BYTES / 2, 3 * BYTES);
    assert_true(neap_heap_owns(thing->memory.heap, blocks[0]));
    for (int i = 0; i < BLOCKS; i++) {
        for (int at = 0; at < BYTES / 2; at++)
            assert_int_equal(blocks[i][at], i & 255);
        NEAP_FREE(&thing->memory, blocks[i], i % 4 == 0 ? 3 * BYTES : i % 2 == 0 ? BYTES / 2 : BYTES);
    }
    assert_int_equal(thing->memory.level.live_bytes, sizeof(*thing));
    thing_end(thing);
}

static uint64_t dirty_bytes(neap_heap_t *heap) {
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    return stats.dirty_bytes;
}

static void freed_memory_goes_back_unasked(void **state) {
    (void)state;
    enum { BLOCKS = 2000, BYTES = 4096 };
    struct thing *thing = thing_new(NULL);
    void **blocks = malloc(BLOCKS * sizeof(*blocks));
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = NEAP_ALLOC(&thing->memory, BYTES);
        memset(blocks[i], 1, BYTES);
    }
    for (int i = 0; i < BLOCKS; i++) {
        NEAP_FREE(&thing->memory, blocks[i], BYTES);
        if (thing->memory.heap)
            assert_true(dirty_bytes(thing->memory.heap) <= (1 << 20));
    }
    struct neap_heap_stats stats;
    neap_heap_stats(thing->memory.heap, &stats);
    assert_true(stats.peak_bytes >= (uint64_t)BLOCKS * BYTES - NEAP_SHARED_BYTES_MAX);
    assert_true(stats.resident_bytes <= 512 << 10);
    free(blocks);
    thing_end(thing);
}

/* Thousands of large containers leave address space for each other. */
static void an_own_heap_reserves_little(void **state) {
    (void)state;
    struct thing *thing = thing_new(NULL);
    assert_non_null(NEAP_ALLOC(&thing->memory, NEAP_SHARED_BYTES_MAX));
    struct neap_heap_stats stats;
    neap_heap_stats(thing->memory.heap, &stats);
    assert_true(stats.reserved_bytes > 0 && stats.reserved_bytes < (UINT64_C(5) << 30) / 4);
    thing_end(thing);
}

static void trim_gives_back_the_rest(void **state) {
    (void)state;
    struct thing *thing = thing_new(NULL);
    void *kept = NEAP_ALLOC(&thing->memory, 1 << 20), *gone = NEAP_ALLOC(&thing->memory, 16 << 10);
    memset(kept, 1, 1 << 20);
    memset(gone, 1, 16 << 10);
    NEAP_FREE(&thing->memory, gone, 16 << 10);
    assert_true(NEAP_TRIM(&thing->memory) >= 16 << 10);
    assert_int_equal(dirty_bytes(thing->memory.heap), 0);
    thing_end(thing);
}

static void without_address_space_the_shared_heap_serves_on(void **state) {
    (void)state;
    struct thing *thing = thing_new(NULL);
    void *first = NEAP_ALLOC(&thing->memory, NEAP_SHARED_BYTES_MAX / 2);
    neap_os_fault_after(1); /* the struct of the heap that is about to be made */
    void *second = NEAP_ALLOC(&thing->memory, NEAP_SHARED_BYTES_MAX / 2);
    neap_os_fault_after(0);
    assert_non_null(second);
    assert_null(thing->memory.heap);
    NEAP_FREE(&thing->memory, first, NEAP_SHARED_BYTES_MAX / 2);
    NEAP_FREE(&thing->memory, second, NEAP_SHARED_BYTES_MAX / 2);
    thing_end(thing);
}

/* --- a given allocator --- */

struct counter {
    uint64_t bytes, calls, fails_at;
};

static void *counter_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct counter *counter = context;
    if (++counter->calls == counter->fails_at)
        return NULL;
    counter->bytes += bytes - old_bytes;
    return realloc(block, bytes);
}

static void *counter_alloc(void *context, size_t bytes) {
    return counter_realloc(context, NULL, 0, bytes);
}

static void counter_free(void *context, void *block, size_t bytes) {
    ((struct counter *)context)->bytes -= block ? bytes : 0;
    free(block);
}

static void a_given_allocator_gets_every_byte_back(void **state) {
    (void)state;
    struct counter counter = {0};
    struct neap_allocator given = {counter_alloc, counter_realloc, counter_free, NULL, &counter};
    struct thing *thing = thing_new(&given);
    assert_false(neap__container_memory_ends_all(&thing->memory));
    void *block = NEAP_REALLOC(&thing->memory, NULL, 0, 100);
    block = NEAP_REALLOC(&thing->memory, block, 100, 300);
    assert_int_equal(counter.bytes, sizeof(*thing) + 300);
    assert_int_equal(thing->memory.level.live_bytes, counter.bytes);
    counter.fails_at = counter.calls + 1;
    assert_null(NEAP_REALLOC(&thing->memory, block, 300, 400));
    assert_int_equal(thing->memory.level.live_bytes, counter.bytes);
    assert_int_equal(NEAP_TRIM(&thing->memory), 0);
    NEAP_FREE(&thing->memory, block, 300);
    NEAP_FREE(&thing->memory, NULL, 5);
    thing_end(thing);
    assert_int_equal(counter.bytes, 0);
    counter.fails_at = counter.calls + 1;
    assert_null(neap__container_memory_new(&given, sizeof(struct thing)));
}

static void a_heap_serves_as_an_allocator(void **state) {
    (void)state;
    neap_heap_t *heap = neap_heap_new(NULL);
    struct neap_allocator given = neap_allocator_of_heap(heap);
    struct thing *thing = thing_new(&given);
    assert_true(neap_heap_owns(heap, thing));
    void *block = NEAP_ALLOC(&thing->memory, 100);
    assert_true(neap_heap_owns(heap, block));
    NEAP_FREE(&thing->memory, block, 100);
    thing_end(thing);
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.live_blocks, 0);
    neap_heap_destroy(heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_things_have_no_heap),
        cmocka_unit_test(blocks_outlast_the_move_to_an_own_heap),
        cmocka_unit_test(freed_memory_goes_back_unasked),
        cmocka_unit_test(an_own_heap_reserves_little),
        cmocka_unit_test(trim_gives_back_the_rest),
        cmocka_unit_test(without_address_space_the_shared_heap_serves_on),
        cmocka_unit_test(a_given_allocator_gets_every_byte_back),
        cmocka_unit_test(a_heap_serves_as_an_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
