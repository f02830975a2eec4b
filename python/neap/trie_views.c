/* trie_views.c: what keys(), values(), items(), prefix() and range() give, and the iterators. */
#include "trie_object.h"

/* A view: bounds are objects of the keys' type, or NULL. */
struct view_object {
    PyObject_HEAD struct trie_object *trie; /* owned */
    enum trie_part part;
    PyObject *prefix, *first, *last;
};

/* An iterator; trie is NULL when it has come to its end. */
struct iterator_object {
    PyObject_HEAD struct trie_object *trie; /* owned */
    enum trie_part part;
    neap_trie_cursor_t *cursor; /* one of these two */
    neap_frozen_cursor_t *frozen_cursor;
};

static struct view_object *view_of(PyObject *self) {
    return (struct view_object *)(void *)self;
}

static struct iterator_object *iterator_of(PyObject *self) {
    return (struct iterator_object *)(void *)self;
}

/* --- iterators --- */

static PyObject *iterator_make(struct trie_object *trie, enum trie_part part,
                               const struct neap_trie_range *range) {
    PyTypeObject *type = trie->state->iterator;
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL)
        return NULL;
    struct iterator_object *iterator = iterator_of(self);
    iterator->part = part;
    if (trie->trie != NULL)
        iterator->cursor = neap_trie_cursor_new(trie->trie, range);
    else
        iterator->frozen_cursor = neap_frozen_cursor_new(trie->frozen, range);
    iterator->trie = neap__trie_of(Py_NewRef((PyObject *)trie));
    if (iterator->cursor == NULL && iterator->frozen_cursor == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return self;
}

PyObject *neap__trie_iterator_new(struct trie_object *trie, enum trie_part part) {
    return iterator_make(trie, part, NULL);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(iterator_of(self)->trie);
    return 0;
}

static int iterator_clear(PyObject *self) {
    struct iterator_object *iterator = iterator_of(self);
    neap_trie_cursor_destroy(iterator->cursor); /* before the trie, in whose memory it is */
    neap_frozen_cursor_destroy(iterator->frozen_cursor);
    iterator->cursor = NULL;
    iterator->frozen_cursor = NULL;
    Py_CLEAR(iterator->trie);
    return 0;
}

static void iterator_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    iterator_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* What was read as an object. The pair is made last: making a tuple may start a collection, and that
 * any code. */
static PyObject *part_of(const struct trie_object *trie, enum trie_part part, union neap_item key_item,
                         union neap_item value_item) {
    if (part == TRIE_KEYS)
        return neap__kind_to_object(trie->key, key_item);
    if (part == TRIE_VALUES)
        return neap__kind_to_object(trie->value, value_item);
    PyObject *key = neap__kind_to_object(trie->key, key_item);
    PyObject *value = key != NULL ? neap__kind_to_object(trie->value, value_item) : NULL;
    PyObject *pair = value != NULL ? PyTuple_New(2) : NULL;
    if (pair == NULL) {
        Py_XDECREF(key);
        Py_XDECREF(value);
        return NULL;
    }
    PyTuple_SetItem(pair, 0, key);
    PyTuple_SetItem(pair, 1, value);
    return pair;
}

static PyObject *iterator_next(PyObject *self) {
    struct iterator_object *iterator = iterator_of(self);
    union neap_item key, value;
    union neap_item *wanted = iterator->part == TRIE_KEYS ? NULL : &value;
    if (iterator->trie == NULL)
        return NULL;
    int more;
    if (iterator->cursor != NULL) {
        if (neap_trie_cursor_changed(iterator->cursor)) {
            PyErr_SetString(PyExc_RuntimeError, "Trie changed size during iteration");
            return NULL;
        }
        more = neap_trie_cursor_next(iterator->cursor, &key, wanted);
    } else {
        more = neap_frozen_cursor_next(iterator->frozen_cursor, &key, wanted);
    }
    if (more > 0)
        return part_of(iterator->trie, iterator->part, key, value);
    if (more < 0)
        return neap__extension_raise(more, NULL, "the file of this FrozenTrie is damaged");
    iterator_clear(self);
    return NULL;
}

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, (void *)iterator_dealloc}, {Py_tp_traverse, (void *)iterator_traverse},
    {Py_tp_clear, (void *)iterator_clear},     {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)iterator_next},   {0, NULL},
};

#define FLAGS                                                                                                \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE)

PyType_Spec neap__trie_iterator_spec = {
    .name = "neap._trie._iterator",
    .basicsize = sizeof(struct iterator_object),
    .flags = FLAGS,
    .slots = iterator_slots,
};

