/* cli/outlook.c: follows env and scripts, and reads the headers of the program. */
#include "cli/outlook.h"

#include <assert.h>
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/outside_text.h"
#include "base/python_command.h"
#include "cli/option.h"
#include "cli/verb.h"
#include "elf/elf_file.h"

enum {
    STEPS_MAX = 8, /* scripts and env behind one another; the kernel itself follows five */
    WORDS_MAX = 32,
    LINE_BYTES = 256, /* of a script's first line, as the kernel reads */
    ELF_BYTES_MOST = 64 << 10
};

/* The words of a command, from which words at the front are taken, and in front of which others are put. */
struct words {
    const char *word[WORDS_MAX + 1];
    char line[STEPS_MAX][LINE_BYTES + 1]; /* first lines, cut into words */
    unsigned steps;
};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Takes `taken` words away and puts `count` others in their place. Words beyond the most are cut. */
static void words_replace(struct words *words, unsigned taken, const char *const *others, unsigned count) {
    const char *made[WORDS_MAX + 1];
    unsigned length = 0;
    for (unsigned i = 0; i < count && length < WORDS_MAX; i++)
        made[length++] = others[i];
    for (const char *const *word = words->word + taken; *word && length < WORDS_MAX; word++)
        made[length++] = *word;
    made[length] = NULL;
    memcpy(words->word, made, (length + 1) * sizeof(*made));
}

/* Splits `text` at blanks, as env -S does with a text that has neither quotes nor escapes. */
static unsigned split(char *text, const char **parts, unsigned most) {
    unsigned count = 0;
    char *save = NULL;
    for (char *part = strtok_r(text, " \t", &save); part && count < most; part = strtok_r(NULL, " \t", &save))
        parts[count++] = part;
    return count;
}

/* --- env ----------------------------------------------------------------- */

/* Puts the words of a text of env -S in the place of the first `taken` ones. */
static void env_split(struct words *words, unsigned taken, const char *text) {
    const char *parts[WORDS_MAX];
    char *line = words->line[words->steps];
    snprintf(line, LINE_BYTES + 1, "%s", text);
    unsigned count = split(line, parts + 1, WORDS_MAX - 1);
    parts[0] = "env"; /* what follows may be options again */
    words->steps++;
    words_replace(words, taken, parts, count + 1);
}

/* The value of the option -LETTER or -NAME, in the same word or the next; NULL if it is another option, or
 * has none. *taken: the number of words. */
static const char *option_value(const char *const *word, char letter, const char *name, unsigned *taken) {
    const char *option = word[0] + 1;
    const size_t length = strlen(name);
    *taken = 1;
    if (option[0] == letter && option[1])
        return option + 1;
    if (strncmp(option, name, length) == 0 && option[length] == '=')
        return option + length + 1;
    if (option[0] != letter && strcmp(option, name) != 0)
        return NULL;
    *taken = word[1] ? 2 : 1;
    return word[1];
}

/* What an option of env does, and how many words it takes. */
enum env_option { ENV_OTHER, ENV_CLEARS, ENV_SPLITS };

static enum env_option env_option(const char *const *word, unsigned *taken, const char **text) {
    if (word[0][1] == '\0' || word[0][1] == 'i' || strcmp(word[0], "--ignore-environment") == 0)
        return ENV_CLEARS;
    const char *name = option_value(word, 'u', "-unset", taken);
    if (name)
        return strcmp(name, "LD_PRELOAD") == 0 ? ENV_CLEARS : ENV_OTHER;
    *text = option_value(word, 'S', "-split-string", taken);
    if (*text)
        return ENV_SPLITS;
    if (!option_value(word, 'C', "-chdir", taken))
        option_value(word, 'a', "-argv0", taken);
    return ENV_OTHER;
}

/* Takes env and its options away. False if it starts its command without LD_PRELOAD as it is. */
static bool env_follow(struct words *words) {
    const char *word, *text;
    unsigned at = 1, taken;
    for (; (word = words->word[at]) && word[0] == '-'; at += taken) {
        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        switch (env_option(words->word + at, &taken, &text)) {
        case ENV_CLEARS:
            return false;
        case ENV_SPLITS:
            env_split(words, at + taken, text);
            return true;
        default:
            break;
        }
    }
    for (; (word = words->word[at]) && strchr(word, '='); at++)
        if (strncmp(word, "LD_PRELOAD=", 11) == 0)
            return false;
    words_replace(words, at, NULL, 0);
    return true;
}

/* --- the file -------------------------------------------------------------- */

