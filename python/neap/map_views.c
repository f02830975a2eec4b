/* map_views.c: what keys(), values() and items() give, and the iterators. */
#include "map_object.h"

/* A view or, with a cursor, an iterator. */
struct view_object {
    PyObject_HEAD struct map_object *map; /* owned; NULL when an iterator has come to its end */
    enum map_part part;
    uint64_t changes; /* of the map when the iterator was made */
    uint64_t left;    /* entries the iterator has not given yet, for a guess at the length */
    struct neap_map_cursor cursor;
};

static struct view_object *view_of(PyObject *self) {
    return (struct view_object *)(void *)self;
}

static PyObject *view_make(PyTypeObject *type, struct map_object *map, enum map_part part) {
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL)
        return NULL;
    struct view_object *view = view_of(self);
    view->map = (struct map_object *)(void *)Py_NewRef((PyObject *)map);
    view->part = part;
    view->changes = neap_map_changes(map->map);
    view->left = neap_map_count(map->map);
    return self;
}

PyObject *neap__map_view_new(struct map_object *map, enum map_part part) {
    return view_make(map->state->views[part], map, part);
}

PyObject *neap__map_iterator_new(struct map_object *map, enum map_part part) {
    return view_make(map->state->iterators[part], map, part);
}

static int view_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(view_of(self)->map);
    return 0;
}

static int view_clear(PyObject *self) {
    Py_CLEAR(view_of(self)->map);
    return 0;
}

static void view_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    view_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* --- iterators --- */

PyObject *neap__map_next(struct map_object *map, struct neap_map_cursor *cursor, enum map_part part) {
    union neap_item key_item, value_item;
    if (!neap_map_next(map->map, cursor, part == MAP_VALUES ? NULL : &key_item,
                       part == MAP_KEYS ? NULL : &value_item)) {
        neap__map_sound(map);
        return NULL;
    }
    if (part == MAP_KEYS)
        return neap__kind_to_object(map->key, key_item);
    if (part == MAP_VALUES)
        return neap__kind_to_object(map->value, value_item);
    /* The pair last: making a tuple may start a collection, and that any code. */
    PyObject *key = neap__kind_to_object(map->key, key_item);
    PyObject *value = key != NULL ? neap__kind_to_object(map->value, value_item) : NULL;
    PyObject *pair = value != NULL ? PyTuple_Pack(2, key, value) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return pair;
}

static PyObject *iterator_next(PyObject *self) {
    struct view_object *iterator = view_of(self);
    if (iterator->map == NULL)
        return NULL;
    if (neap_map_changes(iterator->map->map) != iterator->changes) {
        iterator->changes = UINT64_MAX; /* and so each time it is asked again */
        PyErr_SetString(PyExc_RuntimeError, "Map changed size during iteration");
        return NULL;
    }
    PyObject *next = neap__map_next(iterator->map, &iterator->cursor, iterator->part);
    if (next != NULL)
        iterator->left -= iterator->left > 0;
    else
        Py_CLEAR(iterator->map);
    return next;
}

static PyObject *iterator_length_hint(PyObject *self, PyObject *unused) {
    struct view_object *iterator = view_of(self);
    (void)unused;
    bool ended = iterator->map == NULL || neap_map_changes(iterator->map->map) != iterator->changes;
    return PyLong_FromUnsignedLongLong(ended ? 0 : iterator->left);
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, (void *)view_dealloc},
    {Py_tp_traverse, (void *)view_traverse},
    {Py_tp_clear, (void *)view_clear},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)iterator_next},
    {Py_tp_methods, iterator_methods},
    {0, NULL},
};

/* --- views --- */

static PyObject *view_iter(PyObject *self) {
    return neap__map_iterator_new(view_of(self)->map, view_of(self)->part);
}

static Py_ssize_t view_length(PyObject *self) {
    return (Py_ssize_t)neap_map_count(view_of(self)->map->map);
}

static PyObject *view_repr(PyObject *self) {
    static const char *const names[] = {"Map_keys", "Map_values", "Map_items"};
    PyObject *list = PySequence_List(self);
    PyObject *text = list != NULL ? PyUnicode_FromFormat("%s(%R)", names[view_of(self)->part], list) : NULL;
    Py_XDECREF(list);
    return text;
}

static int keys_contain(PyObject *self, PyObject *key) {
    return neap__map_find(view_of(self)->map, key, NULL);
}

static int items_contain(PyObject *self, PyObject *pair) {
    struct map_object *map = view_of(self)->map;
    union neap_item item;
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2)
        return 0;
    int found = neap__map_find(map, PyTuple_GetItem(pair, 0), &item);
    if (found <= 0)
        return found;
    PyObject *value = neap__kind_to_object(map->value, item);
    if (value == NULL)
        return -1;
    found = PyObject_RichCompareBool(value, PyTuple_GetItem(pair, 1), Py_EQ);
    Py_DECREF(value);
    return found;
}

