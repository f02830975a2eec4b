/* bits_index.c: neap.Bits by index and slice, and as a sequence. */
#include "bits_object.h"

enum { WORD_BITS = 64 };

/* A slice of an array as it is now. */
struct span {
    Py_ssize_t start, stop, step;
    uint64_t count;
};

/* --- one bit --- */

static int out_of_range(void) {
    PyErr_SetString(PyExc_IndexError, "Bits index out of range");
    return -1;
}

/* Converts an index; it may be negative. */
static int index_of(PyObject *key, Py_ssize_t *index) {
    *index = PyLong_AsSsize_t(key);
    if (*index == -1 && PyErr_Occurred()) { /* not an int, or a large one: take the slow path */
        PyErr_Clear();
        *index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (*index == -1 && PyErr_Occurred())
            return -1;
    }
    return 0;
}

/* Converts an index to a position. The length of a file is asked for where it counts: for an index from the
 * end, or beyond it. -1 with an exception. */
static inline int position_of(bits_object *self, Py_ssize_t index, uint64_t *at) {
    if ((index < 0 || (uint64_t)index >= self->bits.count) && neap__bits_look((PyObject *)self) < 0)
        return -1;
    *at = index < 0 ? (uint64_t)index + self->bits.count : (uint64_t)index;
    return *at < self->bits.count ? 0 : out_of_range();
}

static PyObject *bit_get(bits_object *self, Py_ssize_t index) {
    uint64_t at;
    if (position_of(self, index, &at) < 0)
        return NULL;
    return neap__bits_sure((PyObject *)self, PyLong_FromLong(neap_bits_get(&self->bits, at)));
}

/* As neap__bits_sure, for slots that return 0 or -1. */
static int sure_of(bits_object *self, int result) {
    if (result < 0 || self->bits.state == NEAP_BITS_IN_MEMORY)
        return result;
    PyObject *done = neap__bits_sure((PyObject *)self, Py_NewRef(Py_None));
    Py_XDECREF(done);
    return done ? result : -1;
}

static int bit_set(bits_object *self, Py_ssize_t index, int bit) {
    uint64_t at;
    if (position_of(self, index, &at) < 0 || !neap__bits_writable(self))
        return -1;
    neap_bits_set(&self->bits, at, bit);
    return sure_of(self, 0);
}

/* Removes [at, at + count). */
static int take_out(bits_object *self, uint64_t at, uint64_t count) {
    if (!neap__bits_writable(self))
        return -1;
    if (count == 0)
        return 0;
    return neap__bits_resizable(self) ? neap__bits_raise(neap_bits_remove(&self->bits, at, count)) : -1;
}

/* --- slices --- */

static int no_index(PyObject *key) {
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(key), "__name__");
    if (name)
        PyErr_Format(PyExc_TypeError, "Bits indices must be integers or slices, not %U", name);
    Py_XDECREF(name);
    return -1;
}

/* Reads a slice, which may run foreign code; the caller adjusts the span afterwards. */
static int span_parse(PyObject *key, struct span *span) {
    if (!PySlice_Check(key))
        return no_index(key);
    return PySlice_Unpack(key, &span->start, &span->stop, &span->step);
}

static void span_adjust(const bits_object *self, struct span *span) {
    Py_ssize_t count =
        PySlice_AdjustIndices((Py_ssize_t)self->bits.count, &span->start, &span->stop, span->step);
    span->count = (uint64_t)count;
}

/* The position of the n-th bit of a span. */
static uint64_t span_at(const struct span *span, uint64_t n) {
    return (uint64_t)(span->start + (Py_ssize_t)n * span->step);
}

/* Copies the bits of a span with steps to a new array. */
static void gather(const bits_object *self, const struct span *span, neap_bits_t *to) {
    for (uint64_t n = 0; n < span->count; n++)
        neap_bits_set(to, n, neap_bits_get(&self->bits, span_at(span, n)));
}

static void scatter(bits_object *self, const struct span *span, const neap_bits_t *from) {
    for (uint64_t n = 0; n < span->count; n++)
        neap_bits_set(&self->bits, span_at(span, n), neap_bits_get(from, n));
}

static PyObject *slice_get(bits_object *self, PyObject *key) {
    struct span span;
    neap_bits_t bits;
    if (span_parse(key, &span) < 0)
        return NULL;
    span_adjust(self, &span);
    if (span.step == 1)
        return neap__bits_to_int((PyObject *)self, &self->bits, (uint64_t)span.start, span.count);
    if (neap__bits_raise(neap_bits_init(&bits, NULL, span.count)) < 0)
        return NULL;
    gather(self, &span, &bits);
    PyObject *number = neap__bits_to_int((PyObject *)self, &bits, 0, span.count);
    neap_bits_end(&bits);
    return number;
}

