/* stream_types.h: types and functions that the files of the module _stream share.
 *
 *     Stream ──< Reader ──< View          each holds a reference to the one before it
 *       └──────< _Memory <──┘             what memoryviews over the ring look through
 *
 * The memory of a stream lives as long as any object that can access it. All calls hold the
 * GIL except while they wait or send. A reader that sends is marked as busy, so that another
 * thread that uses it gets an exception.
 */
#ifndef NEAP_PYTHON_STREAM_TYPES_H
#define NEAP_PYTHON_STREAM_TYPES_H

#include "extension.h"

#include <stdbool.h>

#include <neap/stream.h>

struct stream_state {
    PyTypeObject *stream_type, *reader_type, *view_type, *memory_type;
    PyObject *overrun, *writer_died; /* exception classes */
};

struct memory_object;

struct stream_object {
    PyObject_HEAD neap_stream_t *stream;
    PyObject *callbacks;                /* list: each is called once, when a block is complete; NULL: none */
    uint64_t blocks_seen;               /* number of complete blocks when the list was begun */
    PyObject *name;                     /* of a shared one, or NULL */
    PyObject *owner;                    /* whose it has to be: an int, or NULL */
    PyObject *claim;                    /* memoryview of the last claim, until that ends; or NULL */
    struct memory_object *claim_memory; /* what it looks through */
};

struct reader_object {
    PyObject_HEAD struct stream_object *stream;
    struct neap_stream_reader reader;
    bool busy; /* a thread sends from it without the GIL */
};

extern PyType_Spec neap__stream_spec, neap__stream_reader_spec, neap__view_spec, neap__memory_spec;

/* The module's state, from a type of the module or a subclass of one. */
struct stream_state *neap__stream_state_of(PyTypeObject *type);

/* The same from an object of the module. */
static inline struct stream_state *neap__stream_state(void *object) {
    return neap__stream_state_of(Py_TYPE((PyObject *)object));
}

/* A memoryview of `bytes` at `data` in the stream's ring, to read. NULL with an exception. */
PyObject *neap__memory_view(struct stream_object *stream, void *data, size_t bytes);

/* The same for the claim that begins, to write; the stream keeps it until the claim ends. */
PyObject *neap__memory_claim(struct stream_object *stream, void *data, size_t bytes);

/* Bytes of the claim that has not ended; 0 if there is none. */
size_t neap__memory_claimed(const struct stream_object *stream);

/* Releases the claim's memoryview, so that nothing can be written through it any more. 0; -1 with
 * BufferError while a part of it is used elsewhere. */
int neap__memory_end_claim(struct stream_object *stream);

/* Raises ValueError: the stream's memory was cut short. Returns NULL. */
PyObject *neap__stream_raise_cut(void);

/* A view of the reader's next block, or None. NULL with an exception. */
PyObject *neap__view_new(struct reader_object *reader);

/* What it means that a reader got nothing: 0 nothing is there yet, 1 the stream was closed and all
 * of it was read, -1 its writer died, or its memory was cut short: an exception is raised. */
int neap__stream_reader_nothing(struct reader_object *self);

/* False, with an exception, while another thread sends from this reader. */
bool neap__stream_reader_free(struct reader_object *self);

#endif
