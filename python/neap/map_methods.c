/* map_methods.c: the methods of Map. */
#include "map_object.h"

/* --- as of any mapping --- */

/* Between `least` and `most` arguments, or a TypeError. */
static bool count_fits(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most) {
    if (count >= least && count <= most)
        return true;
    PyErr_Format(PyExc_TypeError, "%s expected at %s %zd argument%s, got %zd", name,
                 count < least ? "least" : "most", count < least ? least : most,
                 (count < least ? least : most) == 1 ? "" : "s", count);
    return false;
}

static PyObject *map_get(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    struct map_object *map = neap__map_of(self);
    union neap_item value;
    if (!count_fits("get", count, 1, 2))
        return NULL;
    int found = neap__map_find(map, args[0], &value);
    if (found > 0)
        return neap__kind_to_object(map->value, value);
    return found < 0 ? NULL : Py_NewRef(count == 2 ? args[1] : Py_None);
}

static PyObject *map_setdefault(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    struct map_object *map = neap__map_of(self);
    union neap_item value;
    if (!count_fits("setdefault", count, 1, 2))
        return NULL;
    int found = neap__map_find(map, args[0], &value);
    if (found < 0)
        return NULL;
    if (found == 0) {
        if (neap__map_put(map, args[0], count == 2 ? args[1] : Py_None) < 0)
            return NULL;
        found = neap__map_find(map, args[0], &value); /* as it was kept: an f32 is rounded */
    }
    return found > 0 ? neap__kind_to_object(map->value, value) : NULL;
}

static PyObject *map_pop(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    struct map_object *map = neap__map_of(self);
    union neap_item value;
    if (!count_fits("pop", count, 1, 2))
        return NULL;
    if (neap_map_is_file(map->map)) {
        neap__map_raise_file();
        return NULL;
    }
    int found = neap__map_find(map, args[0], &value);
    if (found < 0)
        return NULL;
    if (found == 0) {
        if (count == 2)
            return Py_NewRef(args[1]);
        PyErr_SetObject(PyExc_KeyError, args[0]);
        return NULL;
    }
    PyObject *object = neap__kind_to_object(map->value, value);
    if (object != NULL && neap__map_take(map, args[0]) < 0)
        Py_CLEAR(object);
    return object;
}

static PyObject *map_popitem(PyObject *self, PyObject *unused) {
    struct map_object *map = neap__map_of(self);
    union neap_item key, value;
    (void)unused;
    if (neap_map_is_file(map->map)) {
        neap__map_raise_file();
        return NULL;
    }
    if (!neap_map_any(map->map, &key, &value)) {
        PyErr_SetString(PyExc_KeyError, "popitem(): Map is empty");
        return NULL;
    }
    PyObject *key_object = neap__kind_to_object(map->key, key);
    PyObject *value_object = key_object != NULL ? neap__kind_to_object(map->value, value) : NULL;
    PyObject *pair = value_object != NULL ? PyTuple_Pack(2, key_object, value_object) : NULL;
    if (pair != NULL && neap__map_take(map, key_object) < 0)
        Py_CLEAR(pair);
    Py_XDECREF(key_object);
    Py_XDECREF(value_object);
    return pair;
}

