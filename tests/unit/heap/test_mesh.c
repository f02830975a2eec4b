/* Meshing: no byte of a block changes, memory goes, and threads, kernel and forked children notice nothing.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/heap.h>

#include "heap/magazine.h"
#include "heap/mesh_state.h"
#include "os/clock.h"
#include "os/memory.h"

#include "one_heap.h"

enum { BLOCKS = 200000 };

struct block {
    unsigned char *at;
    uint32_t bytes, seed;
};

static struct block blocks[BLOCKS];
static uint64_t random_state;

static uint32_t below(uint32_t limit) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

static int setup_meshing(void **state) {
    random_state = 88172645463325252u;
    if (setup(state) != 0 || neap__mesh_start(heap) != NEAP_OK)
        return 1;
    return 0;
}

/* A test that failed leaves no block of its heap to the next one. */
static int teardown_meshing(void **state) {
    memset(blocks, 0, sizeof(blocks));
    return teardown(state);
}

/* Meshing needs what some machines refuse (a tracer of this process, for one). */
static void need_meshing(void) {
    neap__mesh_pass(heap, true);
    if (heap->layout.mesh_state != NEAP_MESH_ON)
        skip();
}

static void fill(const struct block *b) {
    for (uint32_t i = 0; i < b->bytes; i++)
        b->at[i] = (unsigned char)(b->seed + i * 7);
}

static bool is_whole(const struct block *b) {
    for (uint32_t i = 0; i < b->bytes; i++) {
        if (b->at[i] != (unsigned char)(b->seed + i * 7))
            return false;
    }
    return true;
}

static void take(struct block *b, uint32_t bytes) {
    *b = (struct block){neap_heap_alloc(heap, bytes), bytes, below(256)};
    assert_non_null(b->at);
    fill(b);
}

static void let_go(struct block *b) {
    neap_heap_free(heap, b->at);
    *b = (struct block){0};
}

/* Takes `count` blocks and keeps one in `keep`, at random. */
static void burst(uint32_t count, uint32_t bytes_max, uint32_t keep) {
    for (uint32_t i = 0; i < count; i++) {
        if (blocks[i].at)
            let_go(&blocks[i]);
        take(&blocks[i], 1 + below(bytes_max));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (below(keep) != 0)
            let_go(&blocks[i]);
    }
}

static bool all_whole(void) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].at && !is_whole(&blocks[i]))
            return false;
    }
    return true;
}

static void let_all_go(void) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].at)
            let_go(&blocks[i]);
    }
}

/* A figure of /proc/self/smaps_rollup, in bytes. */
static uint64_t figure(const char *name) {
    char line[256];
    uint64_t kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtoull(line + strlen(name), NULL, 10);
    }
    fclose(file);
    return kb << 10;
}

/* Mappings of mesh files that this process has. */
static uint32_t mesh_mappings(void) {
    char line[512];
    uint32_t count = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof(line), file))
        count += strstr(line, "memfd:neap-mesh") != NULL;
    fclose(file);
    return count;
}

static struct neap_heap_stats stats(void) {
    struct neap_heap_stats s;
    neap_heap_stats(heap, &s);
    return s;
}

/* Meshes until at least `share` percent of what is resident takes no memory. On a busy machine a thread may
 * not stop in time, and what was given up is meshed by the next pass. */
static void mesh_until(unsigned share) {
    for (int tries = 0; tries < 500; tries++) {
        neap_heap_trim(heap);
        struct neap_heap_stats s = stats();
        if (s.meshed_bytes * 100 > s.resident_bytes * share)
            return;
        usleep(10000);
    }
    fail_msg("%u %% are not meshed, but %u of %u pages", share, (unsigned)(stats().meshed_bytes / 4096),
             (unsigned)(stats().resident_bytes / 4096));
}

static void memory_goes(void **state) {
    (void)state;
    need_meshing();
    burst(BLOCKS, 100, 100);
    neap_heap_purge(heap);
    uint64_t before = figure("Pss:");
    mesh_until(70);
    uint64_t after = figure("Pss:");
    check();
    assert_true(before - after > 8 << 20);
    assert_true(all_whole());
    assert_true(figure("Pss:") < after + (2 << 20)); /* to read them takes no copies */
    let_all_go();
    neap_heap_trim(heap);
    check();
    assert_int_equal(stats().resident_bytes, 0);
    assert_int_equal(stats().meshed_bytes, 0);
    assert_int_equal(mesh_mappings(), 0);
}

/* The fuller the pages, the fewer fit on one: single pages then, and not longer spans, which go in pairs. */
static void fuller_pages(void **state) {
    (void)state;
    static const unsigned cases[][3] = {{100, 10, 75}, {300, 4, 45}}; /* bytes, kept, meshed */
    need_meshing();
    for (size_t i = 0; i < 2; i++) {
        burst(BLOCKS, cases[i][0], cases[i][1]);
        neap_heap_purge(heap);
        mesh_until(cases[i][2]);
        assert_true(all_whole());
        check();
        let_all_go();
    }
}

