/* mapping_views.c: the views that keys(), values() and items() return. */
#include "mapping_object.h"

static struct mapping_view *view_of(PyObject *self) {
    return (struct mapping_view *)(void *)self;
}

/* --- making and ending --- */

PyObject *neap__mapping_view_of(PyObject *self, enum mapping_part part, PyObject *prefix, PyObject *first,
                                PyObject *last) {
    PyObject *object = neap__extension_new(neap__mapping_of(self)->view_types[part]);
    if (!object)
        return NULL;
    struct mapping_view *view = view_of(object);
    view->mapping = neap__mapping_of(Py_NewRef(self));
    view->part = part;
    view->prefix = Py_XNewRef(prefix);
    view->first = Py_XNewRef(first);
    view->last = Py_XNewRef(last);
    return object;
}

PyObject *neap__mapping_view(PyObject *self, enum mapping_part part) {
    return neap__mapping_view_of(self, part, NULL, NULL, NULL);
}

PyObject *neap__mapping_keys(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__mapping_view(self, MAPPING_KEYS);
}

PyObject *neap__mapping_values(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__mapping_view(self, MAPPING_VALUES);
}

PyObject *neap__mapping_items(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__mapping_view(self, MAPPING_ITEMS);
}

static int view_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(view_of(self)->mapping); /* the bounds are texts and numbers */
    return 0;
}

static int view_clear(PyObject *self) {
    struct mapping_view *view = view_of(self);
    Py_CLEAR(view->prefix);
    Py_CLEAR(view->first);
    Py_CLEAR(view->last);
    Py_CLEAR(view->mapping);
    return 0;
}

/* --- what is in it --- */

PyObject *neap__mapping_part(const struct mapping_object *mapping, enum mapping_part part,
                             union neap_item key_item, union neap_item value_item) {
    PyObject *self = (PyObject *)(uintptr_t)mapping;
    if (part == MAPPING_KEYS)
        return neap__mapping_sure(self, neap__kind_to_object(mapping->key, key_item));
    if (part == MAPPING_VALUES)
        return neap__mapping_sure(self, neap__kind_to_object(mapping->value, value_item));
    /* Make the pair last: a new tuple may start a garbage collection, which can run any code. */
    PyObject *key = neap__kind_to_object(mapping->key, key_item);
    PyObject *value = key ? neap__mapping_sure(self, neap__kind_to_object(mapping->value, value_item)) : NULL;
    PyObject *pair = value ? PyTuple_New(2) : NULL;
    if (!pair) {
        Py_XDECREF(key);
        Py_XDECREF(value);
        return NULL;
    }
    PyTuple_SetItem(pair, 0, key);
    PyTuple_SetItem(pair, 1, value);
    return pair;
}

PyObject *neap__mapping_iterate(PyObject *self, enum mapping_part part) {
    struct mapping_object *mapping = neap__mapping_of(self);
    struct mapping_view whole = {.mapping = mapping, .part = part};
    return mapping->class->iterate(&whole);
}

static PyObject *view_iter(PyObject *self) {
    return view_of(self)->mapping->class->iterate(view_of(self));
}

static Py_ssize_t view_length(PyObject *self) {
    return view_of(self)->mapping->class->length(view_of(self));
}

/* Whether there is an entry, without counting them. */
static int view_bool(PyObject *self) {
    const struct mapping_view *view = view_of(self);
    if (neap__mapping_view_is_whole(view))
        return view->mapping->class->length(view) > 0;
    PyObject *iterator = view->mapping->class->iterate(view);
    PyObject *first = iterator ? PyIter_Next(iterator) : NULL;
    int is = first ? 1 : PyErr_Occurred() ? -1 : 0;
    Py_XDECREF(iterator);
    Py_XDECREF(first);
    return is;
}

static PyObject *view_repr(PyObject *self) {
    static const char *const names[] = {"keys", "values", "items"};
    const struct mapping_view *view = view_of(self);
    PyObject *list = PySequence_List(self), *text = NULL;
    if (list)
        text = PyUnicode_FromFormat("%s_%s(%R)", view->mapping->class->view_name, names[view->part], list);
    Py_XDECREF(list);
    return text;
}

/* Whether a key is within the bounds: 1, 0, or -1 with an exception. */
static int within(const struct mapping_view *view, PyObject *key) {
    int is = 1;
    if (view->first)
        is = PyObject_RichCompareBool(key, view->first, Py_GE);
    if (is > 0 && view->last)
        is = PyObject_RichCompareBool(key, view->last, Py_LT);
    if (is > 0 && view->prefix) {
        PyObject *begins = PyObject_CallMethod(key, "startswith", "O", view->prefix);
        is = !begins ? -1 : PyObject_IsTrue(begins);
        Py_XDECREF(begins);
    }
    return is;
}

static int keys_contain(PyObject *self, PyObject *key) {
    const struct mapping_view *view = view_of(self);
    int found = neap__mapping_find(view->mapping->class, (PyObject *)view->mapping, key, NULL);
    return found > 0 ? within(view, key) : found;
}

