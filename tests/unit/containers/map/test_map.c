/* A map beside a naive model: random operations for many kinds, every invariant after each,
 * and memory that runs out at every allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <neap/map.h>

enum { KEYS = 1500, LONGEST = 1000 };

static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % n);
}

/* --- an allocator that counts, and fails when it is told to --- */

struct counter {
    uint64_t bytes, calls, fails_at;
};

static void *counter_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct counter *counter = context;
    assert_true(bytes > 0);
    if (++counter->calls == counter->fails_at)
        return NULL;
    counter->bytes += bytes - (block ? old_bytes : 0);
    /* Always elsewhere, so that what is used after it moved is found. */
    char *fresh = malloc(bytes);
    if (block) {
        memcpy(fresh, block, old_bytes < bytes ? old_bytes : bytes);
        memset(block, 0xdd, old_bytes);
        free(block);
    }
    return fresh;
}

static void *counter_alloc(void *context, size_t bytes) {
    return counter_realloc(context, NULL, 0, bytes);
}

static void counter_free(void *context, void *block, size_t bytes) {
    if (!block)
        return;
    ((struct counter *)context)->bytes -= bytes;
    memset(block, 0xdd, bytes);
    free(block);
}

static struct counter counter;

static const struct neap_allocator *counting(void) {
    static struct neap_allocator allocator;
    counter = (struct counter){0};
    allocator = (struct neap_allocator){counter_alloc, counter_realloc, counter_free, NULL, &counter};
    return &allocator;
}

/* --- items by number --- */

static bool is_text(enum neap_kind kind) {
    return kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES;
}

/* Item `number` of its kind, different for each where the kind has as many. Some texts are long. */
static union neap_item item_of(enum neap_kind kind, uint32_t number, char room[LONGEST + 1]) {
    union neap_item item = {.u = 0};
    if (is_text(kind)) {
        int bytes = snprintf(room, LONGEST, "%u", number);
        static const int lengths[] = {0, 1, 9, 40, 253, 254, 255, 256, 600};
        int length = lengths[(number * 2654435761u >> 16) % 9] + (number % 97 == 0 ? 350 : 0);
        for (; bytes < length; bytes++)
            room[bytes] = (char)('a' + bytes % 7);
        item.text.data = room;
        item.text.bytes = number == 0 ? 0 : (size_t)bytes;
    } else if (kind >= NEAP_KIND_F32) {
        item.f = (double)number / 4 - 100;
    } else if (kind >= NEAP_KIND_U8) {
        item.u = number & (UINT64_MAX >> (64 - 8 * neap_kind_width(kind)));
    } else if (kind != NEAP_KIND_NONE) {
        item.i = (int64_t)number - 100;
        if (!neap_kind_fits(kind, item))
            item.i = (int8_t)number;
    }
    return item;
}

/* How many keys of a kind there are for these tests. */
static uint32_t keys_of(enum neap_kind kind) {
    return neap_kind_width(kind) == 1 ? 200 : KEYS;
}

static bool same(enum neap_kind kind, union neap_item a, union neap_item b) {
    if (is_text(kind))
        return a.text.bytes == b.text.bytes && memcmp(a.text.data, b.text.data, a.text.bytes) == 0;
    return kind == NEAP_KIND_NONE || a.u == b.u;
}

/* --- the model --- */

struct model {
    neap_map_t *map;
    enum neap_kind key, value;
    uint32_t count;
    uint32_t values[KEYS]; /* number of the value + 1; 0: no such key */
};

static void check(const neap_map_t *map) {
    const char *why = "";
    if (!neap_map_check(map, &why))
        fail_msg("%s", why);
}

static void compare_key(const struct model *model, uint32_t key) {
    char key_room[LONGEST + 1], value_room[LONGEST + 1];
    union neap_item found, item = item_of(model->key, key, key_room);
    bool there = neap_map_get(model->map, item, &found);
    assert_int_equal(there, model->values[key] != 0);
    if (there)
        assert_true(same(model->value, found, item_of(model->value, model->values[key] - 1, value_room)));
}

