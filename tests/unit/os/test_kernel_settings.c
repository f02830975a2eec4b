/* The mode of huge pages as the kernel writes it, and that what is read here is in range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "os/kernel_settings.h"

static void a_mode_is_the_word_in_brackets(void **state) {
    (void)state;
    assert_int_equal(neap__os_huge_pages_parse("always [madvise] never\n"), NEAP_OS_HUGE_MADVISE);
    assert_int_equal(neap__os_huge_pages_parse("[always] madvise never\n"), NEAP_OS_HUGE_ALWAYS);
    assert_int_equal(neap__os_huge_pages_parse("always madvise [never]\n"), NEAP_OS_HUGE_NEVER);
}

static void no_mode_is_unknown(void **state) {
    (void)state;
    assert_int_equal(neap__os_huge_pages_parse(""), NEAP_OS_HUGE_UNKNOWN);
    assert_int_equal(neap__os_huge_pages_parse("always madvise never"), NEAP_OS_HUGE_UNKNOWN);
    assert_int_equal(neap__os_huge_pages_parse("[alwayss]"), NEAP_OS_HUGE_UNKNOWN);
}

static void what_is_read_is_in_range(void **state) {
    (void)state;
    struct neap_os_kernel_settings settings;
    neap_os_kernel_settings_read(&settings);
    assert_in_range(settings.huge_pages, NEAP_OS_HUGE_UNKNOWN, NEAP_OS_HUGE_ALWAYS);
    assert_in_range(settings.overcommit + 1, 0, 3);
    assert_in_range(settings.ptrace_scope + 1, 0, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mode_is_the_word_in_brackets),
        cmocka_unit_test(no_mode_is_unknown),
        cmocka_unit_test(what_is_read_is_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
