/* The names that lead to an object, in made-up processes of every version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysed_core.h"

/* How many objects have a path of that text; *path is one of these. */
static uint32_t with_path(const struct looked *looked, const char *wanted, uint32_t *path) {
    char text[NEAP_OWNER_PATH_TEXT_ROOM];
    uint32_t count, found = 0;
    const uint32_t *order = neap_referrers_order(looked->analysis.referrers, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = neap_owner_paths_of(looked->analysis.paths, order[i]);
        assert_int_not_equal(number, NEAP_OWNER_PATH_NONE);
        if (strcmp(neap_owner_paths_text(looked->analysis.paths, number, text, sizeof(text)), wanted) != 0)
            continue;
        *path = number;
        found++;
    }
    return found;
}

static void owner_is(const struct looked *looked, uint32_t path, const char *wanted) {
    char text[NEAP_OWNER_PATH_TEXT_ROOM];
    const neap_owner_paths_t *paths = looked->analysis.paths;
    assert_string_equal(neap_owner_paths_text(paths, neap_owner_paths_owner(paths, path), text, sizeof(text)),
                        wanted);
}

/* A module, its variable, items alike, attributes behind items, and what no name leads to. */
static void test_every_version(void **state) {
    (void)state;
    for (size_t i = 0; i < neap_py_version_count(); i++) {
        struct looked looked;
        uint32_t path;
        look(i, &looked);
        assert_true(with_path(&looked, "sys", &path) > 0);
        assert_true(with_path(&looked, "sys.modules", &path) == 1);
        assert_true(with_path(&looked, "sys.all", &path) > 10);
        owner_is(&looked, path, "sys.all");
        assert_true(with_path(&looked, "sys.all[].__class__.__base__", &path) > 0);
        owner_is(&looked, path, "sys.all");
        assert_true(with_path(&looked, "the interpreter", &path) > 0);
        assert_true(with_path(&looked, "C code", &path) > 0);
        assert_int_equal(with_path(&looked, "sys.none", &path), 0);
        end(&looked);
    }
}

static void test_what_is_no_object(void **state) {
    (void)state;
    struct looked looked;
    look(0, &looked);
    assert_int_equal(neap_owner_paths_of(looked.analysis.paths, UINT32_MAX), NEAP_OWNER_PATH_NONE);
    end(&looked);
}

/* A text that does not fit is cut, and ends. */
static void test_a_small_room(void **state) {
    (void)state;
    struct looked looked;
    uint32_t path = 0;
    char text[8];
    memset(text, 'x', sizeof(text));
    look(0, &looked);
    assert_true(with_path(&looked, "sys.all", &path) > 0);
    neap_owner_paths_text(looked.analysis.paths, path, text, 5);
    assert_true(strlen(text) < 5);
    assert_memory_equal(text + 5, "xxx", 3);
    end(&looked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_version),
        cmocka_unit_test(test_what_is_no_object),
        cmocka_unit_test(test_a_small_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
