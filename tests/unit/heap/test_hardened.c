/* The hardened mode: contents that go, chance, pages without access, and what happens when the
 * system refuses. That misuse ends the process is for tests/misuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <neap/heap.h>

#include "heap/model.h"
#include "os/memory.h"

#include "one_heap.h"

enum { COUNT = 400 };

static const struct neap_heap_options hardened = {.flags = NEAP_HEAP_HARDENED};

static int setup_hardened(void **state) {
    (void)state;
    heap = neap_heap_new(&hardened);
    return !heap;
}

static int setup_shared(void **state) {
    (void)state;
    heap = neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED | NEAP_HEAP_SHARED});
    return !heap;
}

/* Whether this process can read the byte at `address`, without the signal if it cannot. */
static bool readable(const void *address) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bool can = write(ends[1], address, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return can;
}

static bool all_zero(const unsigned char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        if (block[i] != 0)
            return false;
    }
    return true;
}

/* What one owner wrote never reaches the next, in blocks of every kind. */
static void contents_go(void **state) {
    (void)state;
    unsigned char *blocks[COUNT];
    for (size_t bytes = 1; bytes < 3000000; bytes += bytes / 3 + 1) {
        size_t count = bytes < 5000 ? COUNT : 4;
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < count; i++) {
                blocks[i] = neap_heap_alloc(heap, bytes);
                assert_non_null(blocks[i]);
                assert_true(all_zero(blocks[i], neap_heap_usable_bytes(heap, blocks[i])));
                memset(blocks[i], 0xa5, neap_heap_usable_bytes(heap, blocks[i]));
            }
            for (size_t i = 0; i < count; i++)
                neap_heap_free(heap, blocks[i]);
        }
        check();
    }
}

/* So does what a block leaves behind when it moves or becomes shorter. */
static void contents_go_on_realloc(void **state) {
    (void)state;
    const size_t sizes[] = {40, 700, 9000, 50000, 200000, 900000, 3000000, 1100000, 60000, 100};
    for (int round = 0; round < 3; round++) {
        unsigned char *block = NULL;
        size_t had = 0;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            block = neap_heap_realloc(heap, block, sizes[i]);
            assert_non_null(block);
            for (size_t b = 0; b < (had < sizes[i] ? had : sizes[i]); b++)
                assert_int_equal(block[b], 0x5a);
            had = sizes[i];
            memset(block, 0x5a, had);
            check();
        }
        neap_heap_free(heap, block);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            unsigned char *fresh = neap_heap_alloc(heap, sizes[i]);
            assert_true(all_zero(fresh, sizes[i]));
            neap_heap_free(heap, fresh);
        }
    }
}

/* Offsets of the first blocks of a heap from its lowest. */
static void first_offsets(neap_heap_t *one, ptrdiff_t *offsets) {
    unsigned char *blocks[COUNT], *low = NULL;
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = neap_heap_alloc(one, 64);
        low = !low || blocks[i] < low ? blocks[i] : low;
    }
    for (int i = 0; i < COUNT; i++)
        offsets[i] = blocks[i] - low;
}

/* Where blocks lie cannot be predicted from another run of the same program. */
static void places_differ(void **state) {
    (void)state;
    static ptrdiff_t one[COUNT], other[COUNT];
    neap_heap_t *second = neap_heap_new(&hardened);
    first_offsets(heap, one);
    first_offsets(second, other);
    assert_memory_not_equal(one, other, sizeof(one));
    neap_heap_destroy(second);
}

/* Nor from another process that was forked from the same one. */
static void places_differ_after_fork(void **state) {
    (void)state;
    static uintptr_t ours[COUNT], theirs[COUNT];
    int ends[2];
    neap_heap_t *shared =
        neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED | NEAP_HEAP_SHARED});
    neap_heap_free(shared, neap_heap_alloc(shared, 48)); /* numbers are in store */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    for (int i = 0; i < COUNT; i++)
        ours[i] = (uintptr_t)neap_heap_alloc(shared, 48);
    if (child == 0)
        _exit(write(ends[1], ours, sizeof(ours)) != (ssize_t)sizeof(ours));
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    waitpid(child, NULL, 0);
    assert_memory_not_equal(ours, theirs, sizeof(ours));
    close(ends[0]);
    close(ends[1]);
    neap_heap_destroy(shared);
}

