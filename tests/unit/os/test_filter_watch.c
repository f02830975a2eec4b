/* What is known of a filter of system calls. Each case runs in a child, because a filter stays. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/filter_watch.h"
#include "os/limits.h"

/* A filter that permits everything. */
static bool confine(void) {
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, code};
    const unsigned long no_privileges[NEAP_OS_PRCTL_WORDS] = {1};
    const unsigned long filter[NEAP_OS_PRCTL_WORDS] = {SECCOMP_MODE_FILTER, (uintptr_t)&program};
    return neap_os_prctl(PR_SET_NO_NEW_PRIVS, no_privileges) == 0 &&
           neap_os_prctl(PR_SET_SECCOMP, filter) == 0;
}

static void in_child(int (*failed)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(failed());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 100)
        skip(); /* this kernel has no filters, or this container permits none */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int own(void) {
    neap_os_filter_watch();
    if (neap_os_filter_is_active() || neap_os_filter_is_own())
        return 100; /* the test itself runs under a filter */
    uint64_t resident = neap_os_resident_bytes();
    if (!confine())
        return 100;
    if (!neap_os_filter_is_own() || !neap_os_filter_is_active())
        return 1;
    return resident > 0 && neap_os_resident_bytes() == 0 ? 0 : 2; /* no file is opened any more */
}

static int inherited(void) {
    if (!confine())
        return 100;
    neap_os_filter_watch();
    if (!neap_os_filter_is_active() || neap_os_filter_is_own() || neap_os_resident_bytes() == 0)
        return 1;
    neap_os_filter_foreseen();
    return neap_os_filter_is_own() ? 0 : 2;
}

/* `neap` itself filters its calls, and reads files all the same. */
static int unwatched(void) {
    if (!confine())
        return 100;
    return neap_os_filter_is_active() && !neap_os_filter_is_own() && neap_os_resident_bytes() > 0 ? 0 : 1;
}

static void a_filter_of_the_programs_own(void **state) {
    (void)state;
    in_child(own);
}

static void a_filter_from_the_start(void **state) {
    (void)state;
    in_child(inherited);
}

static void a_process_that_is_not_watched(void **state) {
    (void)state;
    in_child(unwatched);
}

static void what_confines(void **state) {
    (void)state;
    assert_true(neap_os_prctl_confines(PR_SET_SECCOMP));
    assert_true(neap_os_prctl_confines(PR_SET_NO_NEW_PRIVS));
    assert_false(neap_os_prctl_confines(PR_SET_NAME));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_of_the_programs_own),
        cmocka_unit_test(a_filter_from_the_start),
        cmocka_unit_test(a_process_that_is_not_watched),
        cmocka_unit_test(what_confines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
