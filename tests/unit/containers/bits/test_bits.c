/* Bit arrays against a naive model, an array of bools: random operations on arrays in memory
 * and in a file, each followed by a check of the invariants; and memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <neap/bits.h>

#include "os/memory.h"

enum { MODEL_MAX = 6000 };

struct model {
    uint64_t count;
    bool bits[MODEL_MAX];
};

struct world {
    uint64_t random;
    neap_bits_t bits;
    struct model model;
};

static uint64_t next(struct world *w) {
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static uint64_t below(struct world *w, uint64_t limit) {
    return next(w) % limit;
}

/* Mostly near a word's or byte's edge, where mistakes are. */
static uint64_t position(struct world *w, uint64_t limit) {
    uint64_t at = below(w, limit + 1);
    switch (below(w, 4)) {
    case 0:
        return at / 64 * 64;
    case 1:
        return at / 8 * 8;
    default:
        return at;
    }
}

static void range(struct world *w, uint64_t count, uint64_t *from, uint64_t *to) {
    uint64_t a = position(w, count), b = position(w, count);
    *from = a < b ? a : b;
    *to = a < b ? b : a;
}

/* --- an allocator that counts, and fails when it is told to --- */

struct counter {
    uint64_t bytes;
    unsigned calls, fail_at;
};

static bool fails(struct counter *counter) {
    return ++counter->calls == counter->fail_at;
}

static void *counter_alloc(void *context, size_t bytes) {
    struct counter *counter = context;
    if (fails(counter))
        return NULL;
    counter->bytes += bytes;
    void *block = malloc(bytes);
    memset(block, 0xA5, bytes);
    return block;
}

static void *counter_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct counter *counter = context;
    if (fails(counter))
        return NULL;
    counter->bytes = counter->bytes - old_bytes + bytes;
    char *fresh = realloc(block, bytes);
    if (bytes > old_bytes)
        memset(fresh + old_bytes, 0xA5, bytes - old_bytes);
    return fresh;
}

static void counter_free(void *context, void *block, size_t bytes) {
    struct counter *counter = context;
    if (block)
        counter->bytes -= bytes;
    free(block);
}

static struct neap_allocator allocator_of(struct counter *counter) {
    return (struct neap_allocator){counter_alloc, counter_realloc, counter_free, NULL, counter};
}

/* --- the model --- */

static void verify(const struct world *w) {
    const char *why;
    if (!neap_bits_check(&w->bits, &why))
        fail_msg("%s", why);
    assert_int_equal(w->bits.count, w->model.count);
    for (uint64_t i = 0; i < w->model.count; i++)
        if (neap_bits_get(&w->bits, i) != w->model.bits[i])
            fail_msg("bit %llu of %llu differs", (unsigned long long)i, (unsigned long long)w->model.count);
}

static void model_resize(struct model *m, uint64_t count) {
    if (count > m->count)
        memset(m->bits + m->count, 0, count - m->count);
    m->count = count;
}

/* --- random operations --- */

static void do_resize(struct world *w) {
    uint64_t count = below(w, 3) ? below(w, MODEL_MAX) : below(w, 130);
    int (*resize)(neap_bits_t *, uint64_t) = below(w, 2) ? neap_bits_resize : neap_bits_stretch;
    assert_int_equal(resize(&w->bits, count), NEAP_OK);
    model_resize(&w->model, count);
}

static void do_append(struct world *w) {
    for (uint64_t n = below(w, 140); n > 0 && w->model.count < MODEL_MAX; n--) {
        bool value = below(w, 2);
        assert_int_equal(neap_bits_append(&w->bits, value), NEAP_OK);
        w->model.bits[w->model.count++] = value;
    }
}

static void do_set(struct world *w) {
    if (w->model.count == 0)
        return;
    uint64_t at = below(w, w->model.count);
    bool value = below(w, 2);
    neap_bits_set(&w->bits, at, value);
    w->model.bits[at] = value;
}

static void do_store_and_load(struct world *w) {
    uint64_t width = below(w, 65), value = next(w);
    if (width > w->model.count)
        return;
    uint64_t at = position(w, w->model.count - width);
    neap_bits_store(&w->bits, at, (unsigned)width, value);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < width; i++) {
        w->model.bits[at + i] = value >> i & 1;
        expected |= (uint64_t)w->model.bits[at + i] << i;
    }
    assert_int_equal(neap_bits_load(&w->bits, at, (unsigned)width), expected);
}

