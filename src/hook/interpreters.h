/* hook/interpreters.h: notices that a second GIL may come, while there is only one.
 *
 * An isolated interpreter (3.12 and later) has a GIL of its own and allocates from
 * the same heap, which must then be a shared one. The heap must become shared under
 * the first GIL, before the second exists. There are two ways to an interpreter:
 *
 *   Python code imports _interpreters (3.13) or _xxsubinterpreters (3.12). The import
 *   holds the GIL; 3.13 releases it before it makes the interpreter. If the module is a
 *   file, it is loaded by dlopen. A built-in one is found by PyImport_Inittab.
 *
 *   C code calls Py_NewInterpreterFromConfig. It still holds the GIL when it allocates
 *   the interpreter's state from the domain RAW, which cpython.c watches.
 *
 * An audit hook would notice more, but it makes every id() and sys._getframe slower.
 */
#ifndef NEAP_HOOK_INTERPRETERS_H
#define NEAP_HOOK_INTERPRETERS_H

#include <neap/heap.h>

/* Watches the CPython behind `handle` (RTLD_DEFAULT or from dlopen) and makes `heap` a shared one in
 * time. */
void neap__interpreters_watch(void *handle, neap_heap_t *heap);

#endif