/* Puts the interpreter of a script, and its argument, in front. False if the file is no script. The kernel
 * takes all behind the interpreter for one argument, without the blanks around it. */
static bool script_follow(struct words *words, const struct neap_os_held_file *file) {
    static const char blanks[] = " \t";
    char *line = words->line[words->steps];
    size_t bytes = file->bytes < LINE_BYTES ? (size_t)file->bytes : LINE_BYTES;
    if (neap_os_held_file_read(file, 0, line, bytes) != NEAP_OK || bytes < 3 || memcmp(line, "#!", 2) != 0)
        return false;
    line[bytes] = '\0';
    size_t length = strcspn(line, "\n");
    while (length > 2 && strchr(blanks, line[length - 1]))
        length--;
    line[length] = '\0';
    char *interpreter = line + 2 + strspn(line + 2, blanks);
    char *argument = interpreter + strcspn(interpreter, blanks);
    if (*argument) {
        *argument++ = '\0';
        argument += strspn(argument, blanks);
    }
    const char *front[] = {interpreter, argument};
    words_replace(words, 0, front, *argument ? 2 : 1);
    words->steps++;
    return true;
}

static int source_read(void *context, uint64_t address, void *out, size_t bytes) {
    return neap_os_held_file_read(context, address, out, bytes);
}

/* Whether the loader that the program asks for is that of musl. */
static bool is_for_musl(const struct neap_os_held_file *file, const struct neap_elf_segment *segment) {
    char loader[64];
    size_t bytes = segment->file_bytes < sizeof(loader) ? (size_t)segment->file_bytes : sizeof(loader);
    if (bytes == 0 || neap_os_held_file_read(file, segment->offset, loader, bytes) != NEAP_OK)
        return false;
    loader[bytes - 1] = '\0';
    return strstr(loader, "/ld-musl-") != NULL;
}

/* Whether it is for the processor that this program is for. */
static bool is_for_this_machine(const struct neap_elf_file *program) {
    struct neap_os_held_file own;
    struct neap_elf_file self = {.machine = program->machine};
    const char *why;
    if (neap_os_held_file_open("/proc/self/exe", &own) != NEAP_OK)
        return true;
    const struct neap_memory source = {.read = source_read, .context = &own};
    (void)!neap_elf_open(&source, own.bytes, ELF_BYTES_MOST, &self, &why);
    neap_os_held_file_close(&own);
    return self.machine == program->machine;
}

/* What the ELF headers say. A file that is neither ELF nor a script is for the shell. */
static enum cli_outlook_kind program_kind(struct neap_os_held_file *file, bool both_sizes) {
    const struct neap_memory source = {.read = source_read, .context = file};
    struct neap_elf_file program;
    struct neap_elf_segment segment;
    const char *why;
    if (neap_elf_open(&source, file->bytes, ELF_BYTES_MOST, &program, &why) != NEAP_OK)
        return CLI_OUTLOOK_PROGRAM;
    bool is_this_size = program.wide == (sizeof(void *) == 8);
    if (!is_this_size && !both_sizes)
        return CLI_OUTLOOK_WORD_SIZE;
    if (is_this_size && !is_for_this_machine(&program))
        return CLI_OUTLOOK_MACHINE;
    for (uint64_t i = 0; i < program.segments.count; i++) {
        if (neap_elf_segment(&program, i, &segment) != NEAP_OK)
            return CLI_OUTLOOK_PROGRAM;
        if (segment.type == PT_INTERP)
            return is_for_musl(file, &segment) ? CLI_OUTLOOK_C_LIBRARY : CLI_OUTLOOK_PROGRAM;
    }
    return CLI_OUTLOOK_STATIC;
}

/* --- the way ----------------------------------------------------------------- */

/* What is known of a program by its name alone: of those that take LD_PRELOAD away, and of `neap`, which is
 * static itself, and looks by itself. CLI_OUTLOOK_ABSENT: nothing. */
static enum cli_outlook_kind kind_by_name(const char *name) {
    if (strcmp(name, "sudo") == 0 || strcmp(name, "doas") == 0)
        return CLI_OUTLOOK_SUDO;
    return strcmp(name, "neap") == 0 ? CLI_OUTLOOK_PROGRAM : CLI_OUTLOOK_ABSENT;
}