static void do_fill(struct world *w) {
    uint64_t from, to;
    bool value = below(w, 2);
    range(w, w->model.count, &from, &to);
    neap_bits_fill(&w->bits, from, to, value);
    memset(w->model.bits + from, value, to - from);
}

static void do_invert(struct world *w) {
    uint64_t from, to;
    range(w, w->model.count, &from, &to);
    neap_bits_invert(&w->bits, from, to);
    for (uint64_t i = from; i < to; i++)
        w->model.bits[i] = !w->model.bits[i];
}

static void do_reverse(struct world *w) {
    neap_bits_reverse(&w->bits);
    for (uint64_t i = 0; i < w->model.count / 2; i++) {
        bool *a = &w->model.bits[i], *b = &w->model.bits[w->model.count - 1 - i], kept = *a;
        *a = *b;
        *b = kept;
    }
}

static void do_copy(struct world *w) {
    uint64_t from, to;
    range(w, w->model.count, &from, &to);
    uint64_t at = position(w, w->model.count - (to - from));
    neap_bits_copy(&w->bits, at, &w->bits, from, to - from);
    memmove(w->model.bits + at, w->model.bits + from, to - from);
}

static void do_shift(struct world *w) {
    uint64_t count = w->model.count, distance = position(w, below(w, 8) ? 200 : MODEL_MAX);
    uint64_t by = distance < count ? distance : count;
    if (below(w, 2)) {
        neap_bits_shift_up(&w->bits, distance);
        memmove(w->model.bits + by, w->model.bits, count - by);
        memset(w->model.bits, 0, by);
    } else {
        neap_bits_shift_down(&w->bits, distance);
        memmove(w->model.bits, w->model.bits + by, count - by);
        memset(w->model.bits + count - by, 0, by);
    }
}

static void do_insert_or_remove(struct world *w) {
    uint64_t from, to;
    range(w, w->model.count, &from, &to);
    if (below(w, 2)) {
        assert_int_equal(neap_bits_remove(&w->bits, from, to - from), NEAP_OK);
        memmove(w->model.bits + from, w->model.bits + to, w->model.count - to);
        w->model.count -= to - from;
    } else {
        uint64_t gap = position(w, MODEL_MAX - w->model.count);
        assert_int_equal(neap_bits_insert(&w->bits, from, gap), NEAP_OK);
        memmove(w->model.bits + from + gap, w->model.bits + from, w->model.count - from);
        memset(w->model.bits + from, 0, gap);
        w->model.count += gap;
    }
}

static void do_count_and_find(struct world *w) {
    uint64_t from, to, expected = 0, first = UINT64_MAX, last = UINT64_MAX, at;
    bool value = below(w, 2);
    range(w, w->model.count, &from, &to);
    for (uint64_t i = from; i < to; i++) {
        expected += w->model.bits[i];
        if (w->model.bits[i] == value) {
            first = first == UINT64_MAX ? i : first;
            last = i;
        }
    }
    assert_int_equal(neap_bits_count(&w->bits, from, to), expected);
    at = UINT64_MAX;
    assert_int_equal(neap_bits_find(&w->bits, value, from, to, &at), first != UINT64_MAX);
    assert_int_equal(at, first);
    at = UINT64_MAX;
    assert_int_equal(neap_bits_find_last(&w->bits, value, from, to, &at), last != UINT64_MAX);
    assert_int_equal(at, last);
}

/* A piece of the array itself is found again, at the first place where a naive look finds it. */
static void do_search(struct world *w) {
    uint64_t from, to, at = UINT64_MAX, expected = UINT64_MAX;
    neap_bits_t pattern;
    range(w, w->model.count, &from, &to);
    uint64_t length = to - from < 90 ? to - from : below(w, 90);
    assert_int_equal(neap_bits_init(&pattern, NULL, length), NEAP_OK);
    neap_bits_copy(&pattern, 0, &w->bits, from, length);
    uint64_t start = position(w, w->model.count);
    for (uint64_t i = start; expected == UINT64_MAX && i + length <= w->model.count; i++)
        if (memcmp(w->model.bits + i, w->model.bits + from, length) == 0)
            expected = i;
    assert_int_equal(neap_bits_search(&w->bits, &pattern, start, w->model.count, &at),
                     expected != UINT64_MAX);
    assert_int_equal(at, expected);
    neap_bits_end(&pattern);
}

