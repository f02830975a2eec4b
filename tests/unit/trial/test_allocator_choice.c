/* What is found out about a command and this machine before a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "trial/allocator_choice.h"

static struct neap_allocator_setup found; /* setups stay where they are */

static const struct neap_allocator_setup *find(const char *name, const char *words[]) {
    const struct neap_allocator_choice *allocator = neap_allocator_choice_named(name, strlen(name));
    assert_non_null(allocator);
    neap_allocator_choice_find(allocator, (char *const *)(uintptr_t)words, NULL, &found);
    return &found;
}

static void test_table(void **state) {
    (void)state;
    size_t count;
    const struct neap_allocator_choice *all = neap_allocator_choices(&count);
    assert_true(count >= 7);
    assert_string_equal(all[0].name, "cpython");
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(neap_allocator_choice_named(all[i].name, strlen(all[i].name)), &all[i]);
    assert_null(neap_allocator_choice_named("mimalloc-owned", 14));
    assert_null(neap_allocator_choice_named("", 0));
}

static void test_own_clears_what_others_set(void **state) {
    (void)state;
    const char *words[] = {"python3", NULL};
    setenv("LD_PRELOAD", "/usr/lib/libjemalloc.so.2:/opt/libneap-preload.so", 1);
    const struct neap_allocator_setup *setup = find("cpython", words);
    assert_true(setup->present);
    assert_string_equal(setup->environment[0], "LD_PRELOAD");
    assert_string_equal(setup->environment[1], "PYTHONMALLOC");
    assert_null(setup->environment[2]);
    unsetenv("LD_PRELOAD");
}

/* A library of the user's that is no allocator stays. */
static void test_preload_keeps_the_users(void **state) {
    (void)state;
    const char *words[] = {"python3", NULL};
    setenv("LD_PRELOAD", "libshim.so libtcmalloc_minimal.so.4", 1);
    assert_string_equal(find("glibc", words)->environment[0], "LD_PRELOAD=libshim.so");
    assert_string_equal(found.environment[1], "PYTHONMALLOC=malloc");
    const struct neap_allocator_setup *setup = find("jemalloc", words);
    if (setup->present) {
        assert_non_null(strstr(setup->environment[0], "=libshim.so:"));
        assert_int_equal(access(setup->library, R_OK), 0);
    } else {
        assert_string_equal(setup->reason, "not installed: apt-get install libjemalloc2");
    }
    unsetenv("LD_PRELOAD");
}

static void test_python_that_ignores_its_environment(void **state) {
    (void)state;
    static const struct {
        const char *words[6];
        bool ignores_env;
    } cases[] = {
        {{"python3", "-I", "app.py"}, true},
        {{"/usr/bin/python3", "-uE", "app.py"}, true},
        {{"python3", "-X", "dev", "-sE", "-c", "0"}, true},
        {{"python3", "-X", "E", "app.py"}, false},
        {{"python3", "-WError", "app.py"}, false},
        {{"python3", "app.py", "-E"}, false},
        {{"python3", "-c", "0", "-I"}, false},
        {{"python3", "-mE"}, false},
        {{"sed", "-E", "s/a/b/"}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *words[7] = {0};
        memcpy(words, cases[i].words, sizeof(cases[i].words));
        assert_int_equal(find("glibc", words)->present, !cases[i].ignores_env);
        assert_true(find("cpython", words)->present);
    }
}

/* PYTHONMALLOC=mimalloc is there from 3.13 on: whatever this Python says is believed. */
static void test_probe_of_mimalloc(void **state) {
    (void)state;
    const char *newer[] = {"/usr/bin/python3", "app.py", NULL},
               *unknown[] = {"/bin/sh", "-c", "exit 0", NULL};
    int known = system("PYTHONMALLOC=mimalloc /usr/bin/python3 -c pass 2>/dev/null");
    assert_int_equal(find("mimalloc-own", newer)->present, known == 0);
    assert_false(find("mimalloc-own", unknown)->present);
    assert_string_equal(found.reason, "cannot tell which Python the command runs");
}

/* Looks for an allocator of a script that begins with `line`. */
static const struct neap_allocator_setup *find_script(const char *allocator, const char *line) {
    char path[] = "./neap-test-script-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, line, strlen(line)), (int)strlen(line));
    close(file);
    const char *words[] = {path, "-E", NULL};
    find(allocator, words);
    unlink(path);
    return &found;
}

/* Python is what the first line of a script names, with the options there. */
static void test_scripts(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool known, ignores_env;
    } cases[] = {
        {"#!/usr/bin/env python3\n", true, false},
        {"#!/usr/bin/python3 -sE\nimport this\n", true, true},
        {"#! /usr/bin/python3\t-Wignore\n", true, false},
        {"#!/usr/bin/env -S python3 -u -I\n", true, true},
        {"#!/usr/bin/env -S python3 -u\n", true, false},
        {"#!/usr/bin/env\n", false, false},
        {"#!/bin/sh -E\n", false, false},
        {"#!\n", false, false},
        {"python3 -E\n", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *unknown = "cannot tell which Python the command runs";
        assert_int_equal(find_script("glibc", cases[i].line)->present, !cases[i].ignores_env);
        assert_int_equal(strcmp(find_script("mimalloc-own", cases[i].line)->reason, unknown) != 0,
                         cases[i].known);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_own_clears_what_others_set),
        cmocka_unit_test(test_preload_keeps_the_users),
        cmocka_unit_test(test_python_that_ignores_its_environment),
        cmocka_unit_test(test_probe_of_mimalloc),
        cmocka_unit_test(test_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
