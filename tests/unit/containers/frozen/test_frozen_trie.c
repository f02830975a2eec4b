/* test_frozen_trie.c: a frozen trie against the trie that it was made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/frozen_trie.h>

enum { KEY_MAX = 700, STYLES = 5 };

static uint32_t state = 7;

static uint32_t chance(uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(state >> 4) * below >> 28);
}

/* Keys that share beginnings, end within each other, use few or all byte values, agree in the first
 * eight bytes and more, and are now and then long. */
static size_t random_key(unsigned style, char *key) {
    static const char *const letters[] = {"abc", NULL, "0123456789", "0123456789", "ab"};
    const char *stem = style == 2 ? "https://example.org/a/long/beginning/" : style == 3 ? "0." : "";
    size_t bytes = strlen(stem);
    memcpy(key, stem, bytes);
    if (style == 2)
        key[bytes++] = (char)chance(2);
    if (style == 4 && chance(8) == 0) {
        const size_t run = chance(600);
        memset(key + bytes, chance(2) ? 'x' : '\xff', run);
        bytes += run;
    }
    const char *of = letters[style];
    for (size_t length = !of ? 1 + chance(3) : chance(12); length > 0; length--)
        key[bytes++] = !of ? (char)chance(256) : of[chance((uint32_t)strlen(of))];
    return bytes;
}

static union neap_item text_of(const char *key, size_t bytes) {
    return (union neap_item){.text = {key, bytes}};
}

static neap_trie_t *random_trie(unsigned style, unsigned entries, enum neap_kind value_kind) {
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_BYTES, value_kind, NULL);
    for (unsigned i = 0; i < entries; i++) {
        char key[KEY_MAX];
        const size_t bytes = random_key(style, key);
        const union neap_item value = value_kind == NEAP_KIND_BYTES ? text_of(key, bytes / 2)
                                      : value_kind == NEAP_KIND_F64
                                          ? (union neap_item){.f = i * -0.5}
                                          : (union neap_item){.i = (int64_t)chance(1u << (i % 20)) - 5};
        neap_trie_set(trie, text_of(key, bytes), value);
    }
    return trie;
}

static void require_equal(enum neap_kind kind, union neap_item a, union neap_item b) {
    if (kind == NEAP_KIND_BYTES) {
        assert_int_equal(a.text.bytes, b.text.bytes);
        assert_memory_equal(a.text.data, b.text.data, a.text.bytes);
    } else {
        assert_true(a.u == b.u);
    }
}

static void require_same_range(const neap_trie_t *trie, const neap_frozen_trie_t *frozen, enum neap_kind kind,
                               const struct neap_trie_range *range) {
    union neap_item key, value, frozen_key, frozen_value;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, range);
    neap_frozen_cursor_t *frozen_cursor = neap_frozen_cursor_new(frozen, range);
    size_t count = 0, counted = 0;
    assert_non_null(frozen_cursor);
    while (neap_trie_cursor_next(cursor, &key, &value) > 0) {
        assert_int_equal(neap_frozen_cursor_next(frozen_cursor, &frozen_key, &frozen_value), 1);
        require_equal(NEAP_KIND_BYTES, key, frozen_key);
        require_equal(kind, value, frozen_value);
        count++;
    }
    assert_int_equal(neap_frozen_cursor_next(frozen_cursor, NULL, NULL), 0);
    assert_int_equal(neap_frozen_cursor_next(frozen_cursor, NULL, NULL), 0);
    assert_int_equal(neap_frozen_trie_range_count(frozen, range, &counted), 0);
    assert_int_equal(counted, count);
    neap_trie_cursor_destroy(cursor);
    neap_frozen_cursor_destroy(frozen_cursor);
}

