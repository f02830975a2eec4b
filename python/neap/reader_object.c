/* reader_object.c: the type Reader. */
#include "stream_types.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

enum { SLICE_MS = 1000 }; /* longest sleep without checking for signals, which may go to another thread */

static struct reader_object *reader_of(PyObject *object) {
    return (struct reader_object *)object;
}

bool neap__stream_reader_free(struct reader_object *self) {
    if (self->busy)
        PyErr_SetString(PyExc_RuntimeError, "another thread is sending from this reader");
    return !self->busy;
}

int neap__stream_reader_nothing(struct reader_object *self) {
    enum neap_stream_state state = neap_stream_state(self->reader.stream);
    if (state == NEAP_STREAM_LIVE || neap_stream_reader_lag(&self->reader) > 0)
        return 0;
    if (state == NEAP_STREAM_CLOSED)
        return 1;
    if (neap_stream_state(self->reader.stream) == NEAP_STREAM_CUT) { /* seen by now at the latest */
        neap__stream_raise_cut();
        return -1;
    }
    self->reader.told_of_death = 1; /* so that wait() waits for a new writer */
    PyErr_SetString(neap__stream_state(self)->writer_died,
                    "the writing process ended without closing the stream");
    return -1;
}

/* --- making --------------------------------------------------------------------- */

/* Reads `start`: "now", "oldest" or a number of bytes back. */
static int parse_start(PyObject *start, uint64_t *back_bytes) {
    if (!start || (PyUnicode_Check(start) && PyUnicode_CompareWithASCIIString(start, "now") == 0)) {
        *back_bytes = 0;
    } else if (PyUnicode_Check(start) && PyUnicode_CompareWithASCIIString(start, "oldest") == 0) {
        *back_bytes = NEAP_STREAM_READER_OLDEST;
    } else if (PyIndex_Check(start)) {
        PyObject *number = PyNumber_Index(start);
        long long bytes = number ? PyLong_AsLongLong(number) : -1;
        Py_XDECREF(number);
        if (bytes == -1 && PyErr_Occurred())
            return -1;
        if (bytes < 0) {
            PyErr_SetString(PyExc_ValueError, "a reader cannot start ahead of the stream");
            return -1;
        }
        *back_bytes = (uint64_t)bytes;
    } else {
        PyErr_Format(PyUnicode_Check(start) ? PyExc_ValueError : PyExc_TypeError,
                     "start must be 'now', 'oldest' or a number of bytes back, not %R", start);
        return -1;
    }
    return 0;
}

static PyObject *reader_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"stream", "start", NULL};
    struct stream_state *state = neap__stream_state_of(type);
    PyObject *stream, *start = NULL;
    uint64_t back_bytes;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!|O:Reader", names, state->stream_type, &stream,
                                     &start) ||
        parse_start(start, &back_bytes) < 0)
        return NULL;
    struct reader_object *self = reader_of(neap__extension_new(type));
    if (!self)
        return NULL;
    self->stream = (struct stream_object *)Py_NewRef(stream);
    neap_stream_reader_open(&self->reader, self->stream->stream, back_bytes);
    return (PyObject *)self;
}

/* --- reading ---------------------------------------------------------------------- */

/* What the reading methods return where they got nothing: as a raw io object that does not block,
 * None for "not now" and `at_end` for the end. */
static PyObject *nothing(struct reader_object *self, PyObject *at_end) {
    int why = neap__stream_reader_nothing(self);
    PyObject *result = why < 0 ? NULL : why == 1 ? at_end : Py_None;
    Py_XINCREF(result);
    Py_DECREF(at_end);
    return result;
}

/* Shortens `bytes`, which it takes over, to `got`. */
static PyObject *cut(PyObject *bytes, size_t room, size_t got) {
    if (got == room)
        return bytes;
    PyObject *shorter = PyBytes_FromStringAndSize(PyBytes_AsString(bytes), (Py_ssize_t)got);
    Py_DECREF(bytes);
    return shorter;
}

