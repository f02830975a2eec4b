/* The reader against images of heaps: sums against a naive model, heaps of other
 * builds, and heaps that lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "heap_image.h"
#include "inspect/neap_heap/slab_source.h"

static uint64_t random_state;

static uint32_t random_below(uint32_t bound) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % bound;
}

static int image_view(struct heap_image *image, struct neap_heap_view *view, struct neap_fault *fault) {
    const struct neap_memory memory = {.read = heap_image_read, .context = image};
    struct neap_layout_anchor anchor;
    int result = neap_heap_anchor_read(&memory, HEAP_IMAGE_BASE, &anchor, fault);
    return result == NEAP_OK ? neap_heap_read(&memory, &anchor, view, fault) : result;
}

/* --- sums against a model ---------------------------------------------- */

/* Byte for byte: which pages of a slab have a used block. */
static unsigned model_held_pages(struct heap_image *image, uint32_t unit) {
    const struct neap_layout_class *class = heap_image_class(image, 1);
    uint32_t page = heap_image_heap(image)->page_bytes;
    unsigned held = 0;
    for (uint32_t i = 0; i < class->slab_blocks; i++) {
        if ((heap_image_unit(image, unit)->bitmap[i / 64] >> (i % 64) & 1) == 0)
            continue;
        uint32_t start =
            ((i / class->group_blocks) << class->group_shift) + i % class->group_blocks * class->block_bytes;
        for (uint32_t byte = start; byte < start + class->block_bytes; byte++)
            held |= 1u << byte / page;
    }
    return held;
}

static unsigned count_bits(unsigned mask) {
    unsigned count = 0;
    for (; mask != 0; mask >>= 1)
        count += mask & 1;
    return count;
}

static void fill_at_random(struct heap_image *image) {
    uint32_t slab_blocks = heap_image_class(image, 1)->slab_blocks;
    for (uint32_t i = 0; i < HEAP_IMAGE_UNITS; i++) {
        struct neap_layout_unit *unit = heap_image_unit(image, i);
        uint32_t kind = random_below(4);
        if (kind <= 1) {
            for (uint32_t n = 1 + random_below(kind == 0 ? 8 : 2 * slab_blocks); n > 0; n--)
                heap_image_use(image, i, random_below(slab_blocks));
            unit->resident = (uint16_t)(unit->resident | random_below(65536));
        } else if (kind == 2) {
            unit->kind = NEAP_UNIT_RUN;
            unit->run_units = 1;
            unit->run_pages = 1 + random_below(16);
            unit->resident = (uint16_t)((2u << (unit->run_pages - 1)) - 1);
        } else {
            unit->resident = (uint16_t)random_below(65536);
        }
    }
}

static void sums_are_the_models(uint32_t page, uint32_t extra, uint32_t block, uint32_t group_shift) {
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    struct neap_heap_stats model = {0};
    uint64_t used_blocks = 0;
    heap_image_make(&image, page, extra, block, group_shift);
    fill_at_random(&image);
    for (uint32_t i = 0; i < HEAP_IMAGE_UNITS; i++) {
        const struct neap_layout_unit *unit = heap_image_unit(&image, i);
        uint64_t resident = (uint64_t)count_bits(unit->resident) * page;
        model.resident_bytes += resident;
        model.clean_bytes += (uint64_t)page * NEAP_LAYOUT_UNIT_PAGES - resident;
        if (unit->kind == NEAP_UNIT_SLAB) {
            uint64_t held = (uint64_t)count_bits(model_held_pages(&image, i)) * page;
            model.slabs++;
            model.pins += unit->used * 8u < heap_image_class(&image, 1)->slab_blocks;
            model.live_bytes += (uint64_t)unit->used * block;
            model.free_bytes += held - (uint64_t)unit->used * block;
            model.dirty_bytes += resident - held;
            used_blocks += unit->used;
        } else if (unit->kind == NEAP_UNIT_RUN) {
            model.runs++;
            model.live_bytes += resident;
        } else {
            model.dirty_bytes += resident;
        }
    }
    heap_image_map(&image, 0, 16 * page, 20 * page, 30 * page);
    heap_image_map(&image, 1, 0, 5 * page, 9 * page); /* free */
    model.live_bytes += UINT64_C(16) * page;
    model.dirty_bytes += UINT64_C(9) * page;
    model.clean_bytes += UINT64_C(14) * page;
    model.resident_bytes += UINT64_C(25) * page;
    model.runs++;
    heap_image_class(&image, 1)->cached = 3;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(view.rejected_units, 0);
    assert_int_equal(view.units, HEAP_IMAGE_UNITS + 2);
    assert_int_equal(view.stats.cached_bytes, 3 * block);
    assert_int_equal(view.stats.live_bytes + view.stats.cached_bytes, model.live_bytes);
    assert_int_equal(view.stats.free_bytes, model.free_bytes);
    assert_int_equal(view.stats.dirty_bytes, model.dirty_bytes);
    assert_int_equal(view.stats.clean_bytes, model.clean_bytes);
    assert_int_equal(view.stats.resident_bytes, model.resident_bytes);
    assert_int_equal(view.stats.slabs, model.slabs);
    assert_int_equal(view.stats.runs, model.runs);
    assert_int_equal(view.stats.pins, model.pins);
    assert_int_equal(view.stats.live_blocks, used_blocks + model.runs - 3);
    assert_int_equal(view.classes[1].used_blocks, used_blocks - 3);
    assert_int_equal(view.classes[1].slabs, model.slabs);
    assert_int_equal(view.classes[1].pins, model.pins);
    assert_int_equal(view.classes[1].blocks,
                     (uint64_t)model.slabs * heap_image_class(&image, 1)->slab_blocks);
    /* resident = live + cached + free + dirty, the sentence of neap/heap.h */
    assert_int_equal(view.stats.resident_bytes, view.stats.live_bytes + view.stats.cached_bytes +
                                                    view.stats.free_bytes + view.stats.dirty_bytes);
    free(image.bytes);
}

