/* The magazines that a thread has for a shared heap: what they save, what they hold, and how they end. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "heap/magazine.h"
#include "heap/thread_cache.h"
#include "os/memory.h"

enum { BYTES = 64, MANY = 1000, PATIENCE_S = 60 };

static neap_heap_t *heap;

static neap_heap_t *shared_heap(void) {
    neap_heap_t *made = neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED});
    assert_non_null(made);
    return made;
}

static int setup(void **state) {
    (void)state;
    heap = shared_heap();
    return 0;
}

static void check(neap_heap_t *which) {
    const char *why = NULL;
    if (!neap_heap_check(which, &why))
        fail_msg("%s", why);
}

static int teardown(void **state) {
    (void)state;
    if (heap)
        check(heap);
    neap_heap_destroy(heap);
    return 0;
}

static uint32_t cached(neap_heap_t *which) {
    return neap__magazine_cached(which, neap__heap_class(which, BYTES));
}

static uint32_t published(neap_heap_t *which) {
    return which->layout.classes[neap__heap_class(which, BYTES)].cached;
}

static uint64_t live_blocks(neap_heap_t *which) {
    struct neap_heap_stats stats;
    neap_heap_stats(which, &stats);
    assert_int_equal(stats.resident_bytes,
                     stats.live_bytes + stats.cached_bytes + stats.free_bytes + stats.dirty_bytes);
    return stats.live_blocks;
}

/* Takes and frees `count` blocks, so that blocks lie in this thread's cache. */
static void churn(neap_heap_t *which, int count, size_t bytes) {
    void *blocks[MANY];
    for (int i = 0; i < count; i++) {
        blocks[i] = neap_heap_alloc(which, bytes);
        if (!blocks[i])
            abort();
    }
    for (int i = 0; i < count; i++)
        neap_heap_free(which, blocks[i]);
}

static void *churn_in_thread(void *context) {
    churn(context, MANY, BYTES);
    return NULL;
}

static void in_thread(void *(*work)(void *), void *context) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, work, context), 0);
    pthread_join(thread, NULL);
}

/* --- what they save --- */

static void small_blocks_need_no_lock(void **state) {
    (void)state;
    void *block = neap_heap_alloc(heap, BYTES);
    alarm(PATIENCE_S); /* whoever takes the lock waits for ever */
    neap_os_lock(&heap->lock);
    for (int i = 0; i < MANY; i++) {
        neap_heap_free(heap, block);
        assert_ptr_equal(neap_heap_alloc(heap, BYTES), block);
    }
    neap_os_unlock(&heap->lock);
    alarm(0);
    neap_heap_free(heap, block);
    assert_int_equal(live_blocks(heap), 0);
}

static void larger_blocks_are_in_no_cache(void **state) {
    (void)state;
    churn(heap, 100, NEAP_OWN_BYTES_MAX + 1);
    assert_null(neap__thread_cache_find(heap));
    churn(heap, 1, NEAP_OWN_BYTES_MAX);
    assert_non_null(neap__thread_cache_find(heap));
}

static void a_block_of_no_bytes(void **state) {
    (void)state;
    void *first = neap_heap_alloc(heap, 0), *second = neap_heap_alloc(heap, 0);
    assert_true(first && second && first != second);
    neap_heap_free(heap, first);
    assert_ptr_equal(neap_heap_alloc(heap, 0), first);
    neap_heap_free(heap, first);
    neap_heap_free(heap, second);
}

/* --- what they hold --- */

static void a_thread_that_does_little_holds_little(void **state) {
    (void)state;
    churn(heap, 3, BYTES);
    uint32_t few = cached(heap);
    assert_in_range(few, 3, 8);
    for (int i = 0; i < 20; i++)
        churn(heap, MANY, BYTES);
    assert_true(cached(heap) > few);
    assert_true(cached(heap) <= 128);
}

static void all_classes_together_are_bounded(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        for (size_t bytes = 16; bytes <= NEAP_OWN_BYTES_MAX; bytes += 16)
            churn(heap, MANY, bytes);
    }
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.live_blocks, 0);
    assert_true(stats.cached_bytes > NEAP_CACHE_BYTES_MAX / 8);
    assert_true(stats.cached_bytes <= NEAP_CACHE_BYTES_MAX);
}

/* --- the end of a thread --- */

static void an_ending_thread_gives_its_blocks_back(void **state) {
    (void)state;
    in_thread(churn_in_thread, heap);
    assert_int_equal(cached(heap), 0);
    assert_int_equal(published(heap), 0);
    assert_int_equal(live_blocks(heap), 0);
    neap_heap_trim(heap);
    assert_int_equal(heap->layout.resident_pages, 0);
}

static void *free_it(void *block) {
    neap_heap_free(heap, block);
    return NULL;
}