static PyObject *read_at_most(struct reader_object *self, uint64_t bytes) {
    uint64_t there = neap_stream_reader_lag(&self->reader);
    size_t room = (size_t)(there < bytes ? there : bytes), got = 0;
    if (room == 0)
        return bytes == 0 ? PyBytes_FromStringAndSize(NULL, 0)
                          : nothing(self, PyBytes_FromStringAndSize(NULL, 0));
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    if (!result)
        return NULL;
    got = neap_stream_reader_read(&self->reader, PyBytes_AsString(result), room);
    if (got > 0)
        return cut(result, room, got);
    Py_DECREF(result); /* overtaken all the time, or cut: not the end */
    return nothing(self, PyBytes_FromStringAndSize(NULL, 0));
}

/* Reads an optional size; -1 and None mean all; -2 with an exception. */
static Py_ssize_t parse_size(const char *name, PyObject *const *arguments, Py_ssize_t count) {
    if (count > 1) {
        PyErr_Format(PyExc_TypeError, "%s expected at most 1 argument, got %zd", name, count);
        return -2;
    }
    if (count == 0 || arguments[0] == Py_None)
        return -1;
    if (!PyIndex_Check(arguments[0])) {
        PyObject *type_name = PyType_GetName(Py_TYPE(arguments[0]));
        if (type_name)
            PyErr_Format(PyExc_TypeError, "argument should be integer or None, not '%U'", type_name);
        Py_XDECREF(type_name);
        return -2;
    }
    Py_ssize_t size = PyNumber_AsSsize_t(arguments[0], PyExc_OverflowError);
    return size >= 0 ? size : PyErr_Occurred() ? -2 : -1;
}

static PyObject *reader_read(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    struct reader_object *self = reader_of(object);
    Py_ssize_t size = parse_size("read", arguments, count);
    if (size == -2 || !neap__stream_reader_free(self))
        return NULL;
    return read_at_most(self, size < 0 ? UINT64_MAX : (uint64_t)size);
}

/* The reader's block; *none is set where there is none yet. Room for a whole block whatever there
 * is: the reader may be overtaken and find itself at the beginning of one. */
static PyObject *take_block(struct reader_object *self, bool *none) {
    struct neap_span block;
    size_t room = neap_stream_block_bytes(self->reader.stream);
    *none = !neap_stream_reader_next(&self->reader, &block);
    if (*none)
        return NULL;
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    if (!result)
        return NULL;
    size_t got = neap_stream_reader_read_block(&self->reader, PyBytes_AsString(result));
    if (got == 0) {
        Py_DECREF(result);
        *none = true;
        return NULL;
    }
    return cut(result, room, got);
}

static PyObject *reader_read_block(PyObject *object, PyObject *unused) {
    struct reader_object *self = reader_of(object);
    bool none;
    (void)unused;
    if (!neap__stream_reader_free(self))
        return NULL;
    PyObject *block = take_block(self, &none);
    return none ? nothing(self, PyBytes_FromStringAndSize(NULL, 0)) : block;
}

static PyObject *reader_readinto(PyObject *object, PyObject *target) {
    struct reader_object *self = reader_of(object);
    Py_buffer buffer;
    if (!neap__stream_reader_free(self))
        return NULL;
    if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE) < 0) {
        PyErr_Clear();
        PyObject *type_name = PyType_GetName(Py_TYPE(target));
        if (type_name)
            PyErr_Format(PyExc_TypeError, "readinto() argument must be read-write bytes-like object, not %U",
                         type_name);
        Py_XDECREF(type_name);
        return NULL;
    }
    size_t room = (size_t)buffer.len, got = neap_stream_reader_read(&self->reader, buffer.buf, room);
    PyBuffer_Release(&buffer);
    return got == 0 && room > 0 ? nothing(self, PyLong_FromLong(0)) : PyLong_FromSize_t(got);
}