/* --- keys and items as sets: done by sets made of them --- */

/* A set of what is in `object`, new; a view of any mapping counts as a set of its own. */
static PyObject *set_of(PyObject *object) {
    return PySet_New(object);
}

static PyObject *with_sets(PyObject *a, PyObject *b, PyObject *(*operation)(PyObject *, PyObject *)) {
    PyObject *left = set_of(a), *right = left != NULL ? set_of(b) : NULL;
    PyObject *result = right != NULL ? operation(left, right) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

static PyObject *view_and(PyObject *a, PyObject *b) {
    return with_sets(a, b, PyNumber_And);
}

static PyObject *view_or(PyObject *a, PyObject *b) {
    return with_sets(a, b, PyNumber_Or);
}

static PyObject *view_xor(PyObject *a, PyObject *b) {
    return with_sets(a, b, PyNumber_Xor);
}

static PyObject *view_subtract(PyObject *a, PyObject *b) {
    return with_sets(a, b, PyNumber_Subtract);
}

/* Whether `object` is a set to compare with: a set, or keys or items of a mapping. */
static int is_set(PyObject *object) {
    if (PyAnySet_Check(object))
        return 1;
    PyObject *abcs = PyImport_ImportModule("collections.abc");
    PyObject *abc = abcs != NULL ? PyObject_GetAttrString(abcs, "Set") : NULL;
    int is = abc != NULL ? PyObject_IsInstance(object, abc) : -1;
    Py_XDECREF(abcs);
    Py_XDECREF(abc);
    return is;
}

static PyObject *view_richcompare(PyObject *self, PyObject *other, int operation) {
    int comparable = is_set(other);
    if (comparable <= 0)
        return comparable < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    PyObject *left = set_of(self), *right = left != NULL ? set_of(other) : NULL;
    PyObject *result = right != NULL ? PyObject_RichCompare(left, right, operation) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

static PyObject *view_isdisjoint(PyObject *self, PyObject *other) {
    PyObject *left = set_of(self);
    PyObject *result = left != NULL ? PyObject_CallMethod(left, "isdisjoint", "O", other) : NULL;
    Py_XDECREF(left);
    return result;
}

static PyMethodDef view_methods[] = {
    {"isdisjoint", view_isdisjoint, METH_O, "Whether nothing in it is in the other iterable."},
    {NULL, NULL, 0, NULL},
};

#define COMMON_SLOTS                                                                                         \
    {Py_tp_dealloc, (void *)view_dealloc}, {Py_tp_traverse, (void *)view_traverse},                          \
        {Py_tp_clear, (void *)view_clear}, {Py_tp_iter, (void *)view_iter}, {Py_tp_repr, (void *)view_repr}, \
    {                                                                                                        \
        Py_sq_length, (void *)view_length                                                                    \
    }

#define SET_SLOTS                                                                                            \
    {Py_tp_richcompare, (void *)view_richcompare}, {Py_tp_methods, view_methods},                            \
        {Py_nb_and, (void *)view_and}, {Py_nb_or, (void *)view_or}, {Py_nb_xor, (void *)view_xor}, {         \
        Py_nb_subtract, (void *)view_subtract                                                                \
    }

static PyType_Slot keys_slots[] = {
    COMMON_SLOTS, SET_SLOTS, {Py_sq_contains, (void *)keys_contain}, {0, NULL}};
static PyType_Slot values_slots[] = {COMMON_SLOTS, {0, NULL}};
static PyType_Slot items_slots[] = {
    COMMON_SLOTS, SET_SLOTS, {Py_sq_contains, (void *)items_contain}, {0, NULL}};

#define SPEC(type_name, type_slots)                                                                          \
    {                                                                                                        \
        .name = type_name, .basicsize = sizeof(struct view_object),                                          \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |               \
                 Py_TPFLAGS_IMMUTABLETYPE,                                                                   \
        .slots = type_slots,                                                                                 \
    }

PyType_Spec neap__map_view_specs[3] = {SPEC("neap._map.Map_keys", keys_slots),
                                       SPEC("neap._map.Map_values", values_slots),
                                       SPEC("neap._map.Map_items", items_slots)};

PyType_Spec neap__map_iterator_specs[3] = {SPEC("neap._map.Map_keyiterator", iterator_slots),
                                           SPEC("neap._map.Map_valueiterator", iterator_slots),
                                           SPEC("neap._map.Map_itemiterator", iterator_slots)};
