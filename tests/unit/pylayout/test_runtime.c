/* Interpreters of made-up processes: found where the table says and where it does not, and never believed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime_image.h"

static struct runtime_image made;
static struct neap_memory memory;
static struct neap_pymalloc found;
static neap_py_types_t *types;
static struct neap_py_lens lens;
static struct neap_py_runtime runtime;

static int look(void) {
    struct neap_fault fault;
    memory = image_memory(&made.image, true);
    assert_int_equal(neap_pymalloc_find(&memory, made.image.version, &made.image.range, 1, &found), NEAP_OK);
    struct neap_block_source source = neap_pymalloc_source(&found);
    types = neap_py_types_new(&memory, made.image.version);
    assert_int_equal(neap_py_types_root(types, 0, &source), NEAP_OK);
    neap_py_lens_init(&lens, types);
    return neap_py_runtime_read(&lens, made.runtime, &runtime, &fault);
}

static void each_version(void (*test)(const struct neap_py_version *version)) {
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        runtime_image_make(&made, neap_py_version_at(i));
        test(neap_py_version_at(i));
        neap_py_types_delete(types);
        neap_pymalloc_close(&found);
        free(made.image.bytes);
    }
}

static bool count(void *context, uint64_t object) {
    (void)object;
    return ++*(uint64_t *)context < 1000000;
}

static bool note(void *context, const struct neap_py_root *root) {
    uint64_t *kinds = context;
    kinds[root->kind]++;
    return true;
}

static void whole(const struct neap_py_version *version) {
    (void)version;
    uint64_t tracked = 0, kinds[8] = {0};
    assert_int_equal(look(), NEAP_OK);
    assert_int_equal(runtime.interpreter_count, 1);
    assert_int_equal(runtime.doubts, 0);
    const struct neap_py_interpreter *one = &runtime.interpreters[0];
    assert_int_equal(one->address, made.interpreter);
    assert_int_equal(one->modules, made.modules);
    assert_int_equal(one->sys, made.sys);
    assert_int_equal(one->builtins, made.builtins);
    assert_int_equal(one->threads, made.thread);
    assert_int_equal(neap_py_interpreter_tracked(&lens, one, 100, count, &tracked), NEAP_OK);
    assert_int_equal(tracked, 1);
    assert_int_equal(neap_py_runtime_roots(&lens, &runtime, note, kinds), NEAP_OK);
    assert_int_equal(kinds[NEAP_PY_ROOT_MODULES], 1);
    assert_int_equal(kinds[NEAP_PY_ROOT_WORD], 1); /* the dict of sys, as a word */
}

static void test_whole(void **state) {
    (void)state;
    each_version(whole);
}

/* A micro release has moved everything by a few words. */
static void moved(const struct neap_py_version *version) {
    const uint64_t by = 40;
    uint64_t sys = made.interpreter + (uint64_t)version->interpreter_sys;
    uint64_t threads = made.interpreter + (uint64_t)version->interpreter_threads;
    image_word(&made.image, sys, 0);
    image_word(&made.image, threads, 0);
    image_word(&made.image, sys + by, made.sys);
    image_word(&made.image, threads + by, made.thread);
    assert_int_equal(look(), NEAP_OK);
    assert_int_equal(runtime.interpreters[0].sys, made.sys);
    assert_int_equal(runtime.interpreters[0].threads, made.thread);
    assert_int_equal(runtime.doubts, 0);
}

static void test_moved(void **state) {
    (void)state;
    each_version(moved);
}

static void circles(const struct neap_py_version *version) {
    uint64_t tracked = 0, kinds[8] = {0}, head = made.tracked - NEAP_PY_GC_HEAD;
    /* Interpreters, threads and tracked objects that follow themselves. */
    image_word(&made.image, made.interpreter + (uint64_t)version->interpreter_next, made.interpreter);
    image_word(&made.image, made.thread + (uint64_t)version->thread_next, made.thread);
    assert_int_equal(look(), NEAP_OK);
    assert_int_equal(runtime.interpreter_count, 1);
    image_word(&made.image, head, head);
    assert_int_equal(neap_py_interpreter_tracked(&lens, &runtime.interpreters[0], 1000, count, &tracked),
                     NEAP_OK);
    assert_int_equal(tracked, 1000);
    neap_py_runtime_roots(&lens, &runtime, note, kinds);
    assert_true(made.image.read_bytes < 64 * made.image.size);
}

static void test_circles(void **state) {
    (void)state;
    each_version(circles);
}

static void nothing(const struct neap_py_version *version) {
    image_word(&made.image, made.runtime + (uint64_t)version->runtime_head, made.interpreter + 8);
    image_word(&made.image, made.thread + (uint64_t)version->thread_interpreter, 0);
    assert_int_equal(look(), NEAP_ERROR_FORMAT);
}

static void test_nothing(void **state) {
    (void)state;
    each_version(nothing);
}

static void test_cookie(void **state) {
    (void)state;
    struct neap_py_cookie cookie;
    runtime_image_make(&made, neap_py_version_find(3, 13));
    memory = image_memory(&made.image, true);
    assert_false(neap_py_cookie_read(&memory, made.runtime, &cookie));
    memcpy(made.image.bytes + (made.runtime - IMAGE_BASE), "xdebugpy", 8);
    image_word(&made.image, made.runtime + 8, 0x030d00f0);
    image_word(&made.image, made.runtime + 16, 1);
    assert_true(neap_py_cookie_read(&memory, made.runtime, &cookie));
    assert_int_equal(cookie.version_hex, 0x030d00f0);
    assert_true(cookie.free_threaded);
    free(made.image.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_moved),  cmocka_unit_test(test_circles),
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
