/* Maps: cells hold what lies in them, rows leave out what is empty, and what changed is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "inspect/space/space_cell.h"
#include "inspect/space/space_change.h"

enum { PAGE = 4096, SPANS_MOST = 64 };

/* A map of spans that follow each other at random distances. */
struct sample {
    struct neap_space_map map;
    struct neap_space_span spans[SPANS_MOST];
};

static void sample_make(struct sample *sample, unsigned seed) {
    uint64_t at = 16 * PAGE;
    srand(seed);
    *sample = (struct sample){.map = {.page_bytes = PAGE, .pointer_bytes = 8, .spans = sample->spans}};
    for (size_t i = 0; i < SPANS_MOST; i++) {
        at += rand() % 5 ? 0 : (uint64_t)(rand() % 50) * PAGE << (rand() % 30);
        uint64_t pages = 1 + (uint64_t)rand() % 100;
        sample->spans[i] = (struct neap_space_span){.start = at,
                                                    .end = at + pages * PAGE,
                                                    .kind = (unsigned)rand() % NEAP_SPAN_KINDS,
                                                    .resident_bytes = (uint64_t)rand() % (pages + 1) * PAGE,
                                                    .label = ""};
        sample->map.rss_bytes += sample->spans[i].resident_bytes;
        at += pages * PAGE;
    }
    sample->map.span_count = SPANS_MOST;
}

static const struct neap_space_cell *cell_at(const struct neap_space_cells *cells, uint64_t address) {
    for (size_t i = 0; i < cells->row_count; i++) {
        uint64_t distance = address - cells->rows[i].address;
        if (address >= cells->rows[i].address && distance < cells->cell_bytes * cells->columns)
            return &cells->cells[i * cells->columns + distance / cells->cell_bytes];
    }
    return NULL;
}

static void test_cells(void **state) {
    (void)state;
    static struct sample sample;
    for (unsigned seed = 0; seed < 200; seed++) {
        struct neap_space_cells cells;
        const char *why = "";
        size_t columns = (size_t)16 << seed % 4, rows = 20 + seed % 60;
        sample_make(&sample, seed);
        assert_true(neap_space_map_check(&sample.map, &why));
        assert_int_equal(neap_space_cells_make(&sample.map, columns, rows, &cells), NEAP_OK);
        size_t lines = cells.row_count;
        for (size_t i = 0; i < cells.row_count; i++) {
            lines += cells.rows[i].gap_bytes > 0;
            assert_true(cells.rows[i].reserved_bytes <= cells.rows[i].gap_bytes);
            assert_int_equal(cells.rows[i].address % (cells.cell_bytes * columns), 0);
            if (i > 0)
                assert_int_equal(cells.rows[i].address - cells.rows[i - 1].address,
                                 cells.cell_bytes * columns + cells.rows[i].gap_bytes);
        }
        assert_true(lines <= rows);
        for (size_t i = 0; i < SPANS_MOST; i++) {
            const struct neap_space_span *span = &sample.spans[i];
            const struct neap_space_cell *cell = cell_at(&cells, span->start + (span->end - span->start) / 2);
            assert_true(cell || span->kind == NEAP_SPAN_RESERVED);
            if (cell && cells.cell_bytes == PAGE) /* nothing else lies in it */
                assert_int_equal(cell->kind, span->kind);
            if (cell && cells.cell_bytes == PAGE)
                assert_true((cell->level > 0) == (span->resident_bytes > 0));
        }
        neap_space_cells_clear(&cells);
    }
}

static void test_changes(void **state) {
    (void)state;
    static struct sample before, after;
    for (unsigned seed = 0; seed < 200; seed++) {
        struct neap_space_change *changes;
        size_t count;
        int64_t sum = 0;
        sample_make(&before, seed);
        assert_int_equal(neap_space_changes_find(&before.map, &before.map, &changes, &count), NEAP_OK);
        assert_int_equal(count, 0);
        free(changes);
        sample_make(&after, seed % 2 ? seed + 1000 : seed);
        if (seed % 2 == 0) /* one span less, one that has grown */
            memmove(&after.spans[10], &after.spans[11], (--after.map.span_count - 10) * sizeof(*after.spans)),
                after.map.rss_bytes -= before.spans[10].resident_bytes;
        assert_int_equal(neap_space_changes_find(&before.map, &after.map, &changes, &count), NEAP_OK);
        for (size_t i = 0; i < count; i++) {
            sum += (int64_t)changes[i].after_resident - (int64_t)changes[i].before_resident;
            assert_true(changes[i].start < changes[i].end);
            for (size_t k = 0; k < i; k++)
                assert_true(changes[k].end <= changes[i].start || changes[i].end <= changes[k].start);
        }
        int64_t expected = (int64_t)after.map.rss_bytes - (int64_t)before.map.rss_bytes;
        assert_true(llabs(sum - expected) <= 2 * SPANS_MOST); /* a byte lost at each cut */
        if (seed % 2 == 0 && count > 0) {
            assert_int_equal(count, 1);
            assert_int_equal(changes[0].start, before.spans[10].start);
            assert_int_equal(changes[0].after, NEAP_SPAN_KINDS);
        }
        free(changes);
    }
}

static void test_gap(void **state) {
    (void)state;
    static struct sample sample;
    sample_make(&sample, 3);
    sample.map.span_count = 3;
    sample.spans[1].start = sample.spans[0].end + 5 * PAGE,
    sample.spans[1].end = sample.spans[1].start + PAGE;
    sample.spans[2].start = sample.spans[1].end + 9 * PAGE,
    sample.spans[2].end = sample.spans[2].start + PAGE;
    neap_space_map_gap(&sample.map);
    assert_int_equal(sample.map.free_bytes, 9 * PAGE);
    assert_int_equal(sample.map.free_start, sample.spans[1].end);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