static void require_same(const neap_trie_t *trie, const neap_frozen_trie_t *frozen, unsigned style) {
    const enum neap_kind kind = neap_trie_value_kind(trie);
    const char *why = "";
    if (!neap_frozen_trie_check(frozen, &why))
        fail_msg("%s", why);
    assert_int_equal(neap_frozen_trie_count(frozen), neap_trie_count(trie));
    require_same_range(trie, frozen, kind, NULL);
    for (unsigned i = 0; i < 400; i++) {
        char key[KEY_MAX], other[KEY_MAX];
        const size_t bytes = random_key(style, key), other_bytes = random_key(style, other);
        const size_t prefix_bytes = bytes / (1 + chance(3));
        union neap_item value, frozen_value;
        const bool found = neap_trie_get(trie, text_of(key, bytes), &value);
        assert_int_equal(neap_frozen_trie_get(frozen, text_of(key, bytes), &frozen_value), found);
        if (found)
            require_equal(kind, value, frozen_value);
        size_t longest = 0, frozen_longest = 0;
        const size_t limit = chance(2) ? SIZE_MAX : chance(8);
        const bool has = neap_trie_longest_prefix(trie, text_of(key, bytes), limit, &longest, &value);
        assert_int_equal(neap_frozen_trie_longest_prefix(frozen, text_of(key, bytes), limit, &frozen_longest,
                                                         &frozen_value),
                         has);
        assert_int_equal(longest, frozen_longest);
        if (has)
            require_equal(kind, value, frozen_value);
        if (i % 8 != 0)
            continue;
        const struct neap_trie_range range = {
            .first = text_of(key, bytes),
            .last = text_of(other, other_bytes),
            .prefix = text_of(key, prefix_bytes),
            .has_first = chance(2),
            .has_last = chance(2),
            .has_prefix = chance(2),
        };
        require_same_range(trie, frozen, kind, &range);
    }
}

static void is_as_its_trie(void **unused) {
    static const unsigned sizes[] = {0, 1, 2, 7, 8, 9, 31, 32, 33, 64, 65, 500, 4000};
    static const enum neap_kind kinds[] = {NEAP_KIND_U32,   NEAP_KIND_I64, NEAP_KIND_NONE,
                                           NEAP_KIND_BYTES, NEAP_KIND_I8,  NEAP_KIND_F64};
    (void)unused;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned style = 0; style < STYLES; style++) {
            const enum neap_kind kind = kinds[(i + style) % 6];
            neap_trie_t *trie = neap_trie_new(NEAP_KIND_BYTES, kind, NULL);
            neap_trie_destroy(trie);
            trie = random_trie(style, sizes[i], kind == NEAP_KIND_I8 ? NEAP_KIND_I64 : kind);
            neap_frozen_trie_t *frozen = neap_trie_freeze(trie, NULL);
            assert_non_null(frozen);
            require_same(trie, frozen, style);
            neap_frozen_trie_destroy(frozen);
            neap_trie_destroy(trie);
        }
    }
}

static void wide_values_are_kept(void **unused) {
    (void)unused;
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_I32, NEAP_KIND_U64, NULL);
    for (int64_t i = -3000; i < 3000; i++)
        assert_int_equal(neap_trie_set(trie, (union neap_item){.i = i * 700001},
                                       (union neap_item){.u = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >>
                                                              ((i & 7) * 5)}),
                         0);
    neap_frozen_trie_t *frozen = neap_trie_freeze(trie, NULL);
    const char *why = "";
    assert_true(neap_frozen_trie_check(frozen, &why));
    for (int64_t i = -3000; i < 3000; i++) {
        union neap_item value, wanted;
        assert_true(neap_frozen_trie_get(frozen, (union neap_item){.i = i * 700001}, &value));
        neap_trie_get(trie, (union neap_item){.i = i * 700001}, &wanted);
        assert_true(value.u == wanted.u);
        assert_false(neap_frozen_trie_get(frozen, (union neap_item){.i = i * 700001 + 1}, &value));
    }
    neap_frozen_trie_destroy(frozen);
    neap_trie_destroy(trie);
}

/* --- files -------------------------------------------------------------------- */

static unsigned char *file_bytes(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = aligned_alloc(64, (*bytes + 63) / 64 * 64);
    assert_int_equal(fread(data, 1, *bytes, file), *bytes);
    fclose(file);
    return data;
}

