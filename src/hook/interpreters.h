/* hook/interpreters.h: noticing that a second GIL may come, while there is one.
 *
 * An isolated interpreter (3.12 and later) has a GIL of its own and allocates from
 * the same heap, which from then on must be a shared one. It has to become so
 * under the first GIL, before the second exists:
 *
 *   importing _interpreters (3.13) or _xxsubinterpreters (3.12) holds the GIL,
 *   whereas 3.13 lets go of it before it makes the interpreter; a module in a file
 *   passes through dlopen, a built-in one through PyImport_Inittab
 *
 *   C code that calls Py_NewInterpreterFromConfig holds it still when the
 *   interpreter's state is taken from the RAW domain (cpython.c watches that)
 *
 * An audit hook would see more, but makes every id() and sys._getframe slower.
 */
#ifndef NEAP_HOOK_INTERPRETERS_H
#define NEAP_HOOK_INTERPRETERS_H

#include <neap/heap.h>

/* Begins to watch for the CPython behind `handle` (RTLD_DEFAULT or from dlopen),
 * on behalf of `heap`. */
void neap__interpreters_watch(void *handle, neap_heap_t *heap);

#endif
