/* stream_object.c: the type Stream: writing, and the properties of a stream. */
#include "stream_types.h"

#include <errno.h>
#include <string.h>

/* --- making ------------------------------------------------------------------- */

/* Makes an object that owns the stream, which it takes over also on failure. */
static PyObject *stream_wrap(PyTypeObject *type, neap_stream_t *stream, PyObject *name, PyObject *owner) {
    struct stream_object *self = (struct stream_object *)neap__extension_new(type);
    if (!self) {
        neap_stream_destroy(stream);
        return NULL;
    }
    self->stream = stream;
    self->name = Py_XNewRef(name);
    self->owner = Py_XNewRef(owner);
    return (PyObject *)self;
}

/* Checks that both are 1 or more; numbers that are too large give a MemoryError later. */
static bool measures_fit(Py_ssize_t block_bytes, Py_ssize_t block_count) {
    if (block_bytes > 0 && block_count > 0)
        return true;
    PyErr_SetString(PyExc_ValueError, "block_bytes and block_count must be positive");
    return false;
}

static PyObject *stream_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"block_bytes", "block_count", NULL};
    Py_ssize_t block_bytes, block_count;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "nn:Stream", names, &block_bytes, &block_count) ||
        !measures_fit(block_bytes, block_count))
        return NULL;
    neap_stream_t *stream = neap_stream_new((size_t)block_bytes, (size_t)block_count, NULL);
    return stream ? stream_wrap(type, stream, NULL, NULL) : PyErr_NoMemory();
}

static PyObject *raise_shared(int error, PyObject *name) {
    if (error == NEAP_ERROR_BUSY) {
        errno = EEXIST;
        error = NEAP_ERROR_SYSTEM;
    }
    return neap__extension_raise(error, name,
                                 error == NEAP_ERROR_ARGUMENT ? "not a name of 1 to 200 bytes without '/'"
                                                              : "not a neap stream");
}

/* The name as UTF-8; NULL with an exception. */
static const char *name_text(PyObject *name) {
    Py_ssize_t bytes;
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "name must be str, not %R", Py_TYPE(name));
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(name, &bytes);
    if (text && strlen(text) != (size_t)bytes) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return text;
}

static bool parse_measure(PyObject *number, Py_ssize_t *measure) {
    *measure = PyNumber_AsSsize_t(number, PyExc_OverflowError);
    return *measure != -1 || !PyErr_Occurred();
}

/* A uid; NULL is the caller or root, for whom there is no number. */
static bool parse_owner(PyObject *owner, uint32_t *uid) {
    unsigned long number = PyLong_AsUnsignedLong(owner);
    if (number == (unsigned long)-1 && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_OverflowError))
        return false;
    if (number >= UINT32_MAX) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "owner must be a user id, not %R", owner);
        return false;
    }
    *uid = (uint32_t)number;
    return true;
}

static int attach(const char *name, PyObject *owner, neap_stream_t **stream) {
    uint32_t uid;
    if (!owner)
        return neap_stream_attach(name, stream);
    return parse_owner(owner, &uid) ? neap_stream_attach_of(name, uid, stream) : NEAP_OK;
}

static PyObject *stream_shared(PyObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"name", "block_bytes", "block_count", "mode", "owner", NULL};
    PyObject *name, *bytes_given = Py_None, *count_given = Py_None, *owner = Py_None;
    Py_ssize_t block_bytes = 0, block_count = 0;
    unsigned mode = 0600;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|OO$IO:shared", names, &name, &bytes_given,
                                     &count_given, &mode, &owner))
        return NULL;
    if ((bytes_given == Py_None) != (count_given == Py_None)) {
        PyErr_SetString(PyExc_TypeError, "to write, give both block_bytes and block_count; to read, neither");
        return NULL;
    }
    owner = owner == Py_None ? NULL : owner;
    if (owner && bytes_given != Py_None) {
        PyErr_SetString(PyExc_TypeError, "owner is for reading: what is written is one's own");
        return NULL;
    }
    const char *text = name_text(name);
    if (!text)
        return NULL;
    neap_stream_t *stream = NULL;
    int error;
    if (bytes_given == Py_None) {
        error = attach(text, owner, &stream);
    } else {
        if (!parse_measure(bytes_given, &block_bytes) || !parse_measure(count_given, &block_count) ||
            !measures_fit(block_bytes, block_count))
            return NULL;
        error = neap_stream_share(text, (size_t)block_bytes, (size_t)block_count, mode, &stream);
    }
    if (PyErr_Occurred())
        return NULL;
    return error == NEAP_OK ? stream_wrap((PyTypeObject *)type, stream, name, owner)
                            : raise_shared(error, name);
}

