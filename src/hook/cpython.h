/* hook/cpython.h: CPython's memory API, found by name in this process.
 *
 * Neap links nothing of CPython. It uses what all versions from 3.8 to 3.15 export:
 * PyMem_GetAllocator, PyMem_SetAllocator, Py_GetVersion, Py_IsInitialized,
 * PyThreadState_GetUnchecked (_PyThreadState_UncheckedGet before 3.13), PyGILState_Check, and the head of
 * _PyRuntime (_Py_DebugOffsets, from 3.13). Source: CPython's Include/cpython/pymem.h, Objects/obmalloc.c,
 * Python/pystate.c.
 *
 * At most one CPython of a process is served: the first one found.
 */
#ifndef NEAP_HOOK_CPYTHON_H
#define NEAP_HOOK_CPYTHON_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/heap.h>

enum { NEAP_OWN_GIL_MINOR = 12 }; /* since 3.12 an interpreter can have a GIL of its own */

/* A CPython in this process, by its exported functions. */
struct neap__cpython {
    int minor; /* 11 for Python 3.11 */
    void (*get_allocator)(int domain, void *allocator);
    void (*set_allocator)(int domain, void *allocator);
    int (*is_initialized)(void);
    void *(*thread_state)(void); /* since 3.12: returns NULL if this thread holds no GIL */
    int (*holds_gil)(void);      /* PyGILState_Check: 1 also while CPython cannot tell */
};

/* Looks up CPython behind `handle` (RTLD_DEFAULT or from dlopen). False if there is none. Otherwise it
 * fills *python. `reason`, of `size` bytes, then says why this CPython cannot be served, or is empty. */
bool neap__cpython_find(void *handle, struct neap__cpython *python, char *reason, size_t size);

/* Writes to `reason`, of `size` bytes, why the command line or the environment makes CPython replace the
 * allocator that Neap sets; empty if they do not. */
void neap__cpython_overridden(char *const *argv, char *reason, size_t size);

/* Makes `heap` serve the domains OBJ and MEM. Who holds the GIL is its owner. A checked heap also finds
 * calls without the GIL that damage CPython's own allocator. Blocks that CPython's own allocator handed out
 * before are passed on to it. From 3.12 on it also watches the domain RAW for a second interpreter, which may
 * have a GIL of its own: then the heap becomes a shared one. No other thread may allocate during the call. */
void neap__cpython_serve(const struct neap__cpython *python, neap_heap_t *heap);

#endif