static void compare_all(const struct model *model) {
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    char room[LONGEST + 1];
    uint32_t count = 0;
    check(model->map);
    assert_int_equal(neap_map_count(model->map), model->count);
    for (uint32_t i = 0; i < keys_of(model->key); i++)
        compare_key(model, i);
    while (neap_map_next(model->map, &cursor, &key, &value)) {
        assert_true(neap_map_get(model->map, key, &value));
        count++;
    }
    assert_int_equal(count, model->count);
    assert_false(neap_map_get(model->map, item_of(model->key, 70000, room), NULL) &&
                 is_text(model->key)); /* never put */
}

static int put(struct model *model, uint32_t key, uint32_t value) {
    char key_room[LONGEST + 1], value_room[LONGEST + 1];
    bool replaced = false;
    int error = neap_map_put(model->map, item_of(model->key, key, key_room),
                             item_of(model->value, value, value_room), &replaced);
    if (error == NEAP_OK) {
        assert_int_equal(replaced, model->values[key] != 0);
        model->count += model->values[key] == 0;
        model->values[key] = value + 1;
    }
    return error;
}

static void take(struct model *model, uint32_t key) {
    char room[LONGEST + 1];
    assert_int_equal(neap_map_remove(model->map, item_of(model->key, key, room)), model->values[key] != 0);
    model->count -= model->values[key] != 0;
    model->values[key] = 0;
}

/* Random steps, that grow and shrink the map in turns. */
static void walk(struct model *model, uint32_t steps) {
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t key = random_below(keys_of(model->key));
        bool growing = i / (steps / 4 + 1) % 2 == 0;
        if (random_below(10) < (growing ? 8u : 3u))
            assert_int_equal(put(model, key, random_below(3000)), NEAP_OK);
        else
            take(model, key);
        compare_key(model, key);
        if (model->count < 100 || i % 64 == 0)
            check(model->map);
    }
    compare_all(model);
}

static uint32_t steps_wanted(uint32_t few) {
    const char *text = getenv("NEAP_TEST_STEPS");
    return text && atoi(text) > (int)few ? (uint32_t)atoi(text) : few;
}

/* --- tests --- */

static void every_kind_of_key_and_value(void **state) {
    (void)state;
    random_state = 1;
    for (int key = 1; key < NEAP_KINDS; key++) {
        for (int value = 0; value < NEAP_KINDS; value++) {
            if (key > 2 && value > 2 && (key + value) % 5 != 0)
                continue; /* numbers differ in their width only */
            struct model *model = calloc(1, sizeof(*model));
            model->key = (enum neap_kind)key;
            model->value = (enum neap_kind)value;
            model->map = neap_map_new(model->key, model->value, counting());
            assert_non_null(model->map);
            compare_all(model);
            walk(model, 3000);
            neap_map_destroy(model->map);
            assert_int_equal(counter.bytes, 0);
            free(model);
        }
    }
}

static void long_random_walks(void **state) {
    (void)state;
    static const enum neap_kind kinds[][2] = {
        {NEAP_KIND_STR, NEAP_KIND_U32}, {NEAP_KIND_BYTES, NEAP_KIND_STR}, {NEAP_KIND_U64, NEAP_KIND_NONE}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct model *model = calloc(1, sizeof(*model));
        random_state = i + 77;
        model->key = kinds[i][0];
        model->value = kinds[i][1];
        model->map = neap_map_new(model->key, model->value, NULL);
        walk(model, steps_wanted(20000));
        neap_map_destroy(model->map);
        free(model);
    }
}

static void when_memory_runs_out_the_map_is_as_before(void **state) {
    (void)state;
    static const enum neap_kind kinds[][2] = {{NEAP_KIND_STR, NEAP_KIND_BYTES},
                                              {NEAP_KIND_U32, NEAP_KIND_U8}};
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct model *model = calloc(1, sizeof(*model));
        const struct neap_allocator *allocator = counting();
        counter.fails_at = 1;
        assert_null(neap_map_new(kinds[k][0], kinds[k][1], allocator));
        counter.fails_at = 0;
        random_state = 5;
        model->key = kinds[k][0];
        model->value = kinds[k][1];
        model->map = neap_map_new(model->key, model->value, allocator);
        for (uint32_t i = 0; i < 4000; i++) {
            uint32_t key = random_below(KEYS), value = random_below(3000), failed = 0;
            counter.fails_at = counter.calls + 1;
            if (i % 4 == 3) { /* what fails in removing is put off */
                take(model, key);
                check(model->map);
                continue;
            }
            while (put(model, key, value) != NEAP_OK) {
                check(model->map);
                compare_key(model, key);
                assert_int_equal(neap_map_count(model->map), model->count);
                counter.fails_at = counter.calls + 1 + ++failed;
            }
        }
        counter.fails_at = 0;
        compare_all(model);
        neap_map_destroy(model->map);
        assert_int_equal(counter.bytes, 0);
        free(model);
    }
}

