/* cli/run_before_libc.c: `neap run COMMAND` without libc's start-up.
 *
 * This does what verb_run.c does in the simplest case: no options, no variable in the
 * environment that needs a note or must be extended, and a program that will be served if it is a Python. In
 * every other case, and whenever something fails, it returns. Then the ordinary program starts and does it,
 * or says what is wrong. os/before_libc.h says what this code must not do.
 */
#include "os/before_libc.h"

#ifdef NEAP_OS_BEFORE_LIBC

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* The ordinary program handles longer environments and paths. Each page of the stack that is touched here
 * costs the user's program one or two microseconds. */
enum { VARIABLES_MAX = 200, PATH_BYTES = 512 };

/* The beginning of a file that is to be executed. */
enum { HEAD_SEGMENTS = 6 }; /* so many program headers are read; that of the loader is among the first */

#define NEAP_ELF_MAGIC 0x464c457fu
#define LOADER                                                                                               \
    "/lib64/ld-linux-x86-64.so.2" /* glibc's; that of another library has a name of another length */

struct head {
    long length;
    union {
        uint32_t magic;
        Elf64_Ehdr program;
        char text[sizeof(Elf64_Ehdr) + HEAD_SEGMENTS * sizeof(Elf64_Phdr)];
    };
};

enum look { LOOK_USUAL, LOOK_SCRIPT, LOOK_ABSENT, LOOK_UNUSUAL };

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

/* Whether the command is one that starts another, and may do so without LD_PRELOAD. */
static bool starts_others(const char *command) {
    static const char names[][8] = {"env", "sudo", "doas"};
    const char *name = command;
    for (; *command; command++)
        if (*command == '/')
            name = command + 1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (same(name, names[i]))
            return true;
    return false;
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
    if (!readable(preload, sizeof(name) - 1))
        return false;
#ifdef NEAP_OTHER_LIBRARY_DIR
    struct path other;
    path_begin(&other, self.text);
    path_add_text(&other, "/" NEAP_OTHER_LIBRARY_DIR "/libneap-preload.so");
    if (readable(&other, 0)) {
        path_begin(preload, name);
        path_add_text(preload, self.text);
        path_add_text(preload, "/$LIB/neap/libneap-preload.so");
    }
#endif
    return !preload->full;
}

/* Whether the file at `path` is a program for this machine and its C library that changes nobody's rights. A
 * look takes some microseconds. What is not usual is looked at by outlook.h, in the ordinary program. */
static enum look look_at_program(const char *path, struct head *head) {
    static const char attribute[] = "security.capability";
    const Elf64_Ehdr *program = &head->program;
    struct stat status;
    long file, error = neap_os_before_libc_stat(path, &status);
    if (error == -ENOENT || error == -ENOTDIR || error == -EACCES)
        return LOOK_ABSENT;
    if (error != 0 || !S_ISREG(status.st_mode) || (status.st_mode & (S_ISUID | S_ISGID)))
        return LOOK_UNUSUAL;
    head->length = neap_os_before_libc_head(path, head->text, sizeof(head->text) - 1, &file);
    bool plain = file >= 0 && neap_os_before_libc_attribute_bytes(file, attribute) < 0;
    if (file >= 0)
        neap_os_before_libc_close(file);
    if (!plain || head->length < 3)
        return LOOK_UNUSUAL;
    head->text[head->length] = '\0';
    if (head->text[0] == '#' && head->text[1] == '!')
        return LOOK_SCRIPT;
    if (head->length < (long)sizeof(head->text) - 1 || head->magic != NEAP_ELF_MAGIC ||
        head->text[EI_CLASS] != ELFCLASS64 || program->e_machine != EM_X86_64 ||
        program->e_phoff != sizeof(*program))
        return LOOK_UNUSUAL;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(const void *)(head->text + sizeof(*program));
    for (unsigned i = 0; i < program->e_phnum && i < HEAD_SEGMENTS; i++)
        if (segment[i].p_type == PT_INTERP)
            return segment[i].p_filesz == sizeof(LOADER) ? LOOK_USUAL : LOOK_UNUSUAL;
    return LOOK_UNUSUAL;
}

/* The same of a file that may be a script, of a program that is no env. */
static enum look look_at(const char *path) {
    struct head head;
    enum look look = look_at_program(path, &head);
    if (look != LOOK_SCRIPT)
        return look;
    char *interpreter = head.text + 2, *end;
    while (*interpreter == ' ' || *interpreter == '\t')
        interpreter++;
    for (end = interpreter; *end && *end != ' ' && *end != '\t' && *end != '\n'; end++)
        ;
    if (!*end || *interpreter != '/') /* a longer line than was read */
        return LOOK_UNUSUAL;
    *end = '\0';
    if (starts_others(interpreter))
        return LOOK_UNUSUAL;
    struct head of_interpreter;
    return look_at_program(interpreter, &of_interpreter) == LOOK_USUAL ? LOOK_USUAL : LOOK_UNUSUAL;
}

/* As execvp, but without a fallback to the shell. Returns if it fails, or if there is something to look at.
 */
static void command_exec(char *const *command, char *const *environment, const char *search) {
    struct path path;
    if (starts_others(command[0]))
        return;
    if (contains(command[0], '/')) {
        if (look_at(command[0]) == LOOK_USUAL)
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
        enum look look = path.full ? LOOK_UNUSUAL : look_at(path.text);
        if (look != LOOK_ABSENT) {
            if (look == LOOK_USUAL)
                neap_os_before_libc_execve(path.text, command, environment);
            return;
        }
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
