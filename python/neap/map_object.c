/* map_object.c: the type Map, and its iterators. */
#include "map_object.h"

#include <string.h>

static const struct mapping_class map_class;

/* --- making and ending --- */

PyObject *neap__map_wrap(PyTypeObject *type, neap_map_t *map) {
    const struct map_state *state = neap__extension_state(type, "neap._map");
    PyObject *self = NULL;
    if (!map)
        PyErr_NoMemory();
    else if (state)
        self = neap__extension_new(type);
    if (!self) {
        neap_map_destroy(map);
        return NULL;
    }
    struct map_object *object = neap__map_of(self);
    object->base.key = neap_map_key_kind(map);
    object->base.value = neap_map_value_kind(map);
    object->base.class = &map_class;
    object->base.view_types = state->views;
    object->map = map;
    object->state = state;
    return self;
}

static PyObject *map_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *items;
    enum neap_kind key, value;
    if (neap__mapping_arguments(args, kwargs, "OO|O:Map", &key, &value, &items) < 0)
        return NULL;
    PyObject *self = neap__map_wrap(type, neap_map_new(key, value, NULL));
    return items ? neap__mapping_joined(self, items) : self;
}

static void map_dealloc(PyObject *self) {
    neap__mapping_guard_clear(&neap__map_of(self)->base.guard);
    neap_map_destroy(neap__map_of(self)->map);
    neap__extension_free(self);
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

static int map_sound(PyObject *self) {
    return neap__map_sound(neap__map_of(self));
}

static int map_get(PyObject *self, union neap_item key, union neap_item *value) {
    const struct map_object *map = neap__map_of(self);
    return neap_map_get(map->map, key, value) ? 1 : neap__map_sound(map);
}

static int map_put(PyObject *self, union neap_item key, union neap_item value) {
    if (neap__mapping_pass(self) < 0)
        return -1;
    int error = neap_map_put(neap__map_of(self)->map, key, value, NULL);
    if (error == NEAP_OK)
        return 0;
    if (error == NEAP_ERROR_PERMISSION)
        return neap__map_raise_file();
    neap__extension_raise(error, NULL, "not a key or value of this Map");
    return -1;
}

static int map_remove(PyObject *self, union neap_item key) {
    if (neap__mapping_pass(self) < 0)
        return -1;
    neap_map_t *map = neap__map_of(self)->map;
    return neap_map_is_file(map) ? neap__map_raise_file() : neap_map_remove(map, key);
}

static PyObject *map_subscript(PyObject *self, PyObject *key) {
    return neap__mapping_subscript(&map_class, self, key);
}

static int map_assign(PyObject *self, PyObject *key, PyObject *value) {
    return neap__mapping_assign(&map_class, self, key, value);
}

static Py_ssize_t map_length(PyObject *self) {
    return (Py_ssize_t)neap_map_count(neap__map_of(self)->map);
}

/* --- all entries --- */

struct iterator_object {
    PyObject_HEAD struct map_object *map; /* owned; NULL at the end */
    enum mapping_part part;
    uint64_t changes; /* of the map when the iterator was made */
    uint64_t left;    /* entries not returned yet, for __length_hint__ */
    struct neap_map_cursor cursor;
};

static struct iterator_object *iterator_of(PyObject *self) {
    return (struct iterator_object *)(void *)self;
}

/* A view always shows the whole map: a map has no order, so there are no ranges. */
static PyObject *map_iterate(const struct mapping_view *view) {
    struct map_object *map = neap__map_of((PyObject *)view->mapping);
    PyTypeObject *type = map->state->iterator;
    PyObject *self = neap__extension_new(type);
    if (!self)
        return NULL;
    struct iterator_object *iterator = iterator_of(self);
    iterator->map = neap__map_of(Py_NewRef((PyObject *)map));
    iterator->part = view->part;
    iterator->changes = neap_map_changes(map->map);
    iterator->left = neap_map_count(map->map);
    return self;
}

static Py_ssize_t view_length(const struct mapping_view *view) {
    return map_length((PyObject *)view->mapping);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(iterator_of(self)->map);
    return 0;
}

static int iterator_clear(PyObject *self) {
    Py_CLEAR(iterator_of(self)->map);
    return 0;
}

static PyObject *iterator_next(PyObject *self) {
    struct iterator_object *iterator = iterator_of(self);
    const struct map_object *map = iterator->map;
    union neap_item key, value;
    if (!map)
        return NULL;
    if (neap_map_changes(map->map) != iterator->changes) {
        iterator->changes = UINT64_MAX; /* so that further calls fail too */
        PyErr_SetString(PyExc_RuntimeError, "Map changed size during iteration");
        return NULL;
    }
    if (neap_map_next(map->map, &iterator->cursor, iterator->part == MAPPING_VALUES ? NULL : &key,
                      iterator->part == MAPPING_KEYS ? NULL : &value)) {
        iterator->left -= iterator->left > 0;
        return neap__mapping_part(&map->base, iterator->part, key, value);
    }
    neap__map_sound(map);
    Py_CLEAR(iterator->map);
    return NULL;
}

static PyObject *iterator_length_hint(PyObject *self, PyObject *unused) {
    struct iterator_object *iterator = iterator_of(self);
    (void)unused;
    bool ended = !iterator->map || neap_map_changes(iterator->map->map) != iterator->changes;
    return PyLong_FromUnsignedLongLong(ended ? 0 : iterator->left);
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, (void *)neap__extension_clear_and_free},
    {Py_tp_traverse, (void *)iterator_traverse},
    {Py_tp_clear, (void *)iterator_clear},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)iterator_next},
    {Py_tp_methods, iterator_methods},
    {0, NULL},
};