static void files_are_opened_and_refused(void **unused) {
    (void)unused;
    char path[] = "/tmp/neap-trie-XXXXXX";
    close(mkstemp(path));
    neap_trie_t *trie = random_trie(0, 3000, NEAP_KIND_U32);
    neap_frozen_trie_t *frozen = neap_trie_freeze(trie, NULL), *opened;
    assert_int_equal(neap_frozen_trie_save(frozen, path), 0);
    neap_frozen_trie_destroy(frozen);
    assert_int_equal(neap_frozen_trie_open(path, &opened), 0);
    require_same(trie, opened, 0);
    /* One that was opened can be saved over itself: its file is another one then. */
    assert_int_equal(neap_frozen_trie_save(opened, path), 0);
    require_same(trie, opened, 0);
    neap_frozen_trie_destroy(opened);

    size_t bytes;
    unsigned char *data = file_bytes(path, &bytes);
    for (size_t cut = 0; cut < bytes; cut += 1 + bytes / 97)
        assert_int_equal(neap_frozen_trie_view(data, cut, &opened), NEAP_ERROR_FORMAT);
    /* Any bit of the body turned: no access goes astray, and the check tells. */
    for (unsigned i = 0; i < 3000; i++) {
        const size_t at = chance((uint32_t)bytes);
        const unsigned char bit = (unsigned char)(1u << chance(8));
        data[at] ^= bit;
        if (neap_frozen_trie_view(data, bytes, &opened) == 0) {
            union neap_item value;
            const char *why;
            neap_frozen_cursor_t *cursor = neap_frozen_cursor_new(opened, NULL);
            if (at >= 256) /* behind the head and what fills it up */
                assert_false(neap_frozen_trie_check(opened, &why));
            else
                neap_frozen_trie_check(opened, &why);
            while (neap_frozen_cursor_next(cursor, NULL, &value) > 0)
                ;
            for (unsigned j = 0; j < 8; j++) {
                char key[KEY_MAX];
                const size_t key_bytes = random_key(0, key);
                neap_frozen_trie_get(opened, text_of(key, key_bytes), &value);
                neap_frozen_trie_longest_prefix(opened, text_of(key, key_bytes), SIZE_MAX, NULL, &value);
            }
            neap_frozen_cursor_destroy(cursor);
            neap_frozen_trie_destroy(opened);
        }
        data[at] ^= bit;
    }
    free(data);
    unlink(path);
    assert_int_equal(neap_frozen_trie_open(path, &opened), NEAP_ERROR_ABSENT);
    neap_trie_destroy(trie);
}

/* --- memory ------------------------------------------------------------------- */

struct meter {
    size_t bytes;
    long left;
};

static void *meter_alloc(void *context, size_t bytes) {
    struct meter *meter = context;
    if (meter->left-- == 0)
        return NULL;
    meter->bytes += bytes;
    return malloc(bytes);
}

static void *meter_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct meter *meter = context;
    if (meter->left-- == 0)
        return NULL;
    meter->bytes += bytes - old_bytes;
    return realloc(block, bytes);
}

static void meter_free(void *context, void *block, size_t bytes) {
    struct meter *meter = context;
    if (block)
        meter->bytes -= bytes;
    free(block);
}

static void failure_leaves_nothing(void **unused) {
    (void)unused;
    neap_trie_t *trie = random_trie(1, 2000, NEAP_KIND_U32);
    neap_frozen_trie_t *frozen = NULL;
    unsigned refused = 0;
    for (long at = 0; !frozen; at++) {
        struct meter meter = {0, at};
        const struct neap_allocator allocator = {meter_alloc, meter_realloc, meter_free, NULL, &meter};
        frozen = neap_trie_freeze(trie, &allocator);
        const char *why = "";
        assert_true(neap_trie_check(trie, &why));
        if (!frozen) {
            assert_int_equal(meter.bytes, 0);
            refused++;
            continue;
        }
        if (meter.left < 0) { /* the last, which makes the block fit, may fail */
            require_same(trie, frozen, 1);
            neap_frozen_trie_destroy(frozen);
            assert_int_equal(meter.bytes, 0);
            frozen = NULL;
            continue;
        }
        require_same(trie, frozen, 1);
        neap_frozen_trie_destroy(frozen);
        assert_int_equal(meter.bytes, 0);
    }
    assert_true(refused > 5);
    neap_trie_destroy(trie);
}