static void sums(void **state) {
    (void)state;
    neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U8, NULL);
    union neap_item key = {.text = {"tide", 4}}, sum = {.u = 77};
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = -1}, &sum), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_map_count(map), 0);
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = 250}, &sum), NEAP_OK);
    assert_int_equal(sum.u, 250);
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = 6}, &sum), NEAP_ERROR_ARGUMENT);
    assert_int_equal(sum.u, 250);
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = -250}, &sum), NEAP_OK);
    assert_int_equal(sum.u, 0);
    neap_map_destroy(map);
    map = neap_map_new(NEAP_KIND_I64, NEAP_KIND_I64, NULL);
    key.i = INT64_MIN;
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = INT64_MAX}, NULL), NEAP_OK);
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = 1}, NULL), NEAP_ERROR_ARGUMENT);
    neap_map_destroy(map);
    map = neap_map_new(NEAP_KIND_F64, NEAP_KIND_F64, NULL);
    key.f = -0.0;
    assert_int_equal(neap_map_add(map, key, (union neap_item){.f = 0.5}, NULL), NEAP_OK);
    key.f = 0.0;
    assert_int_equal(neap_map_add(map, key, (union neap_item){.f = 0.25}, &sum), NEAP_OK);
    assert_true(sum.f == 0.75);
    neap_map_destroy(map);
    map = neap_map_new(NEAP_KIND_F64, NEAP_KIND_STR, NULL);
    assert_int_equal(neap_map_add(map, key, (union neap_item){.i = 1}, NULL), NEAP_ERROR_ARGUMENT);
    neap_map_destroy(map);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    assert_null(neap_map_new(NEAP_KIND_NONE, NEAP_KIND_U8, NULL));
    neap_map_t *map = neap_map_new(NEAP_KIND_U8, NEAP_KIND_I8, NULL);
    assert_int_equal(neap_map_put(map, (union neap_item){.u = 256}, (union neap_item){.i = 0}, NULL),
                     NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_map_put(map, (union neap_item){.u = 0}, (union neap_item){.i = 128}, NULL),
                     NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_map_put(map, (union neap_item){.u = 0}, (union neap_item){.i = 127}, NULL),
                     NEAP_OK);
    assert_false(neap_map_get(map, (union neap_item){.u = 256}, NULL));
    assert_false(neap_map_remove(map, (union neap_item){.u = 256}));
    assert_int_equal(neap_map_count(map), 1);
    neap_map_destroy(map);
}

/* Entries of number to number: a quarter of them kept. */
static void memory_follows_the_entries(void **state) {
    (void)state;
    enum { ENTRIES = 200000 };
    neap_map_t *map = neap_map_new(NEAP_KIND_U64, NEAP_KIND_U32, NULL);
    for (uint64_t i = 0; i < ENTRIES; i++)
        assert_int_equal(neap_map_put(map, (union neap_item){.u = i * i}, (union neap_item){.u = i}, NULL),
                         NEAP_OK);
    uint64_t full = neap_map_bytes(map);
    assert_true(full < ENTRIES * 20); /* of which 12 are key and value */
    for (uint64_t i = 0; i < ENTRIES; i++) {
        if (i % 4 != 0)
            assert_true(neap_map_remove(map, (union neap_item){.u = i * i}));
    }
    check(map);
    assert_true(neap_map_bytes(map) < full / 3);
    uint64_t before = neap_map_bytes(map);
    neap_map_trim(map);
    check(map);
    assert_true(neap_map_bytes(map) <= before);
    assert_true(neap_map_clear(map));
    assert_int_equal(neap_map_count(map), 0);
    assert_true(neap_map_bytes(map) < 2000);
    assert_int_equal(neap_map_put(map, (union neap_item){.u = 1}, (union neap_item){.u = 1}, NULL), NEAP_OK);
    check(map);
    neap_map_destroy(map);
}