static PyObject *map_clear(PyObject *self, PyObject *unused) {
    (void)unused;
    if (!neap_map_clear(neap__map_of(self)->map)) {
        neap__map_raise_file();
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyObject *map_keys(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__map_view_new(neap__map_of(self), MAP_KEYS);
}

static PyObject *map_values(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__map_view_new(neap__map_of(self), MAP_VALUES);
}

static PyObject *map_items(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__map_view_new(neap__map_of(self), MAP_ITEMS);
}

/* --- update --- */

static int update_from_map(struct map_object *map, struct map_object *other) {
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    if (neap_map_is_file(map->map))
        return neap__map_raise_file();
    while (map != other && neap_map_next(other->map, &cursor, &key, &value)) {
        int error = neap_map_put(map->map, key, value, NULL);
        if (error != NEAP_OK) {
            neap__extension_raise(error, NULL, "not a key or value of this Map");
            return -1;
        }
    }
    return neap__map_sound(other);
}

/* Calls put for each that `iterable` gives: a pair, a key alone for a map without values,
 * or a key of `mapping`. */
static int update_from_iterable(struct map_object *map, PyObject *iterable, PyObject *mapping) {
    PyObject *iterator = PyObject_GetIter(iterable), *next;
    int result = iterator != NULL ? 0 : -1;
    for (Py_ssize_t number = 0; result == 0 && (next = PyIter_Next(iterator)) != NULL; number++) {
        PyObject *pair = NULL, *value = NULL;
        if (map->value == NEAP_KIND_NONE) {
            result = neap__map_put(map, next, Py_None);
        } else if (mapping != NULL) {
            value = PyObject_GetItem(mapping, next);
            result = value != NULL ? neap__map_put(map, next, value) : -1;
        } else if ((pair = PySequence_Tuple(next)) == NULL) {
            result = -1;
        } else if (PyTuple_Size(pair) != 2) {
            PyErr_Format(PyExc_ValueError, "Map update sequence element #%zd has length %zd; 2 is required",
                         number, PyTuple_Size(pair));
            result = -1;
        } else {
            result = neap__map_put(map, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
        }
        Py_XDECREF(pair);
        Py_XDECREF(value);
        Py_DECREF(next);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : result;
}

int neap__map_update(struct map_object *map, PyObject *source) {
    if (PyObject_TypeCheck(source, map->state->map) && neap__map_of(source)->key == map->key &&
        neap__map_of(source)->value == map->value)
        return update_from_map(map, neap__map_of(source));
    PyObject *keys = NULL;
    if (PyDict_Check(source) || PyObject_HasAttrString(source, "keys")) {
        keys = PyMapping_Keys(source); /* a list: the source may change meanwhile */
        if (keys == NULL)
            return -1;
    }
    int result = update_from_iterable(map, keys != NULL ? keys : source, keys != NULL ? source : NULL);
    Py_XDECREF(keys);
    return result;
}

static PyObject *map_update(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *source = NULL;
    if (!PyArg_UnpackTuple(args, "update", 0, 1, &source))
        return NULL;
    if (source != NULL && neap__map_update(neap__map_of(self), source) < 0)
        return NULL;
    if (kwargs != NULL && neap__map_update(neap__map_of(self), kwargs) < 0)
        return NULL;
    return Py_NewRef(Py_None);
}

/* --- what a dict has not --- */

static PyObject *map_add(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    struct map_object *map = neap__map_of(self);
    union neap_item key, amount = {.i = 1}, sum;
    bool is_set = map->value == NEAP_KIND_NONE, is_float = map->value >= NEAP_KIND_F32;
    if (!count_fits("add", count, 1, is_set ? 1 : 2))
        return NULL;
    if (is_set)
        return neap__map_put(map, args[0], Py_None) < 0 ? NULL : Py_NewRef(Py_None);
    if (neap_kind_width(map->value) == 0) {
        PyErr_Format(PyExc_TypeError, "cannot add to values of kind '%s'", neap_kind_name(map->value));
        return NULL;
    }
    if (is_float)
        amount.f = 1;
    if (neap__kind_from_object(map->key, args[0], &key) < 0 ||
        (count == 2 &&
         neap__kind_from_object(is_float ? NEAP_KIND_F64 : NEAP_KIND_I64, args[1], &amount) < 0))
        return NULL;
    switch (neap_map_add(map->map, key, amount, &sum)) {
    case NEAP_OK:
        return neap__kind_to_object(map->value, sum);
    case NEAP_ERROR_PERMISSION:
        neap__map_raise_file();
        return NULL;
    case NEAP_ERROR_ARGUMENT:
        PyErr_Format(PyExc_OverflowError, "the sum is out of range of kind '%s'", neap_kind_name(map->value));
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

static PyObject *map_copy(PyObject *self, PyObject *unused) {
    struct map_object *map = neap__map_of(self);
    (void)unused;
    neap_map_t *copy = neap_map_copy(map->map, NULL);
    if (copy == NULL && neap__map_sound(map) < 0)
        return NULL;
    return neap__map_wrap(map->state->map, copy);
}

/* The entries go as an iterator, so that not all are objects at once. */
static PyObject *map_reduce(PyObject *self, PyObject *unused) {
    struct map_object *map = neap__map_of(self);
    (void)unused;
    PyObject *items = neap__map_iterator_new(map, MAP_ITEMS);
    PyObject *state = PyObject_GetAttrString(self, "__dict__"); /* of a subclass */
    if (state == NULL) {
        PyErr_Clear();
        state = Py_NewRef(Py_None);
    }
    PyObject *key = neap__kind_to_name(map->key), *value = neap__kind_to_name(map->value), *reduced = NULL;
    if (items != NULL && key != NULL && value != NULL)
        reduced = Py_BuildValue("O(OO)OOO", Py_TYPE(self), key, value, state, Py_None, items);
    Py_XDECREF(items);
    Py_XDECREF(state);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return reduced;
}

static PyObject *map_trim(PyObject *self, PyObject *unused) {
    (void)unused;
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
    PyObject *encoded;
    if (!PyUnicode_FSConverter(path, &encoded))
        return NULL;
    int error = neap_map_save(neap__map_of(self)->map, PyBytes_AsString(encoded));
    Py_DECREF(encoded);
    if (error != NEAP_OK)
        return neap__extension_raise(error, path, "the file of this Map is damaged");
    return Py_NewRef(Py_None);
}

static PyObject *map_verify(PyObject *self, PyObject *unused) {
    const neap_map_t *map = neap__map_of(self)->map;
    int error;
    (void)unused;
    if (!neap_map_is_file(map))
        return Py_NewRef(Py_None);
    Py_BEGIN_ALLOW_THREADS /* nobody can change it meanwhile */
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
    PyObject *verified = self != NULL && verify ? map_verify(self, NULL) : Py_NewRef(Py_None);
    if (verified == NULL)
        Py_CLEAR(self);
    Py_XDECREF(verified);
    return self;
}

/* --- tables --- */

static PyObject *get_nbytes(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(neap_map_bytes(neap__map_of(self)->map));
}

static PyObject *get_kinds(PyObject *self, void *unused) {
    struct map_object *map = neap__map_of(self);
    (void)unused;
    PyObject *key = neap__kind_to_name(map->key), *value = neap__kind_to_name(map->value);
    PyObject *kinds = key != NULL && value != NULL ? PyTuple_Pack(2, key, value) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return kinds;
}

static PyObject *get_readonly(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(neap_map_is_file(neap__map_of(self)->map));
}

PyGetSetDef neap__map_getset[] = {
    {"nbytes", get_nbytes, NULL, "Bytes the map holds; of one that is a file, the file's length.", NULL},
    {"kinds", get_kinds, NULL, "The kinds of key and value, as they were given.", NULL},
    {"readonly", get_readonly, NULL, "Whether the map is a file, and cannot be changed.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* Through a function pointer without parameters, that no compiler warns of. */
#define FUNCTION(name) ((PyCFunction)(void (*)(void))(name))

PyMethodDef neap__map_methods[] = {
    {"get", FUNCTION(map_get), METH_FASTCALL, "get(key, default=None, /)\n--\n\nThe value, or the default."},
    {"setdefault", FUNCTION(map_setdefault), METH_FASTCALL,
     "setdefault(key, default=None, /)\n--\n\nThe value; the default is put first if there is none."},
    {"pop", FUNCTION(map_pop), METH_FASTCALL,
     "pop(key, default=<unrepresentable>, /)\n--\n\nRemoves a key and returns its value, or the default."},
    {"popitem", map_popitem, METH_NOARGS, "Removes some entry and returns it as a pair."},
    {"clear", map_clear, METH_NOARGS, "Removes all entries."},
    {"keys", map_keys, METH_NOARGS, "A set-like view of the keys."},
    {"values", map_values, METH_NOARGS, "A view of the values."},
    {"items", map_items, METH_NOARGS, "A set-like view of the entries, as pairs."},
    {"update", FUNCTION(map_update), METH_VARARGS | METH_KEYWORDS,
     "Puts all entries of a mapping, of an iterable of pairs (of keys, if there are no values), and\n"
     "of keyword arguments."},
    {"copy", map_copy, METH_NOARGS, "A copy that can be changed, also of a map that is a file."},
    {"add", FUNCTION(map_add), METH_FASTCALL,
     "add(key, amount=1, /)\n--\n\nAdds to the number under the key, 0 if there is none, in one search, and\n"
     "returns the sum. In a map without values: puts the key."},
    {"from_items", map_from_items, METH_VARARGS | METH_CLASS,
     "from_items(key, value, items, /)\n--\n\nA Map of the items of a mapping or of an iterable of pairs."},
    {"trim", map_trim, METH_NOARGS,
     "Packs what can be packed, gives free memory back now, and returns how many bytes."},
    {"save", map_save, METH_O,
     "save(path, /)\n--\n\nSaves the map; at `path` is the old file or the whole new one, whatever happens."},
    {"open", FUNCTION(map_open), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "open(path, *, verify=False)\n--\n\nA saved map, read where it lies and shared by all who open it. With "
     "verify,\nall of it is read and checked first."},
    {"verify", map_verify, METH_NOARGS, "Reads all of a map that is a file; ValueError if it is damaged."},
    {"__reduce__", map_reduce, METH_NOARGS, NULL},
    {"__sizeof__", map_sizeof, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