static bool combined(enum neap_bits_operation operation, bool a, bool b) {
    switch (operation) {
    case NEAP_BITS_AND:
        return a && b;
    case NEAP_BITS_OR:
        return a || b;
    case NEAP_BITS_XOR:
        return a != b;
    default:
        return a && !b;
    }
}

static void do_combine(struct world *w) {
    neap_bits_t other;
    struct model *m = &w->model;
    enum neap_bits_operation operation = (enum neap_bits_operation)below(w, 4);
    uint64_t expected = 0;
    assert_int_equal(neap_bits_init(&other, NULL, m->count), NEAP_OK);
    for (uint64_t i = 0; i < m->count; i++)
        neap_bits_set(&other, i, below(w, 2));
    for (uint64_t i = 0; i < m->count; i++) {
        m->bits[i] = combined(operation, m->bits[i], neap_bits_get(&other, i));
        expected += m->bits[i];
    }
    assert_int_equal(neap_bits_combined_count(&w->bits, operation, &other), expected);
    assert_int_equal(neap_bits_combine(&w->bits, operation, &other), NEAP_OK);
    assert_int_equal(neap_bits_equal(&w->bits, &other),
                     memcmp(neap_bits_data(&w->bits), neap_bits_data(&other), (size_t)(m->count + 7) / 8) ==
                         0);
    neap_bits_end(&other);
}

static void do_equal(struct world *w) {
    neap_bits_t twin;
    assert_int_equal(neap_bits_init(&twin, NULL, w->model.count), NEAP_OK);
    neap_bits_copy(&twin, 0, &w->bits, 0, w->model.count);
    assert_true(neap_bits_equal(&w->bits, &twin));
    if (w->model.count != 0) {
        neap_bits_invert(&twin, w->model.count - 1, w->model.count);
        assert_false(neap_bits_equal(&w->bits, &twin));
    }
    assert_int_equal(neap_bits_resize(&twin, w->model.count + 1), NEAP_OK);
    assert_false(neap_bits_equal(&w->bits, &twin));
    neap_bits_end(&twin);
}

static void do_init_copy(struct world *w) {
    uint64_t from, to;
    const char *why;
    neap_bits_t part;
    range(w, w->model.count, &from, &to);
    assert_int_equal(neap_bits_init_copy(&part, NULL, &w->bits, from, to), NEAP_OK);
    assert_true(neap_bits_check(&part, &why));
    assert_int_equal(part.count, to - from);
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(neap_bits_get(&part, i - from), w->model.bits[i]);
    neap_bits_end(&part);
}

static void do_trim(struct world *w) {
    neap_bits_trim(&w->bits);
    if (w->bits.state == NEAP_BITS_IN_MEMORY)
        assert_true(neap_bits_block_bytes(&w->bits) <= w->model.count / 8 + 8);
}

static void random_operations(struct world *w, unsigned steps) {
    static void (*const operations[])(struct world *) = {
        do_resize, do_set,       do_store_and_load,   do_fill,           do_invert, do_reverse, do_copy,
        do_shift,  do_trim,      do_insert_or_remove, do_count_and_find, do_search, do_combine, do_equal,
        do_append, do_init_copy,
    };
    for (unsigned step = 0; step < steps; step++) {
        operations[below(w, sizeof(operations) / sizeof(*operations))](w);
        verify(w);
    }
}

static unsigned steps_wanted(void) {
    const char *text = getenv("NEAP_TEST_STEPS");
    return text ? (unsigned)strtoul(text, NULL, 10) : 3000;
}

static void test_random_in_memory(void **state) {
    static struct world w;
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct counter counter = {0};
        struct neap_allocator allocator = allocator_of(&counter);
        w = (struct world){.random = seed * UINT64_C(0x9E3779B97F4A7C15)};
        assert_int_equal(neap_bits_init(&w.bits, seed % 2 ? &allocator : NULL, 0), NEAP_OK);
        random_operations(&w, steps_wanted() / 4);
        neap_bits_end(&w.bits);
        assert_int_equal(counter.bytes, 0);
    }
}

