/* When pages go: after a decay, not before; longer where they bounce; at once
 * when idle, asked for, or at a high-water mark. Heap time is moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "heap/model.h"
#include "heap/purge.h"
#include "os/memory.h"

enum { BLOCKS = 4096, BYTES = 1024, DECAY = 100 };

static neap_heap_t *heap;
static void *blocks[BLOCKS];

static int setup(void **state) {
    (void)state;
    heap = neap_heap_new(&(struct neap_heap_options){.decay_ms = DECAY});
    return !heap;
}

static int teardown(void **state) {
    (void)state;
    neap_heap_destroy(heap);
    return 0;
}

static struct neap_heap_stats stats(void) {
    struct neap_heap_stats s;
    neap_heap_stats(heap, &s);
    return s;
}

/* `ms` pass. */
static void pass(uint32_t ms) {
    heap->layout.started_ns -= (uint64_t)ms * 1000000;
}

/* `ms` pass, with a look every half decay, and the program busy. */
static void pass_looking(uint32_t ms, bool busy) {
    for (uint32_t t = 0; t < ms; t += DECAY / 2) {
        pass(DECAY / 2);
        heap->activity += busy;
        neap_heap_purge(heap);
        const char *why = NULL;
        if (!neap_heap_check(heap, &why))
            fail_msg("%s", why);
    }
}

static void burst(void) {
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = neap_heap_alloc(heap, BYTES);
        memset(blocks[i], 1, BYTES);
    }
}

static void drop(int keep_every) {
    for (int i = 0; i < BLOCKS; i++) {
        if (keep_every == 0 || i % keep_every != 0)
            neap_heap_free(heap, blocks[i]);
    }
}

static void free_pages_wait_for_the_decay(void **state) {
    (void)state;
    burst();
    drop(0);
    uint64_t before = stats().resident_bytes;
    pass_looking(DECAY / 2, true);
    assert_int_equal(stats().resident_bytes, before);
    pass_looking(2 * DECAY, true);
    assert_true(stats().resident_bytes < before / 10);
    assert_int_equal(stats().refaulted_bytes, 0);
}

static void pages_between_survivors_go(void **state) {
    (void)state;
    burst();
    drop(64); /* one block in a slab of 64 stays: one page of sixteen */
    pass_looking(4 * DECAY, true);
    uint64_t page = heap->layout.page_bytes;
    assert_true(stats().resident_bytes <= (BLOCKS / 64 + 8) * page);
    assert_int_equal(stats().dirty_bytes, 0);
}

static void what_is_in_use_again_stays(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) { /* shorter than a decay each */
        burst();
        drop(0);
        pass_looking(DECAY / 2, true);
    }
    assert_int_equal(stats().purged_bytes, 0);
}

static void a_page_that_bounces_is_kept_longer(void **state) {
    (void)state;
    uint64_t purged = 0;
    for (int round = 0; round < 8; round++) {
        burst();
        drop(0);
        pass_looking(8 * DECAY, true);
        if (round == 1)
            purged = stats().purged_bytes;
    }
    assert_true(heap->layout.decay_ms > 8 * DECAY);
    assert_true(heap->layout.decay_ms <= NEAP_DECAY_MS_MAX);
    assert_true(stats().purged_bytes <= 2 * purged); /* it learnt from the first */
    assert_true(purged > 0);
    pass_looking(20 * 1000, true); /* calm: the decay falls back */
    assert_int_equal(heap->layout.decay_ms, DECAY);
}

static void an_idle_heap_is_given_back_whole(void **state) {
    (void)state;
    burst();
    heap->layout.decay_ms = NEAP_DECAY_MS_MAX; /* however long the decay has grown */
    heap->bounce_ms = 0;
    drop(0);
    pass_looking(NEAP_DECAY_MS_MAX + 2 * DECAY, false);
    assert_int_equal(stats().dirty_bytes, 0);
    assert_int_equal(neap_heap_purge(heap), 0); /* nothing waits */
}

static void trim_asks_no_age(void **state) {
    (void)state;
    burst();
    drop(0);
    assert_true(neap_heap_trim(heap) >= BLOCKS * BYTES);
    assert_int_equal(stats().resident_bytes, 0);
    assert_int_equal(stats().cached_bytes, 0);
    assert_int_equal(heap->layout.regions[0].top, 0); /* its books too */
}

static void a_new_high_water_mark_is_reached_without_free_pages(void **state) {
    (void)state;
    enum { LARGE = 1 << 20, COUNT = 64 };
    void *large[COUNT];
    burst();
    drop(2); /* every other block: no page is free */
    for (int i = 0; i < BLOCKS; i += 2)
        neap_heap_free(heap, blocks[i]); /* now all are, spread over slabs */
    for (int i = 0; i < COUNT; i++) {
        large[i] = neap_heap_alloc(heap, LARGE);
        assert_non_null(large[i]);
    }
    struct neap_heap_stats s = stats();
    assert_true(s.dirty_bytes < s.resident_bytes / 16);
    for (int i = 0; i < COUNT; i++)
        neap_heap_free(heap, large[i]);
}

/* Large blocks of ever other sizes, each living as long as the next four, beside much that
 * lives: what goes at a high-water mark is wanted at the next allocation. */
