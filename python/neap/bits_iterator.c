/* bits_iterator.c: iterators over the bits of neap.Bits, or over the positions of set bits.
 *
 * An iterator keeps only a position, so the bits may change meanwhile in any way.
 */
#include "bits_object.h"

typedef struct {
    PyObject_HEAD bits_object *of; /* NULL at the end */
    uint64_t next, stop;
    bool ones;
} iterator_object;

static PyObject *iterator_make(PyObject *self, uint64_t from, uint64_t stop, bool ones) {
    iterator_object *iterator = PyObject_New(iterator_object, neap__bits_state(self)->iterator);
    if (iterator) {
        iterator->of = (bits_object *)Py_NewRef(self);
        iterator->next = from;
        iterator->stop = stop;
        iterator->ones = ones;
    }
    return (PyObject *)iterator;
}

PyObject *neap__bits_iterate(PyObject *self) {
    return iterator_make(self, 0, UINT64_MAX, false);
}

PyObject *neap__bits_iterate_ones(PyObject *self, uint64_t from, uint64_t stop) {
    return iterator_make(self, from, stop, true);
}

static PyObject *iterator_next(PyObject *object) {
    iterator_object *iterator = (iterator_object *)object;
    if (!iterator->of)
        return NULL;
    PyObject *self = (PyObject *)iterator->of;
    const neap_bits_t *bits = &iterator->of->bits;
    if (iterator->next >= bits->count && neap__bits_look(self) < 0)
        return NULL;
    uint64_t stop = iterator->stop < bits->count ? iterator->stop : bits->count, at;
    if (iterator->next < stop) {
        if (!iterator->ones)
            return neap__bits_sure(self, PyLong_FromLong(neap_bits_get(bits, iterator->next++)));
        if (neap_bits_find(bits, true, iterator->next, stop, &at)) {
            iterator->next = at + 1;
            return neap__bits_sure(self, PyLong_FromUnsignedLongLong(at));
        }
    }
    PyObject *done = neap__bits_sure(self, Py_NewRef(Py_None)); /* no bit was found, or zeros were read */
    Py_XDECREF(done);
    if (done)
        Py_CLEAR(iterator->of);
    return NULL;
}

/* How many bits are left; not known for set bits. */
static PyObject *iterator_length(PyObject *object, PyObject *unused) {
    const iterator_object *iterator = (iterator_object *)object;
    (void)unused;
    if (iterator->ones)
        Py_RETURN_NOTIMPLEMENTED;
    uint64_t count = iterator->of ? iterator->of->bits.count : 0;
    return PyLong_FromUnsignedLongLong(count > iterator->next ? count - iterator->next : 0);
}

static void iterator_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF((PyObject *)((iterator_object *)object)->of);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, iterator_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iterator_next},
    {Py_tp_methods, iterator_methods},
    {0, NULL},
};

PyType_Spec neap__bits_iterator_spec = {
    .name = "neap._bits._Iterator",
    .basicsize = sizeof(iterator_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = iterator_slots,
};
