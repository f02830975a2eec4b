/* A child that is forked while other threads use shared heaps can use these heaps. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <neap/heap.h>

enum { HEAPS = 3, FORKS = 60, CHILD_S = 20 };

static neap_heap_t *heaps[HEAPS];
static bool stop;

static void *use(void *context) {
    neap_heap_t *heap = context;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        neap_heap_free(heap, neap_heap_alloc(heap, 100));
    return NULL;
}

static int in_child(void) {
    alarm(CHILD_S); /* a child that waits for a lock for ever ends by this signal */
    for (int i = 0; i < HEAPS; i++) {
        const char *why;
        void *block = neap_heap_alloc(heaps[i], 50);
        if (!block || !neap_heap_check(heaps[i], &why))
            return 1;
        neap_heap_free(heaps[i], block);
    }
    return 0;
}

static void forks(unsigned flags) {
    pthread_t threads[HEAPS];
    stop = false;
    for (int i = 0; i < HEAPS; i++) {
        heaps[i] = neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED | flags});
        assert_non_null(heaps[i]);
        assert_int_equal(pthread_create(&threads[i], NULL, use, heaps[i]), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(in_child());
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < HEAPS; i++) {
        pthread_join(threads[i], NULL);
        neap_heap_destroy(heaps[i]);
    }
}

static void shared_heaps(void **state) {
    (void)state;
    forks(0);
}

static void hardened_heaps(void **state) {
    (void)state;
    forks(NEAP_HEAP_HARDENED);
}

static void checked_heaps(void **state) {
    (void)state;
    forks(NEAP_HEAP_CHECKED);
}

/* A heap that has ended is not waited for. */
static void after_the_end(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++)
        neap_heap_destroy(neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_SHARED}));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* Thousands of heaps leave address space and mappings to the rest of the process. */
static void many_heaps(void **state) {
    (void)state;
    enum { MANY = sizeof(void *) == 8 ? 3000 : 40, BYTES = 64 << 20 };
    neap_heap_t **many = calloc(MANY, sizeof(*many));
    for (int i = 0; i < MANY; i++) {
        many[i] = neap_heap_new(NULL);
        assert_non_null(many[i]);
    }
    unsigned char *block = malloc(BYTES);
    assert_non_null(block);
    free(block);
    for (int i = 0; i < MANY; i++)
        neap_heap_destroy(many[i]);
    free(many);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_heaps),  cmocka_unit_test(hardened_heaps), cmocka_unit_test(checked_heaps),
        cmocka_unit_test(after_the_end), cmocka_unit_test(many_heaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
