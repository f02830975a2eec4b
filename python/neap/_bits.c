/* _bits.c: the module of neap.Bits; objects, buffers, files and pickling. */
#include "bits_object.h"

#include <string.h>

/* --- one object --- */

static void bits_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    neap_bits_end(&((bits_object *)object)->bits);
    PyObject_Free(object);
    Py_DECREF(type);
}

/* Nothing else can have this function, as the type has no subtypes; there is one such type in
 * each interpreter. */
bool neap__bits_is(PyObject *object) {
    return PyType_GetSlot(Py_TYPE(object), Py_tp_dealloc) == (void *)bits_dealloc;
}

const struct bits_state *neap__bits_state(PyObject *self) {
    return PyType_GetModuleState(Py_TYPE(self));
}

static const char CUT[] = "the file of this Bits was cut short by another process";

int neap__bits_raise(int error) {
    if (error == NEAP_OK)
        return 0;
    neap__extension_raise(error, NULL, error == NEAP_ERROR_FORMAT ? CUT : "not possible");
    return -1;
}

/* --- files that others change --- */

int neap__bits_look_at_file(PyObject *object) {
    bits_object *self = (bits_object *)object;
    return self->bits.user == 0 ? neap__bits_raise(neap_bits_follow(&self->bits)) : 0;
}

PyObject *neap__bits_sure_of_file(PyObject *object, PyObject *result) {
    bits_object *self = (bits_object *)object;
    if (!result || !neap_bits_is_cut(&self->bits))
        return result;
    Py_DECREF(result);
    if (self->bits.user == 0)
        neap_bits_follow(&self->bits);
    neap__bits_raise(NEAP_ERROR_FORMAT);
    return NULL;
}

uint64_t neap__bits_length(PyObject *object) {
    const bits_object *self = (bits_object *)object;
    return self->bits.user == 0 ? neap_bits_length(&self->bits) : self->bits.count;
}

bool neap__bits_writable(const bits_object *self) {
    if (self->bits.state != NEAP_BITS_IN_FILE_TO_READ)
        return true;
    PyErr_SetString(PyExc_TypeError, "cannot modify read-only memory");
    return false;
}

bool neap__bits_movable(const bits_object *self) {
    if (self->bits.user == 0)
        return true;
    PyErr_SetString(PyExc_BufferError, self->bits.user % BITS_FLUSH != 0
                                           ? "Existing exports of data: object cannot be re-sized"
                                           : "another thread flushes it: object cannot be re-sized");
    return false;
}

bool neap__bits_resizable(const bits_object *self) {
    if (!neap__bits_movable(self))
        return false;
    if (self->bits.state != NEAP_BITS_IN_FILE || neap_bits_resizes(&self->bits))
        return true;
    PyErr_SetString(PyExc_ValueError, "a device cannot be resized");
    return false;
}

/* Makes an object that owns the array. */
bits_object *neap__bits_wrap(PyTypeObject *type, neap_bits_t *bits) {
    bits_object *self = PyObject_New(bits_object, type);
    if (self)
        self->bits = *bits;
    else
        neap_bits_end(bits);
    return self;
}

bits_object *neap__bits_make(PyTypeObject *type, uint64_t count) {
    neap_bits_t bits;
    if (count > PY_SSIZE_T_MAX) {
        PyErr_NoMemory();
        return NULL;
    }
    return neap__bits_raise(neap_bits_init(&bits, NULL, count)) == 0 ? neap__bits_wrap(type, &bits) : NULL;
}

bits_object *neap__bits_copy(PyObject *self, uint64_t from, uint64_t to) {
    neap_bits_t bits;
    int error = neap_bits_init_copy(&bits, NULL, &((bits_object *)self)->bits, from, to);
    return neap__bits_raise(error) == 0 ? neap__bits_wrap(Py_TYPE(self), &bits) : NULL;
}

/* --- files --- */

