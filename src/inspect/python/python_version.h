/* inspect/python/python_version.h: which CPython a process runs, and where it keeps writable memory.
 *
 *   _Py_DebugOffsets (3.13 on), else Py_Version (3.11 on), else the names of its files
 *
 * A process tells its version itself where it can; names are the last resort. Any thread.
 */
#ifndef NEAP_INSPECT_PYTHON_PYTHON_VERSION_H
#define NEAP_INSPECT_PYTHON_PYTHON_VERSION_H

#include "inspect/python/symbols.h"
#include "pylayout/pymalloc.h"
#include "pylayout/runtime.h"

struct neap_python_version {
    const struct neap_py_version *layout;
    uint32_t hex; /* 0x030b02f0; 0 where the process does not tell */
};

/* NEAP_ERROR_ABSENT with *why if it is none that is supported: free-threaded, not in the table. */
int neap_python_version_find(const struct neap_memory *memory, const struct neap_process_image *image,
                             const struct neap_interpreter *interpreter, struct neap_python_version *version,
                             const char **why);

/* Whether blocks or an allocator's variables may lie in a mapping; then *range is it. */
bool neap_python_version_range(const char *access, const char *path, uint64_t start, uint64_t end,
                               struct neap_py_range *range);

#endif