/* A number: the length stays. `value` may run foreign code, and so is taken twice at most: for a
 * length, and, if that has changed meanwhile, not again. */
static int slice_set_number(bits_object *self, struct span span, PyObject *value) {
    neap_bits_t bits;
    PyObject *number = PyNumber_Index(value);
    int result = -1;
    if (!number)
        return -1;
    span_adjust(self, &span);
    if (span.step == 1 && span.count <= WORD_BITS) {
        uint64_t word;
        result = neap__bits_word_of(number, (unsigned)span.count, &word);
        if (result == 0)
            neap_bits_store(&self->bits, (uint64_t)span.start, (unsigned)span.count, word);
    } else if (neap__bits_from_int(number, span.count, false, &bits) == 0) {
        if (span.step == 1)
            neap_bits_copy(&self->bits, (uint64_t)span.start, &bits, 0, span.count);
        else
            scatter(self, &span, &bits);
        neap_bits_end(&bits);
        result = 0;
    }
    Py_DECREF(number);
    return result;
}

/* Replaces bits by others; their number may differ. */
static int replace(bits_object *self, const struct span *span, const neap_bits_t *bits) {
    uint64_t at = (uint64_t)span->start, old = span->count, fresh = bits->count;
    int error = NEAP_OK;
    if (old != fresh && !neap__bits_resizable(self))
        return -1;
    if (fresh > old)
        error = neap_bits_insert(&self->bits, at + old, fresh - old);
    else if (fresh < old)
        error = neap_bits_remove(&self->bits, at + fresh, old - fresh);
    if (error == NEAP_OK)
        neap_bits_copy(&self->bits, at, bits, 0, fresh);
    return neap__bits_raise(error);
}

static int slice_set_bits(bits_object *self, struct span span, PyObject *value) {
    neap_bits_t bits;
    int result = -1;
    if (neap__bits_convert(value, &bits) < 0)
        return -1;
    span_adjust(self, &span);
    if (span.step == 1) {
        result = replace(self, &span, &bits);
    } else if (bits.count != span.count) {
        PyErr_Format(PyExc_ValueError, "attempt to assign bits of size %llu to extended slice of size %llu",
                     (unsigned long long)bits.count, (unsigned long long)span.count);
    } else {
        scatter(self, &span, &bits);
        result = 0;
    }
    neap_bits_end(&bits);
    return result;
}

/* Closes the gaps of a span with steps one after the other, and then sets the length. */
static int slice_delete(bits_object *self, struct span span) {
    span_adjust(self, &span);
    if (span.step < 0 && span.count != 0) {
        span.start = (Py_ssize_t)span_at(&span, span.count - 1);
        span.step = -span.step;
    }
    if (span.step == 1 || span.count <= 1)
        return take_out(self, (uint64_t)span.start, span.count);
    if (!neap__bits_writable(self) || !neap__bits_resizable(self))
        return -1;
    uint64_t to = (uint64_t)span.start, all = self->bits.count;
    for (uint64_t n = 0; n < span.count; n++) {
        uint64_t from = span_at(&span, n) + 1;
        uint64_t end = n + 1 < span.count ? span_at(&span, n + 1) : all;
        neap_bits_copy(&self->bits, to, &self->bits, from, end - from);
        to += end - from;
    }
    return neap__bits_raise(neap_bits_resize(&self->bits, to));
}

static int slice_set(bits_object *self, PyObject *key, PyObject *value) {
    struct span span;
    if (span_parse(key, &span) < 0 || !neap__bits_writable(self))
        return -1;
    if (!value)
        return slice_delete(self, span);
    if (PyIndex_Check(value))
        return slice_set_number(self, span, value);
    return slice_set_bits(self, span, value);
}

/* --- the slots --- */

static PyObject *subscript(PyObject *self, PyObject *key) {
    Py_ssize_t index;
    if (!PyLong_CheckExact(key) && !PyIndex_Check(key))
        return neap__bits_look(self) < 0 ? NULL : neap__bits_sure(self, slice_get((bits_object *)self, key));
    return index_of(key, &index) < 0 ? NULL : bit_get((bits_object *)self, index);
}

static int subscript_set(PyObject *object, PyObject *key, PyObject *value) {
    bits_object *self = (bits_object *)object;
    Py_ssize_t index;
    if (!PyLong_CheckExact(key) && !PyIndex_Check(key))
        return neap__bits_look(object) < 0 ? -1 : sure_of(self, slice_set(self, key, value));
    int bit = value ? neap__bits_bit_of(value) : 0;
    if (bit < 0 || index_of(key, &index) < 0)
        return -1;
    if (value)
        return bit_set(self, index, bit);
    uint64_t at;
    return position_of(self, index, &at) < 0 ? -1 : sure_of(self, take_out(self, at, 1));
}

static Py_ssize_t length(PyObject *self) {
    return (Py_ssize_t)neap__bits_length(self);
}

