/* stream_memory.c: access to the ring without a copy: _Memory and View. */
#include "stream_types.h"

/* --- _Memory: an exporter that keeps its stream ------------------------------- */

struct memory_object {
    PyObject_HEAD struct stream_object *stream;
    void *data;
    Py_ssize_t bytes;
    Py_ssize_t lent; /* buffers of it that exist: one for each memoryview and all of its slices */
    bool writable;
};

static int memory_get(PyObject *self, Py_buffer *buffer, int flags) {
    struct memory_object *memory = (struct memory_object *)self;
    int result = PyBuffer_FillInfo(buffer, self, memory->data, memory->bytes, !memory->writable, flags);
    memory->lent += result == 0;
    return result;
}

static void memory_release(PyObject *self, Py_buffer *buffer) {
    (void)buffer;
    ((struct memory_object *)self)->lent--;
}

static int memory_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct memory_object *)self)->stream);
    return 0;
}

static void memory_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_DECREF(((struct memory_object *)self)->stream);
    neap__extension_free(self);
}

static PyType_Slot memory_slots[] = {
    {Py_bf_getbuffer, memory_get},
    {Py_bf_releasebuffer, memory_release},
    {Py_tp_traverse, memory_traverse},
    {Py_tp_dealloc, memory_dealloc},
    {0, NULL},
};

PyType_Spec neap__memory_spec = {
    .name = "neap.streams._Memory",
    .basicsize = sizeof(struct memory_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = memory_slots,
};

static struct memory_object *memory_new(struct stream_object *stream, void *data, size_t bytes,
                                        bool writable) {
    struct stream_state *state = neap__stream_state(stream);
    struct memory_object *memory = PyObject_GC_New(struct memory_object, state->memory_type);
    if (!memory)
        return NULL;
    memory->stream = (struct stream_object *)Py_NewRef((PyObject *)stream);
    memory->data = data;
    memory->bytes = (Py_ssize_t)bytes;
    memory->lent = 0;
    memory->writable = writable;
    PyObject_GC_Track((PyObject *)memory);
    return memory;
}

PyObject *neap__memory_view(struct stream_object *stream, void *data, size_t bytes) {
    struct memory_object *memory = memory_new(stream, data, bytes, false);
    PyObject *view = memory ? PyMemoryView_FromObject((PyObject *)memory) : NULL;
    Py_XDECREF((PyObject *)memory);
    return view;
}

/* --- the claim -------------------------------------------------------------------- */

PyObject *neap__memory_claim(struct stream_object *stream, void *data, size_t bytes) {
    struct memory_object *memory = memory_new(stream, data, bytes, true);
    PyObject *view = memory ? PyMemoryView_FromObject((PyObject *)memory) : NULL;
    if (!view) {
        Py_XDECREF((PyObject *)memory);
        return NULL;
    }
    stream->claim_memory = memory;
    stream->claim = Py_NewRef(view);
    return view;
}

size_t neap__memory_claimed(const struct stream_object *stream) {
    return stream->claim_memory ? (size_t)stream->claim_memory->bytes : 0;
}

int neap__memory_end_claim(struct stream_object *stream) {
    if (!stream->claim)
        return 0;
    PyObject *done = PyObject_CallMethod(stream->claim, "release", NULL);
    Py_XDECREF(done);
    if (!done)
        return -1;
    if (stream->claim_memory->lent > 0) { /* slices outlive the memoryview that they were made of */
        PyErr_SetString(PyExc_BufferError, "a part of the claim is still in use: release it first");
        return -1;
    }
    Py_CLEAR(stream->claim);
    Py_CLEAR(stream->claim_memory);
    return 0;
}

/* --- View: a block in place, verified after use --------------------------------- */

struct view_object {
    PyObject_HEAD struct reader_object *reader;
    PyObject *memory; /* memoryview */
    uint64_t offset;
    size_t bytes;
    int result; /* of done; -1: not called yet */
};

PyObject *neap__view_new(struct reader_object *reader) {
    struct neap_span block;
    if (!neap_stream_reader_next(&reader->reader, &block))
        return neap__stream_reader_nothing(reader) < 0 ? NULL : Py_NewRef(Py_None);
    struct stream_state *state = neap__stream_state(reader);
    PyObject *memory = neap__memory_view(reader->stream, block.data, block.bytes);
    if (!memory)
        return NULL;
    struct view_object *view = PyObject_GC_New(struct view_object, state->view_type);
    if (!view) {
        Py_DECREF(memory);
        return NULL;
    }
    view->reader = (struct reader_object *)Py_NewRef((PyObject *)reader);
    view->memory = memory;
    view->offset = reader->reader.offset;
    view->bytes = block.bytes;
    view->result = -1;
    PyObject_GC_Track((PyObject *)view);
    return (PyObject *)view;
}

/* Whether the bytes have not been overwritten; does not move the reader. */
static bool view_is_valid(const struct view_object *view) {
    struct neap_stream_reader copy = view->reader->reader;
    return view->result < 0 ? copy.offset == view->offset && neap_stream_reader_done(&copy, view->bytes)
                            : view->result == 1;
}

/* Ends the use of the memory; -1 with BufferError if another buffer of it still exists. */
static int view_release(struct view_object *view) {
    PyObject *done = PyObject_CallMethod(view->memory, "release", NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* 1: not overwritten; 0: overwritten; -1 with an exception. */
static int view_finish(struct view_object *view) {
    if (view->result >= 0)
        return view->result;
    if (!neap__stream_reader_free(view->reader) || view_release(view) < 0)
        return -1;
    if (view->reader->reader.offset != view->offset) {
        PyErr_SetString(PyExc_ValueError, "the reader has moved since this view was made");
        return -1;
    }
    view->result = neap_stream_reader_done(&view->reader->reader, view->bytes);
    return view->result;
}

static PyObject *view_done(PyObject *self, PyObject *unused) {
    (void)unused;
    int result = view_finish((struct view_object *)self);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyObject *view_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_NewRef(((struct view_object *)self)->memory);
}

static PyObject *view_exit(PyObject *self, PyObject *arguments) {
    struct view_object *view = (struct view_object *)self;
    PyObject *type, *value, *traceback;
    if (!PyArg_ParseTuple(arguments, "OOO:__exit__", &type, &value, &traceback))
        return NULL;
    if (type != Py_None) { /* the block was not used completely, so the reader stays before it */
        if (view_release(view) < 0)
            return NULL;
        Py_RETURN_FALSE;
    }
    int result = view_finish(view);
    if (result == 0 && neap_stream_state(view->reader->stream->stream) == NEAP_STREAM_CUT)
        return neap__stream_raise_cut();
    if (result == 0)
        PyErr_SetString(neap__stream_state(view->reader)->overrun,
                        "the block was overwritten while it was used");
    return result == 1 ? Py_NewRef(Py_False) : NULL;
}

static PyObject *view_get_valid(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(view_is_valid((struct view_object *)self));
}

static PyObject *view_get_offset(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(((struct view_object *)self)->offset);
}

static PyObject *view_get_memory(PyObject *self, void *unused) {
    (void)unused;
    return Py_NewRef(((struct view_object *)self)->memory);
}

static int view_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct view_object *)self)->reader);
    Py_VISIT(((struct view_object *)self)->memory);
    return 0;
}