static PyObject *stream_unlink(PyObject *unused, PyObject *name) {
    (void)unused;
    const char *text = name_text(name);
    if (!text)
        return NULL;
    int error = neap_stream_unlink(text);
    return error == NEAP_OK ? Py_NewRef(Py_None) : raise_shared(error, name);
}

/* --- writing ------------------------------------------------------------------ */

PyObject *neap__stream_raise_cut(void) {
    PyErr_SetString(PyExc_ValueError, "the memory of this stream was cut short by another process");
    return NULL;
}

/* With the message of the io module. */
static PyObject *raise_write(int error) {
    if (error == NEAP_ERROR_FORMAT)
        return neap__stream_raise_cut();
    if (error == NEAP_ERROR_PERMISSION) {
        PyObject *io = PyImport_ImportModule("io");
        PyObject *unsupported = io ? PyObject_GetAttrString(io, "UnsupportedOperation") : NULL;
        if (unsupported)
            PyErr_SetString(unsupported, "not writable");
        Py_XDECREF(unsupported);
        Py_XDECREF(io);
    } else {
        PyErr_SetString(PyExc_ValueError, "I/O operation on closed stream.");
    }
    return NULL;
}

static uint64_t blocks_written(const struct stream_object *self) {
    return neap_stream_written(self->stream) / neap_stream_block_bytes(self->stream);
}

/* Calls those who wait for a complete block, once each: many readers' one wake-up a loop. */
static void call_callbacks(struct stream_object *self) {
    PyObject *callbacks = self->callbacks;
    self->callbacks = NULL;
    for (Py_ssize_t i = 0; i < PyList_Size(callbacks); i++) {
        PyObject *callback = Py_NewRef(PyList_GetItem(callbacks, i));
        PyObject *done = PyObject_CallNoArgs(callback);
        if (!done)
            PyErr_WriteUnraisable(callback);
        Py_XDECREF(done);
        Py_DECREF(callback);
    }
    Py_DECREF(callbacks);
}

static inline void tell(struct stream_object *self, bool ended) {
    if (self->callbacks && (ended || blocks_written(self) != self->blocks_seen))
        call_callbacks(self);
}

static PyObject *stream_write(PyObject *object, PyObject *data) {
    struct stream_object *self = (struct stream_object *)object;
    Py_buffer buffer;
    if (neap__memory_end_claim(self) < 0 || PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0)
        return NULL;
    int error = neap_stream_write(self->stream, buffer.buf, (size_t)buffer.len);
    Py_ssize_t bytes = buffer.len;
    PyBuffer_Release(&buffer);
    if (error != NEAP_OK)
        return raise_write(error);
    tell(self, false);
    return PyLong_FromSsize_t(bytes);
}

static PyObject *stream_claim(PyObject *object, PyObject *argument) {
    struct stream_object *self = (struct stream_object *)object;
    struct neap_span span;
    Py_ssize_t bytes = PyNumber_AsSsize_t(argument, PyExc_OverflowError);
    if (bytes == -1 && PyErr_Occurred())
        return NULL;
    if (bytes <= 0) {
        PyErr_SetString(PyExc_ValueError, "a claim must be positive");
        return NULL;
    }
    if (neap__memory_end_claim(self) < 0)
        return NULL;
    int error = neap_stream_claim(self->stream, (size_t)bytes, &span);
    return error == NEAP_OK ? neap__memory_claim(self, span.data, span.bytes) : raise_write(error);
}

static PyObject *commit(struct stream_object *self, size_t bytes) {
    int error = neap_stream_commit(self->stream, bytes);
    if (error == NEAP_ERROR_ARGUMENT && neap_stream_state(self->stream) != NEAP_STREAM_CLOSED) {
        PyErr_SetString(PyExc_ValueError,
                        neap__memory_claimed(self) > 0
                            ? "more is committed than was claimed"
                            : "nothing is claimed: a write or a commit has ended the claim");
        return NULL;
    }
    if (error != NEAP_OK)
        return raise_write(error);
    tell(self, false);
    Py_RETURN_NONE;
}

