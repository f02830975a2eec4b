/* inspect/python/live_pymalloc.h: sums up CPython's own allocator in a running process, from outside.
 *
 *     neap_live_pymalloc_find -> neap_live_pymalloc_read   any number of times
 *
 * The target is not paused and runs no code for it. The heads of pools are read one
 * by one while it runs, so the figures do not describe a single instant. A pool that
 * changes while it is read is counted as rejected. One thread per target.
 */
#ifndef NEAP_INSPECT_PYTHON_LIVE_PYMALLOC_H
#define NEAP_INSPECT_PYTHON_LIVE_PYMALLOC_H

#include "inspect/python/python_version.h"
#include "os/process.h"

struct neap_live_pymalloc {
    neap_os_process_t *process; /* not owned */
    struct neap_interpreter interpreter;
    struct neap_python_version version;
    const char *why; /* after NEAP_ERROR_ABSENT: the cause, a static text */
};

struct neap_live_pymalloc_view {
    enum neap_py_allocator allocator;
    struct neap_pymalloc_stats stats; /* of all interpreters */
    uint32_t spaces;                  /* heaps in the process; isolated sub-interpreters have their own */
    uint64_t rejected_arenas;
};

/* Finds the CPython in `process`, which must outlive *target. NEAP_ERROR_ABSENT with target->why if there is
 * none that is supported; the errors of os/process.h. */
int neap_live_pymalloc_find(neap_os_process_t *process, struct neap_live_pymalloc *target);

/* NEAP_ERROR_ABSENT with target->why if no allocator was found; NEAP_ERROR_MEMORY; else as above. */
int neap_live_pymalloc_read(struct neap_live_pymalloc *target, struct neap_live_pymalloc_view *view);

#endif
