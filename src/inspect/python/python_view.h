/* inspect/python/python_view.h: the Python in a snapshot: version, heap, types and interpreters.
 *
 *   snapshot ── symbols ──> _PyRuntime, version ──> row of pylayout's table
 *            ── ranges ───> pymalloc, or Neap's heap ──> a block source
 *                                          types ──> runtime: interpreters, threads, roots
 *
 * The verbs look, pins, advise and stat start with a view. A part that is not found is left
 * out and named in `limits`. An error means that there is no Python that can be read. Once
 * open, a view is read-only; each thread that reads uses a lens (neap_py_lens_init).
 */
#ifndef NEAP_INSPECT_PYTHON_PYTHON_VIEW_H
#define NEAP_INSPECT_PYTHON_PYTHON_VIEW_H

#include "inspect/neap_heap/slab_source.h"
#include "inspect/process/snapshot.h"
#include "inspect/python/symbols.h"
#include "pylayout/runtime.h"

enum neap_python_limit {
    NEAP_PYTHON_NO_BLOCKS = 1u << 0,   /* blocks come neither from pymalloc nor Neap: PYTHONMALLOC=malloc */
    NEAP_PYTHON_COLLARS = 1u << 1,     /* debug hooks: every block has padding around it */
    NEAP_PYTHON_NO_RUNTIME = 1u << 2,  /* interpreters were not found: no modules, frames, owners */
    NEAP_PYTHON_DOUBTS = 1u << 3,      /* some parts of the runtime were not found: runtime.doubts */
    NEAP_PYTHON_NEAP_UNREAD = 1u << 4, /* there is a Neap heap, and it cannot be read */
};

struct neap_python_view {
    neap_snapshot_t *snapshot; /* owned by the caller; must outlive the view */
    struct neap_memory memory;
    const struct neap_process_image *image;
    struct neap_interpreter interpreter;
    const struct neap_py_version *version;
    uint32_t version_hex; /* 0 if the process has no such variable */
    bool neap;            /* blocks are Neap's; else pymalloc's */
    struct neap_block_source blocks;
    struct neap_pymalloc pymalloc;
    struct neap_layout_anchor anchor; /* with `neap` */
    struct neap_heap_view heap;
    neap_slab_source_t *slabs;
    neap_py_types_t *types;
    struct neap_py_runtime runtime;
    unsigned limits; /* enum neap_python_limit, or-ed */
    struct neap_fault fault;
};

/* Opens a view. NEAP_ERROR_ABSENT with fault.why if there is no CPython or it is not supported
 * (free-threaded, 32-bit, a version that is not in the table); NEAP_ERROR_MEMORY. *view is large; do
 * not put it on a stack. Close it after success only. */
int neap_python_view_open(neap_snapshot_t *snapshot, struct neap_python_view *view);
/* The same without types and interpreters, which stay as in a zeroed view. */
int neap_python_view_blocks(neap_snapshot_t *snapshot, struct neap_python_view *view);

void neap_python_view_close(struct neap_python_view *view);

#endif
