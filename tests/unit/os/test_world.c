/* All threads held still from within: busy, asleep, coming and going. */
#include "world_fixture.h"

/* --- tests: who is held -------------------------------------------------- */

static void test_busy_and_sleeping_threads(void **state) {
    (void)state;
    pthread_t threads[BUSY + ASLEEP];
    size_t count = threads_start(threads, BUSY, ASLEEP);
    struct watch watch = {0};
    for (int i = 0; i < rounds(50); i++) {
        struct neap_os_world_figures figures = {0};
        await_motion();
        assert_int_equal(stop_within(bound_us(), act_watch, &watch, &figures), NEAP_OK);
        assert_int_equal(figures.threads, count);
        assert_in_range(figures.stopped_ns, WATCH_US * 1000, UINT64_MAX);
    }
    assert_int_equal(watch.called, rounds(50));
    assert_false(watch.moved);
    await_motion();
    threads_end(threads, count);
}

static void test_alone(void **state) {
    (void)state;
    struct neap_os_world_figures figures;
    struct watch watch = {0};
    assert_int_equal(stop_within(bound_us(), act_note, &watch, &figures), NEAP_OK);
    assert_int_equal(watch.called, 1);
    assert_int_equal(figures.threads, 0);
}

static void test_many_threads(void **state) {
    (void)state;
    static pthread_t threads[MANY_MOST];
    size_t count = threads_start(threads, 0, many());
    struct neap_os_world_figures figures;
    struct watch watch = {0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(stop_within(bound_us(), act_note, &watch, &figures), NEAP_OK);
        assert_int_equal(figures.threads, count);
    }
    threads_end(threads, count);
}

/* --- tests: what a call that sleeps notices --- */

enum { LONG_BYTES = 1 << 20 };

static int pipe_ends[2];

static void *write_at_length(void *unused) {
    static char bytes[LONG_BYTES];
    (void)unused;
    return (void *)(intptr_t)write(pipe_ends[1], bytes, LONG_BYTES);
}

/* A write to a full pipe is left alone, and writes all; in the end, when nobody writes, the stop is made. */
static void test_only_waiting(void **state) {
    (void)state;
    static char bytes[4096];
    struct watch watch = {0};
    pthread_t threads[ASLEEP], writer;
    void *written;
    size_t count = threads_start(threads, 0, ASLEEP);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_at_length, NULL), 0);
    world.only_waiting = true;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(read(pipe_ends[0], bytes, sizeof(bytes)), sizeof(bytes));
        nap(200);
        assert_int_equal(stop_within(2000, act_note, &watch, NULL), NEAP_ERROR_TIMEOUT);
    }
    for (size_t left = LONG_BYTES - 20 * sizeof(bytes); left > 0;)
        left -= (size_t)read(pipe_ends[0], bytes, sizeof(bytes));
    pthread_join(writer, &written);
    assert_int_equal((intptr_t)written, LONG_BYTES);
    assert_int_equal(watch.called, 0);
    assert_int_equal(stop_within(bound_us(), act_note, &watch, NULL), NEAP_OK);
    assert_int_equal(watch.called, 1);
    world.only_waiting = false;
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    threads_end(threads, count);
}

static void *end_at_once(void *unused) {
    (void)unused;
    counts[0]++;
    return NULL;
}

static void *make_threads(void *unused) {
    (void)unused;
    while (!ended) {
        pthread_t made[BUSY];
        for (int i = 0; i < BUSY; i++)
            pthread_create(&made[i], NULL, end_at_once, NULL);
        for (int i = 0; i < BUSY; i++)
            pthread_join(made[i], NULL);
    }
    return NULL;
}

static void test_threads_that_come_and_go(void **state) {
    (void)state;
    pthread_t makers[2];
    ended = false;
    for (int i = 0; i < 2; i++)
        pthread_create(&makers[i], NULL, make_threads, NULL);
    for (int i = 0; i < rounds(50); i++) {
        await_motion();
        assert_stops(1);
    }
    threads_end(makers, 2);
}

