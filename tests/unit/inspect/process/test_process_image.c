/* Images: claims in any order against a plain model, resident bytes page by page. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "inspect/process/range_index.h"
#include "inspect/process/span_kind.h"
#include "random_image.h"

static uint64_t model_resident(const struct neap_process_image *image, uint64_t start, uint64_t end) {
    uint64_t bytes = 0;
    for (uint64_t at = start; at < end; at++) {
        uint64_t place = (at - BASE) / PAGE;
        const struct neap_image_mapping *mapping = &image->mappings[place / PAGES_EACH];
        bytes += mapping->resident[place % PAGES_EACH / 64] >> (place % PAGES_EACH % 64) & 1;
    }
    return bytes;
}

static uint64_t model_next(const struct neap_process_image *image, uint64_t start, uint64_t end) {
    while (start < end && !model_resident(image, start, start + 1))
        start++;
    return start;
}

static void assert_like(const struct neap_process_image *image, const unsigned char *model) {
    const char *why = "";
    if (!neap_process_image_check(image, &why))
        fail_msg("%s", why);
    for (size_t i = 0; i < UNITS; i++)
        assert_int_equal(neap_process_image_span(image, BASE + i * unit + 7)->kind, model[i]);
    assert_null(neap_process_image_span(image, BASE - 1));
    assert_null(neap_process_image_span(image, BASE + UNITS * unit));
}

static void test_claims(void **state) {
    (void)state;
    const char *steps = getenv("NEAP_TEST_STEPS");
    long rounds = steps ? strtol(steps, NULL, 10) / 50 + 20 : 200;
    for (long round = 0; round < rounds; round++) {
        struct neap_process_image image;
        unsigned char model[UNITS];
        srand((unsigned)round);
        image_make(&image);
        memset(model, NEAP_SPAN_ANONYMOUS, sizeof(model));
        for (int step = 0; step < 30; step++) {
            size_t first = (size_t)rand() % UNITS, length = (size_t)rand() % 60;
            struct neap_image_span claim = {.start = BASE + first * unit,
                                            .end = BASE + (first + length) * unit,
                                            .kind = 1 + (unsigned)rand() % (NEAP_SPAN_KINDS - 1)};
            bool fits = length > 0 && first + length <= UNITS &&
                        first / (PAGES_EACH * 4) == (first + length - 1) / (PAGES_EACH * 4);
            int result = neap_process_image_claim(&image, &claim);
            assert_int_equal(result, fits ? NEAP_OK : NEAP_ERROR_ARGUMENT);
            for (size_t i = first; fits && i < first + length; i++)
                model[i] = (unsigned char)claim.kind;
            assert_like(&image, model);
        }
        neap_process_image_clear(&image);
    }
}

static void test_many_claims_at_once(void **state) {
    (void)state;
    struct neap_process_image image;
    struct neap_image_span claims[UNITS];
    unsigned char model[UNITS];
    size_t count = 0;
    image_make(&image);
    memset(model, NEAP_SPAN_ANONYMOUS, sizeof(model));
    for (size_t i = 0; i + 1 < UNITS; i += 3) {
        model[i] = NEAP_SPAN_ARENA;
        claims[count++] = (struct neap_image_span){
            .start = BASE + i * unit, .end = BASE + (i + 1) * unit, .kind = NEAP_SPAN_ARENA};
    }
    assert_int_equal(neap_process_image_claim_all(&image, claims, count), NEAP_OK);
    assert_like(&image, model);
    claims[1].start = claims[0].start; /* overlap: nothing is claimed */
    assert_int_equal(neap_process_image_claim_all(&image, claims, count), NEAP_ERROR_ARGUMENT);
    assert_like(&image, model);
    neap_process_image_clear(&image);
}

static void test_resident(void **state) {
    (void)state;
    struct neap_process_image image;
    srand(1);
    image_make(&image);
    for (int i = 0; i < 300; i++) {
        uint64_t start = BASE + (uint64_t)rand() % (UNITS * unit), end = start + (uint64_t)rand() % 100000;
        if (end > BASE + UNITS * unit)
            continue;
        assert_int_equal(neap_process_image_resident(&image, start, end), model_resident(&image, start, end));
        assert_int_equal(neap_process_image_next(&image, start, end), model_next(&image, start, end));
    }
    assert_int_equal(neap_process_image_next(&image, 0, BASE), BASE);
    assert_int_equal(neap_process_image_next(&image, BASE + UNITS * unit, UINT64_MAX), UINT64_MAX);
    neap_process_image_clear(&image);
}