PyType_Spec neap__map_iterator_spec = {
    .name = "neap._map._iterator",
    .basicsize = sizeof(struct iterator_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = iterator_slots,
};

/* --- two maps --- */

static bool same_item(enum neap_kind kind, union neap_item a, union neap_item b) {
    if (kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES)
        return a.text.bytes == b.text.bytes &&
               (a.text.bytes == 0 || memcmp(a.text.data, b.text.data, a.text.bytes) == 0);
    if (kind >= NEAP_KIND_F32) /* a map with a NaN must equal its copy */
        return a.f == b.f || (a.f != a.f && b.f != b.f);
    return a.u == b.u;
}

/* Whether `other` is a Map of the same kinds. */
static bool is_same_type(const struct map_object *map, PyObject *other) {
    return PyObject_TypeCheck(other, map->state->map) && neap__map_of(other)->base.key == map->base.key &&
           neap__map_of(other)->base.value == map->base.value;
}

static int map_compare(PyObject *self, PyObject *other) {
    const struct map_object *a = neap__map_of(self), *b = neap__map_of(other);
    struct neap_map_cursor cursor = {0};
    union neap_item key, value, found;
    if (!is_same_type(a, other))
        return PyObject_TypeCheck(other, a->state->map) ? MAPPING_BY_ENTRIES : MAPPING_UNLIKE;
    if (neap_map_count(a->map) != neap_map_count(b->map))
        return 0;
    while (neap_map_next(a->map, &cursor, &key, &value)) {
        if (!neap_map_get(b->map, key, &found) || !same_item(a->base.value, value, found))
            return neap__map_sound(b);
    }
    return neap__map_sound(a) < 0 ? -1 : 1;
}

static int map_absorb(PyObject *self, PyObject *source) {
    const struct map_object *map = neap__map_of(self), *other = neap__map_of(source);
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    if (!is_same_type(map, source))
        return 1;
    if (neap_map_is_file(map->map))
        return neap__map_raise_file();
    if (neap__mapping_pass(self) < 0)
        return -1;
    while (neap_map_next(other->map, &cursor, &key, &value)) {
        if (neap_map_put(map->map, key, value, NULL) != NEAP_OK) {
            PyErr_NoMemory(); /* no other error is possible */
            return -1;
        }
    }
    return neap__map_sound(other);
}

/* Map | mapping, a new Map; mapping | Map is for the other operand. */
static PyObject *map_or(PyObject *self, PyObject *other) {
    if (PyType_GetSlot(Py_TYPE(self), Py_nb_or) != (void *)map_or ||
        !(PyDict_Check(other) || PyObject_TypeCheck(other, neap__map_of(self)->state->map)))
        return Py_NewRef(Py_NotImplemented);
    return neap__mapping_joined(neap__map_copy(self), other);
}

/* --- the type --- */

static const struct mapping_class map_class = {
    .name = "Map",
    .view_name = "Map",
    .get = map_get,
    .put = map_put,
    .remove = map_remove,
    .iterate = map_iterate,
    .length = view_length,
    .compare = map_compare,
    .absorb = map_absorb,
    .sound = map_sound,
};

PyDoc_STRVAR(map_doc,
             "Map(key, value, items=(), /)\n--\n\n"
             "A mapping that holds its keys and values as bytes, in a fifth of the memory of a dict.\n\n"
             "`key` and `value` are kinds: 'str', 'bytes', 'i8' to 'i64', 'u8' to 'u64', 'f32',\n"
             "'f64'; `value` may be None, for a set of keys. Entries have no order.");

static PyType_Slot map_slots[] = {
    {Py_tp_doc, (void *)map_doc},
    {Py_tp_new, (void *)map_new},
    {Py_tp_dealloc, (void *)map_dealloc},
    {Py_tp_iter, (void *)neap__mapping_iter},
    {Py_tp_repr, (void *)neap__mapping_repr},
    {Py_tp_richcompare, (void *)neap__mapping_richcompare},
    {Py_tp_methods, neap__map_methods},
    {Py_tp_getset, neap__map_getset},
    {Py_mp_subscript, (void *)map_subscript},
    {Py_mp_ass_subscript, (void *)map_assign},
    {Py_mp_length, (void *)map_length},
    {Py_sq_contains, (void *)neap__mapping_contains},
    {Py_nb_or, (void *)map_or},
    {Py_nb_inplace_or, (void *)neap__mapping_inplace_or},
    {0, NULL},
};

PyType_Spec neap__map_spec = {
    .name = "neap.Map",
    .basicsize = sizeof(struct map_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = map_slots,
};