static void a_block_freed_by_another_thread(void **state) {
    (void)state;
    void *blocks[100];
    for (int i = 0; i < 100; i++)
        blocks[i] = neap_heap_alloc(heap, BYTES);
    for (int i = 0; i < 100; i++)
        in_thread(free_it, blocks[i]);
    neap_heap_trim(heap);
    assert_int_equal(live_blocks(heap), 0);
    assert_int_equal(heap->layout.resident_pages, 0);
}

/* A destructor of the program may use the heap after the cache of its thread has ended. */
static void *use_late(void *key) {
    pthread_setspecific(*(pthread_key_t *)key, heap);
    churn(heap, 10, BYTES);
    return NULL;
}

static void late(void *context) {
    churn(context, 10, BYTES);
}

static void a_late_destructor_finds_no_cache(void **state) {
    (void)state;
    pthread_key_t key;
    churn(heap, 1, BYTES); /* the cache's key comes before this one, and so does its destructor */
    assert_int_equal(pthread_key_create(&key, late), 0);
    in_thread(use_late, &key);
    pthread_key_delete(key);
    assert_int_equal(live_blocks(heap), 0);
    assert_ptr_equal(heap->caches, neap__thread_cache_find(heap));
    assert_null(heap->caches->next);
}

static void noticed_as_double_free(void) {
    void *block = neap_heap_alloc(heap, BYTES);
    pthread_t thread;
    neap_heap_free(heap, block);
    if (pthread_create(&thread, NULL, free_it, block) == 0)
        pthread_join(thread, NULL);
    neap_heap_trim(heap);
    _exit(0);
}

static void a_block_freed_by_two_threads_is_noticed(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        noticed_as_double_free();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* --- the end of a heap --- */

/* A thread that waits for this one at the barrier. */
struct meeting {
    pthread_t thread;
    pthread_barrier_t barrier;
    neap_heap_t *first, *second;
};

static void meet(struct meeting *m, void *(*work)(void *)) {
    pthread_barrier_init(&m->barrier, NULL, 2);
    assert_int_equal(pthread_create(&m->thread, NULL, work, m), 0);
    pthread_barrier_wait(&m->barrier);
}

static void part(struct meeting *m) {
    pthread_join(m->thread, NULL);
    pthread_barrier_destroy(&m->barrier);
}

static void *outlive_a_heap(void *context) {
    struct meeting *m = context;
    churn(m->first, MANY, BYTES);
    pthread_barrier_wait(&m->barrier);
    pthread_barrier_wait(&m->barrier); /* meanwhile the heap ends */
    churn(m->second, MANY, BYTES);
    return NULL;
}

static void a_thread_outlives_a_heap(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct meeting m = {.first = shared_heap()};
        meet(&m, outlive_a_heap);
        neap_heap_destroy(m.first);
        m.second = shared_heap(); /* often at the same address */
        pthread_barrier_wait(&m.barrier);
        part(&m);
        assert_int_equal(cached(m.second), 0);
        check(m.second);
        neap_heap_destroy(m.second);
    }
}

static void more_heaps_than_a_thread_has_entries(void **state) {
    (void)state;
    enum { HEAPS = NEAP_CACHE_HEAPS + 2 };
    neap_heap_t *heaps[HEAPS];
    for (int i = 0; i < HEAPS; i++) {
        heaps[i] = shared_heap();
        churn(heaps[i], 10, BYTES);
        assert_int_equal(neap__thread_cache_find(heaps[i]) != NULL, i < NEAP_CACHE_HEAPS);
        assert_int_equal(live_blocks(heaps[i]), 0);
    }
    neap_heap_destroy(heaps[0]);
    churn(heaps[HEAPS - 1], 2 * NEAP_CACHE_PAUSE, BYTES);
    assert_non_null(neap__thread_cache_find(heaps[HEAPS - 1])); /* in the place of the heap that ended */
    for (int i = 1; i < HEAPS; i++) {
        check(heaps[i]);
        neap_heap_destroy(heaps[i]);
    }
}

/* --- no memory --- */

static void the_system_refuses_a_cache(void **state) {
    (void)state;
    void *first = neap_heap_alloc(heap, 2 * NEAP_OWN_BYTES_MAX); /* makes no cache, and region 0 ready */
    neap_os_fault_after(1);
    void *block = neap_heap_alloc(heap, BYTES);
    neap_os_fault_after(0);
    assert_non_null(block);
    assert_null(neap__thread_cache_find(heap));
    neap_heap_free(heap, block);
    neap_heap_free(heap, first);
    assert_int_equal(live_blocks(heap), 0);
    churn(heap, 2 * NEAP_CACHE_PAUSE, BYTES);
    assert_non_null(neap__thread_cache_find(heap));
}