static PyObject *reader_view(PyObject *object, PyObject *unused) {
    (void)unused;
    return neap__stream_reader_free(reader_of(object)) ? neap__view_new(reader_of(object)) : NULL;
}

/* --- waiting ------------------------------------------------------------------------ */

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Reads a time limit; None means no limit. */
struct limit {
    bool none;
    uint64_t until_ms;
};

static int limit_parse(PyObject *timeout, struct limit *limit) {
    *limit = (struct limit){.none = !timeout || timeout == Py_None};
    if (limit->none)
        return 0;
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (!(seconds >= 0)) {
        PyErr_SetString(PyExc_ValueError, "timeout must be a non-negative number");
        return -1;
    }
    limit->none = seconds > 1e9;
    limit->until_ms = limit->none ? 0 : now_ms() + (uint64_t)(seconds * 1000 + 0.999);
    return 0;
}

/* Milliseconds of the next sleep; 0 if the time is over. */
static uint32_t limit_slice(const struct limit *limit) {
    if (limit->none)
        return SLICE_MS;
    uint64_t now = now_ms();
    uint64_t left = limit->until_ms > now ? limit->until_ms - now : 0;
    return left < SLICE_MS ? (uint32_t)left : SLICE_MS;
}

/* Checks without sleeping. */
static bool is_ready(struct neap_stream_reader reader, uint64_t bytes) {
    struct neap_span block;
    bool there =
        bytes == 0 ? neap_stream_reader_next(&reader, &block) : neap_stream_reader_lag(&reader) >= bytes;
    enum neap_stream_state state = neap_stream_state(reader.stream);
    return there || (state != NEAP_STREAM_LIVE && !(state == NEAP_STREAM_DIED && reader.told_of_death));
}

/* Whether there are `bytes` (0: a block) or the stream ended; -1 with an exception. Without the GIL,
 * on a copy, so that the reader stays usable. */
static int wait_for(struct reader_object *self, uint64_t bytes, const struct limit *limit) {
    for (;;) {
        struct neap_stream_reader copy = self->reader;
        uint32_t ms = limit_slice(limit);
        if (ms == 0)
            return is_ready(copy, bytes);
        PyThreadState *thread = PyEval_SaveThread();
        bool ready = neap_stream_reader_wait(&copy, bytes, ms);
        PyEval_RestoreThread(thread);
        self->reader.told_of_death = copy.told_of_death;
        if (ready)
            return 1;
        if (PyErr_CheckSignals() < 0)
            return -1;
    }
}

static PyObject *reader_wait(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"timeout", "nbytes", NULL};
    PyObject *timeout = NULL;
    Py_ssize_t bytes = 0;
    struct limit limit;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|On:wait", names, &timeout, &bytes) ||
        limit_parse(timeout, &limit) < 0)
        return NULL;
    if (bytes < 0) {
        PyErr_SetString(PyExc_ValueError, "nbytes must not be negative");
        return NULL;
    }
    const neap_stream_t *stream = reader_of(object)->reader.stream;
    uint64_t ring = (uint64_t)neap_stream_block_bytes(stream) * neap_stream_block_count(stream);
    uint64_t wanted = (uint64_t)bytes < ring ? (uint64_t)bytes : ring; /* there are never more at once */
    int ready = wait_for(reader_of(object), wanted, &limit);
    return ready < 0 ? NULL : PyBool_FromLong(ready);
}

/* Iteration: returns the next block, and sleeps until it is complete. */
static PyObject *reader_iternext(PyObject *object) {
    struct reader_object *self = reader_of(object);
    const struct limit unlimited = {.none = true};
    for (;;) {
        bool none;
        if (!neap__stream_reader_free(self))
            return NULL;
        PyObject *block = take_block(self, &none);
        if (!none)
            return block;
        if (neap__stream_reader_nothing(self) != 0 || wait_for(self, 0, &unlimited) < 0)
            return NULL; /* ended, died or interrupted */
    }
}

