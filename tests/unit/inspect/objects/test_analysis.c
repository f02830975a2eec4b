/* The whole chain on made-up processes of every version; the largest objects with their referrers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "inspect/objects/object_detail.h"
#include "python_core.h"

enum { MOST = 3 };

static struct neap_python_view view; /* too large for a stack */

/* A core file of a sound image, opened; free `core.bytes`, close the view and the snapshot. */
static neap_snapshot_t *look(size_t number, struct python_core *core) {
    neap_snapshot_t *snapshot;
    struct neap_fault fault;
    *core = python_core_make(objects_image(number, true));
    assert_int_equal(neap_snapshot_read(core->bytes, core->size, &snapshot, &fault), NEAP_OK);
    assert_int_equal(neap_python_view_open(snapshot, &view), NEAP_OK);
    return snapshot;
}

static void end(neap_snapshot_t *snapshot, struct python_core *core) {
    neap_python_view_close(&view);
    neap_snapshot_destroy(snapshot);
    free(core->bytes);
    close(core->file);
}

static bool referrer_count(void *context, uint32_t object, uint32_t referrer) {
    (void)object, (void)referrer;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t referrers_of(const struct neap_analysis *analysis, uint32_t ordinal) {
    uint64_t count = 0;
    assert_int_equal(neap_referrers_each(analysis->referrers, &ordinal, 1, referrer_count, &count), NEAP_OK);
    return count;
}

static void test_counts(void **state) {
    (void)state;
    struct neap_analysis analysis;
    struct python_core core;
    neap_snapshot_t *snapshot = look(0, &core);
    assert_int_equal(neap_analysis_open(&view, 1, NEAP_ANALYSIS_COUNTS, &analysis), NEAP_OK);
    assert_non_null(analysis.census);
    assert_null(analysis.referrers);
    assert_null(analysis.paths);
    neap_analysis_close(&analysis);
    neap_analysis_close(&analysis);
    assert_null(analysis.census);
    end(snapshot, &core);
}

static void details_check(const struct neap_analysis *analysis, const struct neap_object_details *details) {
    assert_true(details->count > 0 && details->count <= MOST && details->total >= details->count);
    for (size_t i = 0; i < details->count; i++) {
        const struct neap_object_detail *detail = &details->list[i];
        assert_true(i == 0 || detail[-1].largest.bytes >= detail->largest.bytes);
        assert_int_equal(memcmp(detail->what, "dict", 4), 0);
        assert_true(*detail->path);
        assert_int_equal(detail->referrer_total, referrers_of(analysis, detail->largest.ordinal));
        assert_int_equal(detail->referrer_count, detail->referrer_total < NEAP_OBJECT_DETAIL_REFERRERS
                                                     ? detail->referrer_total
                                                     : NEAP_OBJECT_DETAIL_REFERRERS);
        for (unsigned k = 0; k < detail->referrer_count; k++)
            assert_non_null(strstr(detail->referrers[k], " in "));
    }
}

static void test_details(void **state) {
    (void)state;
    uint64_t referrers = 0;
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        struct neap_analysis analysis;
        struct neap_object_details details, none;
        struct python_core core;
        neap_snapshot_t *snapshot = look(i, &core);
        assert_int_equal(neap_analysis_open(&view, 1, NEAP_ANALYSIS_OWNERS, &analysis), NEAP_OK);
        assert_int_equal(neap_object_details_find(&analysis, "dict", MOST, false, &details), NEAP_OK);
        details_check(&analysis, &details);
        for (size_t k = 0; k < details.count; k++)
            referrers += details.list[k].referrer_total;
        assert_int_equal(neap_object_details_find(&analysis, "no such type", MOST, false, &none),
                         NEAP_ERROR_ABSENT);
        neap_object_details_clear(&details);
        neap_analysis_close(&analysis);
        end(snapshot, &core);
    }
    assert_true(referrers > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_details)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
