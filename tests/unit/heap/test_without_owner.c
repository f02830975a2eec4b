/* Blocks of more than 512 bytes, taken and freed by threads that do not own the heap, while the owner uses
 * it: as C code does that calls PyMem_Malloc without the GIL. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap/magazine.h"
#include "os/clock.h"

enum { THREADS = 3, SLOTS = 48, STEPS = 20000, LEAST = NEAP_OWN_BYTES_MAX + 1 };

static neap_heap_t *heap;
static __thread bool owner;
static bool stop;

static bool owner_calls(void *context) {
    (void)context;
    return owner;
}

static int setup_with(uint64_t limit_bytes) {
    heap = neap_heap_new(&(struct neap_heap_options){.decay_ms = 1, .limit_bytes = limit_bytes});
    heap->owner_calls = owner_calls;
    owner = true;
    stop = false;
    return !heap;
}

static int setup(void **state) {
    (void)state;
    return setup_with(0);
}

static int setup_small(void **state) {
    (void)state;
    return setup_with(8 << 20);
}

static int teardown(void **state) {
    (void)state;
    const char *why = NULL;
    if (!neap_heap_check(heap, &why))
        fail_msg("%s", why);
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.live_blocks, 0);
    neap_heap_destroy(heap);
    return 0;
}

struct slot {
    unsigned char *block;
    size_t bytes;
};

static void verify(const struct slot *slot, int number) {
    for (size_t i = 0; i < slot->bytes; i += 61) {
        if (slot->block[i] != (unsigned char)number)
            abort();
    }
}

static void let_go(struct slot *slot, int number) {
    verify(slot, number);
    neap_heap_free(heap, slot->block);
    *slot = (struct slot){0};
}

/* One step of a program that uses blocks of `least` to `most` bytes. No memory is no fault. */
static void step(struct slot *slots, unsigned *seed, size_t least, size_t most) {
    int n = rand_r(seed) % SLOTS;
    struct slot *slot = &slots[n];
    size_t bytes = least + (size_t)rand_r(seed) % (most - least + 1);
    if (slot->block && rand_r(seed) % 3 != 0) {
        let_go(slot, n);
        return;
    }
    size_t kept = slot->bytes < bytes ? slot->bytes : bytes;
    unsigned char *block = slot->block             ? neap_heap_realloc(heap, slot->block, bytes)
                           : rand_r(seed) % 2 == 0 ? neap_heap_calloc(heap, 1, bytes)
                                                   : neap_heap_alloc(heap, bytes);
    if (!block)
        return;
    verify(&(struct slot){block, kept}, n);
    memset(block, n, bytes);
    *slot = (struct slot){block, bytes};
}

static void let_go_all(struct slot *slots) {
    for (int n = 0; n < SLOTS; n++) {
        if (slots[n].block)
            let_go(&slots[n], n);
    }
}

/* Blocks above 512 bytes; now and then one shrinks below that and is freed or grows again. */
static void *without_owner(void *context) {
    unsigned seed = (unsigned)(uintptr_t)context;
    struct slot slots[SLOTS] = {0};
    for (int i = 0; i < STEPS; i++) {
        step(slots, &seed, LEAST, i % 50 == 0 ? 90000 : 8000);
        if (i % 20 == 0) {
            size_t first = LEAST + (size_t)rand_r(&seed) % 40000, last = (size_t)rand_r(&seed) % LEAST;
            void *block = neap_heap_alloc(heap, first);
            void *shrunk = block ? neap_heap_realloc(heap, block, last) : NULL;
            if (block && (!shrunk || neap_heap_usable_bytes(heap, shrunk) < LEAST))
                abort();
            neap_heap_free(heap, i % 40 == 0 && shrunk ? neap_heap_realloc(heap, shrunk, LEAST) : shrunk);
        }
    }
    let_go_all(slots);
    return NULL;
}

static void *purge_and_ask(void *unused) {
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        neap_os_lock(&heap->lock);
        neap__heap_want_empty(heap);
        neap_os_unlock(&heap->lock);
        neap_heap_purge(heap);
        neap_os_sleep_ns(200000);
    }
    return NULL;
}

static void beside_the_owner(void **state) {
    (void)state;
    pthread_t threads[THREADS], purger;
    struct slot slots[SLOTS] = {0};
    unsigned seed = 99;
    pthread_create(&purger, NULL, purge_and_ask, NULL);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, without_owner, (void *)(i + 1));
    for (int i = 0; i < 4 * STEPS; i++)
        step(slots, &seed, 1, i % 7 == 0 ? 3000 : NEAP_OWN_BYTES_MAX);
    let_go_all(slots);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(purger, NULL);
}

static uint32_t owned(void) {
    uint32_t blocks = 0;
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++)
        blocks += (uint32_t)(heap->magazines.of_class[i].top + 1 - heap->magazines.bottom[i]);
    return blocks;
}

/* What the owner has in his magazines stays there, whatever the others ask for. */
static void no_memory_leaves_the_owner_alone(void **state) {
    (void)state;
    enum { BLOCKS = 20000 };
    static void *blocks[BLOCKS];
    int count = 0;
    neap_heap_free(heap, neap_heap_alloc(heap, 100));
    uint32_t before = owned();
    assert_true(before > 0);
    owner = false;
    while ((blocks[count] = neap_heap_alloc(heap, LEAST)))
        count++;
    assert_null(neap_heap_alloc(heap, 100000));
    assert_null(neap_heap_calloc(heap, 2, 100000));
    assert_int_equal(owned(), before);
    neap_os_lock(&heap->lock);
    neap__heap_want_empty(heap);
    neap_os_unlock(&heap->lock);
    neap_heap_free(heap, blocks[--count]);
    assert_int_equal(owned(), before);
    assert_true(heap->empty_wanted);
    owner = true;
    neap_heap_free(heap, blocks[--count]);
    assert_int_equal(owned(), 0);
    while (count > 0)
        neap_heap_free(heap, blocks[--count]);
}

static void across_512_bytes(void **state) {
    (void)state;
    char *small = neap_heap_alloc(heap, 100), *large = neap_heap_alloc(heap, 5000);
    strcpy(small, "small");
    strcpy(large, "large");
    uint32_t before = owned();
    owner = false;
    large = neap_heap_realloc(heap, large, 10); /* stays above, as CPython leaves it with malloc */
    assert_true(neap_heap_usable_bytes(heap, large) >= LEAST);
    assert_true(neap_heap_usable_bytes(heap, large) < 1000);
    assert_ptr_equal(neap_heap_realloc(heap, large, 20), large);
    small = neap_heap_realloc(heap, small, 700);
    assert_string_equal(small, "small");
    assert_string_equal(large, "large");
    assert_int_equal(owned(), before);
    owner = true;
    large = neap_heap_realloc(heap, large, 10);
    assert_int_equal(neap_heap_usable_bytes(heap, large), 16);
    assert_string_equal(large, "large");
    neap_heap_free(heap, small);
    neap_heap_free(heap, large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beside_the_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(beside_the_owner, setup_small, teardown),
        cmocka_unit_test_setup_teardown(no_memory_leaves_the_owner_alone, setup_small, teardown),
        cmocka_unit_test_setup_teardown(across_512_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
