/* What another process finds first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/anchor.h"

static int init(void **state) {
    (void)state;
    neap__anchor_init();
    return 0;
}

static void sizes_and_names(void **state) {
    (void)state;
    assert_memory_equal(neap__anchor.magic, NEAP_LAYOUT_MAGIC, sizeof(neap__anchor.magic));
    assert_int_equal((uintptr_t)&neap__anchor % 16, 0); /* it is searched for in steps of 16 */
    assert_int_equal(neap__anchor.version, NEAP_LAYOUT_VERSION);
    assert_int_equal(neap__anchor.anchor_bytes, sizeof(struct neap_layout_anchor));
    assert_int_equal(neap__anchor.heap_bytes, sizeof(struct neap_layout_heap));
    assert_int_equal(neap__anchor.region_bytes, sizeof(struct neap_layout_region));
    assert_int_equal(neap__anchor.unit_bytes, sizeof(struct neap_layout_unit));
    assert_int_equal(neap__anchor.class_bytes, sizeof(struct neap_layout_class));
    assert_int_equal(neap__anchor.event_bytes, sizeof(struct neap_layout_event));
    assert_int_equal(neap__anchor.mapped_run_bytes, sizeof(struct neap_layout_mapped_run));
    assert_int_equal(neap__anchor.pointer_bytes, sizeof(void *));
    assert_int_equal(neap__anchor.pid, getpid());
    assert_int_equal(neap__anchor.state, NEAP_STATE_ABSENT);
    assert_string_not_equal(neap__anchor.reason, "");
    assert_int_equal(access(neap__anchor.library, R_OK), 0); /* this program: the anchor is in it */
}

static void serving(void **state) {
    (void)state;
    neap_heap_t *heap = neap_heap_new(NULL);
    neap__anchor_serving(heap);
    assert_int_equal(neap__anchor.state, NEAP_STATE_SERVING);
    assert_string_equal(neap__anchor.reason, "");
    const struct neap_layout_heap *layout = (const void *)(uintptr_t)neap__anchor.heap;
    assert_int_equal(layout->page_bytes, sysconf(_SC_PAGESIZE));
    neap_heap_destroy(heap);
}

static void refused(void **state) {
    (void)state;
    neap__anchor_refused("NEAP_OFF=1 is set");
    assert_int_equal(neap__anchor.state, NEAP_STATE_REFUSED);
    assert_string_equal(neap__anchor.reason, "NEAP_OFF=1 is set");
    char longer[2 * sizeof(neap__anchor.reason)];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    neap__anchor_refused(longer);
    assert_int_equal(strlen(neap__anchor.reason), sizeof(neap__anchor.reason) - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sizes_and_names, init),
        cmocka_unit_test_setup(serving, init),
        cmocka_unit_test_setup(refused, init),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
