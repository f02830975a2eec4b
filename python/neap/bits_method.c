/* bits_method.c: the methods of neap.Bits: counting, finding, growing, text. */
#include "bits_object.h"

enum { REPR_BITS_MAX = 1024 };

/* --- arguments --- */

static int bound_parse(PyObject *value, Py_ssize_t *bound) {
    if (value == Py_None)
        return 0;
    if (!PyIndex_Check(value)) {
        PyErr_SetString(PyExc_TypeError,
                        "slice indices must be integers or None or have an __index__ method");
        return -1;
    }
    *bound = PyNumber_AsSsize_t(value, NULL);
    return *bound == -1 && PyErr_Occurred() ? -1 : 0;
}

int neap__bits_bounds_parse(PyObject *const *args, Py_ssize_t given, struct bits_bounds *bounds) {
    *bounds = (struct bits_bounds){0, PY_SSIZE_T_MAX};
    if (given >= 1 && bound_parse(args[0], &bounds->start) < 0)
        return -1;
    return given >= 2 ? bound_parse(args[1], &bounds->stop) : 0;
}

bool neap__bits_bounds_adjust(const struct bits_bounds *bounds, uint64_t count, uint64_t *from,
                              uint64_t *to) {
    Py_ssize_t start = bounds->start, stop = bounds->stop;
    PySlice_AdjustIndices((Py_ssize_t)count, &start, &stop, 1);
    *from = (uint64_t)start;
    *to = (uint64_t)(stop > start ? stop : start);
    return start <= stop && (bounds->start < 0 || (uint64_t)bounds->start <= count);
}

/* Checks the number of arguments of a method. */
static int arguments_check(const char *name, Py_ssize_t given, Py_ssize_t least, Py_ssize_t most) {
    if (given >= least && given <= most)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s expected %s %zd argument%s, got %zd", name,
                 given < least ? "at least" : "at most", given < least ? least : most,
                 (given < least ? least : most) == 1 ? "" : "s", given);
    return -1;
}

/* Reads (start=0, stop=None) as a range of self. */
static int range_of(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t given, uint64_t *from,
                    uint64_t *to) {
    struct bits_bounds bounds;
    if (arguments_check(name, given, 0, 2) < 0 || neap__bits_bounds_parse(args, given, &bounds) < 0)
        return -1;
    neap__bits_bounds_adjust(&bounds, ((bits_object *)self)->bits.count, from, to);
    return 0;
}

/* Reads (bit, start=0, stop=None). */
static int bit_and_range_of(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t given,
                            int *bit, uint64_t *from, uint64_t *to) {
    if (arguments_check(name, given, 1, 3) < 0 || (*bit = neap__bits_bit_of(args[0])) < 0)
        return -1;
    return range_of(name, self, args + 1, given - 1, from, to);
}

/* --- counting and finding --- */

static PyObject *bits_count(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    int bit = 1;
    uint64_t from = 0, to = ((bits_object *)self)->bits.count;
    if (given != 0 && bit_and_range_of("count", self, args, given, &bit, &from, &to) < 0)
        return NULL;
    uint64_t ones = neap_bits_count(&((bits_object *)self)->bits, from, to);
    return PyLong_FromUnsignedLongLong(bit ? ones : to - from - ones);
}

static PyObject *combined_count(PyObject *self, PyObject *other, enum neap_bits_operation operation) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    if (!neap__bits_is(other)) {
        PyErr_SetString(PyExc_TypeError, "Bits expected");
        return NULL;
    }
    if (((bits_object *)other)->bits.count != bits->count) {
        PyErr_SetString(PyExc_ValueError, "Bits of equal length expected");
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(
        neap_bits_combined_count(bits, operation, &((bits_object *)other)->bits));
}

static PyObject *bits_count_and(PyObject *self, PyObject *other) {
    return combined_count(self, other, NEAP_BITS_AND);
}

static PyObject *bits_count_or(PyObject *self, PyObject *other) {
    return combined_count(self, other, NEAP_BITS_OR);
}

static PyObject *bits_count_xor(PyObject *self, PyObject *other) {
    return combined_count(self, other, NEAP_BITS_XOR);
}

