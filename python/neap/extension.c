/* extension.c */
#include "extension.h"

#include <errno.h>
#include <string.h>

#include <neap/error.h>

int neap__extension_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type) {
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (!*type)
        return -1;
    const char *name = strrchr(spec->name, '.') + 1;
    return *name == '_' ? 0 : PyModule_AddObjectRef(module, name, (PyObject *)*type);
}

void *neap__extension_state(PyTypeObject *type, const char *module_name) {
    for (; type; type = PyType_GetSlot(type, Py_tp_base)) {
        PyObject *module = PyType_GetModule(type);
        if (!module) {
            PyErr_Clear(); /* a class made in Python */
            continue;
        }
        const PyModuleDef *definition = PyModule_GetDef(module);
        if (definition && strcmp(definition->m_name, module_name) == 0)
            return PyModule_GetState(module);
    }
    PyErr_Format(PyExc_SystemError, "not a type of %s", module_name);
    return NULL;
}

PyObject *neap__extension_new(PyTypeObject *type) {
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

void neap__extension_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

void neap__extension_clear_and_free(PyObject *self) {
    PyObject_GC_UnTrack(self);
    ((inquiry)PyType_GetSlot(Py_TYPE(self), Py_tp_clear))(self);
    neap__extension_free(self);
}

int neap__extension_register(PyTypeObject *type, const char *abc_name) {
    PyObject *abcs = PyImport_ImportModule("collections.abc");
    PyObject *abc = abcs ? PyObject_GetAttrString(abcs, abc_name) : NULL;
    PyObject *done = abc ? PyObject_CallMethod(abc, "register", "O", type) : NULL;
    Py_XDECREF(abcs);
    Py_XDECREF(abc);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* CPython chooses the subclass of OSError by errno. */
static void raise_os(int number, PyObject *path) {
    errno = number;
    if (path)
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    else
        PyErr_SetFromErrno(PyExc_OSError);
}

PyObject *neap__extension_raise(int error, PyObject *path, const char *what) {
    int number = errno;
    switch (error) {
    case NEAP_ERROR_MEMORY:
        return PyErr_NoMemory();
    case NEAP_ERROR_ABSENT:
        raise_os(ENOENT, path);
        break;
    case NEAP_ERROR_PERMISSION:
        raise_os(number == EROFS || number == EPERM ? number : EACCES, path);
        break;
    case NEAP_ERROR_SYSTEM:
        raise_os(number != 0 ? number : EIO, path);
        break;
    default:
        if (path)
            PyErr_Format(PyExc_ValueError, "%s: %R", what, path);
        else
            PyErr_SetString(PyExc_ValueError, what);
    }
    return NULL;
}
