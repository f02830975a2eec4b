/* map_object.c: the type Map. */
#include "map_object.h"

#include <string.h>

/* --- making and ending --- */

PyObject *neap__map_wrap(PyTypeObject *type, neap_map_t *map) {
    const struct map_state *state = neap__extension_state(type, "neap._map");
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *self = NULL;
    if (map == NULL)
        PyErr_NoMemory();
    else if (state != NULL)
        self = alloc(type, 0);
    if (self == NULL) {
        neap_map_destroy(map);
        return NULL;
    }
    *neap__map_of(self) = (struct map_object){
        .ob_base = neap__map_of(self)->ob_base,
        .map = map,
        .key = neap_map_key_kind(map),
        .value = neap_map_value_kind(map),
        .state = state,
    };
    return self;
}

static PyObject *map_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"key", "value", "items", NULL};
    PyObject *key_name, *value_name, *items = NULL;
    enum neap_kind key, value;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:Map", names, &key_name, &value_name, &items) ||
        neap__kind_from_name(key_name, false, &key) < 0 || neap__kind_from_name(value_name, true, &value) < 0)
        return NULL;
    PyObject *self = neap__map_wrap(type, neap_map_new(key, value, NULL));
    if (self != NULL && items != NULL && neap__map_update(neap__map_of(self), items) < 0)
        Py_CLEAR(self);
    return self;
}

static void map_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    neap_map_destroy(neap__map_of(self)->map);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* --- single entries --- */

int neap__map_raise_file(void) {
    PyErr_SetString(PyExc_TypeError, "this Map is a file and cannot be changed: its copy() can");
    return -1;
}

int neap__map_sound(const struct map_object *map) {
    if (!neap_map_is_damaged(map->map))
        return 0;
    PyErr_SetString(PyExc_ValueError, "the file of this Map is damaged");
    return -1;
}

/* An error of the C map as an exception; -1. */
static int raise(const struct map_object *map, int error) {
    if (error == NEAP_ERROR_PERMISSION)
        return neap__map_raise_file();
    (void)map;
    neap__extension_raise(error, NULL, "not a key or value of this Map");
    return -1;
}

int neap__map_find(struct map_object *map, PyObject *key, union neap_item *value) {
    union neap_item item;
    if (neap__kind_from_object(map->key, key, &item) < 0)
        return neap__kind_is_unholdable() ? 0 : -1;
    if (neap_map_get(map->map, item, value))
        return 1;
    return neap__map_sound(map);
}

int neap__map_put(struct map_object *map, PyObject *key, PyObject *value) {
    union neap_item key_item, value_item;
    if (neap_map_is_file(map->map))
        return neap__map_raise_file();
    if (neap__kind_from_object(map->key, key, &key_item) < 0 ||
        neap__kind_from_object(map->value, value, &value_item) < 0)
        return -1;
    int error = neap_map_put(map->map, key_item, value_item, NULL);
    return error == NEAP_OK ? 0 : raise(map, error);
}

int neap__map_take(struct map_object *map, PyObject *key) {
    union neap_item item;
    if (neap_map_is_file(map->map))
        return neap__map_raise_file();
    if (neap__kind_from_object(map->key, key, &item) == 0) {
        if (neap_map_remove(map->map, item))
            return 0;
    } else if (!neap__kind_is_unholdable()) {
        return -1;
    }
    PyErr_SetObject(PyExc_KeyError, key);
    return -1;
}

