/* bits_number.c: neap.Bits and numbers: conversions and operators. */
#include "bits_object.h"

#include <string.h>

enum { WORD_BITS = 64 };

/* --- conversions --- */

static PyObject *int_of_array(PyObject *self, const neap_bits_t *bits) {
    Py_ssize_t bytes = (Py_ssize_t)((bits->count + 7) / 8);
    PyObject *data = PyBytes_FromStringAndSize((const char *)neap_bits_data(bits), bytes);
    PyObject *number = NULL;
    if (data)
        number = PyObject_CallFunction(neap__bits_state(self)->from_bytes, "Os", data, "little");
    Py_XDECREF(data);
    return number;
}

PyObject *neap__bits_to_int(PyObject *self, const neap_bits_t *bits, uint64_t at, uint64_t count) {
    neap_bits_t part;
    if (count <= WORD_BITS)
        return PyLong_FromUnsignedLongLong(neap_bits_load(bits, at, (unsigned)count));
    if (neap__bits_raise(neap_bits_init(&part, NULL, count)) < 0)
        return NULL;
    neap_bits_copy(&part, 0, bits, at, count);
    PyObject *number = int_of_array(self, &part);
    neap_bits_end(&part);
    return number;
}

int neap__bits_word_of(PyObject *value, unsigned width, uint64_t *word) {
    PyObject *number = PyNumber_Index(value);
    if (!number)
        return -1;
    unsigned long long taken = PyLong_AsUnsignedLongLong(number);
    int problem = taken == (unsigned long long)-1 && PyErr_Occurred();
    if (problem && PyErr_ExceptionMatches(PyExc_OverflowError)) { /* with the message of int.to_bytes */
        PyErr_Clear();
        PyObject *zero = PyLong_FromLong(0);
        int negative = zero ? PyObject_RichCompareBool(number, zero, Py_LT) : -1;
        Py_XDECREF(zero);
        if (negative >= 0)
            PyErr_SetString(PyExc_OverflowError,
                            negative ? "can't convert negative int to unsigned" : "int too big to convert");
    } else if (!problem && width < WORD_BITS && taken >> width != 0) {
        PyErr_SetString(PyExc_OverflowError, "int too big to convert");
        problem = 1;
    }
    Py_DECREF(number);
    if (problem)
        return -1;
    *word = taken;
    return 0;
}

/* Uses int.to_bytes, which raises the right errors except for the unused bits of the last byte. */
static PyObject *bytes_of_int(PyObject *value, uint64_t count, bool is_signed) {
    PyObject *number = PyNumber_Index(value), *data = NULL;
    PyObject *method = number ? PyObject_GetAttrString(number, "to_bytes") : NULL;
    /* One more bit for a sign. */
    PyObject *args = Py_BuildValue("(Ks)", (unsigned long long)(count / 8 + 1), "little");
    PyObject *keywords = Py_BuildValue("{s:O}", "signed", is_signed ? Py_True : Py_False);
    if (method && args && keywords)
        data = PyObject_Call(method, args, keywords);
    Py_XDECREF(keywords);
    Py_XDECREF(args);
    Py_XDECREF(method);
    Py_XDECREF(number);
    return data;
}

/* Whether all bits from `count` on are zero or, if is_signed, all equal. */
static bool fits(const unsigned char *bytes, Py_ssize_t length, uint64_t count, bool is_signed) {
    unsigned char above = is_signed && bytes[length - 1] & 0x80 ? 0xFF : 0;
    unsigned char last = bytes[count / 8] ^ above;
    return last >> count % 8 == 0 && (uint64_t)length == count / 8 + 1;
}

int neap__bits_from_int(PyObject *value, uint64_t count, bool is_signed, neap_bits_t *bits) {
    PyObject *data = bytes_of_int(value, count, is_signed);
    if (!data)
        return -1;
    const unsigned char *bytes = (const unsigned char *)PyBytes_AsString(data);
    int result = -1;
    if (!fits(bytes, PyBytes_Size(data), count, is_signed)) {
        PyErr_SetString(PyExc_OverflowError, "int too big to convert");
    } else if (neap__bits_raise(neap_bits_init(bits, NULL, count)) == 0) {
        memcpy(neap_bits_data(bits), bytes, (size_t)((count + 7) / 8));
        neap_bits_stretch(bits, count); /* clears the bits beyond; allocates nothing */
        result = 0;
    }
    Py_DECREF(data);
    return result;
}

static PyObject *number_int(PyObject *self) {
    const neap_bits_t *bits = &((bits_object *)self)->bits;
    if (neap__bits_look(self) < 0)
        return NULL;
    return neap__bits_sure(self, bits->count <= WORD_BITS ? neap__bits_to_int(self, bits, 0, bits->count)
                                                          : int_of_array(self, bits));
}

/* --- & | ^ --- */

/* Reads the other operand: a Bits as it is, a number as bits in *made. 1; 0 for neither; -1 on error. */
static int operand(PyObject *self, PyObject *other, neap_bits_t *made, const neap_bits_t **bits) {
    if (neap__bits_is(other)) {
        *bits = &((bits_object *)other)->bits;
        return 1;
    }
    if (!PyIndex_Check(other))
        return 0;
    if (neap__bits_from_int(other, ((bits_object *)self)->bits.count, true, made) < 0)
        return -1;
    *bits = made;
    return 1;
}