/* --- sending ------------------------------------------------------------------------ */

/* The timeout of the socket, as for its own send; for a bare descriptor it never waits. */
static int limit_of_socket(PyObject *socket, struct limit *limit) {
    *limit = (struct limit){0};
    if (PyLong_Check(socket))
        return 0;
    PyObject *timeout = PyObject_CallMethod(socket, "gettimeout", NULL);
    if (!timeout) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    int result = limit_parse(timeout, limit);
    if (result == 0 && timeout != Py_None && PyFloat_AsDouble(timeout) == 0)
        *limit = (struct limit){0};
    Py_DECREF(timeout);
    return result;
}

/* Sleeps until the socket accepts more; 0 if the time is over, -1 with an exception. */
static int wait_for_socket(int file, const struct limit *limit) {
    uint32_t ms = limit_slice(limit);
    struct pollfd poll_file = {.fd = file, .events = POLLOUT};
    if (ms == 0)
        return 0;
    PyThreadState *thread = PyEval_SaveThread();
    poll(&poll_file, 1, (int)ms);
    PyEval_RestoreThread(thread);
    return PyErr_CheckSignals() < 0 ? -1 : 1;
}

static PyObject *raise_send(struct reader_object *self, int error) {
    if (error == NEAP_ERROR_FORMAT)
        return neap__stream_raise_cut();
    if (error == NEAP_ERROR_OVERRUN) {
        PyErr_SetString(neap__stream_state(self)->overrun,
                        "the sent bytes were overwritten meanwhile: the other side received wrong data");
        return NULL;
    }
    return PyErr_SetFromErrno(PyExc_OSError);
}

static int send_once(struct reader_object *self, int file, size_t bytes, size_t *sent, int *number) {
    self->busy = true;
    PyThreadState *thread = PyEval_SaveThread();
    int error = neap_stream_reader_send(&self->reader, file, bytes, sent);
    *number = errno;
    PyEval_RestoreThread(thread);
    self->busy = false;
    return error;
}

static PyObject *reader_send(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"sock", "max_bytes", NULL};
    struct reader_object *self = reader_of(object);
    PyObject *socket;
    Py_ssize_t most = PY_SSIZE_T_MAX;
    struct limit limit;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|n:send", names, &socket, &most))
        return NULL;
    if (most < 0) {
        PyErr_SetString(PyExc_ValueError, "max_bytes must not be negative");
        return NULL;
    }
    int file = PyObject_AsFileDescriptor(socket), number;
    if (file < 0 || limit_of_socket(socket, &limit) < 0)
        return NULL;
    bool waits = limit.none || limit.until_ms > 0;
    for (;;) {
        size_t sent = 0;
        if (!neap__stream_reader_free(self))
            return NULL;
        int error = send_once(self, file, (size_t)most, &sent, &number);
        if (error == NEAP_OK && sent == 0 && most > 0 && neap__stream_reader_nothing(self) < 0)
            return NULL;
        if (error == NEAP_OK)
            return PyLong_FromSize_t(sent);
        errno = number;
        if (error != NEAP_ERROR_BUSY || !waits)
            return raise_send(self, error);
        int more = wait_for_socket(file, &limit);
        if (more == 0)
            PyErr_SetString(PyExc_TimeoutError, "timed out");
        if (more <= 0)
            return NULL;
    }
}

/* --- properties ---------------------------------------------------------------------- */

static PyObject *get_stream(PyObject *self, void *unused) {
    (void)unused;
    return Py_NewRef((PyObject *)reader_of(self)->stream);
}

static PyObject *get_offset(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(reader_of(self)->reader.offset);
}

static PyObject *get_missed(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(reader_of(self)->reader.missed_bytes);
}

