/* test_trie.c: a trie against a sorted array, and when there is no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <neap/trie.h>

/* --- memory that counts, and that ends when it is told to ------------------ */

struct meter {
    size_t bytes, blocks;
    long left;  /* allocations until one fails; negative: none does */
    bool stays; /* and then all of them */
};

static bool refuses(struct meter *meter) {
    if (meter->left < 0)
        return false;
    if (meter->left == 0 && meter->stays)
        return true;
    return meter->left-- == 0;
}

static void *meter_alloc(void *context, size_t bytes) {
    struct meter *meter = context;
    assert_true(bytes > 0);
    if (refuses(meter))
        return NULL;
    meter->bytes += bytes;
    meter->blocks++;
    return malloc(bytes);
}

static void *meter_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct meter *meter = context;
    if (refuses(meter))
        return NULL;
    meter->bytes += bytes - old_bytes;
    return realloc(block, bytes);
}

static void meter_free(void *context, void *block, size_t bytes) {
    struct meter *meter = context;
    if (!block)
        return;
    assert_true(meter->bytes >= bytes && meter->blocks > 0);
    meter->bytes -= bytes;
    meter->blocks--;
    free(block);
}

static struct neap_allocator allocator_of(struct meter *meter) {
    return (struct neap_allocator){meter_alloc, meter_realloc, meter_free, NULL, meter};
}

/* --- the model: a sorted array --------------------------------------------- */

enum { MODEL_MAX = 6000, KEY_MAX = 700 };

struct entry {
    char *key;
    size_t bytes;
    uint32_t value;
};

struct model {
    struct entry entry[MODEL_MAX];
    size_t count;
};