/* The caller has adjusted negative indices; they may still be negative. */
static PyObject *item(PyObject *self, Py_ssize_t index) {
    if (index < 0) {
        out_of_range();
        return NULL;
    }
    return bit_get((bits_object *)self, index);
}

static int contains(PyObject *object, PyObject *value) {
    bits_object *self = (bits_object *)object;
    const neap_bits_t *bits = &self->bits;
    uint64_t at;
    if (neap__bits_look(object) < 0 || neap__bits_look_at_other(value) < 0)
        return -1;
    if (neap__bits_is(value)) {
        bool found = neap_bits_search(bits, &((bits_object *)value)->bits, 0, bits->count, &at);
        return sure_of((bits_object *)value, sure_of(self, found));
    }
    int bit = neap__bits_bit_of(value);
    return bit < 0 ? -1 : sure_of(self, neap_bits_find(bits, bit, 0, bits->count, &at));
}

/* Concatenates `self` and `other`, in place or as a new array. */
static PyObject *joined(PyObject *object, PyObject *other, bool in_place) {
    bits_object *self = (bits_object *)object, *target = NULL;
    neap_bits_t more;
    if (neap__bits_convert(other, &more) < 0)
        return NULL;
    if (neap__bits_look(object) < 0) {
        neap_bits_end(&more);
        return NULL;
    }
    uint64_t old = self->bits.count;
    if (!in_place) {
        target = neap__bits_make(Py_TYPE(object), old + more.count);
        if (target)
            neap_bits_copy(&target->bits, 0, &self->bits, 0, old);
    } else if (neap__bits_writable(self) && (more.count == 0 || neap__bits_resizable(self)) &&
               neap__bits_raise(neap_bits_insert(&self->bits, old, more.count)) == 0) {
        target = (bits_object *)Py_NewRef(object);
    }
    if (target)
        neap_bits_copy(&target->bits, old, &more, 0, more.count);
    neap_bits_end(&more);
    return neap__bits_sure(object, (PyObject *)target);
}

static PyObject *concat(PyObject *self, PyObject *other) {
    if (neap__bits_is(other) || PyObject_CheckBuffer(other))
        return joined(self, other, false);
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(other), "__name__");
    if (name)
        PyErr_Format(PyExc_TypeError, "can't concat %U to Bits", name);
    Py_XDECREF(name);
    return NULL;
}

static PyObject *concat_here(PyObject *self, PyObject *other) {
    return joined(self, other, true);
}

/* Repeats the first `one` bits until all are filled. */
static void repeat_bits(neap_bits_t *bits, uint64_t one) {
    for (uint64_t done = one; done < bits->count;) {
        uint64_t more = bits->count - done < done ? bits->count - done : done;
        neap_bits_copy(bits, done, bits, 0, more);
        done += more;
    }
}

static bool repeated_count(const bits_object *self, Py_ssize_t times, uint64_t *count) {
    *count = times > 0 ? self->bits.count * (uint64_t)times : 0;
    if (times <= 0 || self->bits.count <= (uint64_t)PY_SSIZE_T_MAX / (uint64_t)times)
        return true;
    PyErr_NoMemory();
    return false;
}

static PyObject *repeat(PyObject *object, Py_ssize_t times) {
    const bits_object *self = (bits_object *)object;
    uint64_t count;
    if (neap__bits_look(object) < 0 || !repeated_count(self, times, &count))
        return NULL;
    bits_object *target = neap__bits_make(Py_TYPE(object), count);
    if (target && count != 0) {
        neap_bits_copy(&target->bits, 0, &self->bits, 0, self->bits.count);
        repeat_bits(&target->bits, self->bits.count);
    }
    return neap__bits_sure(object, (PyObject *)target);
}

static PyObject *repeat_here(PyObject *object, Py_ssize_t times) {
    bits_object *self = (bits_object *)object;
    if (neap__bits_look(object) < 0)
        return NULL;
    uint64_t one = self->bits.count, count;
    if (!repeated_count(self, times, &count) || !neap__bits_writable(self))
        return NULL;
    if (count != one &&
        (!neap__bits_resizable(self) || neap__bits_raise(neap_bits_resize(&self->bits, count)) < 0))
        return NULL;
    if (count > one)
        repeat_bits(&self->bits, one);
    return neap__bits_sure(object, Py_NewRef(object));
}

PyType_Slot neap__bits_index_slots[] = {
    {Py_mp_length, length},
    {Py_mp_subscript, subscript},
    {Py_mp_ass_subscript, subscript_set},
    {Py_sq_length, length},
    {Py_sq_item, item},
    {Py_sq_contains, contains},
    {Py_sq_concat, concat},
    {Py_sq_inplace_concat, concat_here},
    {Py_sq_repeat, repeat},
    {Py_sq_inplace_repeat, repeat_here},
    {0, NULL},
};