/* What was free on a meshed page does not read as zero; what is given back does. */
static void zero_again(void **state) {
    (void)state;
    need_meshing();
    burst(BLOCKS, 200, 50);
    mesh_until(10);
    assert_true(mesh_mappings() > 0);
    let_all_go();
    for (size_t bytes = 20; bytes < 900000; bytes += bytes) {
        unsigned char *block = neap_heap_calloc(heap, 1, bytes);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(block[i], 0);
        neap_heap_free(heap, block);
    }
    neap_heap_trim(heap);
    for (size_t bytes = 20; bytes < 900000; bytes += bytes) {
        unsigned char *block = neap_heap_calloc(heap, 1, bytes);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(block[i], 0);
        neap_heap_free(heap, block);
    }
    check();
}

/* Random steps, with a pass now and then. NEAP_TEST_STEPS sets their number. */
static void random_steps(void **state) {
    (void)state;
    need_meshing();
    const char *text = getenv("NEAP_TEST_STEPS");
    unsigned long steps = text ? strtoul(text, NULL, 10) : 60000;
    for (unsigned long n = 0; n < steps; n++) {
        struct block *b = &blocks[below(4000)];
        if (b->at && !is_whole(b))
            fail_msg("a block changed at step %lu", n);
        if (b->at && below(3) == 0) {
            b->seed = below(256); /* to write makes a copy of a meshed page */
            fill(b);
        } else if (b->at) {
            let_go(b);
        } else {
            take(b, 1 + (below(50) == 0 ? below(40000) : below(300)));
        }
        if (below(3000) == 0)
            burst(8000, 120, 30);
        if (below(500) == 0) {
            neap__mesh_pass(heap, below(2) == 0);
            check();
        }
        if (below(2000) == 0)
            neap_heap_trim(heap);
        if (below(4000) == 0)
            assert_true(all_whole());
    }
    assert_true(all_whole());
    let_all_go();
    neap_heap_trim(heap);
    check();
    assert_int_equal(stats().resident_bytes, 0);
    assert_int_equal(mesh_mappings(), 0);
}

static int in_child(void) {
    if (!all_whole())
        return 1;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].at) {
            blocks[i].seed++;
            fill(&blocks[i]);
        }
    }
    burst(20000, 100, 50);
    neap_heap_trim(heap);
    const char *why;
    return all_whole() && neap_heap_check(heap, &why) ? 0 : 2;
}

/* A child has what the parent had, and neither sees what the other writes; by whatever call it was made. */
static void children(void **state) {
    (void)state;
    need_meshing();
    burst(BLOCKS, 100, 100);
    mesh_until(50);
    for (int round = 0; round < 4; round++) {
        pid_t child = round % 2 == 0 ? fork() : (pid_t)syscall(SYS_fork);
        if (child == 0)
            _exit(in_child());
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_true(all_whole());
    }
    let_all_go();
}

/* Pages that a child shares with its parent are not meshed by either: that would take memory. */
static void shared_with_a_child(void **state) {
    (void)state;
    need_meshing();
    burst(BLOCKS, 100, 100);
    neap_heap_purge(heap);
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]); /* so that it ends with the parent, however that ends */
        neap__mesh_pass(heap, true);
        bool meshed = mesh_mappings() > 0;
        _exit(read(ends[0], &byte, 1) != 1 || meshed); /* it lives while the parent tries */
    }
    neap__mesh_pass(heap, true);
    assert_int_equal(mesh_mappings(), 0);
    int status;
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
    mesh_until(50); /* now they are the parent's own */
    let_all_go();
}

/* A pass without `all` leaves a slab alone in which a block was taken or freed since the last look. */
static void settled_slabs_only(void **state) {
    (void)state;
    need_meshing();
    burst(BLOCKS, 64, 100);
    neap_heap_purge(heap);
    neap__mesh_pass(heap, false); /* which notes that they are settled */
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].at && below(2) == 0)
            let_go(&blocks[i]);
    }
    neap_os_lock(&heap->lock);
    neap__magazine_empty_all(heap); /* where the freed blocks wait */
    neap_os_unlock(&heap->lock);
    neap__mesh_pass(heap, false);
    assert_in_range(mesh_mappings(), 0, 200); /* the few slabs in which no block was freed */
    for (int tries = 0; tries < 500 && mesh_mappings() < 400; tries++)
        neap__mesh_pass(heap, false);
    assert_true(mesh_mappings() >= 400);
    assert_true(all_whole());
    let_all_go();
}

static bool stop;

struct counter {
    volatile uint64_t *value;
    uint64_t count;
};

