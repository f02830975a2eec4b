/* inspect/python/python_version.h: which version of CPython a process runs, and its writable memory.
 *
 *   _Py_DebugOffsets (3.13 on), else Py_Version (3.11 on), else the names of its files
 *
 * The version is read from a variable of the interpreter if it has one, and otherwise guessed
 * from file names. Any thread.
 */
#ifndef NEAP_INSPECT_PYTHON_PYTHON_VERSION_H
#define NEAP_INSPECT_PYTHON_PYTHON_VERSION_H

#include "inspect/python/symbols.h"
#include "pylayout/pymalloc.h"
#include "pylayout/runtime.h"

struct neap_python_version {
    const struct neap_py_version *layout;
    uint32_t hex; /* 0x030b02f0; 0 if the process has no such variable */
};

/* NEAP_ERROR_ABSENT with *why if the version is not supported: free-threaded, or not in the table. */
int neap_python_version_find(const struct neap_memory *memory, const struct neap_process_image *image,
                             const struct neap_interpreter *interpreter, struct neap_python_version *version,
                             const char **why);

/* Whether a mapping may contain blocks or an allocator's variables; if so, *range is that mapping. */
bool neap_python_version_range(const char *access, const char *path, uint64_t start, uint64_t end,
                               struct neap_py_range *range);

#endif