static int compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    const size_t common = a_bytes < b_bytes ? a_bytes : b_bytes;
    const int order = common == 0 ? 0 : memcmp(a, b, common);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static size_t model_place(const struct model *model, const char *key, size_t bytes) {
    size_t low = 0, high = model->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (compare(model->entry[middle].key, model->entry[middle].bytes, key, bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool model_has(const struct model *model, size_t place, const char *key, size_t bytes) {
    return place < model->count &&
           compare(model->entry[place].key, model->entry[place].bytes, key, bytes) == 0;
}

static void model_set(struct model *model, const char *key, size_t bytes, uint32_t value) {
    const size_t place = model_place(model, key, bytes);
    if (!model_has(model, place, key, bytes)) {
        assert_true(model->count < MODEL_MAX);
        memmove(model->entry + place + 1, model->entry + place,
                (model->count - place) * sizeof(model->entry[0]));
        model->entry[place].key = malloc(bytes + 1);
        memcpy(model->entry[place].key, key, bytes);
        model->entry[place].bytes = bytes;
        model->count++;
    }
    model->entry[place].value = value;
}

static bool model_remove(struct model *model, const char *key, size_t bytes) {
    const size_t place = model_place(model, key, bytes);
    if (!model_has(model, place, key, bytes))
        return false;
    free(model->entry[place].key);
    model->count--;
    memmove(model->entry + place, model->entry + place + 1, (model->count - place) * sizeof(model->entry[0]));
    return true;
}

static void model_clear(struct model *model) {
    while (model->count > 0)
        free(model->entry[--model->count].key);
}

/* --- keys ------------------------------------------------------------------ */

static uint32_t state = 1;

static uint32_t chance(uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(state >> 4) * below >> 28);
}

/* Keys that share beginnings, end within each other, use few or all byte values, and now and then are
 * longer than a length byte can say. */
static size_t random_key(unsigned style, char *key) {
    static const char *const letters[] = {"abc", NULL, "0123456789", "0123456789", "ab"};
    const char *stem = style % 5 == 2 ? "https://example.org/a/long/beginning/" : "";
    size_t bytes = strlen(stem);
    memcpy(key, stem, bytes);
    if (style % 5 == 3 && chance(8) == 0) {
        const size_t run = chance(600);
        memset(key + bytes, 'x', run);
        bytes += run;
    }
    const char *of = letters[style % 5];
    for (size_t length = !of ? 1 + chance(3) : chance(10); length > 0; length--)
        key[bytes++] = !of ? (char)chance(256) : of[chance((uint32_t)strlen(of))];
    return bytes;
}

static union neap_item text_of(const char *key, size_t bytes) {
    return (union neap_item){.text = {key, bytes}};
}

/* --- comparing ------------------------------------------------------------- */

static void require_sound(const neap_trie_t *trie) {
    const char *why = "";
    if (!neap_trie_check(trie, &why))
        fail_msg("%s", why);
}

static void require_same(const neap_trie_t *trie, const struct model *model) {
    union neap_item key, value;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
    assert_non_null(cursor);
    assert_int_equal(neap_trie_count(trie), model->count);
    for (size_t i = 0; i < model->count; i++) {
        assert_int_equal(neap_trie_cursor_next(cursor, &key, &value), 1);
        assert_int_equal(key.text.bytes, model->entry[i].bytes);
        assert_memory_equal(key.text.data, model->entry[i].key, key.text.bytes);
        assert_int_equal(value.u, model->entry[i].value);
    }
    assert_int_equal(neap_trie_cursor_next(cursor, &key, &value), 0);
    assert_int_equal(neap_trie_cursor_next(cursor, &key, &value), 0);
    neap_trie_cursor_destroy(cursor);
}

/* A range between two random keys, with a prefix or without, entry by entry and counted. */
static void require_same_range(const neap_trie_t *trie, const struct model *model, unsigned style) {
    char first[KEY_MAX], last[KEY_MAX], prefix[KEY_MAX];
    const size_t first_bytes = random_key(style, first), last_bytes = random_key(style, last);
    const size_t prefix_bytes = random_key(style, prefix) / (1 + chance(3));
    struct neap_trie_range range = {
        .first = text_of(first, first_bytes),
        .last = text_of(last, last_bytes),
        .prefix = text_of(prefix, prefix_bytes),
        .has_first = chance(2),
        .has_last = chance(2),
        .has_prefix = chance(2),
    };
    union neap_item key, value;
    size_t count = 0, counted;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, &range);
    assert_non_null(cursor);
    for (size_t i = 0; i < model->count; i++) {
        const struct entry *e = &model->entry[i];
        if ((range.has_first && compare(e->key, e->bytes, first, first_bytes) < 0) ||
            (range.has_last && compare(e->key, e->bytes, last, last_bytes) >= 0) ||
            (range.has_prefix && (e->bytes < prefix_bytes || memcmp(e->key, prefix, prefix_bytes) != 0)))
            continue;
        assert_int_equal(neap_trie_cursor_next(cursor, &key, &value), 1);
        assert_int_equal(value.u, e->value);
        assert_int_equal(key.text.bytes, e->bytes);
        assert_memory_equal(key.text.data, e->key, e->bytes);
        count++;
    }
    assert_int_equal(neap_trie_cursor_next(cursor, NULL, NULL), 0);
    neap_trie_cursor_destroy(cursor);
    assert_int_equal(neap_trie_range_count(trie, &range, &counted), 0);
    assert_int_equal(counted, count);
}

static void require_same_prefixes(const neap_trie_t *trie, const struct model *model, unsigned style) {
    char text[KEY_MAX];
    size_t bytes = random_key(style, text), found_bytes = 0, limit = bytes;
    union neap_item value;
    for (;;) {
        size_t wanted = 0;
        const struct entry *entry = NULL;
        for (size_t i = 0; i < model->count; i++)
            if (model->entry[i].bytes <= limit &&
                memcmp(model->entry[i].key, text, model->entry[i].bytes) == 0 &&
                (!entry || model->entry[i].bytes > wanted)) {
                entry = &model->entry[i];
                wanted = entry->bytes;
            }
        const bool found = neap_trie_longest_prefix(trie, text_of(text, bytes), limit, &found_bytes, &value);
        assert_int_equal(found, entry != NULL);
        if (!found)
            return;
        assert_int_equal(found_bytes, wanted);
        assert_int_equal(value.u, entry->value);
        if (wanted == 0)
            return;
        limit = wanted - 1;
    }
}

/* --- tests ------------------------------------------------------------------ */

static struct model model;

static void step(neap_trie_t *trie, unsigned style, unsigned removals) {
    char key[KEY_MAX];
    const size_t bytes = random_key(style, key);
    const uint32_t value = chance(1u << 28);
    union neap_item found;
    if (chance(10) < removals || model.count == MODEL_MAX) {
        if (model.count > 0 && chance(2) == 0) {
            const struct entry *entry = &model.entry[chance((uint32_t)model.count)];
            char copy[KEY_MAX];
            const size_t copy_bytes = entry->bytes;
            memcpy(copy, entry->key, copy_bytes);
            assert_true(neap_trie_remove(trie, text_of(copy, copy_bytes)));
            assert_true(model_remove(&model, copy, copy_bytes));
        } else {
            assert_int_equal(neap_trie_remove(trie, text_of(key, bytes)), model_remove(&model, key, bytes));
        }
    } else {
        assert_int_equal(neap_trie_set(trie, text_of(key, bytes), (union neap_item){.u = value}), 0);
        model_set(&model, key, bytes, value);
        assert_true(neap_trie_get(trie, text_of(key, bytes), &found));
        assert_int_equal(found.u, value);
    }
    const size_t other_bytes = random_key(style, key), place = model_place(&model, key, other_bytes);
    assert_int_equal(neap_trie_get(trie, text_of(key, other_bytes), &found),
                     model_has(&model, place, key, other_bytes));
}

static unsigned long steps(void) {
    const char *text = getenv("NEAP_TEST_STEPS");
    return text ? strtoul(text, NULL, 10) / 10 + 2000 : 6000;
}

static void is_as_a_sorted_array(void **unused) {
    (void)unused;
    for (unsigned style = 0; style < 5; style++) {
        struct meter meter = {.left = -1};
        const struct neap_allocator allocator = allocator_of(&meter);
        neap_trie_t *trie = neap_trie_new(NEAP_KIND_BYTES, NEAP_KIND_U32, &allocator);
        assert_non_null(trie);
        for (unsigned long i = 0; i < steps(); i++) {
            /* Now it grows, now it shrinks. */
            step(trie, style, i / 1500 % 3 == 2 ? 9 : 2);
            if (i % 16 == 0 || model.count < 200)
                require_sound(trie);
            if (i % 64 == 0) {
                require_same_range(trie, &model, style);
                require_same_prefixes(trie, &model, style);
            }
            if (i % 500 == 0)
                require_same(trie, &model);
            if (i % 1777 == 1776) {
                assert_int_equal(neap_trie_compact(trie), 0);
                require_sound(trie);
                require_same(trie, &model);
            }
        }
        require_same(trie, &model);
        while (model.count > 0) {
            const struct entry *entry = &model.entry[chance((uint32_t)model.count)];
            assert_true(neap_trie_remove(trie, text_of(entry->key, entry->bytes)));
            model_remove(&model, entry->key, entry->bytes);
            if (model.count % 32 == 0)
                require_sound(trie);
        }
        require_sound(trie);
        assert_int_equal(neap_trie_count(trie), 0);
        neap_trie_destroy(trie);
        assert_int_equal(meter.bytes, 0);
    }
}

/* Each step is tried with the first, second ... allocation refused, until it goes through. */
static void failure_changes_nothing(void **unused) {
    (void)unused;
    struct meter meter = {.left = -1};
    const struct neap_allocator allocator = allocator_of(&meter);
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_BYTES, NEAP_KIND_U32, &allocator);
    unsigned long refused = 0;
    for (unsigned i = 0; i < 3000; i++) {
        char key[KEY_MAX];
        const size_t bytes = random_key(i / 100, key);
        int error = NEAP_ERROR_MEMORY;
        for (long at = 0; error != 0; at++) {
            meter.left = at;
            if (i % 1000 == 999)
                error = neap_trie_compact(trie);
            else
                error = neap_trie_set(trie, text_of(key, bytes), (union neap_item){.u = i});
            refused += error != 0;
            meter.left = -1;
            assert_true(error == 0 || error == NEAP_ERROR_MEMORY);
            if (error != 0) {
                require_sound(trie);
                assert_int_equal(neap_trie_count(trie), model.count);
            }
        }
        if (i % 1000 != 999)
            model_set(&model, key, bytes, i);
        if (i % 100 == 0)
            require_same(trie, &model);
    }
    assert_true(refused > 1000);
    require_same(trie, &model);
    /* Taking out needs none. */
    while (model.count > 0) {
        const struct entry *entry = &model.entry[chance((uint32_t)model.count)];
        meter.stays = chance(2);
        meter.left = meter.stays ? 0 : (long)chance(3);
        assert_true(neap_trie_remove(trie, text_of(entry->key, entry->bytes)));
        model_remove(&model, entry->key, entry->bytes);
        meter.left = -1;
        if (model.count % 32 == 0)
            require_sound(trie);
    }
    meter.left = 0;
    meter.stays = true;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL); /* needs nothing of the trie's */
    assert_non_null(cursor);
    assert_int_equal(neap_trie_cursor_next(cursor, NULL, NULL), 0);
    neap_trie_cursor_destroy(cursor);
    assert_null(neap_trie_new(NEAP_KIND_BYTES, NEAP_KIND_U32, &allocator));
    meter.left = -1;
    require_sound(trie);
    neap_trie_destroy(trie);
    assert_int_equal(meter.bytes, 0);
}

