/* hook/cpython.h: CPython's memory API, found by name in this process.
 *
 * Nothing of CPython is linked; what is used is exported by every 3.8 to 3.15:
 * PyMem_GetAllocator, PyMem_SetAllocator, Py_GetVersion, Py_IsInitialized,
 * PyThreadState_GetUnchecked (_PyThreadState_UncheckedGet before 3.13), and the head of _PyRuntime
 * (_Py_DebugOffsets, from 3.13). Source: CPython's Include/cpython/pymem.h, Objects/obmalloc.c,
 * Python/pystate.c.
 *
 * One process has one CPython at most that is served; the first one found.
 */
#ifndef NEAP_HOOK_CPYTHON_H
#define NEAP_HOOK_CPYTHON_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/heap.h>

enum { NEAP_OWN_GIL_MINOR = 12 }; /* since then an interpreter can have a GIL of its own */

/* A CPython in this process, by its exported functions. */
struct neap__cpython {
    int minor; /* of 3.minor */
    void (*get_allocator)(int domain, void *allocator);
    void (*set_allocator)(int domain, void *allocator);
    int (*is_initialized)(void);
    void *(*thread_state)(void); /* NULL: this thread holds no GIL */
};

/* Looks CPython up behind `handle` (RTLD_DEFAULT or from dlopen). False: there is
 * none. Else *python is filled, and `reason` (of `size` bytes) is empty or says in
 * one sentence why this one cannot be served. */
bool neap__cpython_find(void *handle, struct neap__cpython *python, char *reason, size_t size);

/* Why this process's command line or environment would replace what is set; empty if
 * they would not. */
void neap__cpython_overridden(char *const *argv, char *reason, size_t size);

/* Makes `heap` serve the OBJ and MEM domains. Blocks handed out before by
 * CPython's own allocator go on to it. From 3.12 on it also watches the RAW
 * domain for a second interpreter, which may bring a GIL of its own: then the
 * heap becomes a shared one. Nothing may be allocated in parallel. */
void neap__cpython_serve(const struct neap__cpython *python, neap_heap_t *heap);

#endif
