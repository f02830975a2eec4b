/* cli/verb_run.c: `neap run`, which executes a command under the preloaded library.
 *
 * It delays every start of a program, so it does little: it looks for the library, sets
 * variables and executes the command. It calls only the modules os, base and elf. The simplest
 * case is handled by run_before_libc.c, which must do the same.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/python_command.h"
#include "cli/option.h"
#include "cli/outlook.h"
#include "cli/setting_text.h"
#include "cli/verb.h"
#include "os/process_memory.h"

#define LIBRARY_NAME "libneap-preload.so"

static const struct cli_usage usage = {
    .verb = "run",
    .synopsis = "[options] [--] COMMAND [ARGUMENT ...]",
    .about = "Runs COMMAND with CPython's memory on Neap's heap: the resident memory of the program, and of "
             "all Python programs it starts, follows their live data. A program that is no Python is left "
             "alone. Exits as COMMAND does.",
};

/* --- the library ------------------------------------------------------- */

struct installation {
    char library[PATH_MAX];
    char packages[PATH_MAX]; /* folder of the Python package; "" if it is installed where Python finds it */
    bool both_sizes;         /* `library` leads to the one of each program's word size */
};

static bool path_make(char *path, const char *folder, const char *rest) {
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, rest);
    return length > 0 && length < PATH_MAX && access(path, R_OK) == 0;
}

/* Where the library of the other word size is installed too, the loader of each program takes its own.
 * Without it, a program of that word size says at its start that it cannot load this one. */
static bool for_both(char *library, const char *prefix) {
#ifdef NEAP_OTHER_LIBRARY_DIR
    char other[PATH_MAX];
    if (!path_make(other, prefix, NEAP_OTHER_LIBRARY_DIR "/" LIBRARY_NAME))
        return false;
    int length = snprintf(other, PATH_MAX, "%s/$LIB/neap/%s", prefix, LIBRARY_NAME);
    if (length <= 0 || length >= PATH_MAX)
        return false;
    memcpy(library, other, (size_t)length + 1);
    return true;
#else
    (void)library;
    (void)prefix;
    return false;
#endif
}

/* Looks for the library in the folder of the executable, as in the build folder, else where it is installed.
 */
static bool installation_find(struct installation *found, char *folder) {
    *found = (struct installation){.packages = ""};
    if (neap_os_program(0, folder, PATH_MAX) != NEAP_OK)
        return false;
    *strrchr(folder, '/') = '\0';
    if (path_make(found->library, folder, LIBRARY_NAME)) {
        if (!path_make(found->packages, folder, "python"))
            found->packages[0] = '\0';
        return true;
    }
    char prefix[PATH_MAX];
    snprintf(prefix, sizeof(prefix), "%s", folder);
    *strrchr(prefix, '/') = '\0';
    if (!path_make(found->library, prefix, NEAP_LIBRARY_DIR "/" LIBRARY_NAME))
        return false;
    found->both_sizes = for_both(found->library, prefix);
    return true;
}

/* Whether `entry` is in a list whose entries any of `separators` separates. */
static bool list_has(const char *list, const char *separators, const char *entry) {
    for (size_t length; *list; list += length + (list[length] != '\0')) {
        length = strcspn(list, separators);
        if (length == strlen(entry) && memcmp(list, entry, length) == 0)
            return true;
    }
    return false;
}

/* Sets a variable to two lists, one behind the other. Either may be empty. */
static void list_set(const char *variable, const char *first, const char *second) {
    size_t bytes = strlen(first) + strlen(second) + 2;
    char *list = malloc(bytes);
    if (!list)
        return;
    snprintf(list, bytes, "%s%s%s", first, *first && *second ? ":" : "", second);
    setenv(variable, list, 1);
    free(list);
}

/* The library comes behind those that are there already, because some insist on being the first:
 * AddressSanitizer ends the program otherwise. Neap's needs no such place. */