/* What is told of the whole of a place is not told of a part of it. */
static void test_use_of_a_part(void **state) {
    (void)state;
    struct neap_process_image image;
    image_make(&image);
    struct neap_image_span whole = {
        .start = BASE, .end = BASE + 8 * PAGE, .kind = NEAP_SPAN_ARENA, .has_use = true, .used_bytes = 100};
    struct neap_image_span part = {.start = BASE + PAGE, .end = BASE + 2 * PAGE, .kind = NEAP_SPAN_STACK};
    assert_int_equal(neap_process_image_claim(&image, &whole), NEAP_OK);
    assert_true(neap_process_image_span(&image, BASE)->has_use);
    assert_int_equal(neap_process_image_claim(&image, &part), NEAP_OK);
    assert_false(neap_process_image_span(&image, BASE)->has_use);
    assert_false(neap_process_image_span(&image, BASE + 3 * PAGE)->has_use);
    assert_int_equal(neap_process_image_span(&image, BASE + 3 * PAGE)->kind, NEAP_SPAN_ARENA);
    neap_process_image_clear(&image);
}

/* --- ranges ------------------------------------------------------------------ */

static void test_ranges(void **state) {
    (void)state;
    enum { RANGES = 500 };
    struct neap__range_index index;
    struct neap__range *ranges = calloc(RANGES, sizeof(*ranges));
    uint64_t starts[RANGES], ends[RANGES], at = 4096;
    srand(5);
    for (size_t i = 0; i < RANGES; i++) {
        at += rand() % 4 ? (uint64_t)rand() % 100000 : (uint64_t)rand() << 12;
        starts[i] = at;
        ends[i] = at += 1 + (uint64_t)rand() % (i % 50 ? 100000 : UINT64_C(1) << 34);
        ranges[RANGES - 1 - i] = (struct neap__range){.start = starts[i], .end = ends[i]};
    }
    assert_int_equal(neap__range_index_build(&index, ranges, RANGES), NEAP_OK);
    assert_int_equal(index.count, RANGES);
    for (size_t i = 0; i < RANGES; i++) {
        uint64_t places[] = {starts[i], ends[i] - 1, starts[i] + (ends[i] - starts[i]) / 2};
        for (size_t k = 0; k < 3; k++) {
            const struct neap__range *found = neap__range_index_find(&index, places[k]);
            assert_non_null(found);
            assert_int_equal(found->start, starts[i]);
        }
        if (i + 1 == RANGES || starts[i + 1] > ends[i])
            assert_null(neap__range_index_find(&index, ends[i]));
    }
    assert_null(neap__range_index_find(&index, 0));
    assert_null(neap__range_index_find(&index, UINT64_MAX));
    neap__range_index_clear(&index);
    assert_null(neap__range_index_find(&index, 4096));
}

static void test_kinds(void **state) {
    (void)state;
    static const struct {
        const char *access, *path;
        enum neap_span_kind kind;
    } cases[] = {
        {"r-xp", "/usr/bin/python3.11", NEAP_SPAN_CODE},
        {"r--p", "/usr/bin/python3.11", NEAP_SPAN_FILE},
        {"rw-p", "/usr/bin/python3.11", NEAP_SPAN_DATA},
        {"rw-p", "", NEAP_SPAN_DATA}, /* .bss: right behind it */
        {"rw-p", "", NEAP_SPAN_ANONYMOUS},
        {"rw-p", "[stack]", NEAP_SPAN_STACK},
        {"rw-p", "[heap]", NEAP_SPAN_NAMED},
        {"rw-p", "[anon:jit]", NEAP_SPAN_NAMED},
        {"r-xp", "[vdso]", NEAP_SPAN_KERNEL},
        {"---p", "", NEAP_SPAN_RESERVED},
        {"---p", "/lib/x.so", NEAP_SPAN_RESERVED},
        {"rw-s", "/dev/shm/x", NEAP_SPAN_SHARED},
        {"rw-s", "/memfd:x (deleted)", NEAP_SPAN_SHARED},
        {"rw-s", "/var/x.db", NEAP_SPAN_SHARED},
        {"r--s", "/usr/lib/gconv.cache", NEAP_SPAN_FILE},
    };
    struct neap_image_mapping before = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct neap_image_mapping mapping = {
            .start = i * 8192, .end = i * 8192 + 4096, .path = cases[i].path};
        memcpy(mapping.access, cases[i].access, 5);
        if (i == 3)
            mapping.start = before.end;
        assert_int_equal(neap__span_kind_of(&mapping, i ? &before : NULL), cases[i].kind);
        before = mapping;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),   cmocka_unit_test(test_many_claims_at_once),
        cmocka_unit_test(test_resident), cmocka_unit_test(test_use_of_a_part),
        cmocka_unit_test(test_ranges),   cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
