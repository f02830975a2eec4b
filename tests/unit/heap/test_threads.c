/* What is shared between threads, for ThreadSanitizer to look at: a shared heap
 * with many owners, and an owned one with a purging thread beside it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <neap/heap.h>

#include "os/clock.h"

enum { THREADS = 4, SLOTS = 300, STEPS = 30000 };

struct worker {
    neap_heap_t *heap;
    unsigned seed;
    bool stop;
    void **handed; /* one block passed between workers */
};

static void churn(struct worker *w) {
    unsigned char *slots[SLOTS] = {0};
    for (int i = 0; i < STEPS; i++) {
        int n = rand_r(&w->seed) % SLOTS;
        if (slots[n]) {
            if (slots[n][0] != (unsigned char)n)
                abort();
            neap_heap_free(w->heap, slots[n]);
            slots[n] = NULL;
        } else {
            size_t bytes = 1 + (size_t)rand_r(&w->seed) % (n % 40 == 0 ? 100000 : 400);
            slots[n] = neap_heap_alloc(w->heap, bytes);
            slots[n][0] = (unsigned char)n;
        }
    }
    for (int n = 0; n < SLOTS; n++)
        neap_heap_free(w->heap, slots[n]);
}

static void *work(void *argument) {
    struct worker *w = argument;
    churn(w);
    /* Free what another thread has allocated. */
    void *mine = neap_heap_alloc(w->heap, 100);
    void *theirs = __atomic_exchange_n(w->handed, mine, __ATOMIC_ACQ_REL);
    neap_heap_free(w->heap, theirs);
    return NULL;
}

static void *purge(void *argument) {
    struct worker *w = argument;
    while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
        neap_heap_purge(w->heap);
        neap_os_sleep_ns(200000);
    }
    return NULL;
}

static void many_owners(void **state) {
    (void)state;
    neap_heap_t *heap = neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED, .decay_ms = 1});
    pthread_t threads[THREADS], purger;
    struct worker workers[THREADS], purging = {.heap = heap};
    void *handed = NULL;
    pthread_create(&purger, NULL, purge, &purging);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.heap = heap, .seed = i, .handed = &handed};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&purging.stop, true, __ATOMIC_RELEASE);
    pthread_join(purger, NULL);
    neap_heap_free(heap, handed);
    struct neap_heap_stats stats;
    const char *why = NULL;
    assert_true(neap_heap_check(heap, &why));
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.live_blocks, 0);
    neap_heap_destroy(heap);
}

static void one_owner_and_a_purger(void **state) {
    (void)state;
    neap_heap_t *heap = neap_heap_new(&(struct neap_heap_options){.decay_ms = 1});
    struct worker owner = {.heap = heap, .seed = 9}, purging = {.heap = heap};
    pthread_t purger;
    pthread_create(&purger, NULL, purge, &purging);
    uint64_t purged = 0;
    for (int round = 0; round < 2 || (purged == 0 && round < 10000); round++) { /* until both have met */
        struct neap_heap_stats now;
        churn(&owner);
        neap_heap_stats(heap, &now);
        purged = now.purged_bytes;
    }
    __atomic_store_n(&purging.stop, true, __ATOMIC_RELEASE);
    pthread_join(purger, NULL);
    const char *why = NULL;
    struct neap_heap_stats stats;
    assert_true(neap_heap_check(heap, &why));
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.live_blocks, 0);
    assert_true(stats.purged_bytes > 0);
    neap_heap_destroy(heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_owners),
        cmocka_unit_test(one_owner_and_a_purger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