static volatile int chains; /* alive */

/* Makes the next and ends: whoever was listed a moment ago is not all there is. */
static void *chain_on(void *unused) {
    pthread_t next;
    counts[0]++;
    while (!ended)
        if (pthread_create(&next, NULL, chain_on, unused) == 0) {
            pthread_detach(next);
            return NULL;
        }
    __atomic_sub_fetch(&chains, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void test_threads_that_make_the_next(void **state) {
    (void)state;
    pthread_t first;
    ended = false;
    chains = CHAINS;
    for (int i = 0; i < CHAINS; i++) {
        pthread_create(&first, NULL, chain_on, NULL);
        pthread_detach(first);
    }
    for (int i = 0; i < rounds(300); i++) {
        await_motion();
        assert_stops(1);
    }
    ended = true;
    while (chains > 0)
        nap(1000);
}

/* --- tests: what it is for ----------------------------------------------- */

struct moving {
    volatile uint64_t *page;
    char *spare; /* shared memory */
    volatile uint64_t written;
    volatile bool wrong;
    int pipe[2];
};

/* The page's bytes go to shared memory, which takes the page's place, or back to private memory. */
static void act_move(void *context) {
    struct moving *moving = context;
    size_t bytes = neap_os_page_bytes();
    memcpy(moving->spare, (const void *)moving->page, bytes);
    if (mremap(moving->spare, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)moving->page) ==
        MAP_FAILED)
        moving->wrong = true;
}

static void *write_on(void *context) {
    struct moving *moving = context;
    for (uint64_t count = 1; !ended; count++) {
        moving->page[0] = count;
        moving->written = count;
        if (moving->page[0] != count)
            moving->wrong = true;
    }
    return NULL;
}

/* The kernel writes into the page for this thread, which sleeps meanwhile. */
static void *read_into(void *context) {
    struct moving *moving = context;
    uint64_t last = 0;
    while (read(moving->pipe[0], (void *)&moving->page[8], 64) == 64) {
        for (int i = 0; i < 8; i++)
            if (moving->page[8 + i] != last + 1)
                moving->wrong = true;
        last++;
    }
    return NULL;
}

static void *write_into(void *context) {
    struct moving *moving = context;
    uint64_t words[8];
    for (uint64_t count = 1; !ended; count++) {
        for (int i = 0; i < 8; i++)
            words[i] = count;
        if (write(moving->pipe[1], words, sizeof(words)) != sizeof(words))
            moving->wrong = true;
    }
    return NULL;
}

static void test_a_page_is_moved_under_its_writers(void **state) {
    (void)state;
    struct moving moving = {0};
    size_t bytes = neap_os_page_bytes();
    pthread_t threads[3];
    void *page;
    assert_int_equal(neap_os_map(bytes, &page), NEAP_OK);
    moving.page = page;
    assert_int_equal(pipe(moving.pipe), 0);
    ended = false;
    pthread_create(&threads[0], NULL, write_on, &moving);
    pthread_create(&threads[1], NULL, write_into, &moving);
    pthread_create(&threads[2], NULL, read_into, &moving);
    for (int i = 0; i < rounds(500); i++) {
        moving.spare = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_int_equal(stop(act_move, &moving), NEAP_OK);
        nap(50);
    }
    threads_end(threads, 2);
    close(moving.pipe[1]);
    pthread_join(threads[2], NULL);
    assert_false(moving.wrong);
    assert_int_equal(moving.page[0], moving.written);
    close(moving.pipe[0]);
    neap_os_release(page, bytes);
}

/* --- all ----------------------------------------------------------------- */

static int group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_busy_and_sleeping_threads),
        cmocka_unit_test(test_only_waiting),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_threads_that_come_and_go),
        cmocka_unit_test(test_threads_that_make_the_next),
        cmocka_unit_test(test_a_page_is_moved_under_its_writers),
    };
    return RUN_IN_A_WORLD("world", tests);
}

int main(void) {
    return run_group("world", group);
}
