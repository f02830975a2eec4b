/* block_index: spans added at random, found again, as a plain list of blocks says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inspect/objects/block_index.h"

static void check(const neap_block_index_t *index) {
    const char *why = "";
    if (!neap_block_index_check(index, &why))
        fail_msg("%s", why);
}

static void test_nothing_is_found_in_an_empty_index(void **state) {
    (void)state;
    neap_block_index_t *index = neap_block_index_new();
    assert_int_equal(neap_block_index_find(index, 0x1000), NEAP_BLOCK_NONE);
    assert_int_equal(neap_block_index_count(index), 0);
    check(index);
    neap_block_index_destroy(index);
}

static void test_a_pool(void **state) {
    (void)state;
    neap_block_index_t *index = neap_block_index_new();
    const struct neap_block_span pool = {
        .address = 0x7f0000004030, .block_bytes = 48, .blocks = 340, .arena = 3};
    uint64_t live[6] = {0x5, 0, 0, 0, 0, UINT64_C(1) << 19};
    assert_int_equal(neap_block_index_add(index, &pool, live), NEAP_OK);
    check(index);
    assert_int_equal(neap_block_index_find(index, 0x7f0000004030), 0);
    assert_int_equal(neap_block_index_find(index, 0x7f0000004030 + 47), 0);
    assert_int_equal(neap_block_index_find(index, 0x7f0000004030 + 48 * 339), 339);
    assert_int_equal(neap_block_index_find(index, 0x7f0000004030 + 48 * 340), NEAP_BLOCK_NONE);
    assert_int_equal(neap_block_index_find(index, 0x7f000000402f), NEAP_BLOCK_NONE);
    assert_int_equal(neap_block_index_find(index, 0x7f0000009000), NEAP_BLOCK_NONE);
    const uint64_t *bits = neap_block_index_live(index);
    for (uint32_t i = 0; i < 340; i++)
        assert_int_equal(neap_block_is_live(bits, i), i == 0 || i == 2 || i == 339);
    assert_int_equal(neap_block_index_add(index, &pool, live), NEAP_ERROR_FORMAT);
    check(index);
    neap_block_index_destroy(index);
}

static void test_what_makes_no_sense_is_refused(void **state) {
    (void)state;
    const struct neap_block_span senseless[] = {
        {.address = 0x1000, .block_bytes = 0, .blocks = 1},
        {.address = 0x1000, .block_bytes = 16, .blocks = 0},
        {.address = 0x1000, .block_bytes = UINT64_MAX / 2, .blocks = 4},
        {.address = UINT64_MAX - 100, .block_bytes = 16, .blocks = 100},
        {.address = 0x1000, .block_bytes = 16, .blocks = UINT32_MAX},
    };
    neap_block_index_t *index = neap_block_index_new();
    for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++)
        assert_int_equal(neap_block_index_add(index, &senseless[i], NULL), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_block_index_count(index), 0);
    check(index);
    neap_block_index_destroy(index);
}

static void test_blocks_by_themselves(void **state) {
    (void)state;
    neap_block_index_t *index = neap_block_index_new();
    bool added;
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(neap_block_index_add_alone(index, 0x500010 + 640 * i, 600, &added), i);
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(neap_block_index_find(index, 0x500010 + 640 * i), i);
        assert_int_equal(neap_block_index_find(index, 0x500018 + 640 * i), NEAP_BLOCK_NONE);
        assert_int_equal(neap_block_index_add_alone(index, 0x500010 + 640 * i, 600, &added), i);
        assert_false(added);
    }
    check(index);
    neap_block_index_destroy(index);
}

/* --- random order, against an array that has a place for each byte ------------------- */

enum { PAGES = 4096, PAGE = 4096, KNOWN = 3000 };

static const uint64_t base = 0x7fff00f00000; /* crosses a boundary of the index's chunks */

struct known {
    uint64_t address;
    uint32_t ordinal;
    bool live;
};

struct model {
    neap_block_index_t *index;
    uint8_t taken[PAGES];
    struct known known[KNOWN];
    size_t known_count;
    uint32_t ordinal; /* the next one */
};

static void alone_add(struct model *model) {
    bool added;
    uint64_t address = 0x1000 + 8 * (uint64_t)(random() % 100000);
    uint32_t got = neap_block_index_add_alone(model->index, address, 8, &added);
    assert_int_equal(added, got == model->ordinal);
    model->ordinal += added;
    model->known[model->known_count++] = (struct known){address, got, true};
}

static void pool_add(struct model *model, uint32_t page) {
    uint32_t pages = 1 + (uint32_t)random() % 4, block = 16 * (1 + (uint32_t)random() % 32);
    struct neap_block_span span = {.address = base + (uint64_t)page * PAGE + 48,
                                   .block_bytes = block,
                                   .blocks = (pages * PAGE - 48) / block};
    uint64_t live[16];
    for (size_t i = 0; i < 16; i++)
        live[i] = (uint64_t)random() << 33 ^ (uint64_t)random();
    if (page + pages > PAGES || span.blocks > 1024)
        return;
    bool free = !memchr(model->taken + page, 1, pages);
    assert_int_equal(neap_block_index_add(model->index, &span, live), free ? NEAP_OK : NEAP_ERROR_FORMAT);
    if (!free)
        return;
    memset(model->taken + page, 1, pages);
    uint32_t i = (uint32_t)random() % span.blocks;
    model->known[model->known_count++] =
        (struct known){span.address + (uint64_t)i * block, model->ordinal + i, neap_block_is_live(live, i)};
    model->ordinal += span.blocks;
}

static void model_check(const struct model *model) {
    const neap_block_index_t *index = model->index;
    check(index);
    assert_int_equal(neap_block_index_count(index), model->ordinal);
    for (size_t i = 0; i < model->known_count; i++) {
        const struct known *known = &model->known[i];
        uint32_t found = neap_block_index_find(index, known->address);
        assert_int_equal(found, known->ordinal);
        assert_int_equal(neap_block_is_live(neap_block_index_live(index), found), known->live);
        const struct neap_block_span *span = neap_block_index_span(index, found);
        assert_int_equal(neap_block_address(span, found), known->address);
    }
}

static void test_random(void **state) {
    (void)state;
    const char *steps = getenv("NEAP_TEST_STEPS");
    unsigned rounds = steps ? (unsigned)atoi(steps) / 100 + 1 : 20;
    srandom(7);
    for (unsigned round = 0; round < rounds; round++) {
        struct model model = {.index = neap_block_index_new()};
        while (model.known_count < KNOWN && memchr(model.taken, 0, PAGES)) {
            uint32_t page = (uint32_t)random() % PAGES;
            if (random() % 4 == 0)
                alone_add(&model);
            else
                pool_add(&model, page);
        }
        model_check(&model);
        neap_block_index_destroy(model.index);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_found_in_an_empty_index),
        cmocka_unit_test(test_a_pool),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
        cmocka_unit_test(test_blocks_by_themselves),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
