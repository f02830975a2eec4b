/* base/python_command.h: what the words of a Python command say before its program begins.
 *
 *     python3 -sE -X dev -W ignore app.py -X dev
 *             └────── options ───┘ └ program, and what is its own
 *
 * Read as CPython's own Python/getopt.c does: short options may be joined, -c and -m
 * begin the program, -X and -W take the rest of their word or the next one. Pure; any
 * thread.
 */
#ifndef NEAP_BASE_PYTHON_COMMAND_H
#define NEAP_BASE_PYTHON_COMMAND_H

#include <stdbool.h>

struct neap_python_flags {
    bool dev;         /* -X dev */
    bool ignores_env; /* -E, -I: no variable PYTHON... counts */
};

/* Whether a program has the name of a Python: "python", "/usr/bin/python3.11". */
bool neap_python_named(const char *path);

/* Reads the options of argv[1..]; NULL ends argv. Whether argv[0] is a Python is the caller's to know. */
struct neap_python_flags neap_python_flags_read(char *const *argv);

/* What sets CPython's allocator again after somebody has set it before main. */
enum neap_python_override {
    NEAP_PYTHON_NOT_OVERRIDDEN,
    NEAP_PYTHON_BY_MALLOC,       /* PYTHONMALLOC */
    NEAP_PYTHON_BY_DEV,          /* -X dev */
    NEAP_PYTHON_BY_DEV_VARIABLE, /* PYTHONDEVMODE */
};

/* `malloc` and `dev` are the values of PYTHONMALLOC and PYTHONDEVMODE, NULL where there is none. */
enum neap_python_override neap_python_override(struct neap_python_flags flags, const char *malloc,
                                               const char *dev);

#endif