/* A freed block is not the next one to be handed out, but for a chance of one in hundreds. */
static void quarantine(void **state) {
    (void)state;
    int same = 0;
    for (int i = 0; i < COUNT; i++) {
        void *block = neap_heap_alloc(heap, 64);
        neap_heap_free(heap, block);
        void *next = neap_heap_alloc(heap, 64);
        same += next == block;
        neap_heap_free(heap, next);
    }
    assert_in_range(same, 0, COUNT / 10);
    struct neap_heap_stats stats;
    neap_heap_stats(heap, &stats);
    assert_int_equal(stats.live_bytes, 0);
    assert_true(stats.cached_bytes > 0);
    neap_heap_trim(heap);
    assert_int_equal(resident(), 0);
}

static void fences(void **state) {
    (void)state;
    const size_t sizes[] = {40000, 65536, 130000, 1000000, 1 << 20, 5000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *block = neap_heap_alloc(heap, sizes[i]);
        size_t usable = neap_heap_usable_bytes(heap, block);
        assert_true(usable >= sizes[i]);
        assert_true(readable(block + usable - 1));
        assert_false(readable(block + usable));
        block = neap_heap_realloc(heap, block, 3 * sizes[i]);
        usable = neap_heap_usable_bytes(heap, block);
        assert_true(usable >= 3 * sizes[i]);
        assert_true(readable(block + usable - 1));
        assert_false(readable(block + usable));
        check();
        neap_heap_free(heap, block);
        check();
    }
}

/* Where the system refuses at any point, the heap stays whole, and later all can be used again. */
static void system_refuses(void **state) {
    (void)state;
    for (unsigned fault = 1; fault < 40; fault++) {
        unsigned char *blocks[8] = {NULL};
        neap_os_fault_after(fault);
        for (size_t i = 0; i < 8; i++) {
            blocks[i] = neap_heap_alloc(heap, (size_t)20000 << i);
            if (blocks[i])
                memset(blocks[i], 1, (size_t)20000 << i);
            void *longer = blocks[i] ? neap_heap_realloc(heap, blocks[i], (size_t)30000 << i) : NULL;
            blocks[i] = longer ? longer : blocks[i];
            check();
        }
        for (size_t i = 0; i < 8; i++)
            neap_heap_free(heap, blocks[i]);
        neap_os_fault_after(0);
        check();
    }
    unsigned char *block = neap_heap_alloc(heap, 100000);
    memset(block, 1, 100000);
    neap_heap_free(heap, block);
}

/* The checking mode notices all that the hardened one does. */
static void checking_comes_first(void **state) {
    (void)state;
    neap_heap_t *one =
        neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED | NEAP_HEAP_CHECKED});
    assert_true(one->guard && !one->hardened);
    assert_int_equal(one->layout.flags, NEAP_HEAP_CHECKED);
    neap_heap_destroy(one);
}

static void making_fails(void **state) {
    (void)state;
    for (unsigned fault = 1; fault < 20; fault++) {
        neap_os_fault_after(fault);
        neap_heap_t *one = neap_heap_new(&hardened);
        neap_os_fault_after(0);
        if (!one)
            continue;
        neap_heap_destroy(one);
        return;
    }
    fail_msg("no heap is made even when hardly anything fails");
}

#define HARDENED(test) cmocka_unit_test_setup_teardown(test, setup_hardened, teardown)
#define SHARED(test)   cmocka_unit_test_setup_teardown(test, setup_shared, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HARDENED(contents_go),
        SHARED(contents_go),
        HARDENED(contents_go_on_realloc),
        SHARED(contents_go_on_realloc),
        HARDENED(places_differ),
        cmocka_unit_test(places_differ_after_fork),
        HARDENED(quarantine),
        SHARED(quarantine),
        HARDENED(fences),
        SHARED(fences),
        HARDENED(system_refuses),
        cmocka_unit_test(checking_comes_first),
        cmocka_unit_test(making_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