static void test_sums(void **state) {
    (void)state;
    for (random_state = 1; random_state < 8; random_state++) {
        uint64_t seed = random_state;
        sums_are_the_models(4096, 0, 64, 12);    /* blocks that straddle no page */
        sums_are_the_models(4096, 0, 1168, 13);  /* one that does, and a tail */
        sums_are_the_models(4096, 0, 20480, 16); /* larger than a page */
        sums_are_the_models(16384, 0, 1360, 16); /* larger pages, a longer bitmap */
        sums_are_the_models(65536, 0, 1040, 20);
        sums_are_the_models(4096, 64, 1168, 13); /* another build's longer structs */
        random_state = seed;
    }
}

/* --- counters of another moment ------------------------------------------ */

/* The heap grew after its counters were read and before its units were. */
static void test_peak_is_never_below_what_is_resident(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    for (uint32_t i = 0; i < HEAP_IMAGE_UNITS; i++)
        heap_image_use(&image, i, 0);
    heap_image_heap(&image)->peak_pages = HEAP_IMAGE_UNITS - 1;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_true(view.stats.resident_bytes >= UINT64_C(4096) * HEAP_IMAGE_UNITS);
    assert_int_equal(view.stats.peak_bytes, view.stats.resident_bytes);
    heap_image_heap(&image)->peak_pages = 1000;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(view.stats.peak_bytes, 1000 * 4096);
    free(image.bytes);
}

/* --- order of events ---------------------------------------------------- */

static void test_events_come_latest_first(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    struct neap_layout_heap *heap = heap_image_heap(&image);
    heap->event_count = NEAP_LAYOUT_EVENTS + 5;
    for (uint64_t n = 0; n < heap->event_count; n++)
        heap->events[n % NEAP_LAYOUT_EVENTS].at_ms = n;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(view.event_count, NEAP_LAYOUT_EVENTS);
    for (uint64_t i = 0; i < view.event_count; i++)
        assert_int_equal(view.heap.events[i].at_ms, heap->event_count - 1 - i);
    free(image.bytes);
}

/* --- heaps that lie ------------------------------------------------------ */

static void refused(struct heap_image *image) {
    struct neap_heap_view view = {.units = 12345};
    struct neap_fault fault = {0};
    image->read_bytes = 0;
    assert_int_equal(image_view(image, &view, &fault), NEAP_ERROR_FORMAT);
    assert_non_null(fault.why);
    assert_int_equal(view.units, 12345); /* untouched */
    free(image->bytes);
}

#define REFUSED(spoil)                                                                                       \
    do {                                                                                                     \
        heap_image_make(&image, 4096, 0, 64, 12);                                                            \
        spoil;                                                                                               \
        refused(&image);                                                                                     \
    } while (0)

