/* Finding CPython by name, and what would replace Neap's heap in it. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/cpython.h"

static void none_in_this_program(void **state) {
    (void)state;
    struct neap__cpython python;
    char reason[128];
    assert_false(neap__cpython_find(RTLD_DEFAULT, &python, reason, sizeof(reason)));
}

/* The name of the shared library of the Python that the tests use; false if it has none. */
static bool library_name(char *name, size_t size) {
    FILE *answer = popen(NEAP_TEST_PYTHON " -c \"import sysconfig as s; "
                                          "print(s.get_config_var('INSTSONAME') or '')\"",
                         "r");
    if (!answer)
        return false;
    bool said = fgets(name, (int)size, answer) != NULL;
    pclose(answer);
    name[strcspn(name, "\n")] = '\0';
    return said && strstr(name, ".so") != NULL;
}

/* What is wrong with the CPython in the library `name`, before and after it starts; 0 if nothing is. */
static int look_into(const char *name) {
    char reason[128];
    struct neap__cpython python = {0};
    int minor;
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return 77;
    if (!neap__cpython_find(handle, &python, reason, sizeof(reason)) || reason[0] != '\0')
        return 1;
    if (sscanf(name, "libpython3.%d", &minor) != 1 || python.minor != minor)
        return 2;
    if (python.is_initialized() || python.thread_state())
        return 3;
    ((void (*)(int))dlsym(handle, "Py_InitializeEx"))(0);
    if (!neap__cpython_find(handle, &python, reason, sizeof(reason)) ||
        strcmp(reason, "Python was running before Neap was loaded") != 0)
        return 4;
    return 0;
}

/* In a process of its own, which ends with the interpreter in it. */
static void in_its_library(void **state) {
    (void)state;
    char name[128];
    int status;
    if (!library_name(name, sizeof(name)))
        skip();
    pid_t child = fork();
    if (child == 0)
        _exit(look_into(name));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* this Python has no shared library here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void overridden(void **state) {
    (void)state;
    static const struct {
        char *argv[4];
        const char *malloc_kind, *dev, *reason;
    } cases[] = {
        {{"python3", "app.py"}, NULL, NULL, ""},
        {{"python3", "app.py"}, "default", NULL, "PYTHONMALLOC=default replaces Neap's heap"},
        {{"python3", "app.py"}, "malloc", NULL, "PYTHONMALLOC=malloc replaces Neap's heap"},
        {{"python3", "app.py"}, "debug", NULL, "PYTHONMALLOC=debug replaces Neap's heap"},
        {{"python3", "-E", "app.py"}, "malloc", NULL, ""},
        {{"python3", "-I", "app.py"}, "malloc", "1", ""},
        {{"python3", "-X", "dev", "app.py"},
         NULL,
         NULL,
         "-X dev replaces Neap's heap by the debug allocator"},
        {{"python3", "app.py", "-X", "dev"}, NULL, NULL, ""},
        {{"python3", "app.py"}, NULL, "1", "PYTHONDEVMODE replaces Neap's heap by the debug allocator"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[5] = {0};
        memcpy(argv, cases[i].argv, sizeof(cases[i].argv));
        cases[i].malloc_kind ? setenv("PYTHONMALLOC", cases[i].malloc_kind, 1) : unsetenv("PYTHONMALLOC");
        cases[i].dev ? setenv("PYTHONDEVMODE", cases[i].dev, 1) : unsetenv("PYTHONDEVMODE");
        char reason[128] = "?";
        neap__cpython_overridden(argv, reason, sizeof(reason));
        assert_string_equal(reason, cases[i].reason);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_in_this_program),
        cmocka_unit_test(overridden),
        cmocka_unit_test(in_its_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
