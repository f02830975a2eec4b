/* cli/run_before_libc.c: `neap run COMMAND` without libc's start-up.
 *
 * This does what verb_run.c does in the simplest case: no options, and no variable in the
 * environment that needs a note or must be extended. In every other case, and whenever
 * something fails, it returns. Then the ordinary program starts and does it, or says what is
 * wrong. os/before_libc.h says what this code must not do.
 */
#include "os/before_libc.h"

#ifdef NEAP_OS_BEFORE_LIBC

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* The ordinary program handles longer environments and paths. Each page of the stack that is touched here
 * costs the user's program one or two microseconds. */
enum { VARIABLES_MAX = 200, PATH_BYTES = 512 };

/* A text in a buffer. `full` is set once something did not fit. */
struct path {
    char text[PATH_BYTES];
    size_t length;
    bool full;
};

static bool same(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* The rest of `text` after `start`; NULL if `text` does not begin with it. */
static const char *after(const char *text, const char *start) {
    while (*start)
        if (*text++ != *start++)
            return NULL;
    return text;
}

static bool contains(const char *text, char letter) {
    for (; *text; text++)
        if (*text == letter)
            return true;
    return false;
}

static void path_add(struct path *path, const char *from, size_t length) {
    if (path->full || length >= sizeof(path->text) - path->length) {
        path->full = true;
        return;
    }
    for (size_t i = 0; i < length; i++)
        path->text[path->length++] = from[i];
    path->text[path->length] = '\0';
}

static void path_add_text(struct path *path, const char *text) {
    size_t length = 0;
    while (text[length])
        length++;
    path_add(path, text, length);
}

static void path_begin(struct path *path, const char *text) {
    path->length = 0;
    path->full = false;
    path_add_text(path, text);
}

/* Removes the last part of the path. False if there is none. */
static bool path_up(struct path *path) {
    while (path->length > 0 && path->text[path->length] != '/')
        path->length--;
    path->text[path->length] = '\0';
    return path->length > 0;
}

static bool readable(const struct path *path, size_t from) {
    return !path->full && neap_os_before_libc_access(path->text + from, R_OK) == 0;
}

/* Whether a word may be the option -X that neap_python_flags_read looks for. */
static bool has_flag_x(char *const *command) {
    for (char *const *word = command + 1; *word; word++)
        if ((*word)[0] == '-' && contains(*word, 'X'))
            return true;
    return false;
}

/* Writes "LD_PRELOAD=..." and, if neap runs from the build folder, "PYTHONPATH=..."; else "". */
static bool variables_make(struct path *preload, struct path *packages) {
    static const char name[] = "LD_PRELOAD=", packages_name[] = "PYTHONPATH=";
    struct path self;
    long length = neap_os_before_libc_readlink("/proc/self/exe", self.text, sizeof(self.text) - 1);
    if (length <= 0 || length == (long)sizeof(self.text) - 1) /* of that length, it may be cut off */
        return false;
    self.length = (size_t)length;
    self.text[length] = '\0';
    if (!path_up(&self) || contains(self.text, ' ') || contains(self.text, ':'))
        return false;
    path_begin(packages, packages_name);
    path_add_text(packages, self.text);
    path_add_text(packages, "/python");
    path_begin(preload, name);
    path_add_text(preload, self.text);
    path_add_text(preload, "/libneap-preload.so");
    if (readable(preload, sizeof(name) - 1)) {
        if (!readable(packages, sizeof(packages_name) - 1))
            packages->text[0] = '\0';
        return true;
    }
    packages->text[0] = '\0';
    path_begin(preload, name);
    if (!path_up(&self))
        return false;
    path_add_text(preload, self.text);
    path_add_text(preload, "/" NEAP_LIBRARY_DIR "/libneap-preload.so");
    return readable(preload, sizeof(name) - 1);
}

/* As execvp, but without a fallback to the shell. Returns if it fails. */
static void command_exec(char *const *command, char *const *environment, const char *search) {
    struct path path;
    if (contains(command[0], '/')) {
        neap_os_before_libc_execve(command[0], command, environment);
        return;
    }
    while (search && *search) {
        size_t length = 0;
        while (search[length] && search[length] != ':')
            length++;
        path_begin(&path, "");
        path_add(&path, search, length);
        path_add_text(&path, length ? "/" : "./");
        path_add_text(&path, command[0]);
        long error = path.full ? -ENOENT : neap_os_before_libc_execve(path.text, command, environment);
        if (error != -ENOENT && error != -ENOTDIR && error != -EACCES)
            return;
        search += length + (search[length] == ':');
    }
}

__attribute__((used)) void cli_run_before_libc(long *stack);

void cli_run_before_libc(long *stack) {
    static const char notable[][16] = {"LD_PRELOAD=", "PYTHONPATH=", "PYTHONMALLOC=", "PYTHONDEVMODE="};
    char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1;
    char *environment[VARIABLES_MAX + 3];
    const char *search = NULL;
    struct path preload, packages;
    size_t count = 0;
    if (stack[0] < 3 || !same(argv[1], "run"))
        return;
    char **command = argv + (same(argv[2], "--") ? 3 : 2);
    if (!*command || !**command || **command == '-' || has_flag_x(command))
        return;
    for (; *envp; envp++) {
        for (size_t i = 0; i < sizeof(notable) / sizeof(notable[0]); i++)
            if (after(*envp, notable[i]))
                return;
        if (count == VARIABLES_MAX)
            return;
        if (!search)
            search = after(*envp, "PATH=");
        environment[count++] = *envp;
    }
    if (!variables_make(&preload, &packages))
        return;
    environment[count++] = preload.text;
    if (packages.text[0])
        environment[count++] = packages.text;
    environment[count] = NULL;
    command_exec(command, environment, search);
}

NEAP_OS_BEFORE_LIBC_ENTRY(cli_start_before_libc, cli_run_before_libc);

#endif
