/* base/python_command.c: reads Python's options as CPython does. */
#include "base/python_command.h"

#include <string.h>

bool neap_python_named(const char *path) {
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "python", strlen("python")) == 0;
}

/* Whether an option of -X is "dev". It may have a value, which CPython ignores. */
static bool is_dev(const char *option) {
    return strncmp(option, "dev", 3) == 0 && (option[3] == '\0' || option[3] == '=');
}

/* Reads the letters of the word at *at. If the last one takes a value from the next word, it moves *at
 * there. False if the program begins in this word. */
static bool letters_read(char *const **at, struct neap_python_flags *flags) {
    for (const char *letter = **at + 1; *letter; letter++) {
        if (*letter == 'c' || *letter == 'm')
            return false;
        flags->ignores_env |= *letter == 'E' || *letter == 'I';
        if (*letter != 'X' && *letter != 'W')
            continue;
        const char *value = letter + 1;
        if (*value == '\0' && (*at)[1])
            value = *++*at;
        flags->dev |= *letter == 'X' && is_dev(value);
        return true;
    }
    return true;
}

struct neap_python_flags neap_python_flags_read(char *const *argv) {
    struct neap_python_flags flags = {false, false};
    if (!argv[0])
        return flags;
    for (char *const *at = argv + 1; *at && (*at)[0] == '-' && (*at)[1]; at++) {
        if (strcmp(*at, "--") == 0)
            break;
        if (strcmp(*at, "--check-hash-based-pycs") == 0 && at[1])
            at++;
        else if ((*at)[1] != '-' && !letters_read(&at, &flags))
            break;
    }
    return flags;
}

/* CPython treats an empty variable as not set. */
static bool is_set(const char *variable) {
    return variable && *variable;
}

enum neap_python_override neap_python_override(struct neap_python_flags flags, const char *malloc,
                                               const char *dev) {
    if (!flags.ignores_env && is_set(malloc))
        return NEAP_PYTHON_BY_MALLOC;
    if (flags.dev)
        return NEAP_PYTHON_BY_DEV;
    return !flags.ignores_env && is_set(dev) ? NEAP_PYTHON_BY_DEV_VARIABLE : NEAP_PYTHON_NOT_OVERRIDDEN;
}
