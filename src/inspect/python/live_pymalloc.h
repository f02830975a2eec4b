/* inspect/python/live_pymalloc.h: CPython's own allocator in a running process, counted from outside.
 *
 *     neap_pool_target_find -> neap_pool_target_read   any number of times
 *
 * The target neither stops nor runs anything for it: heads of pools are read one
 * by one while it goes on, so the figures are of no single instant, and a pool
 * caught in between is counted as rejected. One thread per target.
 */
#ifndef NEAP_INSPECT_PYTHON_POOL_TARGET_H
#define NEAP_INSPECT_PYTHON_POOL_TARGET_H

#include "inspect/python/python_version.h"

struct neap_pool_target {
    pid_t pid;
    struct neap_interpreter interpreter;
    struct neap_python_version version;
    const char *why; /* after NEAP_ERROR_ABSENT: static */
};

struct neap_pool_view {
    enum neap_py_allocator allocator;
    struct neap_pymalloc_stats stats; /* of all interpreters */
    uint32_t spaces;                  /* heaps in the process: more than one with isolated sub-interpreters */
    uint64_t rejected_arenas;
};

/* Finds the CPython in `pid`. NEAP_ERROR_ABSENT with target->why if there is none that is supported;
 * the errors of os/remote.h. */
int neap_pool_target_find(pid_t pid, struct neap_pool_target *target);

/* NEAP_ERROR_ABSENT with target->why if no allocator was found; NEAP_ERROR_MEMORY; else as above. */
int neap_pool_target_read(struct neap_pool_target *target, struct neap_pool_view *view);

#endif
