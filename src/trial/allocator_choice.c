/* trial/allocator_choice.c: the table of allocators, and a search for those that this machine has. */
#include "trial/allocator_choice.h"

#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/python_command.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/output_tail.h"

static const struct neap_allocator_choice table[] = {
    {.name = "cpython", .title = "CPython's own, pymalloc"},
    {.name = "neap", .title = "Neap", .library = "libneap-preload.so", .by_run = true},
    {.name = "glibc", .title = "glibc's malloc", .pythonmalloc = "malloc"},
    {.name = "mimalloc",
     .title = "mimalloc, preloaded",
     .pythonmalloc = "malloc",
     .library = "libmimalloc.so",
     .package = "libmimalloc2.0"},
    {.name = "jemalloc",
     .title = "jemalloc, preloaded",
     .pythonmalloc = "malloc",
     .library = "libjemalloc.so",
     .package = "libjemalloc2"},
    {.name = "tcmalloc",
     .title = "tcmalloc, preloaded",
     .pythonmalloc = "malloc",
     .library = "libtcmalloc_minimal.so",
     .package = "libtcmalloc-minimal4"},
    {.name = "mimalloc-own",
     .title = "mimalloc as CPython 3.13 has it",
     .pythonmalloc = "mimalloc",
     .probed = true},
};
enum { TABLE_COUNT = sizeof(table) / sizeof(table[0]) };

const struct neap_allocator_choice *neap_allocator_choices(size_t *count) {
    *count = TABLE_COUNT;
    return table;
}

const struct neap_allocator_choice *neap_allocator_choice_named(const char *name, size_t length) {
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- the command's Python ---------------------------------------------- */

/* Finds the file for `name` on PATH; false if there is none. */
static bool path_search(const char *name, char *out, size_t room) {
    if (strchr(name, '/'))
        return snprintf(out, room, "%s", name) < (int)room;
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "/usr/bin:/bin"; at;
         at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        int length = (int)strcspn(at, ":");
        if (snprintf(out, room, "%.*s/%s", length, at, name) < (int)room && access(out, X_OK) == 0)
            return true;
    }
    return false;
}

/* Splits the first line of a script into words. */
struct first_line {
    char text[256], *words[8];
};

/* The words of the Python in the first line of the script `command`; NULL if it names none. */
static char *const *script_python(const char *command, struct first_line *line) {
    enum { WORDS_MAX = sizeof(line->words) / sizeof(line->words[0]) - 1 };
    char path[512], *save;
    FILE *file = path_search(command, path, sizeof(path)) ? fopen(path, "re") : NULL;
    *line = (struct first_line){.text = ""};
    if (!file)
        return NULL;
    bool has_line = fgets(line->text, sizeof(line->text), file) && strncmp(line->text, "#!", 2) == 0;
    fclose(file);
    if (!has_line)
        return NULL;
    size_t count = 0;
    for (char *word = strtok_r(line->text + 2, " \t\n", &save); word && count < WORDS_MAX;
         word = strtok_r(NULL, " \t\n", &save))
        line->words[count++] = word;
    char *const *python = line->words;
    if (*python && strcmp(base_name(*python), "env") == 0)
        python += python[1] && strcmp(python[1], "-S") == 0 ? 2 : 1;
    return *python && neap_python_named(*python) ? python : NULL;
}

/* The words of the Python that `command` is, or that its first line names. */
static char *const *command_python(char *const *command, struct first_line *line) {
    return neap_python_named(command[0]) ? command : script_python(command[0], line);
}

/* Whether the command's Python ignores PYTHONMALLOC. */
static bool ignores_environment(char *const *command) {
    struct first_line line;
    char *const *python = command_python(command, &line);
    return python && neap_python_flags_read(python).ignores_env;
}

/* --- libraries --------------------------------------------------------- */

/* Finds the first file of that name, of any version, in the folder. The list of
 * folders below begins with those of the machine's own word size. */
static bool folder_search(const char *folder, const char *library, char *out, size_t room) {
    char pattern[512];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/%s*", folder, library);
    bool any = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0 &&
               snprintf(out, room, "%s", found.gl_pathv[0]) < (int)room;
    globfree(&found);
    return any;
}

/* Runs a command for at most 10 seconds, in the environment of the setup if there
 * is one. True if it exits with 0. */
static bool command_run(const char *const *argv, const struct neap_allocator_setup *setup, int output) {
    const uint64_t limit_ns = UINT64_C(10000000000);
    struct neap_os_command command = {(char *const *)argv, setup ? setup->environment : NULL, output, -1};
    struct neap_os_ending ending;
    pid_t pid;
    if (neap_os_child_start(&command, &pid) != 0)
        return false;
    uint64_t until_ns = neap_os_now_ns() + limit_ns;
    while (neap_os_child_reap(pid, &ending) != 0) {
        if (neap_os_now_ns() >= until_ns)
            kill(-pid, SIGKILL);
        neap_os_child_await(&pid, 1, until_ns);
    }
    return ending.status == 0 && ending.signal == 0;
}

/* The path behind "=> " in the line of the loader's cache that begins with `library`. */
static bool cache_line_find(char *list, const char *library, char *out, size_t room) {
    char *save = NULL;
    for (char *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *name = line + strspn(line, " \t"), *path = strstr(line, "=> ");
        if (path && strncmp(name, library, strlen(library)) == 0)
            return snprintf(out, room, "%s", path + strlen("=> ")) < (int)room;
    }
    return false;
}