static void values_may_be_texts(void **unused) {
    (void)unused;
    struct meter meter = {.left = -1};
    const struct neap_allocator allocator = allocator_of(&meter);
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_BYTES, NEAP_KIND_BYTES, &allocator);
    char value[3000];
    memset(value, 'v', sizeof(value));
    for (uint32_t i = 0; i < 4000; i++) {
        char key[KEY_MAX];
        const size_t bytes = random_key(i % 4, key);
        const size_t value_bytes = chance(20) == 0 ? chance(sizeof(value)) : chance(9);
        if (chance(4) == 0) {
            assert_int_equal(neap_trie_remove(trie, text_of(key, bytes)), model_remove(&model, key, bytes));
        } else {
            assert_int_equal(neap_trie_set(trie, text_of(key, bytes), text_of(value, value_bytes)), 0);
            model_set(&model, key, bytes, (uint32_t)value_bytes);
        }
        if (i % 64 == 0)
            require_sound(trie);
    }
    assert_int_equal(neap_trie_compact(trie), 0);
    require_sound(trie);
    for (size_t i = 0; i < model.count; i++) {
        union neap_item found;
        assert_true(neap_trie_get(trie, text_of(model.entry[i].key, model.entry[i].bytes), &found));
        assert_int_equal(found.text.bytes, model.entry[i].value);
        assert_memory_equal(found.text.data, value, found.text.bytes);
    }
    model_clear(&model);
    neap_trie_destroy(trie);
    assert_int_equal(meter.bytes, 0);
}