static int items_contain(PyObject *self, PyObject *pair) {
    const struct mapping_view *view = view_of(self);
    union neap_item item;
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2)
        return 0;
    int found =
        neap__mapping_find(view->mapping->class, (PyObject *)view->mapping, PyTuple_GetItem(pair, 0), &item);
    if (found <= 0)
        return found;
    PyObject *value =
        neap__mapping_sure((PyObject *)view->mapping, neap__kind_to_object(view->mapping->value, item));
    if (!value)
        return -1;
    found = PyObject_RichCompareBool(value, PyTuple_GetItem(pair, 1), Py_EQ);
    Py_DECREF(value);
    return found > 0 ? within(view, PyTuple_GetItem(pair, 0)) : found;
}

/* Makes a view of another part of the same entries. */
static PyObject *view_as(PyObject *self, enum mapping_part part) {
    const struct mapping_view *view = view_of(self);
    return neap__mapping_view_of((PyObject *)view->mapping, part, view->prefix, view->first, view->last);
}

PyObject *neap__mapping_view_values(PyObject *self, PyObject *unused) {
    (void)unused;
    return view_as(self, MAPPING_VALUES);
}

PyObject *neap__mapping_view_items(PyObject *self, PyObject *unused) {
    (void)unused;
    return view_as(self, MAPPING_ITEMS);
}

/* --- keys and items as sets: done by sets made of them --- */

static PyObject *with_sets(PyObject *a, PyObject *b, PyObject *(*operation)(PyObject *, PyObject *)) {
    PyObject *left = PySet_New(a), *right = left ? PySet_New(b) : NULL;
    PyObject *result = right ? operation(left, right) : NULL;
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
    PyObject *abc = abcs ? PyObject_GetAttrString(abcs, "Set") : NULL;
    int is = abc ? PyObject_IsInstance(object, abc) : -1;
    Py_XDECREF(abcs);
    Py_XDECREF(abc);
    return is;
}

static PyObject *view_richcompare(PyObject *self, PyObject *other, int operation) {
    int comparable = is_set(other);
    if (comparable <= 0)
        return comparable < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    PyObject *left = PySet_New(self), *right = left ? PySet_New(other) : NULL;
    PyObject *result = right ? PyObject_RichCompare(left, right, operation) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

PyObject *neap__mapping_view_isdisjoint(PyObject *self, PyObject *other) {
    PyObject *left = PySet_New(self);
    PyObject *result = left ? PyObject_CallMethod(left, "isdisjoint", "O", other) : NULL;
    Py_XDECREF(left);
    return result;
}

/* --- types --- */

/* A view of pairs must not have keys(), because dict() would take it for a mapping. */
static PyMethodDef items_methods[] = {
    {"isdisjoint", neap__mapping_view_isdisjoint, METH_O,
     "Whether the view and the other iterable have no common items."},
    {NULL, NULL, 0, NULL},
};

/* Makes a type of view and registers it with collections.abc. */
static int add_view(PyObject *module, const char *name, const char *abc, PyType_Slot *slots,
                    PyTypeObject **type) {
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(struct mapping_view),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return !*type ? -1 : neap__extension_register(*type, abc);
}

#define COMMON_SLOTS                                                                                         \
    {Py_tp_dealloc, (void *)neap__extension_clear_and_free}, {Py_tp_traverse, (void *)view_traverse},        \
        {Py_tp_clear, (void *)view_clear}, {Py_tp_iter, (void *)view_iter}, {Py_tp_repr, (void *)view_repr}, \
        {Py_nb_bool, (void *)view_bool}, {                                                                   \
        Py_sq_length, (void *)view_length                                                                    \
    }

#define SET_SLOTS                                                                                            \
    {Py_tp_richcompare, (void *)view_richcompare}, {Py_nb_and, (void *)view_and},                            \
        {Py_nb_or, (void *)view_or}, {Py_nb_xor, (void *)view_xor}, {                                        \
        Py_nb_subtract, (void *)view_subtract                                                                \
    }

int neap__mapping_add_views(PyObject *module, const char *const names[3], PyMethodDef *keys_methods,
                            PyTypeObject *types[3]) {
    PyType_Slot keys_slots[] = {COMMON_SLOTS,
                                SET_SLOTS,
                                {Py_tp_methods, keys_methods},
                                {Py_sq_contains, (void *)keys_contain},
                                {0, NULL}};
    PyType_Slot values_slots[] = {COMMON_SLOTS, {0, NULL}};
    PyType_Slot items_slots[] = {COMMON_SLOTS,
                                 SET_SLOTS,
                                 {Py_tp_methods, items_methods},
                                 {Py_sq_contains, (void *)items_contain},
                                 {0, NULL}};
    if (add_view(module, names[MAPPING_KEYS], "KeysView", keys_slots, &types[MAPPING_KEYS]) < 0 ||
        add_view(module, names[MAPPING_VALUES], "ValuesView", values_slots, &types[MAPPING_VALUES]) < 0)
        return -1;
    return add_view(module, names[MAPPING_ITEMS], "ItemsView", items_slots, &types[MAPPING_ITEMS]);
}
