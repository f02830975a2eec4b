/* Arenas and pools of made-up processes of every version: found, counted, and rejected where they lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "python_image.h"

static struct python_image image;
static struct neap_memory memory;
static struct neap_pymalloc found;
static struct neap_block_batch batch;

static int look(bool in_place) {
    memory = image_memory(&image, in_place);
    image.read_bytes = 0;
    return neap_pymalloc_find(&memory, image.version, &image.range, 1, &found);
}

static void leave(void) {
    neap_pymalloc_close(&found);
    free(image.bytes);
}

/* Runs a test on an image of each version, read in place and by copies. */
static void each_version(void (*test)(bool in_place)) {
    for (size_t i = 0; i < neap_py_version_count(); i++)
        for (int in_place = 0; in_place < 2; in_place++) {
            image_make(&image, neap_py_version_at(i));
            test(in_place != 0);
            leave();
        }
}

static void whole(bool in_place) {
    uint64_t blocks[40], freed = 0;
    for (size_t i = 0; i < 40; i++)
        blocks[i] = image_block(&image, 16 * (1 + i % 3));
    for (size_t i = 0; i < 40; i += 5, freed++)
        image_free(&image, blocks[i]);
    assert_int_equal(look(in_place), NEAP_OK);
    assert_int_equal(found.allocator, NEAP_PY_ALLOCATOR_PYMALLOC);
    assert_int_equal(found.space_count, 1);
    assert_int_equal(found.spaces[0].used_pools, IMAGE_BASE + IMAGE_USED_POOLS);
    assert_int_equal(found.arena_count, IMAGE_ARENAS);
    assert_int_equal(found.arenas[0].address, image.arenas[0]);
    assert_int_equal(found.arenas[0].bytes, (uint64_t)IMAGE_POOLS * (uint64_t)image.version->pool_bytes);
    assert_int_equal(found.rejected_arenas, 0);
    struct neap_block_source source = neap_pymalloc_source(&found);
    uint64_t used = 0;
    for (uint32_t k = 0; k < 3; k++) {
        assert_int_equal(source.batch(source.context, 0, k, &batch), NEAP_OK);
        assert_int_equal(batch.block_bytes, 16 * (k + 1));
        used += batch.used;
    }
    assert_int_equal(used, 40 - freed);
    for (size_t i = 0; i < 40; i++) {
        uint32_t holder, pool, block = 0;
        assert_true(source.find(source.context, blocks[i] + 7, &holder, &pool));
        assert_int_equal(source.batch(source.context, holder, pool, &batch), NEAP_OK);
        assert_true(neap_block_batch_index(&batch, blocks[i] + 7, &block));
        assert_int_equal(neap_block_batch_at(&batch, block), blocks[i]);
        assert_int_equal(batch.live[block / 64] >> block % 64 & 1, i % 5 != 0);
    }
    assert_int_equal(source.batch(source.context, 0, 3, &batch), NEAP_ERROR_ABSENT);
    assert_int_equal(source.batch(source.context, 0, IMAGE_POOLS, &batch), NEAP_ERROR_ABSENT);
    assert_int_equal(source.batch(source.context, IMAGE_ARENAS, 0, &batch), NEAP_ERROR_ABSENT);
    struct neap_pymalloc_stats stats;
    neap_pymalloc_sum(&found, -1, &stats);
    assert_int_equal(stats.used_blocks, 40 - freed);
    assert_int_equal(stats.pools, 3);
    assert_int_equal(stats.free_pools, IMAGE_ARENAS * IMAGE_POOLS - 3);
    assert_int_equal(stats.arenas, IMAGE_ARENAS);
    /* Every byte of the arenas is accounted for. */
    assert_int_equal(stats.arena_bytes, stats.used_bytes + stats.free_bytes + stats.free_pool_bytes +
                                            stats.header_bytes + stats.quantization_bytes +
                                            stats.alignment_bytes);
    assert_int_equal(stats.pins, IMAGE_ARENAS);
    assert_true(image.read_bytes < 4 * image.size);
}

static void test_whole(void **state) {
    (void)state;
    each_version(whole);
}