/* Finds the first position of a bit, or of a pattern, in a range. 1; 0 if there is none; -1 on error. */
static int find_any(PyObject *self, PyObject *const *args, Py_ssize_t given, uint64_t *at) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    struct bits_bounds bounds;
    uint64_t from, to;
    neap_bits_t pattern;
    if (arguments_check("find", given, 1, 3) < 0 || neap__bits_bounds_parse(args + 1, given - 1, &bounds) < 0)
        return -1;
    if (PyIndex_Check(args[0])) {
        int bit = neap__bits_bit_of(args[0]);
        neap__bits_bounds_adjust(&bounds, bits->count, &from, &to);
        return bit < 0 ? -1 : neap_bits_find(bits, bit, from, to, at);
    }
    if (neap__bits_convert(args[0], &pattern) < 0)
        return -1;
    bool found = neap__bits_bounds_adjust(&bounds, bits->count, &from, &to) &&
                 neap_bits_search(bits, &pattern, from, to, at);
    neap_bits_end(&pattern);
    return found;
}

static PyObject *bits_find(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    uint64_t at;
    int found = find_any(self, args, given, &at);
    return found < 0 ? NULL : found ? PyLong_FromUnsignedLongLong(at) : PyLong_FromLong(-1);
}

static PyObject *bits_index(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    uint64_t at;
    int found = find_any(self, args, given, &at);
    if (found == 0)
        PyErr_SetString(PyExc_ValueError, "bits not found");
    return found > 0 ? PyLong_FromUnsignedLongLong(at) : NULL;
}

static PyObject *bits_rfind(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    int bit;
    uint64_t from, to, at;
    if (bit_and_range_of("rfind", self, args, given, &bit, &from, &to) < 0)
        return NULL;
    bool found = neap_bits_find_last(&((bits_object *)self)->bits, bit, from, to, &at);
    return found ? PyLong_FromUnsignedLongLong(at) : PyLong_FromLong(-1);
}

static PyObject *bits_any(PyObject *self, PyObject *unused) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    uint64_t at;
    (void)unused;
    return PyBool_FromLong(neap_bits_find(bits, true, 0, bits->count, &at));
}

static PyObject *bits_all(PyObject *self, PyObject *unused) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    uint64_t at;
    (void)unused;
    return PyBool_FromLong(!neap_bits_find(bits, false, 0, bits->count, &at));
}

static PyObject *bits_ones(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    struct bits_bounds bounds;
    uint64_t from, to;
    if (arguments_check("ones", given, 0, 2) < 0 || neap__bits_bounds_parse(args, given, &bounds) < 0)
        return NULL;
    neap__bits_bounds_adjust(&bounds, ((bits_object *)self)->bits.count, &from, &to);
    /* If there is no stop, bits that are added meanwhile count too. */
    return neap__bits_iterate_ones(self, from, bounds.stop == PY_SSIZE_T_MAX ? UINT64_MAX : to);
}

/* --- growing and shrinking --- */

static bool may_resize(PyObject *self) {
    return neap__bits_writable((bits_object *)self) && neap__bits_resizable((bits_object *)self);
}

