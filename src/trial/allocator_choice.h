/* trial/allocator_choice.h: the allocators that a command can be run under.
 *
 * An allocator is a row of a table: how CPython is told (PYTHONMALLOC), which
 * library is preloaded, or which command goes in front. Whether it can be had
 * on this machine, for this command, is found out by neap_allocator_choice_find.
 *
 *     struct neap_allocator_setup setup;
 *     neap_allocator_choice_find(allocator, command, program, &setup);
 *     if (setup.present)
 *         ... run with setup.environment, setup.front in front of the command ...
 *
 * Finding starts processes for a moment, so one thread at a time.
 */
#ifndef NEAP_TRIAL_ALLOCATOR_CHOICE_H
#define NEAP_TRIAL_ALLOCATOR_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

struct neap_allocator_choice {
    const char *name;         /* "jemalloc", as --with has it */
    const char *title;        /* what it is, a few words */
    const char *pythonmalloc; /* value of PYTHONMALLOC; NULL: unset */
    const char *library;      /* beginning of the file's name, "libjemalloc.so"; NULL: none is preloaded */
    const char *package;      /* Debian package that has it; NULL: none */
    bool by_run;              /* preloaded by `neap run` */
    bool probed;              /* only some Pythons know this PYTHONMALLOC */
};

enum { NEAP_ALLOCATOR_CHOICE_FRONT_MAX = 4, NEAP_ALLOCATOR_CHOICE_CHANGES_MAX = 3 };

struct neap_allocator_setup {
    bool present;
    char reason[160];                                   /* if not: why, and what to do about it */
    char library[512];                                  /* what must be mapped in the process; "" nothing */
    const char *front[NEAP_ALLOCATOR_CHOICE_FRONT_MAX]; /* goes before the command; NULL ends it */
    const char *environment[NEAP_ALLOCATOR_CHOICE_CHANGES_MAX]; /* as struct neap_os_command has it */
    char preload[2048];                                         /* "LD_PRELOAD=...", in `environment` */
    char pythonmalloc[64];                                      /* "PYTHONMALLOC=...", likewise */
};

/* The table, in the order of reports; CPython's own is the first. */
const struct neap_allocator_choice *neap_allocator_choices(size_t *count);

/* NULL if there is none of that name. */
const struct neap_allocator_choice *neap_allocator_choice_named(const char *name, size_t length);

/* Fills `setup`, which must stay where it is while in use. `program` is the path
 * of `neap` itself, for the allocator that `neap run` brings; NULL: then that
 * one is absent. Both must outlive the setup. */
void neap_allocator_choice_find(const struct neap_allocator_choice *allocator, char *const *command,
                                const char *program, struct neap_allocator_setup *setup);

#endif