static void preload_set(const char *library) {
    const char *old = getenv("LD_PRELOAD");
    if (!list_has(old ? old : "", ": ", library))
        list_set("LD_PRELOAD", old ? old : "", library);
}

static void packages_set(const char *folder) {
    const char *old = getenv("PYTHONPATH");
    if (!list_has(old ? old : "", ":", folder))
        list_set("PYTHONPATH", folder, old ? old : "");
}

/* --- what would replace the heap --------------------------------------- */

/* Says so if CPython replaces the allocator that Neap sets. The program then runs without Neap's heap. */
static bool replacement_note(char *const *command) {
    struct neap_python_flags flags = {false, false};
    if (neap_python_named(command[0]))
        flags = neap_python_flags_read(command);
    switch (neap_python_override(flags, getenv("PYTHONMALLOC"), getenv("PYTHONDEVMODE"))) {
    case NEAP_PYTHON_NOT_OVERRIDDEN:
        return false;
    case NEAP_PYTHON_BY_MALLOC:
        fprintf(stderr, "neap: PYTHONMALLOC=%s replaces Neap's heap: unset it to run on Neap\n",
                getenv("PYTHONMALLOC"));
        break;
    case NEAP_PYTHON_BY_DEV:
        fprintf(stderr, "neap: -X dev replaces Neap's heap: leave it out to run on Neap\n");
        break;
    case NEAP_PYTHON_BY_DEV_VARIABLE:
        fprintf(stderr, "neap: PYTHONDEVMODE replaces Neap's heap: unset it to run on Neap\n");
        break;
    }
    return true;
}

/* Says what can be known about how the command would run. Returns the exit code. */
static int outlook_tell(char *const *command, bool both_sizes) {
    struct cli_outlook outlook;
    if (replacement_note(command))
        return CLI_EXIT_FAILED;
    cli_outlook_find(command, both_sizes, &outlook);
    return cli_outlook_print(&outlook);
}

/* --- the verb ---------------------------------------------------------- */

static int command_exec(char **command, bool both_sizes) {
    struct cli_outlook outlook;
    cli_outlook_find(command, both_sizes, &outlook);
    cli_outlook_note(&outlook);
    execvp(command[0], command);
    if (errno == ENOENT)
        return cli_error(CLI_EXIT_NOT_FOUND, "no such command: %s: check its name and PATH", command[0]);
    return cli_error(CLI_EXIT_CANNOT_EXECUTE, "cannot execute %s: %s: check the file and its permissions",
                     command[0], strerror(errno));
}

static int run(int argc, char **argv) {
    struct cli_option table[NEAP_SETTINGS + 2] = {
        {"dry-run", 0, NULL,
         "only say whether the command would be served; exit with 0 if nothing is in "
         "the way",
         CLI_FLAG, NULL, 0, 0}};
    union cli_setting_value values[NEAP_SETTINGS];
    struct installation found;
    char folder[PATH_MAX];
    int rest;
    bool dry = false;
    table[0].target = &dry;
    cli_setting_options(table + 1, values);
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code != CLI_GO_ON)
        return code;
    if (rest == argc)
        return cli_error(CLI_EXIT_USAGE, "run has no command: give one, like `neap run python3 app.py`");
    if (!installation_find(&found, folder))
        return cli_error(CLI_EXIT_FAILED,
                         LIBRARY_NAME " is missing, neither in %s nor in %s/../%s: install Neap again",
                         folder, folder, NEAP_LIBRARY_DIR);
    if (strpbrk(found.library, " :"))
        return cli_error(CLI_EXIT_FAILED,
                         "cannot preload %s: LD_PRELOAD takes no path with a blank or a colon: move it",
                         found.library);
    if (dry)
        return outlook_tell(argv + rest, found.both_sizes);
    cli_settings_export(values);
    preload_set(found.library);
    if (found.packages[0])
        packages_set(found.packages);
    replacement_note(argv + rest);
    return command_exec(argv + rest, found.both_sizes);
}

const struct cli_verb cli_verb_run = {"run", "run a command on Neap's heap", run};
