/* inspect/python/live_pymalloc.h: CPython's own allocator in a running process, counted from outside.
 *
 *     neap_live_pymalloc_find -> neap_live_pymalloc_read   any number of times
 *
 * The target neither stops nor runs anything for it: heads of pools are read one
 * by one while it goes on, so the figures are of no single instant, and a pool
 * caught in between is counted as rejected. One thread per target.
 */
#ifndef NEAP_INSPECT_PYTHON_LIVE_PYMALLOC_H
#define NEAP_INSPECT_PYTHON_LIVE_PYMALLOC_H

#include "inspect/python/python_version.h"

struct neap_live_pymalloc {
    pid_t pid;
    struct neap_interpreter interpreter;
    struct neap_python_version version;
    const char *why; /* after NEAP_ERROR_ABSENT: static */
};

struct neap_live_pymalloc_view {
    enum neap_py_allocator allocator;
    struct neap_pymalloc_stats stats; /* of all interpreters */
    uint32_t spaces;                  /* heaps in the process: more than one with isolated sub-interpreters */
    uint64_t rejected_arenas;
};

/* Finds the CPython in `pid`. NEAP_ERROR_ABSENT with target->why if there is none that is supported;
 * the errors of os/process_memory.h. */
int neap_live_pymalloc_find(pid_t pid, struct neap_live_pymalloc *target);

/* NEAP_ERROR_ABSENT with target->why if no allocator was found; NEAP_ERROR_MEMORY; else as above. */
int neap_live_pymalloc_read(struct neap_live_pymalloc *target, struct neap_live_pymalloc_view *view);

#endif
