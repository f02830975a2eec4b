/* Runs calls that a header allows at the same time: each with each, in two threads. ThreadSanitizer says
 * whether one of them writes what another reads. */
#ifndef NEAP_TEST_CONST_PAIRS_H
#define NEAP_TEST_CONST_PAIRS_H

#include <pthread.h>
#include <stddef.h>

enum { PAIR_ROUNDS = 4 };

struct const_call {
    const char *name;
    void (*call)(void); /* on what is in static variables */
};

struct pair_side {
    const struct const_call *one;
    pthread_barrier_t *start;
};

static void *pair_side_run(void *argument) {
    const struct pair_side *side = argument;
    pthread_barrier_wait(side->start);
    for (int i = 0; i < PAIR_ROUNDS; i++)
        side->one->call();
    return NULL;
}

static void const_pairs_run(const struct const_call *calls, size_t count) {
    pthread_barrier_t start;
    pthread_t threads[2];
    pthread_barrier_init(&start, NULL, 2);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a; b < count; b++) {
            struct pair_side sides[2] = {{&calls[a], &start}, {&calls[b], &start}};
            for (int i = 0; i < 2; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, pair_side_run, &sides[i]), 0);
            for (int i = 0; i < 2; i++)
                pthread_join(threads[i], NULL);
        }
    }
    pthread_barrier_destroy(&start);
}

#endif