/* One step. False if it was the last, with outlook->kind. */
static bool step(struct words *words, bool both_sizes, struct cli_outlook *outlook) {
    struct neap_os_program_file program;
    assert(words->word[0]);
    const char *name = base_name(words->word[0]);
    snprintf(outlook->file, sizeof(outlook->file), "%s", words->word[0]);
    outlook->kind = CLI_OUTLOOK_ABSENT;
    if (!neap_os_program_find(words->word[0], outlook->file))
        return false;
    outlook->kind = kind_by_name(name);
    if (outlook->kind != CLI_OUTLOOK_ABSENT)
        return false;
    outlook->kind = CLI_OUTLOOK_HIDDEN;
    if (neap_os_program_open(outlook->file, &program) != NEAP_OK)
        return false;
    bool more = script_follow(words, &program.held);
    outlook->kind = more                       ? CLI_OUTLOOK_PROGRAM /* its set-id bits are not heeded */
                    : program.changes_user     ? CLI_OUTLOOK_SET_ID
                    : program.has_capabilities ? CLI_OUTLOOK_CAPABILITIES
                                               : program_kind(&program.held, both_sizes);
    neap_os_held_file_close(&program.held);
    if (more || outlook->kind != CLI_OUTLOOK_PROGRAM)
        return more;
    if (strcmp(name, "env") == 0) {
        if (env_follow(words))
            return words->word[0] != NULL;
        outlook->kind = CLI_OUTLOOK_CLEARED;
    } else if (neap_python_named(name)) {
        outlook->kind = CLI_OUTLOOK_PYTHON;
    }
    return false;
}

void cli_outlook_find(char *const *command, bool both_sizes, struct cli_outlook *outlook) {
    struct words words = {.steps = 0};
    for (unsigned i = 0; command[i] && i < WORDS_MAX; i++)
        words.word[i] = command[i];
    while (words.steps < STEPS_MAX && step(&words, both_sizes, outlook))
        ;
}

/* --- for users ------------------------------------------------------------- */

/* Why it is not served, and what to do about it. */
static const char *const reasons[][2] = {
    [CLI_OUTLOOK_SET_ID] = {"it is set-id, for which the loader ignores LD_PRELOAD",
                            "start it as that user, without the set-id bit"},
    [CLI_OUTLOOK_CAPABILITIES] = {"it has file capabilities, for which the loader ignores LD_PRELOAD",
                                  "give them by `setpriv --ambient-caps` or the service manager instead"},
    [CLI_OUTLOOK_STATIC] = {"it is linked statically, without a loader that preloads",
                            "use a dynamic build; what it starts is served"},
    [CLI_OUTLOOK_WORD_SIZE] = {"it has another word size than this Neap", "install Neap for it"},
    [CLI_OUTLOOK_MACHINE] = {"it is for another processor than this Neap", "install Neap for it"},
    [CLI_OUTLOOK_C_LIBRARY] = {"it is for musl", "use a Python for glibc"},
    [CLI_OUTLOOK_CLEARED] = {"it starts its command without LD_PRELOAD",
                             "put neap behind it: env -i neap run python3"},
    [CLI_OUTLOOK_SUDO] = {"it starts its command without LD_PRELOAD",
                          "put neap behind it: sudo neap run python3"},
};

void cli_outlook_note(const struct cli_outlook *outlook) {
    if (outlook->kind >= CLI_OUTLOOK_SET_ID)
        cli_error(0, "%s is not served: %s: %s", outlook->file, reasons[outlook->kind][0],
                  reasons[outlook->kind][1]);
}

int cli_outlook_print(const struct cli_outlook *outlook) {
    char file[PATH_MAX];
    snprintf(file, sizeof(file), "%s", outlook->file);
    const char *shown = neap_outside_text_clean(file);
    switch (outlook->kind) {
    case CLI_OUTLOOK_PYTHON:
        printf("%s is served, if it is CPython 3.8 to 3.15 and not free-threaded\n", shown);
        return CLI_EXIT_DONE;
    case CLI_OUTLOOK_PROGRAM:
        printf("%s is not named like a Python: the Pythons that it starts or contains are served, "
               "unless it clears LD_PRELOAD, which cannot be known\n",
               shown);
        return CLI_EXIT_DONE;
    case CLI_OUTLOOK_HIDDEN:
        printf("%s cannot be read: whether it is served cannot be known\n", shown);
        return CLI_EXIT_FAILED;
    case CLI_OUTLOOK_ABSENT:
        return cli_error(CLI_EXIT_NOT_FOUND, "no such command: %s: check its name and PATH", outlook->file);
    default:
        printf("%s is not served: %s: %s\n", shown, reasons[outlook->kind][0], reasons[outlook->kind][1]);
        return CLI_EXIT_FAILED;
    }
}