static int combine(bits_object *target, enum neap_bits_operation operation, const neap_bits_t *other) {
    if (neap_bits_combine(&target->bits, operation, other) == NEAP_OK)
        return 0;
    PyErr_SetString(PyExc_ValueError, "Bits of equal length expected");
    return -1;
}

static bits_object *copy_of(PyObject *self) {
    return neap__bits_copy(self, 0, ((bits_object *)self)->bits.count);
}

/* If `in_place`, the result goes to `self`. */
static PyObject *operate(PyObject *self, PyObject *other, enum neap_bits_operation operation, bool in_place) {
    neap_bits_t made = {.from.allocator = NULL};
    const neap_bits_t *bits = NULL;
    if (neap__bits_look(self) < 0 || neap__bits_look_at_other(other) < 0)
        return NULL;
    if (in_place && !neap__bits_writable((bits_object *)self))
        return NULL;
    int known = operand(self, other, &made, &bits);
    if (known < 0)
        return NULL;
    if (known == 0)
        return Py_NewRef(Py_NotImplemented);
    bits_object *target = in_place ? (bits_object *)Py_NewRef(self) : copy_of(self);
    if (target && combine(target, operation, bits) < 0)
        Py_CLEAR(target);
    if (bits == &made)
        neap_bits_end(&made);
    return neap__bits_sure_of_other(other, neap__bits_sure(self, (PyObject *)target));
}

/* Either operand may be the Bits, because the operations are commutative. */
static PyObject *operate_new(PyObject *a, PyObject *b, enum neap_bits_operation operation) {
    return neap__bits_is(a) ? operate(a, b, operation, false) : operate(b, a, operation, false);
}

static PyObject *number_and(PyObject *a, PyObject *b) {
    return operate_new(a, b, NEAP_BITS_AND);
}

static PyObject *number_or(PyObject *a, PyObject *b) {
    return operate_new(a, b, NEAP_BITS_OR);
}

static PyObject *number_xor(PyObject *a, PyObject *b) {
    return operate_new(a, b, NEAP_BITS_XOR);
}

static PyObject *number_and_here(PyObject *self, PyObject *other) {
    return operate(self, other, NEAP_BITS_AND, true);
}

static PyObject *number_or_here(PyObject *self, PyObject *other) {
    return operate(self, other, NEAP_BITS_OR, true);
}

static PyObject *number_xor_here(PyObject *self, PyObject *other) {
    return operate(self, other, NEAP_BITS_XOR, true);
}

static PyObject *number_invert(PyObject *self) {
    bits_object *copy = neap__bits_look(self) < 0 ? NULL : copy_of(self);
    if (copy)
        neap_bits_invert(&copy->bits, 0, copy->bits.count);
    return neap__bits_sure(self, (PyObject *)copy);
}

/* --- << >> --- */

/* Reads a distance; a number that is too large is clipped. 1; 0 if it is not a number; -1 on error. */
static int distance_of(PyObject *value, uint64_t *distance) {
    if (!PyIndex_Check(value))
        return 0;
    Py_ssize_t taken = PyNumber_AsSsize_t(value, NULL); /* clipped */
    if (taken == -1 && PyErr_Occurred())
        return -1;
    if (taken < 0) {
        PyErr_SetString(PyExc_ValueError, "negative shift count");
        return -1;
    }
    *distance = (uint64_t)taken;
    return 1;
}

static PyObject *shift(PyObject *self, PyObject *by, bool up, bool in_place) {
    uint64_t distance = 0;
    int known = neap__bits_is(self) ? distance_of(by, &distance) : 0;
    if (known < 0 || (in_place && !neap__bits_writable((bits_object *)self)))
        return NULL;
    if (known == 0)
        return Py_NewRef(Py_NotImplemented);
    if (neap__bits_look(self) < 0)
        return NULL;
    bits_object *target = in_place ? (bits_object *)Py_NewRef(self) : copy_of(self);
    if (target)
        (up ? neap_bits_shift_up : neap_bits_shift_down)(&target->bits, distance);
    return neap__bits_sure(self, (PyObject *)target);
}

static PyObject *number_up(PyObject *a, PyObject *b) {
    return shift(a, b, true, false);
}

static PyObject *number_down(PyObject *a, PyObject *b) {
    return shift(a, b, false, false);
}

static PyObject *number_up_here(PyObject *self, PyObject *by) {
    return shift(self, by, true, true);
}

static PyObject *number_down_here(PyObject *self, PyObject *by) {
    return shift(self, by, false, true);
}

PyType_Slot neap__bits_number_slots[] = {
    {Py_nb_int, number_int},
    {Py_nb_and, number_and},
    {Py_nb_or, number_or},
    {Py_nb_xor, number_xor},
    {Py_nb_inplace_and, number_and_here},
    {Py_nb_inplace_or, number_or_here},
    {Py_nb_inplace_xor, number_xor_here},
    {Py_nb_invert, number_invert},
    {Py_nb_lshift, number_up},
    {Py_nb_rshift, number_down},
    {Py_nb_inplace_lshift, number_up_here},
    {Py_nb_inplace_rshift, number_down_here},
    {0, NULL},
};