static void *count_up(void *context) {
    struct counter *c = context;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        ++*c->value;
        ++c->count;
    }
    return NULL;
}

/* Writes to every block what is there: each page gets a copy of its own. */
static void touch_all(void) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        volatile unsigned char *first = blocks[i].at;
        if (first)
            *first = *first;
    }
}

/* No write of another thread is lost, nor one of the kernel in its name. */
static void writes_go_on(void **state) {
    (void)state;
    enum { THREADS = 4, PASSES = 30 };
#ifdef __SANITIZE_THREAD__
    skip(); /* to it the stopper is a fork of several threads, and this process the child, from then on */
#endif
    need_meshing();
    static struct counter counters[THREADS];
    pthread_t threads[THREADS];
    int ends[2];
    heap->mesh->world.only_waiting = false; /* these threads never wait */
    burst(BLOCKS, 100, 100);
    stop = false;
    for (int i = 0; i < THREADS; i++) {
        counters[i] = (struct counter){neap_heap_calloc(heap, 1, 16), 0};
        pthread_create(&threads[i], NULL, count_up, &counters[i]);
    }
    struct block *buffer = &blocks[BLOCKS - 1];
    if (buffer->at)
        let_go(buffer);
    take(buffer, 90);
    assert_int_equal(pipe(ends), 0);
    for (int pass = 0; pass < PASSES; pass++) {
        touch_all(); /* so that each pass has something to mesh again */
        neap__mesh_pass(heap, true);
        buffer->seed++;
        unsigned char wanted[90];
        for (uint32_t i = 0; i < 90; i++)
            wanted[i] = (unsigned char)(buffer->seed + i * 7);
        assert_int_equal(write(ends[1], wanted, 90), 90);
        assert_int_equal(read(ends[0], buffer->at, 90), 90);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(*counters[i].value, counters[i].count);
        neap_heap_free(heap, (void *)(uintptr_t)counters[i].value);
    }
    assert_true(all_whole());
    assert_true(heap->layout.mesh_stops >= 2 * PASSES);
    close(ends[0]);
    close(ends[1]);
    let_all_go();
}

static void *spin(void *unused) {
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        ;
    return unused;
}

/* Whether a pass begins within so many milliseconds. */
static bool passes_within(unsigned ms) {
    uint64_t end_ns = neap_os_now_ns() + ms * UINT64_C(1000000);
    heap->mesh->passed_ms = neap__heap_ms(heap) - 1;
    uint32_t before = heap->mesh->passed_ms;
    while (heap->mesh->passed_ms == before && neap_os_now_ns() < end_ns) {
        neap__mesh_step(heap, true);
        usleep(10000);
    }
    return heap->mesh->passed_ms != before;
}

static void a_busy_program_is_left_alone(void **state) {
    (void)state;
    enum { THREADS = 4 }; /* so that they are busy on a busy machine too */
    pthread_t threads[THREADS];
    burst(BLOCKS, 100, 100);
    stop = false;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, spin, NULL);
    assert_false(passes_within(3 * NEAP_MESH_LOOK_MS));
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(passes_within(20 * NEAP_MESH_LOOK_MS));
    let_all_go();
}

/* Where the system refuses, blocks stay as they are. */
static void system_refuses(void **state) {
    (void)state;
    need_meshing();
    for (unsigned fault = 1; fault < 200; fault += 1 + fault / 8) {
        burst(30000, 100, 60);
        neap_os_fault_after(fault);
        neap__mesh_pass(heap, true);
        neap_os_fault_after(0);
        check();
        assert_true(all_whole());
        neap_os_fault_after(fault);
        let_all_go();
        neap_heap_trim(heap);
        neap_os_fault_after(0);
        neap_heap_trim(heap);
        check();
        assert_int_equal(stats().resident_bytes, 0);
    }
}

static void strict_heaps_do_not(void **state) {
    (void)state;
    neap_heap_t *one = neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_HARDENED});
    assert_int_equal(neap__mesh_start(one), NEAP_ERROR_SYSTEM);
    neap_heap_destroy(one);
    one = neap_heap_new(&(struct neap_heap_options){.flags = NEAP_HEAP_CHECKED});
    assert_int_equal(neap__mesh_start(one), NEAP_ERROR_SYSTEM);
    neap_heap_destroy(one);
}

#define MESHING(test) cmocka_unit_test_setup_teardown(test, setup_meshing, teardown_meshing)

int main(void) {
    const struct CMUnitTest tests[] = {
        MESHING(memory_goes),
        MESHING(fuller_pages),
        MESHING(zero_again),
        MESHING(random_steps),
        MESHING(children),
        MESHING(shared_with_a_child),
        MESHING(settled_slabs_only),
        MESHING(writes_go_on),
        MESHING(a_busy_program_is_left_alone),
        MESHING(system_refuses),
        cmocka_unit_test(strict_heaps_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
