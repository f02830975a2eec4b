/* Which spans can lie on one another: never two at one place, and nearly as few groups as there can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/word.h"
#include "heap/mesh_plan.h"
#include "heap/occupancy.h"
#include "heap/region.h"

enum { WORDS_MAX = 64 };

static struct neap__mesh_span spans[NEAP_MESH_SPANS_MAX];
static uint64_t words[NEAP_MESH_SPANS_MAX][WORDS_MAX];
static struct neap__mesh_room room;
static uint64_t seed;
static uint32_t room_words = 4096;

static uint32_t below(uint32_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % limit;
}

/* Spans of `count_words` words, each with `blocks` blocks of `granules` granules at random places. */
static void make(uint32_t count, uint32_t count_words, uint32_t blocks, uint32_t granules) {
    memset(words, 0, sizeof(words));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t b = 0; b < blocks; b++) {
            uint32_t first = below(count_words * 64 / granules) * granules;
            for (uint32_t g = first; g < first + granules; g++)
                words[i][g / 64] |= UINT64_C(1) << g % 64;
        }
        spans[i] = (struct neap__mesh_span){.words = words[i],
                                            .granules = neap__occupancy_count(words[i], count_words)};
    }
}

static uint32_t plan(uint32_t count, uint32_t count_words) {
    room.open_words = room_words;
    room.open = malloc(sizeof(uint64_t) * room.open_words);
    uint32_t groups = neap__mesh_plan(spans, count, count_words, &room);
    free(room.open);
    return groups;
}

/* Every granule of a group is covered by one member, every group has two members, and the numbers
 * are dense. Returns how many spans or groups are left. */
static uint32_t verify(uint32_t count, uint32_t count_words, uint32_t groups) {
    uint64_t *together = calloc((size_t)(groups + 1) * count_words, sizeof(*together));
    uint32_t *members = calloc(groups + 1, sizeof(*members)), left = groups;
    for (uint32_t i = 0; i < count; i++) {
        if (spans[i].group == NEAP_MESH_NO_GROUP) {
            left++;
            continue;
        }
        assert_in_range(spans[i].group, 0, groups - 1);
        uint64_t *of_group = together + (size_t)spans[i].group * count_words;
        assert_true(neap__occupancy_disjoint(of_group, words[i], count_words));
        for (uint32_t w = 0; w < count_words; w++)
            of_group[w] |= words[i][w];
        members[spans[i].group]++;
    }
    for (uint32_t group = 0; group < groups; group++)
        assert_true(members[group] >= 2);
    free(together);
    free(members);
    return left;
}

static void random_spans(void **state) {
    (void)state;
    static const uint32_t kinds[][3] = {{4, 1, 5},  {4, 5, 5},  {4, 20, 3}, {16, 10, 7},
                                        {64, 8, 5}, {64, 1, 1}, {1, 1, 4}};
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        seed = 88172645463325252u + k;
        for (uint32_t count = 1; count <= NEAP_MESH_SPANS_MAX; count *= 2) {
            make(count, kinds[k][0], kinds[k][1], kinds[k][2]);
            uint32_t groups = plan(count, kinds[k][0]);
            assert_true(verify(count, kinds[k][0], groups) <= count);
        }
    }
}

/* One block of 80 bytes a page: the best is 51 pages on one. */
static void close_to_the_best(void **state) {
    (void)state;
    seed = 1;
    make(NEAP_MESH_SPANS_MAX, 4, 1, 5);
    uint32_t left = verify(NEAP_MESH_SPANS_MAX, 4, plan(NEAP_MESH_SPANS_MAX, 4));
    assert_in_range(left, NEAP_MESH_SPANS_MAX / 51, NEAP_MESH_SPANS_MAX / 51 * 3 / 2);
}

/* With fewer groups open, more groups are made, and never a wrong one. */
static void little_room(void **state) {
    (void)state;
    uint32_t before = UINT32_MAX;
    for (room_words = 4; room_words <= 4096; room_words *= 8) {
        seed = 1;
        make(NEAP_MESH_SPANS_MAX, 4, 12, 5);
        uint32_t left = verify(NEAP_MESH_SPANS_MAX, 4, plan(NEAP_MESH_SPANS_MAX, 4));
        assert_true(left < before);
        before = left;
    }
    room_words = 4096;
    assert_true(before < NEAP_MESH_SPANS_MAX * 55 / 100);
}

static void all_at_one_place(void **state) {
    (void)state;
    memset(words, 0, sizeof(words));
    for (uint32_t i = 0; i < 100; i++) {
        words[i][0] = 1;
        spans[i] = (struct neap__mesh_span){.words = words[i], .granules = 1};
    }
    assert_int_equal(plan(100, 4), 0);
    assert_int_equal(verify(100, 4, 0), 100);
}

static void none(void **state) {
    (void)state;
    assert_int_equal(plan(0, 4), 0);
}

/* Covered granules are copied, and nothing else is. */
static void copies(void **state) {
    (void)state;
    enum { BYTES = 4096 };
    static unsigned char from[BYTES], to[BYTES];
    seed = 7;
    for (int round = 0; round < 200; round++) {
        make(1, 4, below(60), 1 + below(6));
        if (round == 0)
            memset(words[0], 0xff, 32);
        for (int i = 0; i < BYTES; i++)
            from[i] = (unsigned char)below(255), to[i] = 255;
        neap__occupancy_copy(to, from, words[0], 4);
        for (int i = 0; i < BYTES; i++) {
            bool covered = words[0][i / 1024] >> (i / 16 % 64) & 1;
            assert_int_equal(to[i], covered ? from[i] : 255);
        }
    }
}

/* What is covered is what the blocks of a slab cover, byte for byte. */
static void blocks_of_a_slab(void **state) {
    (void)state;
    neap_heap_t *heap = neap_heap_new(NULL);
    for (size_t bytes = 16; bytes <= 4096; bytes += bytes / 3 / 16 * 16 + 16) {
        static unsigned char expected[65536 / 16];
        static uint64_t got[64];
        void *blocks[200];
        for (int i = 0; i < 200; i++)
            blocks[i] = neap_heap_alloc(heap, bytes);
        for (int i = 0; i < 200; i += 3)
            neap_heap_free(heap, blocks[i]), blocks[i] = NULL;
        neap_heap_trim(heap); /* nothing is in magazines */
        unsigned char *slab = (unsigned char *)((uintptr_t)blocks[100] & ~(uintptr_t)65535);
        struct neap__place place;
        assert_true(neap__region_find(heap, slab, &place));
        memset(expected, 0, sizeof(expected));
        for (int i = 0; i < 200; i++) {
            size_t offset = (size_t)((unsigned char *)blocks[i] - slab);
            if (blocks[i] && offset < 65536)
                memset(expected + offset / 16, 1, (bytes + 15) / 16);
        }
        neap__occupancy_of_slab(heap, neap__place_unit(heap, place), got);
        size_t usable = neap_heap_usable_bytes(heap, blocks[100]);
        if (usable == (bytes + 15) / 16 * 16) {
            for (int g = 0; g < 4096; g++)
                assert_int_equal(got[g / 64] >> g % 64 & 1, expected[g]);
        }
        for (int i = 0; i < 200; i++)
            neap_heap_free(heap, blocks[i]);
    }
    neap_heap_destroy(heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_spans),
        cmocka_unit_test(close_to_the_best),
        cmocka_unit_test(little_room),
        cmocka_unit_test(all_at_one_place),
        cmocka_unit_test(none),
        cmocka_unit_test(copies),
        cmocka_unit_test(blocks_of_a_slab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
