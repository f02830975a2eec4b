/* kind_object.c */
#include "kind_object.h"

static int raise_type(enum neap_kind kind, const char *takes, PyObject *object) {
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
    if (name)
        PyErr_Format(PyExc_TypeError, "kind '%s' takes %s, not '%U'", neap_kind_name(kind), takes, name);
    Py_XDECREF(name);
    return -1;
}

static int text_from_object(enum neap_kind kind, PyObject *object, union neap_item *item) {
    Py_ssize_t bytes;
    if (kind == NEAP_KIND_STR) {
        if (!PyUnicode_Check(object))
            return raise_type(kind, "str", object);
        item->text.data = PyUnicode_AsUTF8AndSize(object, &bytes);
    } else {
        if (!PyBytes_Check(object))
            return raise_type(kind, "bytes", object);
        char *data = NULL;
        if (PyBytes_AsStringAndSize(object, &data, &bytes) < 0)
            return -1;
        item->text.data = data;
    }
    if (!item->text.data)
        return -1;
    item->text.bytes = (size_t)bytes;
    return 0;
}

static int raise_range(enum neap_kind kind) {
    unsigned bits = 8 * (unsigned)neap_kind_width(kind);
    if (kind >= NEAP_KIND_F32)
        PyErr_Format(PyExc_OverflowError, "too large for kind '%s'", neap_kind_name(kind));
    else if (kind >= NEAP_KIND_U8)
        PyErr_Format(PyExc_OverflowError, "kind '%s' takes 0 to %llu", neap_kind_name(kind),
                     (unsigned long long)(UINT64_MAX >> (64 - bits)));
    else
        PyErr_Format(PyExc_OverflowError, "kind '%s' takes %lld to %lld", neap_kind_name(kind),
                     (long long)(INT64_MIN >> (64 - bits)), (long long)(INT64_MAX >> (64 - bits)));
    return -1;
}

/* `object` is an int. */
static int whole_from_int(enum neap_kind kind, PyObject *object, union neap_item *item) {
    if (kind >= NEAP_KIND_U8)
        item->u = PyLong_AsUnsignedLongLong(object);
    else
        item->i = PyLong_AsLongLong(object);
    if (item->i == -1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError))
            return -1;
        PyErr_Clear();
        return raise_range(kind);
    }
    return neap_kind_fits(kind, *item) ? 0 : raise_range(kind);
}

static int whole_from_object(enum neap_kind kind, PyObject *object, union neap_item *item) {
    if (PyLong_Check(object))
        return whole_from_int(kind, object, item);
    if (!PyIndex_Check(object))
        return raise_type(kind, "int", object);
    PyObject *whole = PyNumber_Index(object);
    if (!whole)
        return -1;
    int result = whole_from_int(kind, whole, item);
    Py_DECREF(whole);
    return result;
}

static int float_from_object(enum neap_kind kind, PyObject *object, union neap_item *item) {
    item->f = PyFloat_AsDouble(object);
    if (item->f == -1.0 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear();
        return raise_type(kind, "float", object);
    }
    return neap_kind_fits(kind, *item) ? 0 : raise_range(kind);
}

int neap__kind_from_any(enum neap_kind kind, PyObject *object, union neap_item *item) {
    if (kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES)
        return text_from_object(kind, object, item);
    if (kind >= NEAP_KIND_F32)
        return float_from_object(kind, object, item);
    if (kind != NEAP_KIND_NONE)
        return whole_from_object(kind, object, item);
    if (object != Py_None)
        return raise_type(kind, "None", object);
    item->u = 0;
    return 0;
}

bool neap__kind_is_unholdable(void) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError) && !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return false;
    PyErr_Clear();
    return true;
}

PyObject *neap__kind_to_object(enum neap_kind kind, union neap_item item) {
    switch (kind) {
    case NEAP_KIND_STR:
        return PyUnicode_FromStringAndSize(item.text.data, (Py_ssize_t)item.text.bytes);
    case NEAP_KIND_BYTES:
        return PyBytes_FromStringAndSize(item.text.data, (Py_ssize_t)item.text.bytes);
    case NEAP_KIND_I8:
    case NEAP_KIND_I16:
    case NEAP_KIND_I32:
    case NEAP_KIND_I64:
        return PyLong_FromLongLong(item.i);
    case NEAP_KIND_U8:
    case NEAP_KIND_U16:
    case NEAP_KIND_U32:
    case NEAP_KIND_U64:
        return PyLong_FromUnsignedLongLong(item.u);
    case NEAP_KIND_F32:
    case NEAP_KIND_F64:
        return PyFloat_FromDouble(item.f);
    default:
        return Py_NewRef(Py_None);
    }
}

int neap__kind_from_name(PyObject *name, bool none_allowed, enum neap_kind *kind) {
    if (name == Py_None && none_allowed) {
        *kind = NEAP_KIND_NONE;
        return 0;
    }
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a kind is a str%s, not %R", none_allowed ? " or None" : "", name);
        return -1;
    }
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    if (!text)
        return -1;
    enum neap_kind found;
    if (!neap_kind_parse(text, &found) || found == NEAP_KIND_NONE) {
        PyErr_Format(PyExc_ValueError, "no kind is named %R: str, bytes, i8 to i64, u8 to u64, f32, f64",
                     name);
        return -1;
    }
    *kind = found;
    return 0;
}

PyObject *neap__kind_to_name(enum neap_kind kind) {
    return kind == NEAP_KIND_NONE ? Py_NewRef(Py_None) : PyUnicode_FromString(neap_kind_name(kind));
}
