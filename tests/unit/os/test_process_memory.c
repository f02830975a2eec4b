/* What another process's memory consists of: a child that lies still, and one that is gone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process_memory.h"

enum { PAGES = 3 };

/* Three pages of which the child has given up the last; the same address here and there. */
static unsigned char *stretch;
static size_t page;
static pid_t child;

static int start_child(void **state) {
    (void)state;
    int ready[2];
    page = (size_t)sysconf(_SC_PAGESIZE);
    stretch = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stretch == MAP_FAILED || pipe(ready) != 0)
        return 1;
    child = fork();
    if (child == 0) {
        for (size_t i = 0; i < PAGES * page; i++)
            stretch[i] = (unsigned char)(i * 7);
        munmap(stretch + 2 * page, page);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    bool up = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    close(ready[1]);
    return up ? 0 : 1;
}

static int end_child(void **state) {
    (void)state;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    munmap(stretch, PAGES * page);
    return 0;
}

struct walk {
    uint64_t last_end;
    unsigned count;
    bool ordered, found;
};

static bool visit(void *context, const struct neap_os_mapping *mapping) {
    struct walk *walk = context;
    walk->ordered &= mapping->start >= walk->last_end && mapping->end > mapping->start;
    walk->last_end = mapping->end;
    walk->count++;
    uint64_t at = (uintptr_t)stretch;
    if (mapping->start <= at && at < mapping->end)
        walk->found = mapping->end <= at + 2 * page && strcmp(mapping->access, "rw-p") == 0;
    return true;
}

static bool visit_one(void *context, const struct neap_os_mapping *mapping) {
    (void)mapping;
    ++*(unsigned *)context;
    return false;
}

static void test_mappings(void **state) {
    (void)state;
    struct walk walk = {.ordered = true};
    unsigned visits = 0;
    assert_int_equal(neap_os_mappings_visit(child, visit, &walk), NEAP_OK);
    assert_true(walk.ordered && walk.found && walk.count > 5);
    assert_int_equal(neap_os_mappings_visit(child, visit_one, &visits), NEAP_OK);
    assert_int_equal(visits, 1);
}

/* A file with blanks in its name, deleted while mapped. */
struct mapped {
    const char *path;
    struct neap_os_mapping mapping;
};

static bool visit_path(void *context, const struct neap_os_mapping *mapping) {
    struct mapped *mapped = context;
    if (strncmp(mapping->path, mapped->path, strlen(mapped->path)) != 0)
        return true;
    mapped->mapping = *mapping;
    return false;
}

static void test_mapped_file(void **state) {
    (void)state;
    char path[] = "./neap remote test XXXXXX", full[4096], found[1024];
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, "neap", 4) == 4);
    assert_non_null(realpath(path, full));
    void *view = mmap(NULL, page, PROT_READ, MAP_PRIVATE, file, 0);
    assert_true(view != MAP_FAILED);
    struct mapped mapped = {.path = full};
    assert_int_equal(neap_os_mappings_visit(getpid(), visit_path, &mapped), NEAP_OK);
    assert_string_equal(mapped.mapping.path, full);
    assert_int_equal(neap_os_mapped_file(getpid(), &mapped.mapping, found, sizeof(found)), NEAP_OK);
    assert_int_equal(access(found, R_OK), 0);
    assert_int_equal(neap_os_mapped_file(getpid(), &mapped.mapping, found, 4), NEAP_ERROR_ABSENT);
    unlink(path);
    assert_int_equal(neap_os_mappings_visit(getpid(), visit_path, &mapped), NEAP_OK);
    assert_non_null(strstr(mapped.mapping.path, " (deleted)"));
    if (neap_os_mapped_file(getpid(), &mapped.mapping, found, sizeof(found)) ==
        NEAP_OK) { /* root's privilege */
        FILE *again = fopen(found, "r");
        assert_non_null(again);
        assert_int_equal(fgetc(again), 'n');
        fclose(again);
    }
    munmap(view, page);
    close(file);
}

static void test_program(void **state) {
    (void)state;
    char path[4096], own[4096];
    assert_int_equal(neap_os_program(child, path, sizeof(path)), NEAP_OK);
    assert_int_equal(neap_os_program(0, own, sizeof(own)), NEAP_OK);
    assert_string_equal(path, own);
    assert_string_equal(strrchr(path, '/') + 1, "test_process_memory");
}

static void test_no_such_process(void **state) {
    (void)state;
    char path[64];
    unsigned visits = 0;
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)gone, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(neap_os_mappings_visit(gone, visit_one, &visits), NEAP_ERROR_PROCESS); /* a zombie */
    waitpid(gone, NULL, 0);
    assert_int_equal(neap_os_mappings_visit(gone, visit_one, &visits), NEAP_ERROR_PROCESS);
    assert_int_equal(neap_os_program(gone, path, sizeof(path)), NEAP_ERROR_PROCESS);
    assert_int_equal(visits, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_mapped_file),
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_no_such_process),
    };
    return cmocka_run_group_tests(tests, start_child, end_child);
}