/* --- views --- */

/* One bound: 0, or -1 with an exception. */
static int bound_from(const struct trie_object *trie, PyObject *object, union neap_item *item, bool *has) {
    *has = object != NULL;
    return object == NULL ? 0 : neap__kind_from_object(trie->key, object, item);
}

static int range_of(const struct view_object *view, struct neap_trie_range *range) {
    return bound_from(view->trie, view->prefix, &range->prefix, &range->has_prefix) < 0 ||
                   bound_from(view->trie, view->first, &range->first, &range->has_first) < 0 ||
                   bound_from(view->trie, view->last, &range->last, &range->has_last) < 0
               ? -1
               : 0;
}

static bool is_whole(const struct view_object *view) {
    return view->prefix == NULL && view->first == NULL && view->last == NULL;
}

PyObject *neap__trie_view_new(struct trie_object *trie, enum trie_part part, PyObject *prefix,
                              PyObject *first, PyObject *last) {
    struct neap_trie_range range;
    if (prefix != NULL && trie->key != NEAP_KIND_STR && trie->key != NEAP_KIND_BYTES) {
        PyErr_Format(PyExc_TypeError, "keys of kind '%s' have no prefixes", neap_kind_name(trie->key));
        return NULL;
    }
    PyTypeObject *type = trie->state->views[part];
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL)
        return NULL;
    struct view_object *view = view_of(self);
    view->trie = neap__trie_of(Py_NewRef((PyObject *)trie));
    view->part = part;
    view->prefix = Py_XNewRef(prefix);
    view->first = Py_XNewRef(first);
    view->last = Py_XNewRef(last);
    if (range_of(view, &range) < 0)
        Py_CLEAR(self);
    return self;
}

static int view_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(view_of(self)->trie);
    return 0;
}

static int view_clear(PyObject *self) {
    struct view_object *view = view_of(self);
    Py_CLEAR(view->prefix);
    Py_CLEAR(view->first);
    Py_CLEAR(view->last);
    Py_CLEAR(view->trie);
    return 0;
}

static void view_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    view_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *view_iter(PyObject *self) {
    const struct view_object *view = view_of(self);
    struct neap_trie_range range;
    if (range_of(view, &range) < 0)
        return NULL;
    return iterator_make(view->trie, view->part, is_whole(view) ? NULL : &range);
}

static Py_ssize_t view_length(PyObject *self) {
    const struct view_object *view = view_of(self);
    struct neap_trie_range range;
    size_t count = 0;
    if (range_of(view, &range) < 0)
        return -1;
    if (is_whole(view))
        return (Py_ssize_t)neap__trie_length(view->trie);
    const int error = view->trie->trie != NULL
                          ? neap_trie_range_count(view->trie->trie, &range, &count)
                          : neap_frozen_trie_range_count(view->trie->frozen, &range, &count);
    if (error < 0)
        neap__extension_raise(error, NULL, "the file of this FrozenTrie is damaged");
    return error < 0 ? -1 : (Py_ssize_t)count;
}

/* Whether a key is within the bounds: 1, 0, or -1 with an exception. */
static int within(const struct view_object *view, PyObject *key) {
    int is = 1;
    if (view->first != NULL)
        is = PyObject_RichCompareBool(key, view->first, Py_GE);
    if (is > 0 && view->last != NULL)
        is = PyObject_RichCompareBool(key, view->last, Py_LT);
    if (is > 0 && view->prefix != NULL) {
        PyObject *begins = PyObject_CallMethod(key, "startswith", "O", view->prefix);
        is = begins == NULL ? -1 : PyObject_IsTrue(begins);
        Py_XDECREF(begins);
    }
    return is;
}

static int keys_contain(PyObject *self, PyObject *key) {
    const int found = neap__trie_find(view_of(self)->trie, key, NULL);
    return found > 0 ? within(view_of(self), key) : found;
}

static int items_contain(PyObject *self, PyObject *pair) {
    const struct view_object *view = view_of(self);
    union neap_item item;
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2)
        return 0;
    int found = neap__trie_find(view->trie, PyTuple_GetItem(pair, 0), &item);
    PyObject *value = found > 0 ? neap__kind_to_object(view->trie->value, item) : NULL;
    if (found <= 0 || value == NULL)
        return found <= 0 ? found : -1;
    found = PyObject_RichCompareBool(value, PyTuple_GetItem(pair, 1), Py_EQ);
    Py_DECREF(value);
    return found > 0 ? within(view, PyTuple_GetItem(pair, 0)) : found;
}