/* Another process makes the file shorter while it is open. */
static void a_file_that_is_cut_is_damage(void **unused) {
    (void)unused;
    char path[] = "/tmp/neap-frozen-XXXXXX", copy_path[64];
    close(mkstemp(path));
    snprintf(copy_path, sizeof(copy_path), "%s.copy", path);
    neap_trie_t *trie = random_trie(2, 3000, NEAP_KIND_BYTES);
    neap_frozen_trie_t *made = neap_trie_freeze(trie, NULL), *frozen;
    size_t all_bytes;
    assert_int_equal(neap_frozen_trie_save(made, path), 0);
    free(file_bytes(path, &all_bytes));
    for (size_t kept = 0; kept + 4096 < all_bytes; kept += 4096) {
        union neap_item key, value;
        size_t bytes, found = 0, count = 77;
        const char *why;
        int more;
        assert_int_equal(neap_frozen_trie_save(made, path), 0);
        assert_int_equal(neap_frozen_trie_open(path, &frozen), 0);
        assert_false(neap_frozen_trie_is_damaged(frozen));
        neap_frozen_cursor_t *cursor = neap_frozen_cursor_new(frozen, NULL);
        assert_int_equal(neap_frozen_cursor_next(cursor, &key, &value), 1);
        assert_int_equal(truncate(path, (off_t)kept), 0);
        while ((more = neap_frozen_cursor_next(cursor, &key, &value)) > 0)
            found++;
        assert_int_equal(more, NEAP_ERROR_FORMAT);
        assert_true(found < neap_frozen_trie_count(frozen) - 1);
        neap_frozen_cursor_destroy(cursor);
        assert_true(neap_frozen_trie_is_damaged(frozen));
        neap_trie_cursor_t *all = neap_trie_cursor_new(trie, NULL);
        while (neap_trie_cursor_next(all, &key, NULL) > 0) {
            assert_false(neap_frozen_trie_get(frozen, key, &value));
            assert_false(neap_frozen_trie_longest_prefix(frozen, key, SIZE_MAX, &bytes, &value));
        }
        neap_trie_cursor_destroy(all);
        const struct neap_trie_range range = {.prefix = {.text = {"h", 1}}, .has_prefix = true};
        assert_int_equal(neap_frozen_trie_range_count(frozen, &range, &count), NEAP_ERROR_FORMAT);
        assert_false(neap_frozen_trie_check(frozen, &why));
        assert_int_equal(neap_frozen_trie_save(frozen, copy_path), NEAP_ERROR_FORMAT);
        assert_int_not_equal(access(copy_path, F_OK), 0);
        neap_frozen_trie_destroy(frozen);
    }
    neap_frozen_trie_destroy(made);
    neap_trie_destroy(trie);
    unlink(path);
}

/* "It is not there" would be a wrong answer. */
static void a_damaged_leaf_is_told(void **unused) {
    (void)unused;
    char path[] = "/tmp/neap-frozen-XXXXXX";
    close(mkstemp(path));
    neap_trie_t *trie = random_trie(2, 3000, NEAP_KIND_U32);
    neap_frozen_trie_t *made = neap_trie_freeze(trie, NULL), *frozen;
    size_t bytes, missing = 0;
    assert_int_equal(neap_frozen_trie_save(made, path), 0);
    unsigned char *data = file_bytes(path, &bytes);
    memset(data + bytes * 3 / 4, 0xff, 400);
    assert_int_equal(neap_frozen_trie_view(data, bytes, &frozen), 0);
    neap_trie_cursor_t *all = neap_trie_cursor_new(trie, NULL);
    union neap_item key, value;
    while (neap_trie_cursor_next(all, &key, NULL) > 0)
        missing += !neap_frozen_trie_get(frozen, key, &value);
    neap_trie_cursor_destroy(all);
    assert_true(missing > 0);
    assert_true(neap_frozen_trie_is_damaged(frozen));
    neap_frozen_trie_destroy(frozen);
    neap_frozen_trie_destroy(made);
    neap_trie_destroy(trie);
    free(data);
    unlink(path);
}

static void bounds_that_do_not_fit_the_kind(void **unused) {
    (void)unused;
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_U32, NEAP_KIND_NONE, NULL);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(neap_trie_set(trie, (union neap_item){.u = i}, (union neap_item){.u = 0}), 0);
    neap_frozen_trie_t *frozen = neap_trie_freeze(trie, NULL);
    const struct neap_trie_range wrong[] = {
        {.last = {.u = UINT64_C(1) << 40}, .has_last = true},
        {.first = {.u = UINT64_C(1) << 32}, .has_first = true},
        {.prefix = {.text = {NULL, 0}}, .has_prefix = true},
        {.prefix = {.text = {"ab", 2}}, .has_prefix = true},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t count = 77;
        assert_int_equal(neap_trie_range_count(trie, &wrong[i], &count), NEAP_ERROR_ARGUMENT);
        assert_int_equal(neap_frozen_trie_range_count(frozen, &wrong[i], &count), NEAP_ERROR_ARGUMENT);
        assert_int_equal(count, 77);
        assert_null(neap_trie_cursor_new(trie, &wrong[i]));
        assert_null(neap_frozen_cursor_new(frozen, &wrong[i]));
    }
    neap_frozen_trie_destroy(frozen);
    neap_trie_destroy(trie);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_as_its_trie),
        cmocka_unit_test(wide_values_are_kept),
        cmocka_unit_test(files_are_opened_and_refused),
        cmocka_unit_test(failure_leaves_nothing),
        cmocka_unit_test(a_file_that_is_cut_is_damage),
        cmocka_unit_test(a_damaged_leaf_is_told),
        cmocka_unit_test(bounds_that_do_not_fit_the_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