static PyObject *bits_append(PyObject *self, PyObject *value) {
    neap_bits_t *bits = &((bits_object *)self)->bits;
    int bit = neap__bits_bit_of(value);
    if (bit < 0 || !may_resize(self) || neap__bits_raise(neap_bits_append(bits, bit)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *bits_extend(PyObject *self, PyObject *more) {
    PyObject *joined = PySequence_InPlaceConcat(self, more);
    if (!joined)
        return NULL;
    Py_DECREF(joined);
    Py_RETURN_NONE;
}

static PyObject *bits_insert(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    neap_bits_t *bits = &((bits_object *)self)->bits;
    if (given != 2)
        return PyErr_Format(PyExc_TypeError, "insert expected 2 arguments, got %zd", given);
    Py_ssize_t index = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (index == -1 && PyErr_Occurred())
        return NULL;
    int bit = neap__bits_bit_of(args[1]);
    if (bit < 0 || !may_resize(self))
        return NULL;
    struct bits_bounds bounds = {index, PY_SSIZE_T_MAX};
    uint64_t at, end;
    neap__bits_bounds_adjust(&bounds, bits->count, &at, &end);
    if (neap__bits_raise(neap_bits_insert(bits, at, 1)) < 0)
        return NULL;
    neap_bits_set(bits, at, bit);
    Py_RETURN_NONE;
}

static PyObject *bits_pop(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    neap_bits_t *bits = &((bits_object *)self)->bits;
    Py_ssize_t index = -1;
    if (arguments_check("pop", given, 0, 1) < 0)
        return NULL;
    if (given == 1 && (index = PyNumber_AsSsize_t(args[0], PyExc_IndexError)) == -1 && PyErr_Occurred())
        return NULL;
    uint64_t at = index < 0 ? (uint64_t)index + bits->count : (uint64_t)index;
    if (at >= bits->count) {
        PyErr_SetString(PyExc_IndexError,
                        bits->count == 0 ? "pop from empty Bits" : "pop index out of range");
        return NULL;
    }
    if (!may_resize(self))
        return NULL;
    bool bit = neap_bits_get(bits, at), last = at == bits->count - 1;
    int error = last && bits->state == NEAP_BITS_IN_MEMORY ? neap_bits_stretch(bits, at)
                                                           : neap_bits_remove(bits, at, 1);
    return neap__bits_raise(error) < 0 ? NULL : PyLong_FromLong(bit);
}

static PyObject *resized(PyObject *self, Py_ssize_t count) {
    neap_bits_t *bits = &((bits_object *)self)->bits;
    if (!neap__bits_writable((bits_object *)self))
        return NULL;
    if ((uint64_t)count == bits->count)
        Py_RETURN_NONE;
    if (!may_resize(self) || neap__bits_raise(neap_bits_resize(bits, (uint64_t)count)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *bits_resize(PyObject *self, PyObject *value) {
    Py_ssize_t count = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (count == -1 && PyErr_Occurred())
        return NULL;
    if (count >= 0)
        return resized(self, count);
    PyErr_SetString(PyExc_ValueError, "negative count");
    return NULL;
}

static PyObject *bits_clear(PyObject *self, PyObject *unused) {
    (void)unused;
    return resized(self, 0);
}

static PyObject *bits_trim(PyObject *self, PyObject *unused) {
    (void)unused;
    if (!neap__bits_movable((bits_object *)self))
        return NULL;
    return PyLong_FromUnsignedLongLong(neap_bits_trim(&((bits_object *)self)->bits));
}

/* --- all of it, or a range --- */

static PyObject *bits_fill(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    int bit;
    uint64_t from, to;
    if (bit_and_range_of("fill", self, args, given, &bit, &from, &to) < 0 ||
        !neap__bits_writable((bits_object *)self))
        return NULL;
    neap_bits_fill(&((bits_object *)self)->bits, from, to, bit);
    Py_RETURN_NONE;
}

static PyObject *bits_invert(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    uint64_t from, to;
    if (range_of("invert", self, args, given, &from, &to) < 0 || !neap__bits_writable((bits_object *)self))
        return NULL;
    neap_bits_invert(&((bits_object *)self)->bits, from, to);
    Py_RETURN_NONE;
}

static PyObject *bits_reverse(PyObject *self, PyObject *unused) {
    (void)unused;
    if (!neap__bits_writable((bits_object *)self))
        return NULL;
    neap_bits_reverse(&((bits_object *)self)->bits);
    Py_RETURN_NONE;
}

static PyObject *bits_copy(PyObject *self, PyObject *const *args, Py_ssize_t given) {
    uint64_t from, to;
    if (range_of("copy", self, args, given, &from, &to) < 0)
        return NULL;
    return (PyObject *)neap__bits_copy(self, from, to);
}

/* --- text --- */

static PyObject *bits_to01(PyObject *self, PyObject *unused) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    (void)unused;
    char *text = PyMem_Malloc((size_t)bits->count + 1);
    if (!text)
        return PyErr_NoMemory();
    for (uint64_t i = 0; i < bits->count; i++)
        text[i] = neap_bits_get(bits, i) ? '1' : '0';
    PyObject *result = PyUnicode_FromStringAndSize(text, (Py_ssize_t)bits->count);
    PyMem_Free(text);
    return result;
}

PyObject *neap__bits_repr(PyObject *self) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    if (neap__bits_look(self) < 0)
        return NULL;
    if (bits->count > REPR_BITS_MAX) {
        uint64_t ones = neap_bits_count(bits, 0, bits->count);
        return neap__bits_sure(self, PyUnicode_FromFormat("<neap.Bits: %llu bits, %llu of them set>",
                                                          (unsigned long long)bits->count,
                                                          (unsigned long long)ones));
    }
    PyObject *text = neap__bits_sure(self, bits_to01(self, NULL)), *result = NULL;
    if (text)
        result = PyUnicode_FromFormat("Bits('%U')", text);
    Py_XDECREF(text);
    return result;
}

/* --- the table --- */

NEAP_BITS_SURE_MANY(bits_count)
NEAP_BITS_SURE_MANY(bits_find)
NEAP_BITS_SURE_MANY(bits_index)
NEAP_BITS_SURE_MANY(bits_rfind)
NEAP_BITS_SURE_MANY(bits_ones)
NEAP_BITS_SURE_MANY(bits_insert)
NEAP_BITS_SURE_MANY(bits_pop)
NEAP_BITS_SURE_MANY(bits_fill)
NEAP_BITS_SURE_MANY(bits_invert)
NEAP_BITS_SURE_MANY(bits_copy)
NEAP_BITS_SURE_ONE(bits_count_and)
NEAP_BITS_SURE_ONE(bits_count_or)
NEAP_BITS_SURE_ONE(bits_count_xor)
NEAP_BITS_SURE_ONE(bits_append)
NEAP_BITS_SURE_ONE(bits_resize)
NEAP_BITS_SURE_NONE(bits_any)
NEAP_BITS_SURE_NONE(bits_all)
NEAP_BITS_SURE_NONE(bits_clear)
NEAP_BITS_SURE_NONE(bits_reverse)
NEAP_BITS_SURE_NONE(bits_to01)

#define FUNCTION(f) (PyCFunction)(void (*)(void))(f)

PyMethodDef neap__bits_methods[] = {
    {"count", FUNCTION(sure_bits_count), METH_FASTCALL,
     "count(bit=1, start=0, stop=None): how many bits equal `bit`."},
    {"count_and", sure_bits_count_and, METH_O, "The number of set bits of a & b."},
    {"count_or", sure_bits_count_or, METH_O, "The number of set bits of a | b."},
    {"count_xor", sure_bits_count_xor, METH_O, "The number of set bits of a ^ b: how many bits differ."},
    {"find", FUNCTION(sure_bits_find), METH_FASTCALL,
     "find(bit or bits, start=0, stop=None): the first position, or -1."},
    {"index", FUNCTION(sure_bits_index), METH_FASTCALL,
     "index(bit or bits, start=0, stop=None): the first position."},
    {"rfind", FUNCTION(sure_bits_rfind), METH_FASTCALL,
     "rfind(bit, start=0, stop=None): the last position, or -1."},
    {"any", sure_bits_any, METH_NOARGS, "Whether a bit is set."},
    {"all", sure_bits_all, METH_NOARGS, "Whether every bit is set."},
    {"ones", FUNCTION(sure_bits_ones), METH_FASTCALL,
     "ones(start=0, stop=None): the positions of the set bits."},
    {"append", sure_bits_append, METH_O, "Add a bit at the end."},
    {"extend", bits_extend, METH_O, "Add bits at the end."},
    {"insert", FUNCTION(sure_bits_insert), METH_FASTCALL, "insert(index, bit): add a bit before that index."},
    {"pop", FUNCTION(sure_bits_pop), METH_FASTCALL, "pop(index=-1): remove a bit and return it."},
    {"resize", sure_bits_resize, METH_O,
     "Set the length in bits; new bits are 0, and freed memory goes back."},
    {"clear", sure_bits_clear, METH_NOARGS, "Remove all bits."},
    {"trim", bits_trim, METH_NOARGS, "Give back spare room and pages of zeros; returns the bytes."},
    {"fill", FUNCTION(sure_bits_fill), METH_FASTCALL,
     "fill(bit, start=0, stop=None): set all bits to `bit`."},
    {"invert", FUNCTION(sure_bits_invert), METH_FASTCALL, "invert(start=0, stop=None): change every bit."},
    {"reverse", sure_bits_reverse, METH_NOARGS, "Reverse the order of the bits."},
    {"copy", FUNCTION(sure_bits_copy), METH_FASTCALL,
     "copy(start=0, stop=None): a new Bits with these bits."},
    {"to01", sure_bits_to01, METH_NOARGS, "The bits as text of 0 and 1, b[0] first."},
    {"from_int", neap__bits_of_int, METH_O | METH_CLASS,
     "The bits of a number; as many as its bit_length()."},
    {"open", FUNCTION(neap__bits_open), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "open(path, mode='r'): the bits of a file or block device, mapped; mode 'r', 'r+' or 'w+'."},
    {"flush", neap__bits_flush, METH_NOARGS, "Write all changes of the file to its disk, and wait for that."},
    {"close", neap__bits_close, METH_NOARGS, "Close the file; the array then has no bits."},
    {"__enter__", neap__bits_enter, METH_NOARGS, NULL},
    {"__exit__", neap__bits_exit, METH_VARARGS, NULL},
    {"__reduce__", neap__bits_reduce, METH_NOARGS, NULL},
    {"__sizeof__", neap__bits_sizeof, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