static void test_random_in_file(void **state) {
    static struct world w;
    char path[] = "/tmp/neap-test-bits-XXXXXX";
    (void)state;
    close(mkstemp(path));
    w = (struct world){.random = UINT64_C(0xD1B54A32D192ED03)};
    assert_int_equal(neap_bits_open(&w.bits, path, NEAP_BITS_WRITE), NEAP_OK);
    random_operations(&w, steps_wanted() / 4);
    do_set(&w);
    assert_int_equal(neap_bits_flush(&w.bits), NEAP_OK);
    neap_bits_end(&w.bits);
    /* Read again, it is whole bytes, and what was added to the last one is zero. */
    assert_int_equal(neap_bits_open(&w.bits, path, NEAP_BITS_READ), NEAP_OK);
    model_resize(&w.model, (w.model.count + 7) / 8 * 8);
    verify(&w);
    assert_int_equal(neap_bits_resize(&w.bits, 1), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_bits_insert(&w.bits, 0, 1), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_bits_remove(&w.bits, 0, 0), NEAP_ERROR_PERMISSION);
    verify(&w);
    neap_bits_end(&w.bits);
    assert_int_equal(w.bits.count, 0);
    neap_bits_end(&w.bits); /* may be ended again */
    assert_int_equal(neap_bits_open(&w.bits, path, NEAP_BITS_MAKE), NEAP_OK);
    assert_int_equal(w.bits.count, 0);
    neap_bits_end(&w.bits);
    unlink(path);
}

static void test_files_that_cannot_be_opened(void **state) {
    neap_bits_t bits = {.count = 7};
    (void)state;
    assert_int_equal(neap_bits_open(&bits, "/tmp/no/such/file", NEAP_BITS_READ), NEAP_ERROR_ABSENT);
    assert_int_equal(neap_bits_open(&bits, "/tmp/no/such/file", NEAP_BITS_MAKE), NEAP_ERROR_ABSENT);
    assert_int_equal(neap_bits_open(&bits, "/tmp", NEAP_BITS_READ), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_bits_open(&bits, "/tmp", NEAP_BITS_WRITE), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_bits_open(&bits, "/dev/null", NEAP_BITS_READ), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_bits_open(&bits, "/dev/null", (enum neap_bits_mode)3), NEAP_ERROR_ARGUMENT);
    assert_int_equal(bits.count, 7);
}

/* --- memory that runs out --- */

/* One operation that asks for memory; what it did is undone by ending the array. */
struct step {
    uint64_t count;
    int (*run)(neap_bits_t *bits);
};

static int run_resize(neap_bits_t *bits) {
    return neap_bits_resize(bits, 5000);
}

static int run_stretch(neap_bits_t *bits) {
    return neap_bits_stretch(bits, bits->count + 64);
}

static int run_insert(neap_bits_t *bits) {
    return neap_bits_insert(bits, bits->count / 2, 1000);
}

static int run_append(neap_bits_t *bits) {
    return neap_bits_append(bits, true);
}

static int run_too_much(neap_bits_t *bits) {
    return neap_bits_resize(bits, UINT64_MAX - 100);
}

static int run_shorten(neap_bits_t *bits) {
    return neap_bits_resize(bits, bits->count / 2);
}

static void test_failure_at_every_allocation(void **state) {
    static const struct step steps[] = {
        {60, run_resize},  {60, run_stretch},  {60, run_insert}, {900, run_resize},
        {900, run_insert}, {960, run_stretch}, {64, run_append}, {960, run_append},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        unsigned failed = 0;
        for (unsigned fail_at = 1;; fail_at++) {
            struct counter counter = {0};
            struct neap_allocator allocator = allocator_of(&counter);
            neap_bits_t bits, before;
            const char *why;
            assert_int_equal(neap_bits_init(&bits, &allocator, steps[i].count), NEAP_OK);
            assert_int_equal(neap_bits_init(&before, NULL, steps[i].count), NEAP_OK);
            neap_bits_fill(&bits, 3, 50, true);
            neap_bits_fill(&before, 3, 50, true);
            counter.fail_at = counter.calls + fail_at;
            unsigned done = counter.calls;
            int error = steps[i].run(&bits);
            bool over = counter.calls - done < fail_at;
            if (error != NEAP_OK) {
                assert_int_equal(error, NEAP_ERROR_MEMORY);
                assert_true(neap_bits_equal(&bits, &before));
                failed++;
            }
            assert_true(neap_bits_check(&bits, &why));
            neap_bits_end(&bits);
            neap_bits_end(&before);
            assert_int_equal(counter.bytes, 0);
            if (over)
                break;
        }
        /* A stretch takes less when it cannot have more, and so survives one refusal. */
        assert_true(failed >= 1 || steps[i].run != run_resize);
    }
}

