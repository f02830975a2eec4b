/* The table of versions: every column is there, and what must agree between rows does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "pylayout/cpython_version.h"

static void test_find(void **state) {
    (void)state;
    assert_int_equal(neap_py_version_count(), 8);
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        const struct neap_py_version *version = neap_py_version_at(i);
        assert_int_equal(version->minor, 8 + i);
        assert_ptr_equal(neap_py_version_find(3, version->minor), version);
    }
    assert_null(neap_py_version_find(3, 7));
    assert_null(neap_py_version_find(3, 16));
    assert_null(neap_py_version_find(2, 8));
    assert_null(neap_py_version_at(8));
}

/* A row with a column too few would leave zeros behind: no size is 0, and no field lies outside its struct.
 */
static void test_rows_agree(void **state) {
    (void)state;
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        const struct neap_py_version *v = neap_py_version_at(i);
        assert_true(v->pool_bytes >= 4096 && v->pool_bytes % 4096 == 0);
        assert_int_equal(v->arena_bytes % v->pool_bytes, 0);
        assert_true(v->type_bytes >= 400 && v->heap_type_bytes > v->type_bytes);
        assert_true(v->ht_name < v->ht_slots && v->ht_slots < v->ht_qualname &&
                    v->ht_qualname < v->ht_cached_keys);
        assert_true(v->ht_cached_keys + NEAP_PY_WORD <= v->heap_type_bytes);
        assert_true(v->keys_usable < v->keys_nentries && v->keys_nentries < v->keys_header);
        assert_true(v->str_utf8 < v->str_compact_bytes && v->str_ascii_bytes < v->str_compact_bytes);
        assert_true(v->str_data >= v->str_compact_bytes - NEAP_PY_WORD);
        assert_true(v->code_name < v->code_bytes && v->code_filename < v->code_bytes);
        assert_true((v->frame_code == NEAP_PY_NONE) == (v->iframe_code != NEAP_PY_NONE));
        assert_true((v->arenas_from_pools == NEAP_PY_NONE) == (v->arenas_count_from_pools == NEAP_PY_NONE));
        assert_true((v->interpreter_gc == NEAP_PY_NONE) == (v->runtime_gc != NEAP_PY_NONE));
        assert_true(v->interpreter_sys < v->interpreter_bytes &&
                    v->interpreter_modules < v->interpreter_bytes);
        assert_true(v->debug_head == NEAP_PY_NONE || v->debug_sys < v->debug_builtins);
        assert_true(!v->parked_by_link || v->immortal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_rows_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
