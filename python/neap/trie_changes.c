/* trie_changes.c: what changes a Trie. The methods are listed in trie_methods.c. */
#include "trie_changes.h"

int neap__trie_put(struct trie_object *trie, PyObject *key, PyObject *value) {
    union neap_item key_item, value_item;
    if (neap__kind_from_object(trie->key, key, &key_item) < 0 ||
        neap__kind_from_object(trie->value, value, &value_item) < 0)
        return -1;
    const int error = neap_trie_set(trie->trie, key_item, value_item);
    if (error == 0)
        return 0;
    neap__extension_raise(error, NULL, "a text is longer than 256 MiB");
    return -1;
}

/* --- update --- */

static int put_pair(struct trie_object *trie, PyObject *object) {
    PyObject *pair =
        PySequence_Fast(object, "cannot convert dictionary update sequence element to a sequence");
    if (pair == NULL)
        return -1;
    PyObject *items = PySequence_Tuple(pair);
    Py_DECREF(pair);
    if (items == NULL)
        return -1;
    int result = -1;
    if (PyTuple_Size(items) == 2)
        result = neap__trie_put(trie, PyTuple_GetItem(items, 0), PyTuple_GetItem(items, 1));
    else
        PyErr_Format(PyExc_ValueError, "an element has length %zd; 2 is required", PyTuple_Size(items));
    Py_DECREF(items);
    return result;
}

/* Each of an iterable: a pair, a key of `mapping`, or a key without a value. */
static int update_each(struct trie_object *trie, PyObject *iterable, PyObject *mapping) {
    PyObject *iterator = PyObject_GetIter(iterable), *item;
    int result = iterator != NULL ? 0 : -1;
    while (result == 0 && (item = PyIter_Next(iterator)) != NULL) {
        PyObject *value = mapping != NULL ? PyObject_GetItem(mapping, item) : NULL;
        if (mapping != NULL)
            result = value != NULL ? neap__trie_put(trie, item, value) : -1;
        else if (trie->value == NEAP_KIND_NONE && !PyTuple_Check(item))
            result = neap__trie_put(trie, item, Py_None);
        else
            result = put_pair(trie, item);
        Py_XDECREF(value);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : result;
}

int neap__trie_update(struct trie_object *trie, PyObject *source) {
    if ((PyObject *)trie == source)
        return 0;
    PyObject *keys = PyObject_GetAttrString(source, "keys");
    if (keys == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return -1;
        PyErr_Clear();
        return update_each(trie, source, NULL);
    }
    PyObject *iterable = PyObject_CallNoArgs(keys);
    const int result = iterable != NULL ? update_each(trie, iterable, source) : -1;
    Py_DECREF(keys);
    Py_XDECREF(iterable);
    return result;
}

PyObject *neap__trie_method_update(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *source = NULL;
    if (!PyArg_UnpackTuple(args, "update", 0, 1, &source) ||
        (source != NULL && neap__trie_update(neap__trie_of(self), source) < 0) ||
        (kwargs != NULL && neap__trie_update(neap__trie_of(self), kwargs) < 0))
        return NULL;
    return Py_NewRef(Py_None);
}

/* --- by key --- */

PyObject *neap__trie_method_setdefault(PyObject *self, PyObject *args) {
    struct trie_object *trie = neap__trie_of(self);
    PyObject *key, *value = Py_None;
    union neap_item item;
    if (!PyArg_UnpackTuple(args, "setdefault", 1, 2, &key, &value))
        return NULL;
    int found = neap__trie_find(trie, key, &item);
    if (found == 0) {
        if (neap__trie_put(trie, key, value) < 0)
            return NULL;
        found = neap__trie_find(trie, key, &item); /* as it was kept: an f32 is rounded */
    }
    return found > 0 ? neap__kind_to_object(trie->value, item) : NULL;
}

/* Removes a key that is there: 0, or -1 with an exception. */
static int take(struct trie_object *trie, PyObject *key) {
    return PyObject_DelItem((PyObject *)trie, key);
}

PyObject *neap__trie_method_pop(PyObject *self, PyObject *args) {
    struct trie_object *trie = neap__trie_of(self);
    PyObject *key, *otherwise = NULL;
    union neap_item item;
    if (!PyArg_UnpackTuple(args, "pop", 1, 2, &key, &otherwise))
        return NULL;
    const int found = neap__trie_find(trie, key, &item);
    if (found < 0)
        return NULL;
    if (found == 0 && otherwise != NULL)
        return Py_NewRef(otherwise);
    PyObject *value = found > 0 ? neap__kind_to_object(trie->value, item) : NULL;
    if (found == 0)
        PyErr_SetObject(PyExc_KeyError, key);
    if (value != NULL && take(trie, key) < 0)
        Py_CLEAR(value);
    return value;
}

PyObject *neap__trie_method_popitem(PyObject *self, PyObject *unused) {
    struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    PyObject *iterator = neap__trie_iterator_new(trie, TRIE_ITEMS);
    PyObject *pair = iterator != NULL ? PyIter_Next(iterator) : NULL;
    Py_XDECREF(iterator);
    if (pair == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_KeyError, "popitem(): Trie is empty");
    if (pair != NULL && take(trie, PyTuple_GetItem(pair, 0)) < 0)
        Py_CLEAR(pair);
    return pair;
}

/* --- the whole --- */

PyObject *neap__trie_method_clear(PyObject *self, PyObject *unused) {
    (void)unused;
    neap_trie_clear(neap__trie_of(self)->trie);
    return Py_NewRef(Py_None);
}

PyObject *neap__trie_method_compact(PyObject *self, PyObject *unused) {
    (void)unused;
    const int error = neap_trie_compact(neap__trie_of(self)->trie);
    return error < 0 ? neap__extension_raise(error, NULL, "") : Py_NewRef(Py_None);
}

PyObject *neap__trie_method_trim(PyObject *self, PyObject *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(neap_trie_trim(neap__trie_of(self)->trie));
}

PyObject *neap__trie_method_freeze(PyObject *self, PyObject *unused) {
    struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    return neap__trie_wrap(trie->state->frozen, NULL, neap_trie_freeze(trie->trie, NULL));
}
