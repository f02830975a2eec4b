/* Random operations on heaps of every kind against a naive model: an array of
 * what should be live, each block filled with a pattern of its own. After every
 * operation the heap checks itself. NEAP_TEST_STEPS sets the length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <neap/heap.h>

#include "os/memory.h"

enum { SLOTS = 600, EACH_BYTE = 20000 };

struct slot {
    unsigned char *block;
    size_t bytes;
    unsigned char seed;
};

struct world {
    neap_heap_t *heap;
    uint64_t random;
    struct slot slots[SLOTS];
    uint64_t live_bytes; /* as asked */
};

static uint64_t next(struct world *w) {
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

/* Mostly what Python asks for, now and then anything up to some pages or units. */
static size_t some_size(struct world *w) {
    switch (next(w) % 16) {
    case 0:
        return next(w) % 40000;
    case 1:
        return next(w) % 256 == 0 ? next(w) % 3000000 : next(w) % 300000; /* now and then a mapped run */
    case 2:
    case 3:
    case 4:
        return next(w) % 4096;
    default:
        return next(w) % 300;
    }
}

/* The next byte of a block that is looked at: every one at the start, then one in some hundred. */
static size_t after(size_t i) {
    return i < EACH_BYTE ? i + 1 : (i / 101 + 1) * 101;
}

static void fill(struct slot *s, size_t from) {
    for (size_t i = from < EACH_BYTE || from % 101 == 0 ? from : after(from); i < s->bytes; i = after(i))
        s->block[i] = (unsigned char)(s->seed + i * 31);
}

static void verify(const struct slot *s, size_t bytes) {
    for (size_t i = 0; i < bytes; i = after(i))
        if (s->block[i] != (unsigned char)(s->seed + i * 31))
            fail_msg("byte %zu of %zu is another", i, bytes);
}

static void drop(struct world *w, struct slot *s) {
    verify(s, s->bytes);
    neap_heap_free(w->heap, s->block);
    w->live_bytes -= s->bytes;
    *s = (struct slot){0};
}

static void make(struct world *w, struct slot *s) {
    size_t bytes = some_size(w);
    bool zeroed = next(w) % 4 == 0;
    unsigned char *block = zeroed ? neap_heap_calloc(w->heap, 1, bytes) : neap_heap_alloc(w->heap, bytes);
    if (!block)
        return;
    assert_int_equal((uintptr_t)block % 16, 0);
    assert_true(neap_heap_usable_bytes(w->heap, block) >= bytes);
    assert_true(neap_heap_owns(w->heap, block));
    for (size_t i = 0; zeroed && i < bytes; i++)
        assert_int_equal(block[i], 0);
    *s = (struct slot){block, bytes, (unsigned char)next(w)};
    w->live_bytes += bytes;
    fill(s, 0);
}

static void resize(struct world *w, struct slot *s) {
    size_t bytes = next(w) % 3 == 0 ? s->bytes + s->bytes / 8 + next(w) % 64 : some_size(w);
    size_t kept = bytes < s->bytes ? bytes : s->bytes;
    unsigned char *block = neap_heap_realloc(w->heap, s->block, bytes);
    if (!block) {
        verify(s, s->bytes); /* nothing is lost */
        return;
    }
    s->block = block;
    verify(s, kept);
    w->live_bytes += bytes;
    w->live_bytes -= s->bytes;
    s->bytes = bytes;
    fill(s, kept);
}

/* Frees most of what is live: a burst ends. */
static void drop_most(struct world *w) {
    for (int i = 0; i < SLOTS; i++) {
        if (w->slots[i].block && next(w) % 8 != 0)
            drop(w, &w->slots[i]);
    }
}

static void step(struct world *w) {
    struct slot *s = &w->slots[next(w) % SLOTS];
    uint64_t choice = next(w) % 1000;
    if (choice < 3)
        neap_heap_trim(w->heap);
    else if (choice < 10)
        neap_heap_purge(w->heap);
    else if (choice < 13)
        drop_most(w);
    else if (!s->block)
        make(w, s);
    else if (next(w) % 3 == 0)
        resize(w, s);
    else
        drop(w, s);
}

static void check(struct world *w) {
    const char *why = NULL;
    if (!neap_heap_check(w->heap, &why))
        fail_msg("%s", why);
}

static void check_stats(struct world *w) {
    struct neap_heap_stats stats;
    neap_heap_stats(w->heap, &stats);
    uint64_t blocks = 0;
    for (int i = 0; i < SLOTS; i++)
        blocks += w->slots[i].block != NULL;
    assert_int_equal(stats.live_blocks, blocks);
    assert_true(stats.live_bytes >= w->live_bytes);
    assert_int_equal(stats.resident_bytes,
                     stats.live_bytes + stats.cached_bytes + stats.free_bytes + stats.dirty_bytes);
}

static unsigned long steps_wanted(void) {
    const char *text = getenv("NEAP_TEST_STEPS");
    return text ? strtoul(text, NULL, 10) : 30000;
}

static void run(const struct neap_heap_options *options, uint64_t seed, unsigned fault_every) {
    struct world *w = calloc(1, sizeof(*w));
    w->random = seed * 0x9e3779b97f4a7c15u + 1;
    w->heap = neap_heap_new(options);
    assert_non_null(w->heap);
    for (unsigned long i = 0, end = steps_wanted(); i < end; i++) {
        if (fault_every != 0 && i % fault_every == 0)
            neap_os_fault_after(1 + (unsigned)(next(w) % 3));
        step(w);
        check(w);
        if (i % 64 == 0)
            check_stats(w);
    }
    neap_os_fault_after(0);
    for (int i = 0; i < SLOTS; i++) {
        if (w->slots[i].block)
            drop(w, &w->slots[i]);
    }
    neap_heap_trim(w->heap);
    check(w);
    check_stats(w);
    struct neap_heap_stats stats;
    neap_heap_stats(w->heap, &stats);
    assert_int_equal(stats.resident_bytes, 0);
    neap_heap_destroy(w->heap);
    free(w);
}

static void owned_heap(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run(NULL, seed, 0);
}

static void shared_heap(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED}, 4, 0);
}

static void checked_heap(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_CHECKED}, 5, 0);
}

static void hardened_heap(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED}, 12, 0);
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED | NEAP_HEAP_SHARED}, 13, 0);
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED, .page_bytes = 65536}, 14, 0);
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED, .reserve_bytes = 1 << 20}, 15, 0);
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED, .limit_bytes = 1 << 20}, 16, 0);
    run(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED, .reserve_bytes = 1 << 20}, 17, 20);
}

static void short_decay(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.decay_ms = 1}, 6, 0);
}

static void large_pages(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.page_bytes = 16384}, 7, 0);
    run(&(struct neap_heap_options){.page_bytes = 65536}, 8, 0);
}

static void many_regions(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.reserve_bytes = 1 << 20}, 9, 0);
}

static void at_its_limit(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.limit_bytes = 1 << 20}, 10, 0);
}

static void system_failing(void **state) {
    (void)state;
    run(&(struct neap_heap_options){.reserve_bytes = 1 << 20}, 11, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owned_heap),   cmocka_unit_test(shared_heap),    cmocka_unit_test(checked_heap),
        cmocka_unit_test(short_decay),  cmocka_unit_test(large_pages),    cmocka_unit_test(many_regions),
        cmocka_unit_test(at_its_limit), cmocka_unit_test(system_failing), cmocka_unit_test(hardened_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