PyObject *neap__bits_open(PyObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"path", "mode", NULL};
    static const char *const modes[] = {
        [NEAP_BITS_READ] = "r", [NEAP_BITS_WRITE] = "r+", [NEAP_BITS_MAKE] = "w+"};
    PyObject *path = NULL, *bytes = NULL;
    const char *wanted = "r";
    neap_bits_t bits;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|s:open", names, &path, &wanted))
        return NULL;
    int mode = 0;
    while (mode <= NEAP_BITS_MAKE && strcmp(wanted, modes[mode]) != 0)
        mode++;
    if (mode > NEAP_BITS_MAKE)
        return PyErr_Format(PyExc_ValueError, "mode must be 'r', 'r+' or 'w+', not '%s'", wanted);
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    int error = neap_bits_open(&bits, PyBytes_AsString(bytes), (enum neap_bits_mode)mode);
    Py_DECREF(bytes);
    if (error == NEAP_OK)
        return (PyObject *)neap__bits_wrap((PyTypeObject *)type, &bits);
    return neap__extension_raise(error, path, "neither a file nor a block device");
}

/* The disk is waited for without the GIL. Other threads may read and set bits meanwhile; to resize or close
 * would take the mapping away. */
PyObject *neap__bits_flush(PyObject *self, PyObject *unused) {
    neap_bits_t *bits = &((bits_object *)self)->bits;
    (void)unused;
    if (bits->user / BITS_FLUSH == UINT32_MAX / BITS_FLUSH) {
        PyErr_SetString(PyExc_BufferError, "too many threads flush it");
        return NULL;
    }
    bits->user += BITS_FLUSH;
    PyThreadState *thread = PyEval_SaveThread();
    int error = neap_bits_flush(bits);
    PyEval_RestoreThread(thread);
    bits->user -= BITS_FLUSH;
    return error == NEAP_OK ? Py_NewRef(Py_None) : neap__extension_raise(error, NULL, CUT);
}

PyObject *neap__bits_close(PyObject *object, PyObject *unused) {
    bits_object *self = (bits_object *)object;
    (void)unused;
    if (self->bits.state != NEAP_BITS_IN_MEMORY) {
        if (!neap__bits_movable(self))
            return NULL;
        neap_bits_end(&self->bits);
    }
    Py_RETURN_NONE;
}

PyObject *neap__bits_exit(PyObject *self, PyObject *unused) {
    return neap__bits_close(self, unused);
}

PyObject *neap__bits_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_NewRef(self);
}

/* --- buffers --- */

static int buffer_get(PyObject *object, Py_buffer *view, int flags) {
    bits_object *self = (bits_object *)object;
    bool to_read = self->bits.state == NEAP_BITS_IN_FILE_TO_READ;
    if (neap__bits_look(object) < 0)
        return -1;
    if (self->bits.user % BITS_FLUSH == BITS_FLUSH - 1) {
        PyErr_SetString(PyExc_BufferError, "too many exports of data");
        return -1;
    }
    int result = PyBuffer_FillInfo(view, object, neap_bits_data(&self->bits),
                                   (Py_ssize_t)((self->bits.count + 7) / 8), to_read, flags);
    if (result == 0)
        self->bits.user += BITS_BUFFER;
    return result;
}

static void buffer_release(PyObject *object, Py_buffer *view) {
    neap_bits_t *bits = &((bits_object *)object)->bits;
    (void)view;
    bits->user -= BITS_BUFFER;
    if (bits->state != NEAP_BITS_IN_FILE_TO_READ)
        neap_bits_clear_rest(bits); /* the buffer may have been written beyond the last bit */
}

/* --- copies and figures --- */

PyObject *neap__bits_reduce(PyObject *self, PyObject *unused) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    (void)unused;
    if (neap__bits_look(self) < 0)
        return NULL;
    return neap__bits_sure(self, Py_BuildValue("O(Ky#)", Py_TYPE(self), (unsigned long long)bits->count,
                                               (const char *)neap_bits_data(bits),
                                               (Py_ssize_t)((bits->count + 7) / 8)));
}