static PyObject *map_subscript(PyObject *self, PyObject *key) {
    struct map_object *map = neap__map_of(self);
    union neap_item value;
    int found = neap__map_find(map, key, &value);
    if (found > 0)
        return neap__kind_to_object(map->value, value);
    if (found == 0)
        PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

static int map_ass_subscript(PyObject *self, PyObject *key, PyObject *value) {
    return value != NULL ? neap__map_put(neap__map_of(self), key, value)
                         : neap__map_take(neap__map_of(self), key);
}

static int map_contains(PyObject *self, PyObject *key) {
    return neap__map_find(neap__map_of(self), key, NULL);
}

static Py_ssize_t map_length(PyObject *self) {
    return (Py_ssize_t)neap_map_count(neap__map_of(self)->map);
}

static PyObject *map_iter(PyObject *self) {
    return neap__map_iterator_new(neap__map_of(self), MAP_KEYS);
}

/* --- comparing --- */

static bool same_item(enum neap_kind kind, union neap_item a, union neap_item b) {
    if (kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES)
        return a.text.bytes == b.text.bytes &&
               (a.text.bytes == 0 || memcmp(a.text.data, b.text.data, a.text.bytes) == 0);
    if (kind >= NEAP_KIND_F32) /* a map equals its copy, also with a NaN */
        return a.f == b.f || (a.f != a.f && b.f != b.f);
    return a.u == b.u;
}

/* Maps of the same kinds and length. */
static int same_kinds_equal(const struct map_object *a, const struct map_object *b) {
    struct neap_map_cursor cursor = {0};
    union neap_item key, value, other;
    while (neap_map_next(a->map, &cursor, &key, &value)) {
        if (!neap_map_get(b->map, key, &other) || !same_item(a->value, value, other))
            return neap__map_sound(b);
    }
    return neap__map_sound(a) < 0 ? -1 : 1;
}

/* The value that any mapping has for `key`, a new reference; NULL without an exception if none. */
static PyObject *value_in(PyObject *mapping, PyObject *key) {
    PyObject *value = PyObject_GetItem(mapping, key);
    if (value == NULL && (PyErr_ExceptionMatches(PyExc_KeyError) || PyErr_ExceptionMatches(PyExc_TypeError)))
        PyErr_Clear(); /* also a Map of other kinds, which has no such key */
    return value;
}

/* A Map and any mapping of the same length: 1, 0, or -1 with an exception. */
static int mapping_equal(struct map_object *map, PyObject *mapping) {
    PyObject *iterator = neap__map_iterator_new(map, MAP_ITEMS), *pair;
    int equal = iterator != NULL ? 1 : -1;
    while (equal > 0 && (pair = PyIter_Next(iterator)) != NULL) {
        PyObject *other = value_in(mapping, PyTuple_GetItem(pair, 0));
        equal = other != NULL ? PyObject_RichCompareBool(PyTuple_GetItem(pair, 1), other, Py_EQ) : 0;
        Py_XDECREF(other);
        Py_DECREF(pair);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : equal;
}

/* 1, 0, -1 with an exception; 2 if `other` is no mapping. */
static int map_equal(struct map_object *map, PyObject *other) {
    if (PyObject_TypeCheck(other, map->state->map)) {
        struct map_object *b = neap__map_of(other);
        if (neap_map_count(map->map) != neap_map_count(b->map))
            return 0;
        if (map->key == b->key && map->value == b->value)
            return same_kinds_equal(map, b);
    } else if (!PyDict_Check(other)) {
        return 2;
    }
    Py_ssize_t length = PyObject_Size(other);
    if (length < 0)
        return -1;
    return (uint64_t)length == neap_map_count(map->map) ? mapping_equal(map, other) : 0;
}

static PyObject *map_richcompare(PyObject *self, PyObject *other, int operation) {
    int equal = operation == Py_EQ || operation == Py_NE ? map_equal(neap__map_of(self), other) : 2;
    if (equal < 0)
        return NULL;
    if (equal == 2)
        return Py_NewRef(Py_NotImplemented);
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

/* --- other operators --- */

static PyObject *map_repr(PyObject *self) {
    struct map_object *map = neap__map_of(self);
    PyObject *key = neap__kind_to_name(map->key), *value = neap__kind_to_name(map->value);
    PyObject *items = PyDict_New(), *text = NULL;
    PyObject *view = neap__map_view_new(map, MAP_ITEMS);
    if (key != NULL && value != NULL && items != NULL && view != NULL &&
        PyDict_MergeFromSeq2(items, view, 1) == 0)
        text = PyUnicode_FromFormat("Map(%R, %R, %R)", key, value, items);
    Py_XDECREF(key);
    Py_XDECREF(value);
    Py_XDECREF(items);
    Py_XDECREF(view);
    return text;
}

/* Map | mapping, a new Map; mapping | Map is for the other operand. */
static PyObject *map_or(PyObject *self, PyObject *other) {
    if (PyType_GetSlot(Py_TYPE(self), Py_nb_or) != (void *)map_or ||
        !(PyDict_Check(other) || PyObject_TypeCheck(other, neap__map_of(self)->state->map)))
        return Py_NewRef(Py_NotImplemented);
    struct map_object *map = neap__map_of(self);
    PyObject *copy = neap__map_wrap(map->state->map, neap_map_copy(map->map, NULL));
    if (copy != NULL && neap__map_update(neap__map_of(copy), other) < 0)
        Py_CLEAR(copy);
    return copy;
}

static PyObject *map_inplace_or(PyObject *self, PyObject *other) {
    return neap__map_update(neap__map_of(self), other) < 0 ? NULL : Py_NewRef(self);
}

PyDoc_STRVAR(map_doc,
             "Map(key, value, items=(), /)\n--\n\n"
             "A mapping that holds its keys and values as bytes: a dict in a fifth of the memory.\n\n"
             "`key` and `value` are kinds: 'str', 'bytes', 'i8' to 'i64', 'u8' to 'u64', 'f32',\n"
             "'f64'; `value` may be None, for a set of keys. Entries have no order.");

static PyType_Slot map_slots[] = {
    {Py_tp_doc, (void *)map_doc},
    {Py_tp_new, (void *)map_new},
    {Py_tp_dealloc, (void *)map_dealloc},
    {Py_tp_iter, (void *)map_iter},
    {Py_tp_repr, (void *)map_repr},
    {Py_tp_richcompare, (void *)map_richcompare},
    {Py_tp_methods, neap__map_methods},
    {Py_tp_getset, neap__map_getset},
    {Py_mp_subscript, (void *)map_subscript},
    {Py_mp_ass_subscript, (void *)map_ass_subscript},
    {Py_mp_length, (void *)map_length},
    {Py_sq_contains, (void *)map_contains},
    {Py_nb_or, (void *)map_or},
    {Py_nb_inplace_or, (void *)map_inplace_or},
    {0, NULL},
};

PyType_Spec neap__map_spec = {
    .name = "neap.Map",
    .basicsize = sizeof(struct map_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = map_slots,
};