static void copies(void **state) {
    (void)state;
    struct model *model = calloc(1, sizeof(*model));
    random_state = 9;
    model->key = model->value = NEAP_KIND_STR;
    model->map = neap_map_new(model->key, model->value, NULL);
    walk(model, 3000);
    neap_map_t *map = model->map;
    model->map = neap_map_copy(map, counting());
    compare_all(model);
    neap_map_destroy(map);
    compare_all(model);
    uint64_t calls = counter.calls;
    for (uint64_t at = 1; at < calls; at += at < 20 ? 1 : at / 3) {
        struct counter kept = counter;
        counter.fails_at = kept.calls + at;
        struct neap_allocator allocator = {counter_alloc, counter_realloc, counter_free, NULL, &counter};
        neap_map_t *copy = neap_map_copy(model->map, &allocator); /* may do without one of them */
        neap_map_destroy(copy);
        assert_int_equal(counter.bytes, kept.bytes);
    }
    neap_map_destroy(model->map);
    free(model);
}

/* What a map has returned may be put into it again: it is copied before anything moves. */
static void texts_of_the_map_itself(void **state) {
    (void)state;
    char key[64], other[64], wanted[400];
    union neap_item found, again;
    const char *why;
    neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_STR, NULL);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "key number %d", i);
        int bytes = snprintf(wanted, sizeof(wanted), "%d%*s", i, i % 100 == 0 ? 300 : i % 40, "");
        assert_int_equal(neap_map_put(map, (union neap_item){.text = {key, strlen(key)}},
                                      (union neap_item){.text = {wanted, (size_t)bytes}}, NULL),
                         NEAP_OK);
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "key number %d", i);
        snprintf(other, sizeof(other), i % 3 == 0 ? "key number %d" : "other %d", i % 3 == 0 ? i / 2 : i);
        assert_true(neap_map_get(map, (union neap_item){.text = {key, strlen(key)}}, &found));
        size_t bytes = found.text.bytes;
        memcpy(wanted, found.text.data, bytes);
        assert_int_equal(neap_map_put(map, (union neap_item){.text = {other, strlen(other)}}, found, NULL),
                         NEAP_OK);
        assert_true(neap_map_get(map, (union neap_item){.text = {other, strlen(other)}}, &again));
        assert_int_equal(again.text.bytes, bytes);
        assert_memory_equal(again.text.data, wanted, bytes);
        assert_int_equal(neap_map_put(map, again, again, NULL), NEAP_OK); /* as a key too */
        assert_true(neap_map_get(map, (union neap_item){.text = {wanted, bytes}}, &again));
        assert_int_equal(again.text.bytes, bytes);
        assert_memory_equal(again.text.data, wanted, bytes);
    }
    assert_true(neap_map_check(map, &why));
    neap_map_destroy(map);
}

static void keys_of_the_map_itself_are_counted(void **state) {
    (void)state;
    char key[64];
    union neap_item found;
    const char *why;
    neap_map_t *map = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL);
    for (unsigned i = 0; i < 2000; i++) {
        struct neap_map_cursor cursor = {0};
        snprintf(key, sizeof(key), "%u", i);
        assert_int_equal(
            neap_map_add(map, (union neap_item){.text = {key, strlen(key)}}, (union neap_item){.i = 1}, NULL),
            NEAP_OK);
        if (i % 10 == 0) { /* the head of another key, where that lies */
            assert_true(neap_map_next(map, &cursor, &found, NULL));
            found.text.bytes -= found.text.bytes > 1;
            assert_int_equal(neap_map_add(map, found, (union neap_item){.i = 1}, NULL), NEAP_OK);
        }
    }
    assert_true(neap_map_check(map, &why));
    neap_map_destroy(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_key_and_value),
        cmocka_unit_test(long_random_walks),
        cmocka_unit_test(when_memory_runs_out_the_map_is_as_before),
        cmocka_unit_test(sums),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(memory_follows_the_entries),
        cmocka_unit_test(copies),
        cmocka_unit_test(texts_of_the_map_itself),
        cmocka_unit_test(keys_of_the_map_itself_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
