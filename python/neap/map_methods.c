/* map_methods.c: the methods of Map. */
#include "map_object.h"

#include <errno.h>

static PyObject *map_popitem(PyObject *self, PyObject *unused) {
    struct map_object *map = neap__map_of(self);
    union neap_item key, value;
    (void)unused;
    if (neap_map_is_file(map->map)) {
        neap__map_raise_file();
        return NULL;
    }
    if (neap__mapping_pass(self) < 0)
        return NULL;
    if (!neap_map_any(map->map, &key, &value)) {
        PyErr_SetString(PyExc_KeyError, "popitem(): Map is empty");
        return NULL;
    }
    PyObject *pair = neap__mapping_part(&map->base, MAPPING_ITEMS, key, value);
    if (pair && neap__mapping_delete(map->base.class, self, PyTuple_GetItem(pair, 0)) < 0)
        Py_CLEAR(pair);
    return pair;
}

static PyObject *map_clear(PyObject *self, PyObject *unused) {
    (void)unused;
    if (neap__mapping_pass(self) < 0)
        return NULL;
    if (!neap_map_clear(neap__map_of(self)->map)) {
        neap__map_raise_file();
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyObject *map_add(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    struct map_object *map = neap__map_of(self);
    union neap_item key, amount = {.i = 1}, sum;
    bool is_set = map->base.value == NEAP_KIND_NONE, is_float = map->base.value >= NEAP_KIND_F32;
    if (!neap__mapping_count_fits("add", count, 1, is_set ? 1 : 2))
        return NULL;
    if (is_set)
        return neap__mapping_assign(map->base.class, self, args[0], Py_None) < 0 ? NULL : Py_NewRef(Py_None);
    if (neap_kind_width(map->base.value) == 0) {
        PyErr_Format(PyExc_TypeError, "cannot add to values of kind '%s'", neap_kind_name(map->base.value));
        return NULL;
    }
    if (is_float)
        amount.f = 1;
    if (neap__kind_from_object(map->base.key, args[0], &key) < 0 ||
        (count == 2 &&
         neap__kind_from_object(is_float ? NEAP_KIND_F64 : NEAP_KIND_I64, args[1], &amount) < 0) ||
        neap__mapping_pass(self) < 0)
        return NULL;
    switch (neap_map_add(map->map, key, amount, &sum)) {
    case NEAP_OK:
        return neap__kind_to_object(map->base.value, sum);
    case NEAP_ERROR_PERMISSION:
        neap__map_raise_file();
        return NULL;
    case NEAP_ERROR_ARGUMENT:
        PyErr_Format(PyExc_OverflowError, "the sum is out of range of kind '%s'",
                     neap_kind_name(map->base.value));
        return NULL;
    default:
        return PyErr_NoMemory();
    }
}

static PyObject *map_from_items(PyObject *type, PyObject *args) {
    PyObject *key, *value, *items;
    if (!PyArg_UnpackTuple(args, "from_items", 3, 3, &key, &value, &items))
        return NULL;
    return PyObject_CallFunctionObjArgs(type, key, value, items, NULL);
}

PyObject *neap__map_copy(PyObject *self) {
    struct map_object *map = neap__map_of(self);
    PyThreadState *thread = neap__mapping_guard_begin(&map->base.guard);
    if (!thread)
        return NULL;
    neap_map_t *copy = neap_map_copy(map->map, NULL);
    neap__mapping_guard_end(&map->base.guard, thread);
    if (!copy && neap__map_sound(map) < 0)
        return NULL;
    return neap__map_wrap(map->state->map, copy);
}

static PyObject *map_copy(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__map_copy(self);
}

static PyObject *map_trim(PyObject *self, PyObject *unused) {
    (void)unused;
    if (neap__mapping_pass(self) < 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(neap_map_trim(neap__map_of(self)->map));
}

static PyObject *map_sizeof(PyObject *self, PyObject *unused) {
    (void)unused;
    const neap_map_t *map = neap__map_of(self)->map;
    return PyLong_FromUnsignedLongLong(sizeof(struct map_object) +
                                       (neap_map_is_file(map) ? 0 : neap_map_bytes(map)));
}

/* --- files --- */

static PyObject *map_save(PyObject *self, PyObject *path) {
    struct map_object *map = neap__map_of(self);
    PyObject *encoded;
    if (!PyUnicode_FSConverter(path, &encoded))
        return NULL;
    const char *name = PyBytes_AsString(encoded);
    PyThreadState *thread = neap__mapping_guard_begin(&map->base.guard);
    int error = NEAP_OK;
    if (thread) {
        errno = 0;
        error = neap_map_save(map->map, name);
        neap__mapping_guard_end(&map->base.guard, thread);
    }
    Py_DECREF(encoded);
    return !thread ? NULL : neap__mapping_saved(error, path, "the file of this Map is damaged");
}

static PyObject *map_verify(PyObject *self, PyObject *unused) {
    const neap_map_t *map = neap__map_of(self)->map;
    int error;
    (void)unused;
    if (!neap_map_is_file(map))
        return Py_NewRef(Py_None);
    Py_BEGIN_ALLOW_THREADS /* a map from a file cannot change meanwhile */
        error = neap_map_verify(map);
    Py_END_ALLOW_THREADS if (error != NEAP_OK) return neap__extension_raise(
        error, NULL, "the file of this Map is damaged");
    return Py_NewRef(Py_None);
}

static PyObject *map_open(PyObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"path", "verify", NULL};
    PyObject *path, *encoded;
    int verify = 0;
    neap_map_t *map;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$p:open", names, &path, &verify) ||
        !PyUnicode_FSConverter(path, &encoded))
        return NULL;
    int error = neap_map_open(PyBytes_AsString(encoded), NULL, &map);
    Py_DECREF(encoded);
    if (error != NEAP_OK)
        return neap__extension_raise(error, path, "not the file of a Map");
    PyObject *self = neap__map_wrap((PyTypeObject *)(void *)type, map);
    PyObject *verified = self && verify ? map_verify(self, NULL) : Py_NewRef(Py_None);
    if (!verified)
        Py_CLEAR(self);
    Py_XDECREF(verified);
    return self;
}

/* --- tables --- */

static PyObject *get_nbytes(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(neap_map_bytes(neap__map_of(self)->map));
}

static PyObject *get_readonly(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(neap_map_is_file(neap__map_of(self)->map));
}

PyGetSetDef neap__map_getset[] = {
    {"nbytes", get_nbytes, NULL, "Bytes that the map holds; for a map from a file, the length of the file.",
     NULL},
    {"kinds", neap__mapping_kinds, NULL, "The kinds of key and value, as they were given.", NULL},
    {"readonly", get_readonly, NULL, "Whether the map is a file, and cannot be changed.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyMethodDef neap__map_methods[] = {
    {"get", NEAP_FUNCTION(neap__mapping_get), METH_FASTCALL,
     "get(key, default=None, /)\n--\n\nReturns the value, or the default."},
    {"setdefault", NEAP_FUNCTION(neap__mapping_setdefault), METH_FASTCALL,
     "setdefault(key, default=None, /)\n--\n\nReturns the value; if there is none, adds the default."},
    {"pop", NEAP_FUNCTION(neap__mapping_pop), METH_FASTCALL,
     "pop(key, default=<unrepresentable>, /)\n--\n\nRemoves a key and returns its value, or the default."},
    {"popitem", map_popitem, METH_NOARGS, "Removes some entry and returns it as a pair."},
    {"clear", map_clear, METH_NOARGS, "Removes all entries."},
    {"keys", neap__mapping_keys, METH_NOARGS, "A set-like view of the keys."},
    {"values", neap__mapping_values, METH_NOARGS, "A view of the values."},
    {"items", neap__mapping_items, METH_NOARGS, "A set-like view of the entries, as pairs."},
    {"update", NEAP_FUNCTION(neap__mapping_method_update), METH_VARARGS | METH_KEYWORDS,
     "Adds all entries of a mapping, of an iterable of pairs (of keys, if there are no values), and\n"
     "of keyword arguments."},
    {"copy", map_copy, METH_NOARGS, "A copy that can be changed, also of a map that is a file."},
    {"add", NEAP_FUNCTION(map_add), METH_FASTCALL,
     "add(key, amount=1, /)\n--\n\nAdds to the number under the key, 0 if there is none, in one search, and\n"
     "returns the sum. In a map without values it adds the key."},
    {"from_items", map_from_items, METH_VARARGS | METH_CLASS,
     "from_items(key, value, items, /)\n--\n\nMakes a Map from a mapping or an iterable of pairs."},
    {"trim", map_trim, METH_NOARGS,
     "Packs groups closer, gives free memory back now, and returns the bytes."},
    {"save", map_save, METH_O,
     "save(path, /)\n--\n\nSaves the map; after a crash there is the old file or the new one."},
    {"open", NEAP_FUNCTION(map_open), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "open(path, *, verify=False)\n--\n\nOpens a saved map; all processes that open it share its memory. "
     "With "
     "verify,\nall of it is read and checked first."},
    {"verify", map_verify, METH_NOARGS, "Reads all of a map that is a file; ValueError if it is damaged."},
    {"__reduce__", neap__mapping_reduce, METH_NOARGS, NULL},
    {"__sizeof__", map_sizeof, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