static void test_memory_that_there_is_not(void **state) {
    static const struct step steps[] = {{10, run_too_much}, {1000, run_too_much}};
    neap_bits_t bits = {.count = 7};
    (void)state;
    assert_int_equal(neap_bits_init(&bits, NULL, UINT64_MAX), NEAP_ERROR_MEMORY);
    assert_int_equal(bits.count, 7);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        assert_int_equal(neap_bits_init(&bits, NULL, steps[i].count), NEAP_OK);
        assert_int_equal(steps[i].run(&bits), NEAP_ERROR_MEMORY);
        assert_int_equal(neap_bits_insert(&bits, 0, UINT64_MAX - 5), NEAP_ERROR_MEMORY);
        assert_int_equal(bits.count, steps[i].count);
        neap_bits_end(&bits);
    }
}

static void test_shortening_cannot_fail(void **state) {
    struct counter counter = {0};
    struct neap_allocator allocator = allocator_of(&counter);
    neap_bits_t bits;
    const char *why;
    (void)state;
    assert_int_equal(neap_bits_init(&bits, &allocator, 10000), NEAP_OK);
    counter.fail_at = counter.calls + 1;
    assert_int_equal(run_shorten(&bits), NEAP_OK);
    assert_int_equal(bits.count, 5000);
    assert_true(neap_bits_check(&bits, &why));
    neap_bits_end(&bits);
    assert_int_equal(counter.bytes, 0);
}

/* --- memory that goes back --- */

static int64_t resident_bytes(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return (int64_t)(pages * neap_os_page_bytes());
}

static void test_truncation_gives_pages_back(void **state) {
    enum { BYTES = 64 << 20 };
    neap_bits_t bits;
    (void)state;
    if (getenv("NEAP_TEST_VALGRIND"))
        skip(); /* its own memory is resident too */
#ifdef __SANITIZE_THREAD__
    skip(); /* and so is the checker's shadow of each page */
#endif
    int64_t start = resident_bytes(); /* or less later, when what other tests left goes */
    assert_int_equal(neap_bits_init(&bits, NULL, UINT64_C(8) * BYTES), NEAP_OK);
    assert_true(resident_bytes() - start < BYTES / 16); /* zeros that nobody touched take no pages */
    neap_bits_fill(&bits, 0, bits.count, true);
    assert_true(resident_bytes() - start > BYTES / 16 * 15);
    assert_int_equal(neap_bits_resize(&bits, UINT64_C(8) * BYTES / 4), NEAP_OK);
    assert_true(resident_bytes() - start < BYTES / 16 * 5);
    neap_bits_fill(&bits, 0, bits.count / 2, false);
    assert_true(neap_bits_trim(&bits) >= BYTES / 16);
    assert_true(resident_bytes() - start < BYTES / 16 * 3);
    assert_int_equal(neap_bits_count(&bits, 0, bits.count), bits.count / 2);
    neap_bits_end(&bits);
    assert_true(resident_bytes() - start < BYTES / 16);
}

static void test_a_field_takes_no_block(void **state) {
    struct counter counter = {0};
    struct neap_allocator allocator = allocator_of(&counter);
    neap_bits_t bits;
    (void)state;
    assert_int_equal(neap_bits_init(&bits, &allocator, 64), NEAP_OK);
    neap_bits_store(&bits, 4, 4, 0xB);
    assert_int_equal(counter.calls, 0);
    assert_int_equal(neap_bits_resize(&bits, 65), NEAP_OK);
    assert_int_equal(neap_bits_load(&bits, 0, 64), 0xB0);
    assert_int_equal(neap_bits_resize(&bits, 8), NEAP_OK);
    assert_int_equal(neap_bits_load(&bits, 0, 8), 0xB0);
    assert_int_equal(counter.bytes, 0);
    neap_bits_end(&bits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_in_memory),
        cmocka_unit_test(test_random_in_file),
        cmocka_unit_test(test_files_that_cannot_be_opened),
        cmocka_unit_test(test_failure_at_every_allocation),
        cmocka_unit_test(test_memory_that_there_is_not),
        cmocka_unit_test(test_shortening_cannot_fail),
        cmocka_unit_test(test_truncation_gives_pages_back),
        cmocka_unit_test(test_a_field_takes_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