static void full_pool(bool in_place) {
    uint32_t blocks = ((uint32_t)image.version->pool_bytes - NEAP_PY_POOL_HEADER) / 512;
    for (uint32_t i = 0; i < blocks; i++)
        image_block(&image, 512);
    /* No pool has room any more, so the allocator has none at hand. */
    uint64_t pair = IMAGE_BASE + IMAGE_USED_POOLS + 31 * 16;
    image_block(&image, 32);
    image_word(&image, pair, pair - 16);
    image_word(&image, pair + 8, pair - 16);
    assert_int_equal(look(in_place), NEAP_OK);
    assert_int_equal(neap_pymalloc_pool(&found, &found.arenas[0], 0, &batch), NEAP_OK);
    assert_int_equal(batch.used, blocks);
    assert_int_equal(batch.live[0], blocks < 64 ? (UINT64_C(1) << blocks) - 1 : UINT64_MAX);
}

static void test_full_pool(void **state) {
    (void)state;
    each_version(full_pool);
}

static void idle(bool in_place) {
    uint64_t vector = IMAGE_BASE + IMAGE_VECTOR;
    for (unsigned i = 0; i < IMAGE_ARENAS; i++)
        image_word(&image, vector + i * NEAP_PY_ARENA_ENTRY, 0);
    assert_int_equal(look(in_place), NEAP_OK);
    assert_int_equal(found.allocator, NEAP_PY_ALLOCATOR_IDLE);
    assert_int_equal(found.arena_count, 0);
}

static void test_idle(void **state) {
    (void)state;
    each_version(idle);
}

static void absent(bool in_place) {
    image_word(&image, IMAGE_BASE + IMAGE_USED_POOLS + 8, 1);
    assert_int_equal(look(in_place), NEAP_ERROR_ABSENT);
}

static void test_absent(void **state) {
    (void)state;
    each_version(absent);
}

static uint64_t batch_first(void) {
    return image.arenas[0] + NEAP_PY_POOL_HEADER;
}

static void collars(bool in_place) {
    for (unsigned i = 0; i < 8; i++) {
        uint64_t block = image_block(&image, 64);
        image_word(&image, block, UINT64_C(32) << 56);
        image_word(&image, block + 8, UINT64_C(0xfdfdfdfdfdfdfd6f));
    }
    assert_int_equal(look(in_place), NEAP_OK);
    assert_int_equal(found.allocator, NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG);
    /* Blocks are what the program sees of them. */
    uint32_t block = 0;
    uint64_t third = batch_first() + 2 * 64;
    assert_int_equal(neap_pymalloc_pool(&found, &found.arenas[0], 0, &batch), NEAP_OK);
    assert_int_equal(batch.block_bytes, 64);
    assert_int_equal(batch.used, 8);
    assert_int_equal(neap_block_batch_at(&batch, 2), third + 16);
    assert_true(neap_block_batch_index(&batch, third + 16 + 47, &block));
    assert_int_equal(block, 2);
    assert_true(neap_block_batch_at(&batch, batch.blocks - 1) + 64 <= batch.address + batch.bytes);
    struct neap_pymalloc_stats stats;
    neap_pymalloc_sum(&found, -1, &stats);
    assert_int_equal(stats.used_bytes, 8 * 64);
}

static void test_collars(void **state) {
    (void)state;
    each_version(collars);
}

/* --- lies ---------------------------------------------------------------------- */

/* Each spoils the pool of three blocks, one of them free, whose head and first block are given. */
static void more_used_than_carved(uint64_t pool, uint64_t block) {
    (void)block;
    image_put(&image, pool, 4, 4);
}

static void chain_too_long(uint64_t pool, uint64_t block) {
    (void)block;
    image_put(&image, pool, 3, 4);
}

static void chain_in_a_circle(uint64_t pool, uint64_t block) {
    image_put(&image, pool, 1, 4);
    image_word(&image, block, block);
    image_word(&image, pool + 8, block);
}

static void chain_leaves_the_pool(uint64_t pool, uint64_t block) {
    (void)block;
    image_word(&image, pool + 8, pool - 64);
}

static void chain_between_blocks(uint64_t pool, uint64_t block) {
    image_word(&image, pool + 8, block + 8);
}

static void carved_beyond_the_end(uint64_t pool, uint64_t block) {
    (void)block;
    image_put(&image, pool + 40, 48 + 32 * 2000, 4);
}

static void wrong_class(uint64_t pool, uint64_t block) {
    (void)block;
    image_put(&image, pool + 36, 3, 4);
}

