/* _stream.c: the module of neap.Stream, with its types and exceptions. */
#include "stream_types.h"

#include <string.h>

struct stream_state *neap__stream_state_of(PyTypeObject *type) {
    for (; type; type = PyType_GetSlot(type, Py_tp_base)) {
        PyObject *module = PyType_GetModule(type);
        if (module)
            return PyModule_GetState(module);
        PyErr_Clear(); /* a subclass written in Python */
    }
    Py_UNREACHABLE();
}

static PyObject *add_exception(PyObject *module, const char *name, const char *doc, PyObject *base) {
    PyObject *exception = PyErr_NewExceptionWithDoc(name, doc, base, NULL);
    if (exception && PyModule_AddObjectRef(module, strrchr(name, '.') + 1, exception) < 0)
        Py_CLEAR(exception);
    return exception;
}

static int module_exec(PyObject *module) {
    struct stream_state *state = PyModule_GetState(module);
    state->overrun = add_exception(module, "neap.Overrun", "What was in use was overwritten by the writer.",
                                   PyExc_RuntimeError);
    state->writer_died = add_exception(
        module, "neap.WriterDied", "All was read, and the writing process ended without closing the stream.",
        PyExc_EOFError);
    if (!state->overrun || !state->writer_died)
        return -1;
    if (neap__extension_add_type(module, &neap__memory_spec, &state->memory_type) < 0 ||
        neap__extension_add_type(module, &neap__view_spec, &state->view_type) < 0 ||
        neap__extension_add_type(module, &neap__stream_spec, &state->stream_type) < 0)
        return -1;
    return neap__extension_add_type(module, &neap__stream_reader_spec, &state->reader_type);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    const struct stream_state *state = PyModule_GetState(module);
    Py_VISIT(state->stream_type);
    Py_VISIT(state->reader_type);
    Py_VISIT(state->view_type);
    Py_VISIT(state->memory_type);
    Py_VISIT(state->overrun);
    Py_VISIT(state->writer_died);
    return 0;
}

static int module_clear(PyObject *module) {
    struct stream_state *state = PyModule_GetState(module);
    Py_CLEAR(state->stream_type);
    Py_CLEAR(state->reader_type);
    Py_CLEAR(state->view_type);
    Py_CLEAR(state->memory_type);
    Py_CLEAR(state->overrun);
    Py_CLEAR(state->writer_died);
    return 0;
}

static PyMethodDef module_methods[] = {{NULL, NULL, 0, NULL}};

NEAP_EXTENSION(_stream, struct stream_state, "One writer, any number of readers, one chunk of memory.");