static void numbers_are_in_order(void **unused) {
    (void)unused;
    for (enum neap_kind kind = NEAP_KIND_I8; kind <= NEAP_KIND_U64; kind++) {
        neap_trie_t *trie = neap_trie_new(kind, NEAP_KIND_NONE, NULL);
        const bool is_signed = kind <= NEAP_KIND_I64;
        const unsigned bits = 8 * (unsigned)neap_kind_width(kind);
        const union neap_item least = {.i = is_signed ? INT64_MIN >> (64 - bits) : 0};
        const union neap_item most = {.u = is_signed ? (uint64_t)INT64_MAX >> (64 - bits)
                                                     : UINT64_MAX >> (64 - bits)};
        assert_int_equal(neap_trie_set(trie, least, least), 0);
        assert_int_equal(neap_trie_set(trie, most, most), 0);
        for (int64_t i = is_signed ? -100 : 0; i < 100; i++)
            assert_int_equal(neap_trie_set(trie, (union neap_item){.i = i}, least), 0);
        if (bits < 64) {
            assert_int_equal(neap_trie_set(trie, (union neap_item){.i = INT64_C(1) << bits}, least),
                             NEAP_ERROR_ARGUMENT);
            assert_false(neap_trie_get(trie, (union neap_item){.i = INT64_C(1) << bits}, NULL));
        }
        union neap_item key, before = least;
        neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
        assert_int_equal(neap_trie_cursor_next(cursor, &before, NULL), 1);
        assert_true(before.i == least.i);
        while (neap_trie_cursor_next(cursor, &key, NULL) > 0) {
            assert_true(is_signed ? key.i > before.i : key.u > before.u);
            before = key;
        }
        assert_true(before.u == most.u);
        neap_trie_cursor_destroy(cursor);
        require_sound(trie);
        neap_trie_destroy(trie);
    }
    assert_null(neap_trie_new(NEAP_KIND_F64, NEAP_KIND_U8, NULL));
    assert_null(neap_trie_new(NEAP_KIND_NONE, NEAP_KIND_U8, NULL));
}

/* A cursor goes on after its last key, whatever happened to it and around it. */
static void cursor_outlives_changes(void **unused) {
    (void)unused;
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_BYTES, NEAP_KIND_U32, NULL);
    char before[KEY_MAX], copy[KEY_MAX];
    size_t before_bytes = 0, seen = 0;
    for (unsigned i = 0; i < 3000; i++) {
        const size_t bytes = random_key(0, copy);
        assert_int_equal(neap_trie_set(trie, text_of(copy, bytes), (union neap_item){.u = i}), 0);
    }
    union neap_item key, value;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
    assert_false(neap_trie_cursor_changed(cursor));
    while (neap_trie_cursor_next(cursor, &key, &value) > 0) {
        assert_true(seen == 0 || compare(before, before_bytes, key.text.data, key.text.bytes) < 0);
        before_bytes = key.text.bytes;
        memcpy(before, key.text.data, before_bytes);
        seen++;
        if (chance(2) == 0)
            assert_true(neap_trie_remove(trie, text_of(before, before_bytes)));
        const size_t bytes = random_key(0, copy);
        neap_trie_set(trie, text_of(copy, bytes), value);
        if (seen % 300 == 0)
            assert_int_equal(neap_trie_compact(trie), 0);
    }
    assert_true(neap_trie_cursor_changed(cursor));
    assert_true(seen > 500);
    neap_trie_cursor_destroy(cursor);
    neap_trie_clear(trie);
    require_sound(trie);
    neap_trie_destroy(trie);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_as_a_sorted_array),    cmocka_unit_test(failure_changes_nothing),
        cmocka_unit_test(values_may_be_texts),     cmocka_unit_test(numbers_are_in_order),
        cmocka_unit_test(cursor_outlives_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
