/* The anchor: its published places, and finding it among other bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "heap_image.h"

/* The format is published: the same places in every build, 32-bit ones included. */
static void test_places_are_fixed(void **state) {
    (void)state;
#define AT(type, member, place) assert_int_equal(offsetof(struct neap_layout_##type, member), place)
    AT(anchor, version, 16);
    AT(anchor, pointer_bytes, 44);
    AT(anchor, state, 48);
    AT(anchor, reason, 56);
    AT(anchor, library, 184);
    AT(anchor, heap, 440);
    AT(anchor, trim_asked, 448);
    AT(anchor, trim_done, 452);
    AT(anchor, trim_bytes, 456);
    AT(unit, used, 4);
    AT(unit, resident, 6);
    AT(unit, run_pages, 24);
    AT(unit, bitmap, 56);
    AT(region, units, 8);
    AT(region, unit_count, 24);
    AT(region, unit_stride, 36);
    AT(class, slab_blocks, 12);
    AT(class, cached, 16);
    AT(event, cause, 20);
#undef AT
    assert_int_equal(sizeof(struct neap_layout_unit), 312);
    assert_int_equal(sizeof(struct neap_layout_region), 40);
    assert_int_equal(sizeof(struct neap_layout_class), 32);
    assert_int_equal(sizeof(struct neap_layout_event), 32);
}

struct search {
    struct heap_image image; /* a heap's, for its anchor */
    struct neap_layout_anchor found;
    uint64_t address;
    struct neap_fault fault;
};

/* Looks for an anchor in `count` bytes of zeros with copies of a sound one `at` the places given. */
static int search(struct search *search, size_t count, const size_t *at, size_t copies, size_t spoilt) {
    struct heap_image memory = {.size = count, .bytes = calloc(1, count)};
    const struct neap_memory source = {.read = heap_image_read, .context = &memory};
    assert_non_null(memory.bytes);
    heap_image_make(&search->image, 4096, 0, 64, 12);
    for (size_t i = 0; i < copies; i++) {
        memcpy(memory.bytes + at[i], heap_image_anchor(&search->image), sizeof(struct neap_layout_anchor));
        if (i == spoilt)
            memory.bytes[at[i] + offsetof(struct neap_layout_anchor, version)]++;
    }
    int result = neap_heap_anchor_find(&source, HEAP_IMAGE_BASE, HEAP_IMAGE_BASE + count, &search->found,
                                       &search->address, &search->fault);
    free(memory.bytes);
    free(search->image.bytes);
    return result;
}

enum { NONE = 99, ROOM = 3 * 4096 };

static void test_found_wherever_it_is(void **state) {
    (void)state;
    for (size_t at = 0; at + sizeof(struct neap_layout_anchor) <= ROOM; at += 16) {
        struct search one;
        assert_int_equal(search(&one, ROOM, &at, 1, NONE), NEAP_OK);
        assert_int_equal(one.address, HEAP_IMAGE_BASE + at);
        assert_int_equal(one.found.heap, HEAP_IMAGE_BASE + 1024);
    }
}

static void test_not_found(void **state) {
    (void)state;
    struct search one;
    const size_t unaligned = 24;
    assert_int_equal(search(&one, ROOM, &unaligned, 1, NONE), NEAP_ERROR_ABSENT);
    assert_int_equal(search(&one, ROOM, NULL, 0, NONE), NEAP_ERROR_ABSENT);
    assert_int_equal(search(&one, 0, NULL, 0, NONE), NEAP_ERROR_ABSENT);
}

static void test_sound_one_behind_an_unsound(void **state) {
    (void)state;
    struct search one;
    const size_t at[] = {64, 1024};
    assert_int_equal(search(&one, ROOM, at, 2, 0), NEAP_OK);
    assert_int_equal(one.address, HEAP_IMAGE_BASE + at[1]);
    assert_int_equal(search(&one, ROOM, at, 1, 0), NEAP_ERROR_FORMAT);
    assert_int_equal(one.fault.address, HEAP_IMAGE_BASE + at[0]);
}

/* Its texts go to a terminal. */
static void test_texts_are_cleaned(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_layout_anchor anchor;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    const struct neap_memory memory = {.read = heap_image_read, .context = &image};
    memset(heap_image_anchor(&image)->reason, 27, sizeof(anchor.reason));
    strcpy(heap_image_anchor(&image)->library, "/lib\n\033[2J/x");
    assert_int_equal(neap_heap_anchor_read(&memory, HEAP_IMAGE_BASE, &anchor, &fault), NEAP_OK);
    assert_int_equal(strlen(anchor.reason), sizeof(anchor.reason) - 1);
    assert_int_equal(strspn(anchor.reason, "?"), sizeof(anchor.reason) - 1);
    assert_string_equal(anchor.library, "/lib??[2J/x");
    free(image.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_fixed),  cmocka_unit_test(test_found_wherever_it_is),
        cmocka_unit_test(test_not_found),         cmocka_unit_test(test_sound_one_behind_an_unsound),
        cmocka_unit_test(test_texts_are_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