static void class_out_of_range(uint64_t pool, uint64_t block) {
    (void)block;
    image_put(&image, pool + 36, 0xffff, 4);
}

static void test_pools_that_lie(void **state) {
    (void)state;
    void (*const lies[])(uint64_t, uint64_t) = {
        more_used_than_carved, chain_too_long,        chain_in_a_circle, chain_leaves_the_pool,
        chain_between_blocks,  carved_beyond_the_end, wrong_class,       class_out_of_range,
    };
    for (size_t i = 0; i < neap_py_version_count(); i++)
        for (size_t k = 0; k < sizeof(lies) / sizeof(lies[0]); k++) {
            image_make(&image, neap_py_version_at(i));
            image_block(&image, 64); /* the witness that the vector is known by */
            uint64_t block = image_block(&image, 32);
            image_block(&image, 32);
            image_free(&image, image_block(&image, 32));
            assert_int_equal(look(true), NEAP_OK);
            assert_int_equal(neap_pymalloc_pool(&found, &found.arenas[0], 1, &batch), NEAP_OK);
            lies[k](block - NEAP_PY_POOL_HEADER, block);
            assert_int_equal(neap_pymalloc_pool(&found, &found.arenas[0], 1, &batch), NEAP_ERROR_FORMAT);
            leave();
        }
}

static void arenas_that_lie(bool in_place) {
    uint64_t second = IMAGE_BASE + IMAGE_VECTOR + NEAP_PY_ARENA_ENTRY;
    image_block(&image, 32);
    assert_int_equal(look(in_place), NEAP_OK);
    neap_pymalloc_close(&found);
    image_word(&image, second, image.arenas[0]); /* twice the same */
    image_word(&image, second + 8, image.arenas[0]);
    assert_int_equal(look(in_place), NEAP_OK);
    assert_int_equal(found.arena_count, 1);
    assert_true(found.rejected_arenas >= 1);
}

static void test_arenas_that_lie(void **state) {
    (void)state;
    each_version(arenas_that_lie);
}

/* A core file's segment may claim any size, and an arena in it as many pools. */
static void arena_without_end(bool in_place) {
    const uint64_t second = IMAGE_BASE + IMAGE_VECTOR + NEAP_PY_ARENA_ENTRY, far = UINT64_C(1) << 47;
    const uint32_t pools = 1 << 28;
    const struct neap_py_range ranges[] = {image.range,
                                           {.start = far, .end = 2 * far, .anonymous = true, .empty = true}};
    if (image.version->arenas_from_pools == NEAP_PY_NONE)
        return (void)look(in_place); /* its entries are how a vector is known */
    image_block(&image, 32);
    image_word(&image, second, far);
    image_word(&image, second + 8, far + pools * (uint64_t)image.version->pool_bytes);
    image_put(&image, second + 16, 0, 4);
    image_put(&image, second + 20, pools, 4);
    memory = image_memory(&image, in_place);
    assert_int_equal(neap_pymalloc_find(&memory, image.version, ranges, 2, &found), NEAP_OK);
    assert_int_equal(found.arena_count, IMAGE_ARENAS - 1);
    assert_true(found.rejected_arenas >= 1);
}

static void test_arena_without_end(void **state) {
    (void)state;
    each_version(arena_without_end);
}

static void endless_vector(bool in_place) {
    if (image.version->arenas_from_pools == NEAP_PY_NONE)
        return (void)look(in_place);
    image_put(&image, IMAGE_BASE + IMAGE_USED_POOLS + 512 + 8, UINT32_MAX, 4);
    assert_int_equal(look(in_place), NEAP_OK);
    assert_int_equal(found.arena_count, 0);
    neap_pymalloc_close(&found);
    image_put(&image, IMAGE_BASE + IMAGE_USED_POOLS + 512 + 8, 1 << 20, 4);
    assert_int_equal(look(in_place), NEAP_OK);
    assert_true(found.arena_count <= IMAGE_ARENAS + 1);
    assert_true(image.read_bytes < 8 * image.size);
}

static void test_endless_vector(void **state) {
    (void)state;
    each_version(endless_vector);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_full_pool),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_collars),
        cmocka_unit_test(test_pools_that_lie),
        cmocka_unit_test(test_arenas_that_lie),
        cmocka_unit_test(test_arena_without_end),
        cmocka_unit_test(test_endless_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
