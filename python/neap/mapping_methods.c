/* mapping_methods.c: methods and operators, on top of the calls of struct mapping_class. */
#include "mapping_object.h"

#include <errno.h>

#include <neap/error.h>

/* --- making --- */

int neap__mapping_arguments(PyObject *args, PyObject *kwargs, const char *format, enum neap_kind *key,
                            enum neap_kind *value, PyObject **items) {
    static char *names[] = {"key", "value", "items", NULL};
    PyObject *key_name, *value_name;
    *items = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &key_name, &value_name, items))
        return -1;
    return neap__kind_from_name(key_name, false, key) < 0 ? -1
                                                          : neap__kind_from_name(value_name, true, value);
}

bool neap__mapping_count_fits(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most) {
    if (count >= least && count <= most)
        return true;
    PyErr_Format(PyExc_TypeError, "%s expected at %s %zd argument%s, got %zd", name,
                 count < least ? "least" : "most", count < least ? least : most,
                 (count < least ? least : most) == 1 ? "" : "s", count);
    return false;
}

/* --- by key --- */

int neap__mapping_delete(const struct mapping_class *class, PyObject *self, PyObject *key) {
    union neap_item item;
    int removed = 0;
    if (neap__kind_from_object(neap__mapping_of(self)->key, key, &item) == 0)
        removed = class->remove(self, item);
    else if (!neap__kind_is_unholdable())
        return -1;
    if (removed == 0)
        PyErr_SetObject(PyExc_KeyError, key);
    return removed > 0 ? 0 : -1;
}

/* Looks up a value: 1 with a new reference in *object, 0 if there is none, -1 with an exception. */
static int value_of(PyObject *self, PyObject *key, PyObject **object) {
    const struct mapping_object *mapping = neap__mapping_of(self);
    union neap_item value;
    int found = neap__mapping_find(mapping->class, self, key, &value);
    if (found <= 0)
        return found;
    *object = neap__mapping_sure(self, neap__kind_to_object(mapping->value, value));
    return *object ? 1 : -1;
}

int neap__mapping_contains(PyObject *self, PyObject *key) {
    return neap__mapping_find(neap__mapping_of(self)->class, self, key, NULL);
}

PyObject *neap__mapping_get(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    PyObject *value = NULL;
    if (neap__mapping_count_fits("get", count, 1, 2) && value_of(self, args[0], &value) == 0)
        value = Py_NewRef(count == 2 ? args[1] : Py_None);
    return value;
}

PyObject *neap__mapping_setdefault(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    PyObject *value = NULL;
    /* It passes the guard before it looks: in between, nothing may change. The same in pop. */
    if (!neap__mapping_count_fits("setdefault", count, 1, 2) || neap__mapping_pass(self) < 0)
        return NULL;
    if (value_of(self, args[0], &value) == 0 &&
        neap__mapping_assign(neap__mapping_of(self)->class, self, args[0], count == 2 ? args[1] : Py_None) ==
            0)
        value_of(self, args[0], &value); /* as it was stored: an f32 is rounded */
    return value;
}

PyObject *neap__mapping_pop(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    PyObject *value = NULL;
    if (!neap__mapping_count_fits("pop", count, 1, 2) || neap__mapping_pass(self) < 0)
        return NULL;
    int found = value_of(self, args[0], &value);
    if (found == 0 && count == 2)
        return Py_NewRef(args[1]);
    if (found >= 0 && neap__mapping_assign(neap__mapping_of(self)->class, self, args[0], NULL) <
                          0) /* raises KeyError if there is none */
        Py_CLEAR(value);
    return value;
}

/* --- update --- */

/* Adds an element of an iterable: a pair or, if there are no values, a key. */
static int put_element(PyObject *self, PyObject *element, Py_ssize_t number) {
    const struct mapping_class *class = neap__mapping_of(self)->class;
    if (neap__mapping_of(self)->value == NEAP_KIND_NONE && !PyTuple_Check(element))
        return neap__mapping_assign(class, self, element, Py_None);
    PyObject *pair = PySequence_Tuple(element);
    int result = -1;
    if (pair && PyTuple_Size(pair) == 2)
        result = neap__mapping_assign(class, self, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
    else if (pair)
        PyErr_Format(PyExc_ValueError, "%s update sequence element #%zd has length %zd; 2 is required",
                     class->name, number, PyTuple_Size(pair));
    Py_XDECREF(pair);
    return result;
}

/* Adds a key of a mapping, with its value if there are values. */
static int put_key(PyObject *self, PyObject *key, PyObject *mapping) {
    const struct mapping_object *ours = neap__mapping_of(self);
    PyObject *value = ours->value == NEAP_KIND_NONE ? Py_NewRef(Py_None) : PyObject_GetItem(mapping, key);
    int result = value ? neap__mapping_assign(ours->class, self, key, value) : -1;
    Py_XDECREF(value);
    return result;
}

/* Adds each item of `iterable`: an element or, if `mapping` is not NULL, a key of it. */
static int update_each(PyObject *self, PyObject *iterable, PyObject *mapping) {
    PyObject *iterator = PyObject_GetIter(iterable), *next;
    int result = iterator ? 0 : -1;
    for (Py_ssize_t number = 0; result == 0 && (next = PyIter_Next(iterator)); number++) {
        result = mapping ? put_key(self, next, mapping) : put_element(self, next, number);
        Py_DECREF(next);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : result;
}

int neap__mapping_update(PyObject *self, PyObject *source) {
    if (self == source)
        return 0;
    const struct mapping_class *class = neap__mapping_of(self)->class;
    int absorbed = class->absorb ? class->absorb(self, source) : 1;
    if (absorbed <= 0)
        return absorbed;
    PyObject *keys = NULL;
    if (PyDict_Check(source) || PyObject_HasAttrString(source, "keys")) {
        keys = PyObject_CallMethod(source, "keys", NULL);
        if (!keys)
            return -1;
    }
    int result = update_each(self, keys ? keys : source, keys ? source : NULL);
    Py_XDECREF(keys);
    return result;
}

PyObject *neap__mapping_method_update(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *source = NULL;
    if (!PyArg_UnpackTuple(args, "update", 0, 1, &source) ||
        (source && neap__mapping_update(self, source) < 0) ||
        (kwargs && neap__mapping_update(self, kwargs) < 0))
        return NULL;
    return Py_NewRef(Py_None);
}

PyObject *neap__mapping_inplace_or(PyObject *self, PyObject *other) {
    return neap__mapping_update(self, other) < 0 ? NULL : Py_NewRef(self);
}

PyObject *neap__mapping_joined(PyObject *copy, PyObject *other) {
    if (copy && neap__mapping_update(copy, other) < 0)
        Py_CLEAR(copy);
    return copy;
}

/* --- comparing --- */

/* Whether `mapping` has this pair: 1, 0, or -1 with an exception. */
static int has_pair(PyObject *mapping, PyObject *pair) {
    PyObject *other = PyObject_GetItem(mapping, PyTuple_GetItem(pair, 0));
    if (!other) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError) && !PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear(); /* a mapping of other kinds has no such key */
        return 0;
    }
    int equal = PyObject_RichCompareBool(PyTuple_GetItem(pair, 1), other, Py_EQ);
    Py_DECREF(other);
    return equal;
}

