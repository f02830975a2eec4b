/* bits_object.h: the type neap.Bits, for the files of its extension module.
 *
 *     _bits.c        the module; one object, its buffers, files, pickling
 *     bits_make.c    Bits(...) from text, bytes, numbers, anything with bits
 *     bits_index.c   b[i], b[i:j], b[i:j:k], and as a sequence
 *     bits_number.c  & | ^ ~ << >>, int(b), numbers to bits and back
 *     bits_iterator.c
 *     bits_method.c  counting, finding, growing, text
 *
 * An object is 56 bytes, and has one block if it has more than 64 bits. `bits.user` counts
 * the buffers of it that exist, and the threads that flush it without the GIL; while it is not
 * 0, nothing may be resized. The type has no subtypes.
 * Others may change the length of a file, so what depends on it begins with neap__bits_look,
 * and what has read or written a file ends with neap__bits_sure. Foreign code (an __index__, an iterator) can
 * change the bits, so calls that may run it come before the bits are first read. Errors: NULL or -1 with an
 * exception set. Else the GIL is held.
 */
#ifndef NEAP_PYTHON_BITS_OBJECT_H
#define NEAP_PYTHON_BITS_OBJECT_H

#include "extension.h"

#include <neap/bits.h>

typedef struct {
    PyObject_HEAD neap_bits_t bits;
} bits_object;

/* What a buffer and a flush add to `bits.user`. */
enum { BITS_BUFFER = 1, BITS_FLUSH = 1 << 24 };

struct bits_state {
    PyTypeObject *bits, *iterator;
    PyObject *from_bytes; /* int.from_bytes */
};

/* --- objects (_bits.c) --- */

bool neap__bits_is(PyObject *object);
bits_object *neap__bits_make(PyTypeObject *type, uint64_t count);

/* Bits [from, to) of self as a new object. */
bits_object *neap__bits_copy(PyObject *self, uint64_t from, uint64_t to);

/* Makes an object that owns the array, which it takes over also on failure. */
bits_object *neap__bits_wrap(PyTypeObject *type, neap_bits_t *bits);
const struct bits_state *neap__bits_state(PyObject *self);

/* Raises the exception for an error of neap_bits_...; returns -1, or 0 for NEAP_OK. */
int neap__bits_raise(int error);

/* Takes over the length that the file of self has now, unless a buffer is lent out. 0; -1 with ValueError,
 * once, if the file was cut short. Nothing for an array in memory, and for another object than a Bits. */
int neap__bits_look_at_file(PyObject *self);

static inline int neap__bits_look(PyObject *self) {
    return ((bits_object *)self)->bits.state != NEAP_BITS_IN_MEMORY ? neap__bits_look_at_file(self) : 0;
}

/* The same for any object. */
static inline int neap__bits_look_at_other(PyObject *other) {
    return neap__bits_is(other) ? neap__bits_look(other) : 0;
}

/* The result, if all that was read and written for it was in the file; else ValueError, and the result is
 * released. Nothing for an array in memory. */
PyObject *neap__bits_sure_of_file(PyObject *self, PyObject *result);

static inline PyObject *neap__bits_sure(PyObject *self, PyObject *result) {
    return ((bits_object *)self)->bits.state != NEAP_BITS_IN_MEMORY ? neap__bits_sure_of_file(self, result)
                                                                    : result;
}

static inline PyObject *neap__bits_sure_of_other(PyObject *other, PyObject *result) {
    return neap__bits_is(other) ? neap__bits_sure(other, result) : result;
}

/* The length in bits, of a file that of today. It leaves the exception to what uses the bits. */
uint64_t neap__bits_length(PyObject *self);

/* Calls with both, for the tables: of no argument, of one, of many. */
#define NEAP_BITS_SURE_NONE(function)                                                                        \
    static PyObject *sure_##function(PyObject *self, PyObject *unused) {                                     \
        return neap__bits_look(self) < 0 ? NULL : neap__bits_sure(self, function(self, unused));             \
    }
#define NEAP_BITS_SURE_ONE(function)                                                                         \
    static PyObject *sure_##function(PyObject *self, PyObject *other) {                                      \
        if (neap__bits_look(self) < 0 || neap__bits_look_at_other(other) < 0)                                \
            return NULL;                                                                                     \
        return neap__bits_sure_of_other(other, neap__bits_sure(self, function(self, other)));                \
    }
#define NEAP_BITS_SURE_MANY(function)                                                                        \
    static PyObject *sure_##function(PyObject *self, PyObject *const *args, Py_ssize_t given) {              \
        return neap__bits_look(self) < 0 ? NULL : neap__bits_sure(self, function(self, args, given));        \
    }

/* Whether self may be written; may move, as no buffer is lent out; may be resized. Else an
 * exception. */
bool neap__bits_writable(const bits_object *self);
bool neap__bits_movable(const bits_object *self);
bool neap__bits_resizable(const bits_object *self);

/* Methods. */
PyObject *neap__bits_open(PyObject *type, PyObject *args, PyObject *keywords);
PyObject *neap__bits_flush(PyObject *self, PyObject *unused);
PyObject *neap__bits_close(PyObject *self, PyObject *unused);
PyObject *neap__bits_enter(PyObject *self, PyObject *unused);
PyObject *neap__bits_exit(PyObject *self, PyObject *unused);
PyObject *neap__bits_reduce(PyObject *self, PyObject *unused);
PyObject *neap__bits_sizeof(PyObject *self, PyObject *unused);

/* --- from other things (bits_make.c) --- */

/* Makes a new array in *bits from any argument of Bits(...) except a number. */
int neap__bits_convert(PyObject *source, neap_bits_t *bits);

/* A bit, 0 or 1, or -1. */
int neap__bits_bit_of(PyObject *value);

PyObject *neap__bits_new(PyTypeObject *type, PyObject *args, PyObject *keywords);
PyObject *neap__bits_of_int(PyObject *type, PyObject *number);

/* --- numbers (bits_number.c) --- */

/* `count` bits from `at` as an int. */
PyObject *neap__bits_to_int(PyObject *self, const neap_bits_t *bits, uint64_t at, uint64_t count);

/* value >= 0 as a new array of `count` bits; OverflowError. `is_signed`: also value < 0, as
 * two's complement. */
int neap__bits_from_int(PyObject *value, uint64_t count, bool is_signed, neap_bits_t *bits);

/* The same for up to 64 bits, without an array. */
int neap__bits_word_of(PyObject *value, unsigned width, uint64_t *word);

extern PyType_Slot neap__bits_number_slots[];

/* --- indices (bits_index.c) --- */

extern PyType_Slot neap__bits_index_slots[];

/* --- iteration (bits_iterator.c) --- */

extern PyType_Spec neap__bits_iterator_spec;
PyObject *neap__bits_iterate(PyObject *self);
PyObject *neap__bits_iterate_ones(PyObject *self, uint64_t from, uint64_t stop);

/* --- methods (bits_method.c) --- */

extern PyMethodDef neap__bits_methods[];
PyObject *neap__bits_repr(PyObject *self);

/* Optional start and stop, as a slice has them, for an array that is then looked at. */
struct bits_bounds {
    Py_ssize_t start, stop;
};

int neap__bits_bounds_parse(PyObject *const *args, Py_ssize_t given, struct bits_bounds *bounds);
/* As a range, that is empty where they lie outside or the wrong way round: then false. */
bool neap__bits_bounds_adjust(const struct bits_bounds *bounds, uint64_t count, uint64_t *from, uint64_t *to);

#endif
