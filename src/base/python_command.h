/* base/python_command.h: reads the options of a Python command, up to its program.
 *
 *     python3 -sE -X dev -W ignore app.py -X dev
 *             └────── options ───┘ └ program and its arguments
 *
 * It reads them as CPython's Python/getopt.c does. Short options may be joined, -c and -m
 * begin the program, and -X and -W take the rest of their word or the next one. Any
 * thread.
 */
#ifndef NEAP_BASE_PYTHON_COMMAND_H
#define NEAP_BASE_PYTHON_COMMAND_H

#include <stdbool.h>

struct neap_python_flags {
    bool dev;         /* -X dev */
    bool ignores_env; /* -E or -I: CPython ignores the variables PYTHON... */
};

/* Whether the name of a program begins with "python": "/usr/bin/python3.11". */
bool neap_python_named(const char *path);

/* Reads the options from argv[1] on. NULL ends argv. It does not check that argv[0] is a Python. */
struct neap_python_flags neap_python_flags_read(char *const *argv);

/* What makes CPython replace an allocator that was set before main. */
enum neap_python_override {
    NEAP_PYTHON_NOT_OVERRIDDEN,
    NEAP_PYTHON_BY_MALLOC,       /* PYTHONMALLOC */
    NEAP_PYTHON_BY_DEV,          /* -X dev */
    NEAP_PYTHON_BY_DEV_VARIABLE, /* PYTHONDEVMODE */
};

/* `malloc` and `dev` are the values of PYTHONMALLOC and PYTHONDEVMODE; NULL if not set. */
enum neap_python_override neap_python_override(struct neap_python_flags flags, const char *malloc,
                                               const char *dev);

#endif