static PyObject *view_repr(PyObject *self) {
    static const char *const names[] = {"keys", "values", "items"};
    PyObject *list = PySequence_List(self);
    PyObject *text =
        list != NULL ? PyUnicode_FromFormat("Trie_%s(%R)", names[view_of(self)->part], list) : NULL;
    Py_XDECREF(list);
    return text;
}

/* The same entries, another part of them. */
static PyObject *view_as(PyObject *self, enum trie_part part) {
    const struct view_object *view = view_of(self);
    return neap__trie_view_new(view->trie, part, view->prefix, view->first, view->last);
}

static PyObject *view_values(PyObject *self, PyObject *unused) {
    (void)unused;
    return view_as(self, TRIE_VALUES);
}

static PyObject *view_items(PyObject *self, PyObject *unused) {
    (void)unused;
    return view_as(self, TRIE_ITEMS);
}

/* --- keys and items as sets: done by sets made of them --- */

static PyObject *with_sets(PyObject *a, PyObject *b, PyObject *(*operation)(PyObject *, PyObject *)) {
    PyObject *left = PySet_New(a), *right = left != NULL ? PySet_New(b) : NULL;
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

static PyObject *view_richcompare(PyObject *self, PyObject *other, int operation) {
    PyObject *abcs = PyImport_ImportModule("collections.abc");
    PyObject *abc = abcs != NULL ? PyObject_GetAttrString(abcs, "Set") : NULL;
    const int comparable = abc != NULL ? PyObject_IsInstance(other, abc) : -1;
    Py_XDECREF(abcs);
    Py_XDECREF(abc);
    if (comparable <= 0)
        return comparable < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    PyObject *left = PySet_New(self), *right = left != NULL ? PySet_New(other) : NULL;
    PyObject *result = right != NULL ? PyObject_RichCompare(left, right, operation) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

static PyObject *view_isdisjoint(PyObject *self, PyObject *other) {
    PyObject *left = PySet_New(self);
    PyObject *result = left != NULL ? PyObject_CallMethod(left, "isdisjoint", "O", other) : NULL;
    Py_XDECREF(left);
    return result;
}

/* --- types --- */

/* The keys are what a range is. Pairs must not have keys(), by which dict() would know a mapping. */
static PyMethodDef keys_methods[] = {
    {"values", view_values, METH_NOARGS, "The values of these keys."},
    {"items", view_items, METH_NOARGS, "These keys and their values, as pairs."},
    {"isdisjoint", view_isdisjoint, METH_O, "Whether nothing in it is in the other iterable."},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef items_methods[] = {
    {"isdisjoint", view_isdisjoint, METH_O, "Whether nothing in it is in the other iterable."},
    {NULL, NULL, 0, NULL},
};

#define VIEW_SLOTS                                                                                           \
    {Py_tp_dealloc, (void *)view_dealloc}, {Py_tp_traverse, (void *)view_traverse},                          \
        {Py_tp_clear, (void *)view_clear}, {Py_tp_iter, (void *)view_iter}, {Py_tp_repr, (void *)view_repr}, \
    {                                                                                                        \
        Py_sq_length, (void *)view_length                                                                    \
    }

#define SET_SLOTS                                                                                            \
    {Py_tp_richcompare, (void *)view_richcompare}, {Py_nb_and, (void *)view_and},                            \
        {Py_nb_or, (void *)view_or}, {Py_nb_xor, (void *)view_xor}, {                                        \
        Py_nb_subtract, (void *)view_subtract                                                                \
    }

static PyType_Slot keys_slots[] = {
    VIEW_SLOTS, SET_SLOTS, {Py_tp_methods, keys_methods}, {Py_sq_contains, (void *)keys_contain}, {0, NULL}};
static PyType_Slot values_slots[] = {VIEW_SLOTS, {0, NULL}};
static PyType_Slot items_slots[] = {VIEW_SLOTS,
                                    SET_SLOTS,
                                    {Py_tp_methods, items_methods},
                                    {Py_sq_contains, (void *)items_contain},
                                    {0, NULL}};

#define SPEC(type_name, type_slots)                                                                          \
    { .name = type_name, .basicsize = sizeof(struct view_object), .flags = FLAGS, .slots = type_slots }

PyType_Spec neap__trie_view_specs[3] = {SPEC("neap._trie._keys", keys_slots),
                                        SPEC("neap._trie._values", values_slots),
                                        SPEC("neap._trie._items", items_slots)};