static void view_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_DECREF(((struct view_object *)self)->reader);
    Py_DECREF(((struct view_object *)self)->memory);
    neap__extension_free(self);
}

static PyMethodDef view_methods[] = {
    {"done", view_done, METH_NOARGS,
     "done($self)\n--\n\nEnds the use and moves the reader on; False if the block was overwritten."},
    {"__enter__", view_enter, METH_NOARGS, "__enter__($self)\n--\n\nReturns the memory."},
    {"__exit__", view_exit, METH_VARARGS, "__exit__($self, /, *exc)\n--\n\nAs done, but raises Overrun."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef view_members[] = {
    {"memory", view_get_memory, NULL, "The block, as a read-only memoryview.", NULL},
    {"offset", view_get_offset, NULL, "Offset of its first byte.", NULL},
    {"valid", view_get_valid, NULL, "Whether it is untouched up to now.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot view_slots[] = {
    {Py_tp_doc, "A block where it lies in the ring; made by Reader.view."},
    {Py_tp_methods, view_methods},
    {Py_tp_getset, view_members},
    {Py_tp_traverse, view_traverse},
    {Py_tp_dealloc, view_dealloc},
    {0, NULL},
};

PyType_Spec neap__view_spec = {
    .name = "neap.streams.View",
    .basicsize = sizeof(struct view_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = view_slots,
};
