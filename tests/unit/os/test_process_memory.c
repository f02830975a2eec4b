/* What another process's memory consists of: a child that lies still, and one that is gone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

/* The mapping of this process whose path begins with `path`. */
static struct neap_os_mapping mapping_of(const char *path) {
    struct mapped mapped = {.path = path};
    assert_int_equal(neap_os_mappings_visit(getpid(), visit_path, &mapped), NEAP_OK);
    return mapped.mapping;
}

/* Makes a file in which "neap" stands, and maps it. `path` becomes its full path. */
static void *file_map(const char *name, char path[PATH_MAX]) {
    int file = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(file >= 0 && write(file, "neap", 4) == 4);
    assert_non_null(realpath(name, path));
    void *view = mmap(NULL, page, PROT_READ, MAP_PRIVATE, file, 0);
    assert_true(view != MAP_FAILED);
    close(file);
    return view;
}

static void assert_leads_to_file(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fgetc(file), 'n');
    fclose(file);
}

#define FEEDS "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"

/* A file with blanks, or line feeds, or what a line feed is shown as in its name; deleted while mapped. So
 * many line feeds are shown as more text than a path has room for. */
static void test_mapped_file(void **state) {
    (void)state;
    static const char *const names[] = {"./mapped by neap", "./mapped\nby\nneap", "./mapped\\012by neap",
                                        "./mapped\n" FEEDS FEEDS FEEDS FEEDS};
    neap_os_process_t *own;
    assert_int_equal(neap_os_process_open(getpid(), false, &own), NEAP_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_MAX], found[1024];
        unlink(names[i]); /* of a run that was broken off */
        void *view = file_map(names[i], path);
        bool is_plain = !strchr(path, '\\');
        *strrchr(path, is_plain ? '\0' : '\\') = '\0';
        struct neap_os_mapping mapping = mapping_of(path);
        if (is_plain)
            assert_string_equal(mapping.path, path);
        assert_int_equal(neap_os_mapped_file(own, &mapping, found, sizeof(found)), NEAP_OK);
        assert_leads_to_file(found);
        struct neap_os_mapping elsewhere = mapping;
        elsewhere.start = elsewhere.end = 0; /* it is found by its name alone, as without privilege */
        assert_int_equal(neap_os_mapped_file(own, &elsewhere, found, sizeof(found)), NEAP_OK);
        assert_leads_to_file(found);
        assert_int_equal(neap_os_mapped_file(own, &mapping, found, 4), NEAP_ERROR_ABSENT);
        unlink(names[i]);
        mapping = mapping_of(path);
        assert_non_null(strstr(mapping.path, " (deleted)"));
        if (neap_os_mapped_file(own, &mapping, found, sizeof(found)) == NEAP_OK) /* root's privilege */
            assert_leads_to_file(found);
        munmap(view, page);
    }
    neap_os_process_close(own);
}

/* A child with that process number, which sleeps; -1 if it cannot be made. */
static pid_t child_numbered(pid_t number) {
    struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
    pid_t made = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    while (made == 0)
        pause();
    return made;
}

/* The number of the process goes to another one, which has the same file at the same place. */
static void test_mapped_file_of_one_that_ended(void **state) {
    (void)state;
    char path[PATH_MAX], found[1024];
    neap_os_process_t *process;
    unlink("./neap reused test");
    void *view = file_map("./neap reused test", path);
    struct neap_os_mapping mapping = mapping_of(path);
    pid_t first = fork();
    while (first == 0)
        pause();
    assert_int_equal(neap_os_process_open(first, false, &process), NEAP_OK);
    assert_int_equal(neap_os_mapped_file(process, &mapping, found, sizeof(found)), NEAP_OK);
    assert_leads_to_file(found);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    pid_t second = child_numbered(first);
    int error = neap_os_mapped_file(process, &mapping, found, sizeof(found));
    if (second > 0) {
        kill(second, SIGKILL);
        waitpid(second, NULL, 0);
    }
    neap_os_process_close(process);
    munmap(view, page);
    unlink(path);
    if (second < 0)
        skip(); /* no process number can be chosen here: not root, or Linux before 5.5 */
    assert_int_equal(error, NEAP_ERROR_ABSENT);
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
        cmocka_unit_test(test_mapped_file_of_one_that_ended),
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_no_such_process),
    };
    return cmocka_run_group_tests(tests, start_child, end_child);
}