static void test_lies_are_refused(void **state) {
    (void)state;
    struct heap_image image;
    REFUSED(heap_image_anchor(&image)->magic[0] = 'x');
    REFUSED(heap_image_anchor(&image)->version++);
    REFUSED(heap_image_anchor(&image)->heap_bytes = 8);
    REFUSED(heap_image_anchor(&image)->heap_bytes = UINT32_MAX - 7);
    REFUSED(heap_image_anchor(&image)->class_bytes += 8); /* the heap struct is then too short */
    REFUSED(heap_image_anchor(&image)->unit_bytes = 0);
    REFUSED(heap_image_anchor(&image)->pointer_bytes = 2);
    REFUSED(heap_image_anchor(&image)->state = 77);
    REFUSED(heap_image_anchor(&image)->heap = 0);
    REFUSED(heap_image_anchor(&image)->heap = UINT64_MAX - 100);
    REFUSED(heap_image_heap(&image)->page_bytes = 0);
    REFUSED(heap_image_heap(&image)->page_bytes = 4097);
    REFUSED(heap_image_heap(&image)->unit_bytes++);
    REFUSED(heap_image_heap(&image)->class_count = NEAP_LAYOUT_CLASSES_MAX + 1);
    REFUSED(heap_image_heap(&image)->region_count = UINT32_MAX);
    REFUSED(heap_image_class(&image, 1)->block_bytes = 0);
    REFUSED(heap_image_class(&image, 1)->group_shift = 11);
    REFUSED(heap_image_class(&image, 1)->group_shift = 200);
    REFUSED(heap_image_class(&image, 1)->group_blocks = 0);
    REFUSED(heap_image_class(&image, 1)->group_blocks = UINT32_MAX);
    REFUSED(heap_image_class(&image, 1)->slab_blocks++);
    REFUSED(heap_image_anchor(&image)->mapped_run_bytes = 8);
    REFUSED(heap_image_mapped_set(&image, HEAP_IMAGE_BASE, UINT32_MAX));
    REFUSED(heap_image_mapped_set(&image, UINT64_MAX - 10, 1));
    REFUSED(heap_image_region(&image, 0)->top++);
    REFUSED(heap_image_region(&image, 0)->unit_count = UINT32_MAX);
    REFUSED(heap_image_region(&image, 0)->unit_stride = 0);
    REFUSED(heap_image_region(&image, 0)->unit_stride = UINT32_MAX - 7);
    REFUSED(heap_image_region(&image, 0)->units = UINT64_MAX - 1000);
    REFUSED(heap_image_region(&image, 0)->base = UINT64_MAX);
}

static void test_senseless_units_are_counted(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    heap_image_unit(&image, 0)->kind = 9;
    heap_image_use(&image, 1, 5);
    heap_image_unit(&image, 1)->class_index = 2;
    heap_image_use(&image, 2, 5);
    heap_image_unit(&image, 2)->used = 2;
    heap_image_use(&image, 3, 5);
    heap_image_unit(&image, 3)->resident = 0;
    heap_image_use(&image, 4, 5); /* the sound one */
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(view.rejected_units, 4);
    assert_int_equal(view.stats.live_blocks, 1);
    assert_int_equal(view.stats.live_bytes, 64);
    free(image.bytes);
}

static void test_senseless_mapped_runs_are_counted(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    for (uint32_t i = 0; i < HEAP_IMAGE_MAPPED; i++)
        heap_image_map(&image, i, 4096, 8192, 12288);
    heap_image_mapped(&image, 0)->touched_bytes = 16384; /* more than is mapped */
    heap_image_mapped(&image, 1)->run_bytes = 100;       /* no whole page */
    heap_image_mapped(&image, 3)->address = heap_image_mapped(&image, 2)->address + 4096; /* overlaps */
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(view.rejected_units, 3);
    assert_int_equal(view.stats.live_blocks, 1);
    assert_int_equal(view.stats.live_bytes, 4096);
    free(image.bytes);
}

/* What lies in a mapped run is found from any address inside, and a free one holds no block. */
static void test_mapped_runs_are_blocks(void **state) {
    (void)state;
    static struct neap_block_batch batch;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    struct neap_block_holder holder;
    neap_slab_source_t *slabs;
    uint32_t number, in_holder;
    heap_image_make(&image, 4096, 0, 64, 12);
    heap_image_use(&image, 3, 5);
    heap_image_map(&image, 0, 0x200000, 0x300000, 0x400000);
    heap_image_map(&image, 1, 0, 0x100000, 0x100000);
    heap_image_map(&image, 2, 0x100000, 0x100000, 0x200000);
    const struct neap_memory memory = {.read = heap_image_read, .context = &image};
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(neap_slab_source_open(&memory, &view, &slabs), NEAP_OK);
    struct neap_block_source source = neap_slab_source_blocks(slabs);
    assert_int_equal(source.holders, 3);
    uint64_t address = heap_image_mapped(&image, 2)->address;
    assert_int_equal(source.holder(source.context, 2, &holder), NEAP_OK);
    assert_int_equal(holder.address, address);
    assert_int_equal(holder.bytes, 0x200000);
    assert_int_equal(source.batch(source.context, 2, 0, &batch), NEAP_OK);
    assert_int_equal(batch.block_bytes, 0x100000);
    assert_int_equal(batch.used, 1);
    assert_true(source.find(source.context, address + 12345, &number, &in_holder));
    assert_int_equal(number, 2);
    assert_true(source.find(source.context, heap_image_mapped(&image, 0)->address, &number, &in_holder));
    assert_int_equal(number, 1);
    assert_false(source.find(source.context, heap_image_mapped(&image, 1)->address, &number, &in_holder));
    assert_false(source.find(source.context, address + 0x200000, &number, &in_holder));
    assert_false(source.find(source.context, HEAP_IMAGE_RUNS - 1, &number, &in_holder));
    neap_slab_source_close(slabs);
    free(image.bytes);
}