/* Compares entry by entry, as objects: 1, 0, or -1 with an exception. */
static int same_entries(PyObject *self, PyObject *other) {
    PyObject *pair;
    Py_ssize_t length = PyObject_Size(other), ours = PyObject_Size(self);
    if (length < 0 || ours < 0 || length != ours)
        return length < 0 || ours < 0 ? -1 : 0;
    PyObject *iterator = neap__mapping_iterate(self, MAPPING_ITEMS);
    int equal = iterator ? 1 : -1;
    while (equal > 0 && (pair = PyIter_Next(iterator))) {
        equal = has_pair(other, pair);
        Py_DECREF(pair);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : equal;
}

PyObject *neap__mapping_richcompare(PyObject *self, PyObject *other, int operation) {
    int equal = MAPPING_UNLIKE;
    if (operation == Py_EQ || operation == Py_NE)
        equal =
            PyDict_Check(other) ? MAPPING_BY_ENTRIES : neap__mapping_of(self)->class->compare(self, other);
    if (equal == MAPPING_BY_ENTRIES)
        equal = same_entries(self, other);
    if (equal < 0)
        return NULL;
    if (equal == MAPPING_UNLIKE)
        return Py_NewRef(Py_NotImplemented);
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

/* --- the whole --- */

PyObject *neap__mapping_iter(PyObject *self) {
    return neap__mapping_iterate(self, MAPPING_KEYS);
}

PyObject *neap__mapping_repr(PyObject *self) {
    const struct mapping_object *mapping = neap__mapping_of(self);
    PyObject *key = neap__kind_to_name(mapping->key), *value = neap__kind_to_name(mapping->value);
    PyObject *items = PyDict_New(), *text = NULL;
    PyObject *iterator = neap__mapping_iterate(self, MAPPING_ITEMS);
    if (key && value && items && iterator && PyDict_MergeFromSeq2(items, iterator, 1) == 0)
        text = PyUnicode_FromFormat("%s(%R, %R, %R)", mapping->class->name, key, value, items);
    Py_XDECREF(key);
    Py_XDECREF(value);
    Py_XDECREF(items);
    Py_XDECREF(iterator);
    return text;
}

PyObject *neap__mapping_kinds(PyObject *self, void *unused) {
    const struct mapping_object *mapping = neap__mapping_of(self);
    (void)unused;
    PyObject *key = neap__kind_to_name(mapping->key), *value = neap__kind_to_name(mapping->value);
    PyObject *kinds = key && value ? PyTuple_Pack(2, key, value) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return kinds;
}

PyObject *neap__mapping_saved(int error, PyObject *path, const char *damaged) {
    if (error == NEAP_OK)
        return Py_NewRef(Py_None);
    if (error != NEAP_ERROR_FORMAT || (errno != EISDIR && errno != ENODEV))
        return neap__extension_raise(error, path, damaged);
    if (errno == EISDIR) /* what lies at the path is in the way */
        return neap__extension_raise(NEAP_ERROR_SYSTEM, path, "");
    PyObject *raised = PyObject_CallFunction(PyExc_OSError, "isO", errno, "Not a regular file", path);
    if (raised)
        PyErr_SetObject(PyExc_OSError, raised);
    Py_XDECREF(raised);
    return NULL;
}

PyObject *neap__mapping_dict(PyObject *self) {
    PyObject *dict = PyObject_GetAttrString(self, "__dict__");
    if (dict)
        return dict;
    PyErr_Clear();
    return Py_NewRef(Py_None);
}

/* Entries are passed as an iterator, so that they are not all objects at once. */
PyObject *neap__mapping_reduce(PyObject *self, PyObject *unused) {
    const struct mapping_object *mapping = neap__mapping_of(self);
    (void)unused;
    PyObject *items = neap__mapping_iterate(self, MAPPING_ITEMS), *state = neap__mapping_dict(self);
    PyObject *key = neap__kind_to_name(mapping->key), *value = neap__kind_to_name(mapping->value);
    PyObject *reduced = NULL;
    if (items && key && value)
        reduced = Py_BuildValue("O(OO)OOO", Py_TYPE(self), key, value, state, Py_None, items);
    Py_XDECREF(items);
    Py_XDECREF(state);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return reduced;
}
