/* extension.h: the common part of all extension modules of the package.
 *
 *   PyInit ──> a definition that this CPython accepts ──> one module object an
 *              interpreter, with a state of its own: types and nothing else
 *
 * Modules use multi-phase initialisation, their types are heap types in the state of
 * the module, and no static variable holds a Python object. So a module can be
 * imported again, and in interpreters with a GIL of their own. Each module links the
 * containers it needs statically and exports only its PyInit (extension.map).
 */
#ifndef NEAP_PYTHON_EXTENSION_H
#define NEAP_PYTHON_EXTENSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* 3.12 has a slot by which a module says that it may be in interpreters with a GIL of their own;
 * 3.11 refuses a module with a slot that it does not know, hence two definitions. */
enum { NEAP_SLOT_MULTIPLE_INTERPRETERS = 3 };

/* Defines PyInit_<name>, with the functions module_exec, module_traverse, module_clear
 * and the array module_methods of this file; `state` is a type and zeroed at the start. */
#define NEAP_EXTENSION(name, state, doc)                                                                     \
    static void module_free(void *module) {                                                                  \
        module_clear(module); /* not cleared if freed without a garbage collection */                        \
    }                                                                                                        \
    static PyModuleDef_Slot module_slots_3_11[] = {{Py_mod_exec, module_exec}, {0, NULL}};                   \
    static PyModuleDef_Slot module_slots[] = {                                                               \
        {Py_mod_exec, module_exec},                                                                          \
        {NEAP_SLOT_MULTIPLE_INTERPRETERS, (void *)2}, /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */             \
        {0, NULL},                                                                                           \
    };                                                                                                       \
    static PyModuleDef module_definition_3_11 =                                                              \
        NEAP_EXTENSION_DEFINITION(name, state, doc, module_slots_3_11);                                      \
    static PyModuleDef module_definition = NEAP_EXTENSION_DEFINITION(name, state, doc, module_slots);        \
    PyMODINIT_FUNC PyInit_##name(void);                                                                      \
    PyMODINIT_FUNC PyInit_##name(void) {                                                                     \
        return PyModuleDef_Init(Py_Version >= 0x030C0000 ? &module_definition : &module_definition_3_11);    \
    }                                                                                                        \
    _Static_assert(sizeof(state) > 0, "the module's state")

#define NEAP_EXTENSION_DEFINITION(name, state, doc, slots)                                                   \
    {                                                                                                        \
        .m_base = PyModuleDef_HEAD_INIT, .m_name = "neap." #name, .m_doc = doc, .m_size = sizeof(state),     \
        .m_methods = module_methods, .m_slots = slots, .m_traverse = module_traverse,                        \
        .m_clear = module_clear, .m_free = module_free,                                                      \
    }

/* Makes a type of `spec` for `module` and stores a new reference at *type; where `spec`
 * says it is public (no leading underscore in its last name), it becomes an attribute
 * of the module. 0, or -1 with an exception. */
int neap__extension_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type);

/* The state of the module `module_name` ("neap._map") that made `type` or a type that it is
 * derived from; it lives as long as the type. NULL with an exception if none did. */
void *neap__extension_state(PyTypeObject *type, const char *module_name);

/* A new instance of `type`, zeroed behind its head; it holds a reference to `type`. NULL with an exception.
 */
PyObject *neap__extension_new(PyTypeObject *type);

/* The end of a tp_dealloc: frees `self`, whose members have been released, and releases its type. */
void neap__extension_free(PyObject *self);

/* A whole tp_dealloc, for a type that the garbage collector tracks and whose tp_clear releases all members.
 */
void neap__extension_clear_and_free(PyObject *self);

/* Registers `type` with collections.abc.<abc_name>, so that isinstance knows it. */
int neap__extension_register(PyTypeObject *type, const char *abc_name);

/* Raises what a Python user expects for a negative enum neap_error: MemoryError, OSError
 * (with errno and `path`, that may be NULL), ValueError with `what` for a wrong format
 * or argument. Returns NULL. */
PyObject *neap__extension_raise(int error, PyObject *path, const char *what);

#endif