/* Finds the library in further folders of the loader, as ldconfig lists them. */
static bool cache_search(const char *library, char *out, size_t room) {
    enum { LIST_ROOM = 1 << 20 };
    static const char *const argv[] = {"/sbin/ldconfig", "-p", NULL};
    int output = neap_os_output_tail_open();
    char *list = output >= 0 ? malloc(LIST_ROOM) : NULL;
    bool found = false;
    if (list && command_run(argv, NULL, output)) {
        neap_os_output_tail_read(output, list, LIST_ROOM);
        found = cache_line_find(list, library, out, room);
    }
    free(list);
    if (output >= 0)
        close(output);
    return found;
}

static bool library_search(const char *library, char *out, size_t room) {
    static const char *const folders[] = {
#if defined __x86_64__
        "/usr/lib/x86_64-linux-gnu",
        "/lib/x86_64-linux-gnu",
#elif defined __aarch64__
        "/usr/lib/aarch64-linux-gnu",
        "/lib/aarch64-linux-gnu",
#elif defined __i386__
        "/usr/lib/i386-linux-gnu",
        "/lib/i386-linux-gnu",
#endif
        "/usr/local/lib",
#if __SIZEOF_POINTER__ == 8
        "/usr/lib64",
        "/usr/local/lib64",
#endif
        "/usr/lib",
        "/lib",
    };
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (folder_search(folders[i], library, out, room))
            return true;
    return cache_search(library, out, room);
}

/* --- environment ------------------------------------------------------- */

static bool is_allocator_library(const char *path, size_t length) {
    char copy[512];
    snprintf(copy, sizeof(copy), "%.*s", (int)length, path);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (table[i].library && strncmp(base_name(copy), table[i].library, strlen(table[i].library)) == 0)
            return true;
    return false;
}

/* Sets "LD_PRELOAD=" with the user's libraries, without allocators, and `library`: it comes last, because
 * some insist on being the first. If that is empty, sets only the name, which unsets the variable. */
static void preload_compose(const char *library, char *out, size_t room) {
    size_t at = (size_t)snprintf(out, room, "LD_PRELOAD="), own = strlen(library) + 1;
    bool any = false;
    const char *word = getenv("LD_PRELOAD");
    while (word && *word) {
        size_t length = strcspn(word, " :");
        if (length > 0 && !is_allocator_library(word, length) && at + length + own + 2 < room) {
            at += (size_t)snprintf(out + at, room - at, "%s%.*s", any ? ":" : "", (int)length, word);
            any = true;
        }
        word += length + (word[length] != '\0');
    }
    if (library[0] != '\0')
        snprintf(out + at, room - at, "%s%s", any ? ":" : "", library);
    else if (!any)
        out[strlen("LD_PRELOAD")] = '\0';
}

static void environment_compose(const struct neap_allocator_choice *allocator,
                                struct neap_allocator_setup *setup) {
    preload_compose(allocator->by_run ? "" : setup->library, setup->preload, sizeof(setup->preload));
    snprintf(setup->pythonmalloc, sizeof(setup->pythonmalloc), "PYTHONMALLOC%s%s",
             allocator->pythonmalloc ? "=" : "", allocator->pythonmalloc ? allocator->pythonmalloc : "");
    setup->environment[0] = setup->preload;
    setup->environment[1] = setup->pythonmalloc;
    setup->environment[2] = NULL;
}

/* --- finding ----------------------------------------------------------- */

static bool pythonmalloc_find(char *const *command, struct neap_allocator_setup *setup) {
    struct first_line line;
    char *const *python = command_python(command, &line);
    if (!python) {
        snprintf(setup->reason, sizeof(setup->reason), "cannot tell which Python the command runs");
        return false;
    }
    const char *const argv[] = {*python, "-c", "pass", NULL};
    if (command_run(argv, setup, -1))
        return true;
    snprintf(setup->reason, sizeof(setup->reason), "this Python has no PYTHONMALLOC=mimalloc (3.13 has)");
    return false;
}

static bool run_find(const char *program, struct neap_allocator_setup *setup) {
    const char *const argv[] = {program, "run", "--", "true", NULL};
    if (!program || !command_run(argv, setup, -1)) {
        snprintf(setup->reason, sizeof(setup->reason),
                 "`neap run` does not work here: try `neap run -- true`");
        return false;
    }
    memcpy(setup->front, argv, 3 * sizeof(argv[0]));
    return true;
}

/* Resolves the path, because the mappings of the process show the resolved one. */
static bool library_find(const struct neap_allocator_choice *allocator, struct neap_allocator_setup *setup) {
    char path[PATH_MAX], real[PATH_MAX];
    if (library_search(allocator->library, path, sizeof(path)) && realpath(path, real) &&
        snprintf(setup->library, sizeof(setup->library), "%s", real) < (int)sizeof(setup->library))
        return true;
    snprintf(setup->reason, sizeof(setup->reason), "not installed: apt-get install %s", allocator->package);
    return false;
}

void neap_allocator_choice_find(const struct neap_allocator_choice *allocator, char *const *command,
                                const char *program, struct neap_allocator_setup *setup) {
    *setup = (struct neap_allocator_setup){.present = true};
    if (allocator->pythonmalloc && ignores_environment(command)) {
        snprintf(setup->reason, sizeof(setup->reason),
                 "-E or -I in the command hides PYTHONMALLOC from Python");
        setup->present = false;
        return;
    }
    if (allocator->by_run)
        snprintf(setup->library, sizeof(setup->library), "%s", allocator->library);
    else if (allocator->library)
        setup->present = library_find(allocator, setup);
    environment_compose(allocator, setup);
    if (allocator->by_run)
        setup->present = run_find(program, setup);
    if (allocator->probed)
        setup->present = pythonmalloc_find(command, setup);
}