/* A number of bytes; what is negative is more than any claim. */
static bool parse_commit(PyObject *argument, size_t *bytes) {
    Py_ssize_t number = PyNumber_AsSsize_t(argument, PyExc_OverflowError);
    *bytes = number < 0 ? SIZE_MAX : (size_t)number;
    return number != -1 || !PyErr_Occurred();
}

static PyObject *stream_commit(PyObject *object, PyObject *argument) {
    struct stream_object *self = (struct stream_object *)object;
    size_t bytes;
    if (!parse_commit(argument, &bytes) ||
        (bytes <= neap__memory_claimed(self) && neap__memory_end_claim(self) < 0))
        return NULL;
    return commit(self, bytes);
}

/* For a transport that lets go of the memory only after it has told of the bytes. */
static PyObject *stream_commit_received(PyObject *object, PyObject *argument) {
    struct stream_object *self = (struct stream_object *)object;
    size_t bytes;
    if (!parse_commit(argument, &bytes))
        return NULL;
    PyObject *done = commit(self, bytes);
    if (done && neap__memory_end_claim(self) < 0)
        PyErr_Clear(); /* the next claim tries it again */
    return done;
}

static PyObject *stream_close(PyObject *object, PyObject *unused) {
    struct stream_object *self = (struct stream_object *)object;
    (void)unused;
    if (neap_stream_close(self->stream) == NEAP_OK)
        tell(self, true);
    if (neap__memory_end_claim(self) < 0)
        PyErr_Clear(); /* what is written there is delivered to no reader */
    Py_RETURN_NONE;    /* a stream that may only be read need not be closed */
}

static PyObject *stream_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *stream_exit(PyObject *self, PyObject *arguments) {
    (void)arguments;
    return stream_close(self, NULL);
}

static PyObject *stream_on_change(PyObject *object, PyObject *callback) {
    struct stream_object *self = (struct stream_object *)object;
    if (!self->callbacks) {
        self->callbacks = PyList_New(0);
        self->blocks_seen = blocks_written(self);
    }
    if (!self->callbacks)
        return NULL;
    return PyList_Append(self->callbacks, callback) < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- properties ------------------------------------------------------------------ */

static neap_stream_t *stream_of(PyObject *object) {
    return ((struct stream_object *)object)->stream;
}

static PyObject *get_size(PyObject *self, void *function) {
    size_t (*size)(const neap_stream_t *);
    memcpy(&size, function, sizeof(size));
    return PyLong_FromSize_t(size(stream_of(self)));
}

static PyObject *get_written(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(neap_stream_written(stream_of(self)));
}

static PyObject *get_oldest(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(neap_stream_oldest(stream_of(self)));
}

static PyObject *get_state(PyObject *self, void *unused) {
    static const char *const words[] = {"live", "closed", "died", "cut"};
    (void)unused;
    return PyUnicode_FromString(words[neap_stream_state(stream_of(self))]);
}

static PyObject *get_closed(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(neap_stream_state(stream_of(self)) == NEAP_STREAM_CLOSED);
}

static PyObject *get_writable(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(neap_stream_writes(stream_of(self)));
}

static PyObject *get_name(PyObject *self, void *unused) {
    PyObject *name = ((struct stream_object *)self)->name;
    (void)unused;
    return Py_NewRef(name ? name : Py_None);
}

static PyObject *get_owner(PyObject *self, void *unused) {
    PyObject *owner = ((struct stream_object *)self)->owner;
    (void)unused;
    return Py_NewRef(owner ? owner : Py_None);
}

static PyObject *stream_repr(PyObject *self) {
    neap_stream_t *stream = stream_of(self);
    PyObject *name = ((struct stream_object *)self)->name;
    size_t bytes = neap_stream_block_bytes(stream), count = neap_stream_block_count(stream);
    unsigned long long written = neap_stream_written(stream);
    if (!name)
        return PyUnicode_FromFormat("<neap.Stream of %zu x %zu bytes, %llu written>", count, bytes, written);
    return PyUnicode_FromFormat("<neap.Stream %R of %zu x %zu bytes, %llu written>", name, count, bytes,
                                written);
}

/* --- the type ---------------------------------------------------------------------- */

static int stream_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct stream_object *)self)->callbacks);
    Py_VISIT(((struct stream_object *)self)->claim);
    Py_VISIT(((struct stream_object *)self)->claim_memory);
    return 0;
}

