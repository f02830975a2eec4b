/* bits_make.c: makes a neap.Bits from text, bytes, numbers, or any iterable of bits. */
#include "bits_object.h"

#include <string.h>

int neap__bits_bit_of(PyObject *value) {
    if (PyBool_Check(value))
        return value == Py_True;
    Py_ssize_t number =
        PyLong_CheckExact(value) ? PyLong_AsSsize_t(value) : PyNumber_AsSsize_t(value, PyExc_ValueError);
    if (number == 0 || number == 1)
        return (int)number;
    if (number != -1 || !PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_SetString(PyExc_ValueError, "bit must be 0 or 1");
    return -1;
}

/* Reads '0' and '1', the first as bit 0; ignores '_' and white space between them. */
static int convert_text(PyObject *text, neap_bits_t *bits) {
    Py_ssize_t length;
    const char *data = PyUnicode_AsUTF8AndSize(text, &length);
    if (!data || neap__bits_raise(neap_bits_init(bits, NULL, (uint64_t)length)) < 0)
        return -1;
    uint64_t count = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        if (data[i] == '0' || data[i] == '1') {
            neap_bits_set(bits, count++, data[i] == '1');
        } else if (data[i] != '_' && !strchr(" \t\n\r\f\v", data[i])) {
            neap_bits_end(bits);
            PyErr_Format(PyExc_ValueError, "invalid literal for Bits(): %R", text);
            return -1;
        }
    }
    neap_bits_resize(bits, count);
    return 0;
}

static int convert_buffer(PyObject *source, neap_bits_t *bits) {
    Py_buffer view;
    if (PyObject_GetBuffer(source, &view, PyBUF_SIMPLE) < 0)
        return -1;
    int result = -1;
    if (view.len > PY_SSIZE_T_MAX / 8)
        PyErr_NoMemory();
    else
        result = neap__bits_raise(neap_bits_init(bits, NULL, (uint64_t)view.len * 8));
    if (result == 0)
        memcpy(neap_bits_data(bits), view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return result;
}

static int convert_iterable(PyObject *source, neap_bits_t *bits) {
    PyObject *iterator = PyObject_GetIter(source), *one;
    if (!iterator || neap__bits_raise(neap_bits_init(bits, NULL, 0)) < 0) {
        Py_XDECREF(iterator);
        return -1;
    }
    int bit = 0;
    while (bit >= 0 && (one = PyIter_Next(iterator))) {
        bit = neap__bits_bit_of(one);
        Py_DECREF(one);
        if (bit >= 0 && neap__bits_raise(neap_bits_append(bits, bit)) < 0)
            bit = -1;
    }
    Py_DECREF(iterator);
    if (!PyErr_Occurred())
        return 0;
    neap_bits_end(bits);
    return -1;
}

int neap__bits_convert(PyObject *source, neap_bits_t *bits) {
    if (neap__bits_is(source)) {
        const neap_bits_t *other = &((bits_object *)source)->bits;
        if (neap__bits_look(source) < 0 ||
            neap__bits_raise(neap_bits_init_copy(bits, NULL, other, 0, other->count)) < 0)
            return -1;
        if (neap_bits_is_cut(other)) {
            neap_bits_end(bits);
            return neap__bits_raise(NEAP_ERROR_FORMAT);
        }
        return 0;
    }
    if (PyUnicode_Check(source))
        return convert_text(source, bits);
    if (PyObject_CheckBuffer(source))
        return convert_buffer(source, bits);
    if (PyType_GetSlot(Py_TYPE(source), Py_tp_iter) || PySequence_Check(source))
        return convert_iterable(source, bits);
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(source), "__name__");
    if (name)
        PyErr_Format(PyExc_TypeError, "cannot convert '%U' object to Bits", name);
    Py_XDECREF(name);
    return -1;
}

/* Makes `count` bits from a number, or from the first bits of bytes. */
static int convert_value(PyObject *value, uint64_t count, neap_bits_t *bits) {
    if (PyIndex_Check(value))
        return neap__bits_from_int(value, count, false, bits);
    if (neap__bits_convert(value, bits) < 0)
        return -1;
    if (bits->count >= count) {
        neap_bits_resize(bits, count);
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "%llu bits wanted and %llu given", (unsigned long long)count,
                 (unsigned long long)bits->count);
    neap_bits_end(bits);
    return -1;
}

static int convert_count(PyObject *source, PyObject *value, neap_bits_t *bits) {
    Py_ssize_t count = PyNumber_AsSsize_t(source, PyExc_OverflowError);
    if (count == -1 && PyErr_Occurred())
        return -1;
    if (count < 0) {
        PyErr_SetString(PyExc_ValueError, "negative count");
        return -1;
    }
    if (value != Py_None)
        return convert_value(value, (uint64_t)count, bits);
    return neap__bits_raise(neap_bits_init(bits, NULL, (uint64_t)count));
}

PyObject *neap__bits_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"", "value", NULL};
    PyObject *source = NULL, *value = Py_None;
    neap_bits_t bits;
    int result;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OO:Bits", names, &source, &value))
        return NULL;
    if (!source && value == Py_None) {
        result = neap__bits_raise(neap_bits_init(&bits, NULL, 0));
    } else if (source && PyIndex_Check(source)) {
        result = convert_count(source, value, &bits);
    } else if (value != Py_None) {
        PyErr_SetString(PyExc_TypeError, "Bits() takes a value only after a count");
        result = -1;
    } else {
        result = neap__bits_convert(source, &bits);
    }
    return result < 0 ? NULL : (PyObject *)neap__bits_wrap(type, &bits);
}

PyObject *neap__bits_of_int(PyObject *type, PyObject *number) {
    neap_bits_t bits;
    if (!PyLong_Check(number)) {
        PyErr_SetString(PyExc_TypeError, "an integer is required");
        return NULL;
    }
    PyObject *length = PyObject_CallMethod(number, "bit_length", NULL);
    Py_ssize_t count = length ? PyLong_AsSsize_t(length) : -1;
    Py_XDECREF(length);
    if (count < 0 || neap__bits_from_int(number, (uint64_t)count, false, &bits) < 0)
        return NULL;
    return (PyObject *)neap__bits_wrap((PyTypeObject *)type, &bits);
}