static PyObject *get_lag(PyObject *self, void *unused) {
    (void)unused;
    return neap__stream_reader_free(reader_of(self))
               ? PyLong_FromUnsignedLongLong(neap_stream_reader_lag(&reader_of(self)->reader))
               : NULL;
}

static PyObject *get_ended(PyObject *self, void *unused) {
    (void)unused;
    struct neap_stream_reader copy = reader_of(self)->reader;
    return PyBool_FromLong(neap_stream_state(copy.stream) == NEAP_STREAM_CLOSED &&
                           neap_stream_reader_lag(&copy) == 0);
}

static PyObject *reader_repr(PyObject *self) {
    const struct neap_stream_reader *reader = &reader_of(self)->reader;
    return PyUnicode_FromFormat("<neap.Reader at %llu, %llu missed>", (unsigned long long)reader->offset,
                                (unsigned long long)reader->missed_bytes);
}

/* --- the type ------------------------------------------------------------------------- */

static PyObject *reader_iter(PyObject *self) {
    return Py_NewRef(self);
}

static int reader_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(reader_of(self)->stream);
    return 0;
}

/* There is no tp_clear, because a reader needs its stream; clearing the stream's callbacks breaks every
 * cycle. */
static void reader_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_DECREF(reader_of(self)->stream);
    neap__extension_free(self);
}

static PyGetSetDef reader_members[] = {
    {"stream", get_stream, NULL, "The stream.", NULL},
    {"offset", get_offset, NULL, "Offset of the next byte, from the stream's beginning.", NULL},
    {"missed", get_missed, NULL, "Bytes it missed because it was too slow, all told.", NULL},
    {"lag", get_lag, NULL, "Bytes there are to read now.", NULL},
    {"ended", get_ended, NULL, "Whether the stream was closed and all of it was read.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define WITH_KEYWORDS(function) ((PyCFunction)(void (*)(void))function)

static PyMethodDef reader_methods[] = {
    {"read", WITH_KEYWORDS(reader_read), METH_FASTCALL,
     "read($self, size=-1, /)\n--\n\nReads up to size bytes; None if there are none now, b'' at the end."},
    {"read_block", reader_read_block, METH_NOARGS,
     "read_block($self)\n--\n\nReads the rest of the block if it is complete; None if not, b'' at the "
     "end."},
    {"readinto", reader_readinto, METH_O,
     "readinto($self, buffer, /)\n--\n\nReads into a buffer; returns how many bytes, None if none now, 0 at "
     "the end."},
    {"view", reader_view, METH_NOARGS,
     "view($self)\n--\n\nA view of the next block, to verify after use; None if it is not complete."},
    {"send", WITH_KEYWORDS(reader_send), METH_VARARGS | METH_KEYWORDS,
     "send($self, sock, max_bytes=sys.maxsize)\n--\n\nSends to a socket without a copy; returns the bytes "
     "sent."},
    {"wait", WITH_KEYWORDS(reader_wait), METH_VARARGS | METH_KEYWORDS,
     "wait($self, timeout=None, nbytes=0)\n--\n\nSleep until nbytes (0: a block) are there or the stream "
     "ended; "
     "whether it is so.\nThat the writer died counts once: after that, or after WriterDied, it waits for a "
     "new "
     "writer."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, "Reader(stream, start='now')\n--\n\n"
                "A reader of a stream. start: 'now', 'oldest', or a number of bytes back."},
    {Py_tp_new, reader_new},
    {Py_tp_repr, reader_repr},
    {Py_tp_iter, reader_iter},
    {Py_tp_iternext, reader_iternext},
    {Py_tp_methods, reader_methods},
    {Py_tp_getset, reader_members},
    {Py_tp_traverse, reader_traverse},
    {Py_tp_dealloc, reader_dealloc},
    {0, NULL},
};

PyType_Spec neap__stream_reader_spec = {
    .name = "neap.Reader",
    .basicsize = sizeof(struct reader_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = reader_slots,
};
