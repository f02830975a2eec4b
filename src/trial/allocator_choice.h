/* trial/allocator_choice.h: the allocators that a command can be run under.
 *
 * An allocator is a row of a table, with a value for PYTHONMALLOC, a library to
 * preload, or a command to put in front. neap_allocator_choice_find finds out
 * whether it is available on this machine and for this command.
 *
 *     struct neap_allocator_setup setup;
 *     neap_allocator_choice_find(allocator, command, program, &setup);
 *     if (setup.present)
 *         ... run with setup.environment, setup.front in front of the command ...
 *
 * Finding may start short processes, so one thread at a time.
 */
#ifndef NEAP_TRIAL_ALLOCATOR_CHOICE_H
#define NEAP_TRIAL_ALLOCATOR_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

struct neap_allocator_choice {
    const char *name;         /* "jemalloc", as for --with */
    const char *title;        /* a description of a few words */
    const char *pythonmalloc; /* value of PYTHONMALLOC; NULL: unset */
    const char *library;      /* start of the file's name, "libjemalloc.so"; NULL: none is preloaded */
    const char *package;      /* Debian package that contains it; NULL: none */
    bool by_run;              /* preloaded by `neap run` */
    bool probed;              /* only some Pythons know this PYTHONMALLOC */
};

enum { NEAP_ALLOCATOR_CHOICE_FRONT_MAX = 4, NEAP_ALLOCATOR_CHOICE_CHANGES_MAX = 3 };

struct neap_allocator_setup {
    bool present;
    char reason[160];                                   /* if not present: why, and what to do about it */
    char library[512];                                  /* must be mapped in the process; "" for none */
    const char *front[NEAP_ALLOCATOR_CHOICE_FRONT_MAX]; /* words before the command; NULL ends it */
    const char *environment[NEAP_ALLOCATOR_CHOICE_CHANGES_MAX]; /* as for struct neap_os_command */
    char preload[2048];                                         /* "LD_PRELOAD=...", in `environment` */
    char pythonmalloc[64];                                      /* "PYTHONMALLOC=...", likewise */
};

/* The table, in the order of reports. The first row is CPython's own allocator. */
const struct neap_allocator_choice *neap_allocator_choices(size_t *count);

/* The allocator of a name; NULL if there is none. */
const struct neap_allocator_choice *neap_allocator_choice_named(const char *name, size_t length);

/* Fills `setup`, which must not be moved while in use. `program` is the path of
 * `neap` itself, for the allocator that `neap run` sets up; if it is NULL, that
 * allocator is not present. Both must outlive the setup. */
void neap_allocator_choice_find(const struct neap_allocator_choice *allocator, char *const *command,
                                const char *program, struct neap_allocator_setup *setup);

#endif