static void at_the_limit(void **state) {
    (void)state;
    neap_heap_t *small =
        neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED, .limit_bytes = 1 << 20});
    void **blocks = calloc(1 << 20, sizeof(*blocks));
    size_t count = 0;
    churn(small, MANY, 2 * BYTES); /* these wait in the cache, and give way */
    while ((blocks[count] = neap_heap_alloc(small, BYTES)))
        count++;
    assert_true(count > (1 << 20) / BYTES * 9 / 10);
    assert_int_equal(live_blocks(small), count);
    check(small);
    for (size_t i = 0; i < count; i++)
        neap_heap_free(small, blocks[i]);
    assert_int_equal(live_blocks(small), 0);
    free(blocks);
    neap_heap_destroy(small);
}

/* --- trim, fork --- */

static void *cached_until_the_next_slow_path(void *context) {
    struct meeting *m = context;
    churn(heap, MANY, BYTES);
    pthread_barrier_wait(&m->barrier);
    pthread_barrier_wait(&m->barrier);              /* meanwhile the heap is trimmed */
    void *block = neap_heap_alloc(heap, 3 * BYTES); /* no block of this class lies in the cache */
    pthread_barrier_wait(&m->barrier);
    pthread_barrier_wait(&m->barrier);
    neap_heap_free(heap, block);
    return NULL;
}

static void a_trim_reaches_other_threads_on_their_slow_paths(void **state) {
    (void)state;
    struct meeting m;
    meet(&m, cached_until_the_next_slow_path);
    uint32_t before = cached(heap);
    assert_true(before > 0);
    churn(heap, 8, BYTES);
    neap_heap_trim(heap);
    assert_int_equal(cached(heap), before); /* this thread's are gone, those of the other are there */
    assert_true(published(heap) > 0);
    pthread_barrier_wait(&m.barrier);
    pthread_barrier_wait(&m.barrier);
    assert_int_equal(cached(heap), 0);
    assert_int_equal(published(heap), 0);
    pthread_barrier_wait(&m.barrier);
    part(&m);
}

static int in_child(uint32_t others, const void *mine) {
    const char *why = NULL;
    if (heap->caches != mine || (mine && heap->caches->next))
        return 1;
    if (!neap_heap_check(heap, &why))
        return 2;
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    if (stats.live_blocks != others) /* what lay in the caches of others is lost */
        return 3;
    churn(heap, MANY, BYTES);
    neap_heap_trim(heap);
    neap_heap_stats(heap, &stats);
    if (stats.live_blocks != others || published(heap) != 0)
        return 4;
    neap_heap_destroy(heap);
    return 0;
}

static void a_child_leaves_the_caches_of_others_alone(void **state) {
    (void)state;
    struct meeting m;
    meet(&m, cached_until_the_next_slow_path);
    for (int with_own = 0; with_own < 2; with_own++) {
        uint32_t others = cached(heap);
        if (with_own)
            churn(heap, 20, BYTES);
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(in_child(others, neap__thread_cache_find(heap)));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_barrier_wait(&m.barrier);
    part(&m);
    neap_heap_trim(heap);
    assert_int_equal(live_blocks(heap), 0);
}

/* --- a heap that becomes shared --- */

static void blocks_of_the_owner_move_over(void **state) {
    (void)state;
    neap_heap_t *own = neap_heap_new(NULL);
    churn(own, 20, BYTES);
    void *block = neap_heap_alloc(own, BYTES), *larger = neap_heap_alloc(own, 2 * NEAP_OWN_BYTES_MAX);
    assert_true(cached(own) > 0);
    neap__heap_share(own);
    assert_int_equal(cached(own), 0);
    check(own);
    in_thread(churn_in_thread, own);
    neap_heap_free(own, block);
    neap_heap_free(own, larger);
    assert_int_equal(live_blocks(own), 0);
    check(own);
    neap_heap_destroy(own);
}

static void strict_heaps_have_no_caches(void **state) {
    (void)state;
    const unsigned modes[] = {NEAP_HEAP_CHECKED, NEAP_HEAP_HARDENED};
    for (int i = 0; i < 2; i++) {
        neap_heap_t *strict =
            neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED | modes[i]});
        assert_non_null(strict);
        churn(strict, MANY, BYTES);
        assert_null(strict->caches);
        in_thread(churn_in_thread, strict);
        check(strict);
        neap_heap_destroy(strict);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(small_blocks_need_no_lock),
        TEST(larger_blocks_are_in_no_cache),
        TEST(a_block_of_no_bytes),
        TEST(a_thread_that_does_little_holds_little),
        TEST(all_classes_together_are_bounded),
        TEST(an_ending_thread_gives_its_blocks_back),
        TEST(a_block_freed_by_another_thread),
        TEST(a_late_destructor_finds_no_cache),
        TEST(a_block_freed_by_two_threads_is_noticed),
        TEST(a_thread_outlives_a_heap),
        TEST(more_heaps_than_a_thread_has_entries),
        TEST(the_system_refuses_a_cache),
        TEST(at_the_limit),
        TEST(a_trim_reaches_other_threads_on_their_slow_paths),
        TEST(a_child_leaves_the_caches_of_others_alone),
        TEST(blocks_of_the_owner_move_over),
        TEST(strict_heaps_have_no_caches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
