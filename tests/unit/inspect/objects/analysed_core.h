/* A made-up process of one version of CPython, analysed: what the tests of objects begin and end with. */
#ifndef ANALYSED_CORE_H
#define ANALYSED_CORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/objects/analysis.h"
#include "python_core.h"

static struct neap_python_view view; /* too large for a stack */

struct looked {
    struct python_core core;
    neap_snapshot_t *snapshot;
    struct neap_analysis analysis;
};

static inline void look(size_t version, struct looked *looked) {
    struct neap_fault fault;
    looked->core = python_core_make(objects_image(version, true));
    assert_int_equal(neap_snapshot_read(looked->core.bytes, looked->core.size, &looked->snapshot, &fault),
                     NEAP_OK);
    assert_int_equal(neap_python_view_open(looked->snapshot, &view), NEAP_OK);
    assert_int_equal(neap_analysis_open(&view, 1, NEAP_ANALYSIS_OWNERS, &looked->analysis), NEAP_OK);
}

static inline void end(struct looked *looked) {
    neap_analysis_close(&looked->analysis);
    neap_python_view_close(&view);
    neap_snapshot_destroy(looked->snapshot);
    free(looked->core.bytes);
    close(looked->core.file);
}

#endif