static PyObject *bits_nbytes(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(sizeof(bits_object) +
                                       neap_bits_block_bytes(&((bits_object *)self)->bits));
}

PyObject *neap__bits_sizeof(PyObject *self, PyObject *unused) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    (void)unused;
    return PyLong_FromUnsignedLongLong(
        sizeof(bits_object) + (bits->state == NEAP_BITS_IN_MEMORY ? neap_bits_block_bytes(bits) : 0));
}

static PyObject *bits_compare(PyObject *self, PyObject *other, int how) {
    if (!neap__bits_is(other) || (how != Py_EQ && how != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    if (neap__bits_look(self) < 0 || neap__bits_look(other) < 0)
        return NULL;
    bool equal = neap_bits_equal(&((bits_object *)self)->bits, &((bits_object *)other)->bits);
    return neap__bits_sure(other, neap__bits_sure(self, PyBool_FromLong(equal == (how == Py_EQ))));
}

/* --- the types --- */

PyDoc_STRVAR(bits_doc, "Bits(count=0, value=None, /) or Bits(bytes | str of 0 and 1 | bits)\n--\n\n"
                       "An array of bits that grows and shrinks, at an eighth of a byte each.\n"
                       "b[i] is a bit, b[i:j] a number whose lowest bit is b[i].");

static PyGetSetDef bits_figures[] = {
    {"nbytes", bits_nbytes, NULL, "Bytes that this object holds, a mapped file included.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

enum { SLOTS_MAX = 64 };

/* Appends `from` to the slots at `to`, without its end; returns where to append next. */
static PyType_Slot *append_slots(PyType_Slot *to, const PyType_Slot *from) {
    while (from->slot != 0)
        *to++ = *from++;
    return to;
}

/* The slots and methods of the type are in the files of their functions. */
static int add_bits_type(PyObject *module, PyTypeObject **type) {
    static const PyType_Slot own[] = {
        {Py_tp_new, neap__bits_new},           {Py_tp_dealloc, bits_dealloc},
        {Py_tp_repr, neap__bits_repr},         {Py_tp_hash, PyObject_HashNotImplemented},
        {Py_tp_iter, neap__bits_iterate},      {Py_tp_richcompare, bits_compare},
        {Py_tp_getset, bits_figures},          {Py_tp_doc, (void *)(uintptr_t)bits_doc},
        {Py_tp_methods, neap__bits_methods},   {Py_bf_getbuffer, buffer_get},
        {Py_bf_releasebuffer, buffer_release}, {0, NULL},
    };
    PyType_Slot slots[SLOTS_MAX] = {{0, NULL}};
    append_slots(append_slots(append_slots(slots, own), neap__bits_number_slots), neap__bits_index_slots);
    PyType_Spec spec = {
        .name = "neap.Bits",
        .basicsize = sizeof(bits_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    return neap__extension_add_type(module, &spec, type);
}

static int module_exec(PyObject *module) {
    struct bits_state *state = PyModule_GetState(module);
    state->from_bytes = PyObject_GetAttrString((PyObject *)&PyLong_Type, "from_bytes");
    if (!state->from_bytes || add_bits_type(module, &state->bits) < 0)
        return -1;
    return neap__extension_add_type(module, &neap__bits_iterator_spec, &state->iterator);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    const struct bits_state *state = PyModule_GetState(module);
    Py_VISIT(state->bits);
    Py_VISIT(state->iterator);
    Py_VISIT(state->from_bytes);
    return 0;
}

static int module_clear(PyObject *module) {
    struct bits_state *state = PyModule_GetState(module);
    Py_CLEAR(state->bits);
    Py_CLEAR(state->iterator);
    Py_CLEAR(state->from_bytes);
    return 0;
}

static PyMethodDef module_methods[] = {{NULL, NULL, 0, NULL}};

NEAP_EXTENSION(_bits, struct bits_state, "Arrays of bits.");