static void high_water_marks_in_a_row(unsigned rounds, unsigned pause_us) {
    enum { UNIT = 64 << 10, LIVE = 4 };
    const uint64_t page = neap_os_page_bytes();
    void *live[LIVE] = {NULL};
    burst();
    for (unsigned i = 0; i < rounds; i++) {
        neap_heap_free(heap, live[i % LIVE]);
        live[i % LIVE] = neap_heap_alloc(heap, (size_t)(1 + i * 7919 % 64) * UNIT);
        assert_non_null(live[i % LIVE]);
        if (pause_us > 0)
            usleep(pause_us);
    }
    uint64_t most = NEAP_HIGH_WATER_BUDGET + (uint64_t)neap__heap_ms(heap) * NEAP_HIGH_WATER_RATE + 64 * 16;
    assert_in_range(stats().purged_bytes / page, 0, most);
    for (unsigned i = 0; i < LIVE; i++)
        neap_heap_free(heap, live[i]);
    drop(0);
}

static void high_water_marks_in_a_row_bounce_for_a_while_only(void **state) {
    (void)state;
    high_water_marks_in_a_row(3000, 0);
}

/* There the budget is never used up for long, and each purge may pass what is left of it. */
static void so_they_do_on_a_slow_machine(void **state) {
    (void)state;
    high_water_marks_in_a_row(1000, 1500);
}

/* Blocks of 16 bytes fill a quarter of their unit: what lay on the rest of it before goes. */
static void pages_that_no_block_can_touch_go(void **state) {
    (void)state;
    enum { SMALL = 16, COUNT = 8192 };
    void *large = neap_heap_alloc(heap, 4 << 20), *small[COUNT];
    neap_heap_free(heap, large);
    assert_true(stats().dirty_bytes >= 4 << 20);
    for (int i = 0; i < COUNT; i++)
        small[i] = neap_heap_alloc(heap, SMALL);
    pass_looking(4 * DECAY, true);
    assert_true(stats().live_bytes >= COUNT * SMALL);
    assert_int_equal(stats().dirty_bytes, 0);
    for (int i = 0; i < COUNT; i++)
        neap_heap_free(heap, small[i]);
}

static void events_tell_what_was_done(void **state) {
    (void)state;
    burst();
    drop(0);
    uint64_t bytes = neap_heap_trim(heap);
    assert_true(heap->layout.event_count >= 1);
    const struct neap_layout_event *last =
        &heap->layout.events[(heap->layout.event_count - 1) % NEAP_LAYOUT_EVENTS];
    assert_int_equal(last->bytes, bytes);
    assert_int_equal(last->cause, NEAP_PURGE_TRIM);
    assert_true(last->ranges >= 1 && last->took_ns > 0);
}

static int wakes;
static bool woken; /* whether a call of wake wakes someone */

static bool wake(void *context) {
    (void)context;
    wakes++;
    return woken;
}

static void watch_wakes(bool succeed) {
    heap->wake = wake;
    wakes = 0;
    woken = succeed;
}

static void the_purger_is_woken_once(void **state) {
    (void)state;
    watch_wakes(true);
    heap->wake_wanted = true;
    burst();
    assert_int_equal(wakes, 0);
    drop(0);
    assert_int_equal(wakes, 1);
    pass_looking(4 * DECAY, true);
    for (int i = 0; i < 20; i++)
        assert_int_equal(neap_heap_purge(heap), 0);
    burst();
    drop(0);
    assert_int_equal(wakes, 2);
}

/* Slow paths after which nothing waits for the purger. */
static void slow_paths(int count) {
    for (int i = 0; i < count; i++)
        neap_heap_free(heap, neap_heap_alloc(heap, NEAP_CLASS_BYTES_MAX));
}

static void stir(void) {
    neap_os_lock(&heap->lock);
    neap__heap_stir(heap);
    neap_os_unlock(&heap->lock);
}

static void a_stir_is_heard_once(void **state) {
    (void)state;
    watch_wakes(true);
    stir();
    assert_int_equal(wakes, 0);
    slow_paths(500);
    assert_int_equal(wakes, 1);
    heap->activity += UINT32_MAX / 2 + 10; /* a program that was busy for hours */
    stir();
    slow_paths(1);
    assert_int_equal(wakes, 2);
}

/* A stir that woke nobody is tried again, but not at every slow path. */
static void a_stir_that_nobody_heard_is_repeated(void **state) {
    (void)state;
    watch_wakes(false);
    stir();
    slow_paths(500);
    assert_in_range(wakes, 5, 50);
    woken = true;
    wakes = 0;
    slow_paths(500);
    assert_int_equal(wakes, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(free_pages_wait_for_the_decay, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_between_survivors_go, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_in_use_again_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_that_bounces_is_kept_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(an_idle_heap_is_given_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(trim_asks_no_age, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_high_water_mark_is_reached_without_free_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(high_water_marks_in_a_row_bounce_for_a_while_only, setup, teardown),
        cmocka_unit_test_setup_teardown(so_they_do_on_a_slow_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_that_no_block_can_touch_go, setup, teardown),
        cmocka_unit_test_setup_teardown(events_tell_what_was_done, setup, teardown),
        cmocka_unit_test_setup_teardown(the_purger_is_woken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stir_is_heard_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stir_that_nobody_heard_is_repeated, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