static int stream_clear(PyObject *self) {
    Py_CLEAR(((struct stream_object *)self)->callbacks);
    Py_CLEAR(((struct stream_object *)self)->claim);
    Py_CLEAR(((struct stream_object *)self)->claim_memory);
    return 0;
}

static void stream_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    stream_clear(self);
    Py_XDECREF(((struct stream_object *)self)->name);
    Py_XDECREF(((struct stream_object *)self)->owner);
    neap_stream_destroy(stream_of(self));
    neap__extension_free(self);
}

static size_t (*const sizes[])(const neap_stream_t *) = {neap_stream_block_bytes, neap_stream_block_count,
                                                         neap_stream_memory_bytes};
#define SIZE(i) ((void *)(uintptr_t)&sizes[i])

static PyGetSetDef stream_members[] = {
    {"block_bytes", get_size, NULL, "Bytes in a block.", SIZE(0)},
    {"block_count", get_size, NULL, "Blocks in the ring.", SIZE(1)},
    {"nbytes", get_size, NULL, "All memory that the stream holds, in bytes; it never changes.", SIZE(2)},
    {"written", get_written, NULL, "Bytes written since the beginning.", NULL},
    {"oldest", get_oldest, NULL, "Offset of the oldest block that is still whole.", NULL},
    {"state", get_state, NULL,
     "'live', 'closed', 'died' (shared, and the writer ended without closing it), or 'cut' (shared, and its\n"
     "memory was cut short).",
     NULL},
    {"closed", get_closed, NULL, "Whether its writer has closed it.", NULL},
    {"writable", get_writable, NULL, "Whether it may be written through this object.", NULL},
    {"name", get_name, NULL, "Its name, or None if it is not shared.", NULL},
    {"_owner", get_owner, NULL, "What was given as owner.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef stream_methods[] = {
    {"shared", (PyCFunction)(void (*)(void))stream_shared, METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "shared($type, name, block_bytes=None, block_count=None, *, mode=0o600, owner=None)\n--\n\n"
     "Opens a stream in shared memory: with block sizes to write it, without to read it.\n"
     "A stream of another user than the caller and root is read only if that user's id is given as owner."},
    {"unlink", stream_unlink, METH_O | METH_STATIC,
     "unlink(name, /)\n--\n\nRemoves the name that a dead writer left."},
    {"write", stream_write, METH_O,
     "write($self, data, /)\n--\n\nAppends bytes and never waits; returns how many. It ends a claim."},
    {"claim", stream_claim, METH_O,
     "claim($self, max_bytes, /)\n--\n\nReturns a writable memoryview for the next bytes, of 1 to "
     "max_bytes."},
    {"commit", stream_commit, METH_O,
     "commit($self, count, /)\n--\n\nAppends the first bytes of the last claim, and releases its "
     "memoryview."},
    {"_commit_received", stream_commit_received, METH_O,
     "_commit_received($self, count, /)\n--\n\nAs commit, for a transport that still uses the memoryview."},
    {"close", stream_close, METH_NOARGS, "close($self)\n--\n\nEnds the stream; a shared name becomes free."},
    {"_on_change", stream_on_change, METH_O,
     "_on_change($self, callback, /)\n--\n\nCalls it once, when a block is completed here or the stream is "
     "closed."},
    {"__enter__", stream_enter, METH_NOARGS, "__enter__($self)\n--\n\n"},
    {"__exit__", stream_exit, METH_VARARGS, "__exit__($self, /, *exc)\n--\n\nClose it."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_doc, "Stream(block_bytes, block_count)\n--\n\n"
                "A ring of blocks with one writer and any number of readers, and a fixed amount of memory."},
    {Py_tp_new, stream_new},
    {Py_tp_repr, stream_repr},
    {Py_tp_methods, stream_methods},
    {Py_tp_getset, stream_members},
    {Py_tp_traverse, stream_traverse},
    {Py_tp_clear, stream_clear},
    {Py_tp_dealloc, stream_dealloc},
    {0, NULL},
};

PyType_Spec neap__stream_spec = {
    .name = "neap.Stream",
    .basicsize = sizeof(struct stream_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = stream_slots,
};