/* All regions point at the same units, and there are too many of them. */
static void test_work_is_bounded(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    heap_image_heap(&image)->region_count = NEAP_LAYOUT_REGIONS_MAX;
    for (uint32_t i = 1; i < NEAP_LAYOUT_REGIONS_MAX; i++)
        *heap_image_region(&image, i) = *heap_image_region(&image, 0);
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    assert_int_equal(view.units, HEAP_IMAGE_UNITS * NEAP_LAYOUT_REGIONS_MAX);
    for (uint32_t i = 0; i < 3; i++) {
        struct neap_layout_region *region = heap_image_region(&image, i);
        region->unit_count = region->committed = region->top = (1u << NEAP_LAYOUT_ID_SHIFT) - 1;
    }
    image.read_bytes = 0;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_ERROR_FORMAT);
    assert_string_equal(fault.why, "more units than a machine has memory for");
    assert_true(image.read_bytes < image.size);
    free(image.bytes);
}

static void test_noise_does_no_harm(void **state) {
    (void)state;
    struct heap_image image;
    unsigned accepted = 0, refusals = 0;
    random_state = 99;
    heap_image_make(&image, 4096, 0, 1168, 13);
    fill_at_random(&image);
    unsigned char *sound = malloc(image.size);
    assert_non_null(sound);
    memcpy(sound, image.bytes, image.size);
    for (int round = 0; round < 20000; round++) {
        struct neap_heap_view view;
        struct neap_fault fault;
        memcpy(image.bytes, sound, image.size);
        for (uint32_t n = 1 + random_below(4); n > 0; n--)
            image.bytes[random_below((uint32_t)image.size)] ^= (unsigned char)(1 + random_below(255));
        image.read_bytes = 0;
        int result = image_view(&image, &view, &fault);
        assert_true(result == NEAP_OK || result == NEAP_ERROR_FORMAT || result == NEAP_ERROR_ABSENT);
        assert_true(image.read_bytes < 64u << 20);
        result == NEAP_OK ? accepted++ : refusals++;
    }
    assert_true(accepted > 100 && refusals > 100); /* else the noise tests nothing */
    free(sound);
    free(image.bytes);
}

/* --- failures of the reader ---------------------------------------------- */

static void test_each_read_may_fail(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    struct neap_heap_view view;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_OK);
    unsigned reads = image.reads;
    assert_true(reads >= 3);
    for (unsigned n = 1; n <= reads; n++) {
        image.reads = 0;
        image.fail_at = n;
        fault = (struct neap_fault){0};
        assert_int_equal(image_view(&image, &view, &fault), NEAP_ERROR_PROCESS);
        assert_non_null(fault.why);
        assert_true(fault.address >= HEAP_IMAGE_BASE);
    }
    free(image.bytes);
}

static void test_no_heap_yet(void **state) {
    (void)state;
    struct heap_image image;
    struct neap_heap_view view;
    struct neap_fault fault;
    heap_image_make(&image, 4096, 0, 64, 12);
    heap_image_anchor(&image)->state = NEAP_STATE_REFUSED;
    assert_int_equal(image_view(&image, &view, &fault), NEAP_ERROR_ABSENT);
    free(image.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_peak_is_never_below_what_is_resident),
        cmocka_unit_test(test_events_come_latest_first),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_senseless_units_are_counted),
        cmocka_unit_test(test_senseless_mapped_runs_are_counted),
        cmocka_unit_test(test_mapped_runs_are_blocks),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_noise_does_no_harm),
        cmocka_unit_test(test_each_read_may_fail),
        cmocka_unit_test(test_no_heap_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
