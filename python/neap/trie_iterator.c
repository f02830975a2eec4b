/* trie_iterator.c: the iterators over views of a Trie or FrozenTrie. */
#include "trie_object.h"

/* `trie` is NULL at the end. */
struct iterator_object {
    PyObject_HEAD struct trie_object *trie; /* owned */
    enum mapping_part part;
    neap_trie_cursor_t *cursor; /* one of these two */
    neap_frozen_cursor_t *frozen_cursor;
};

static struct iterator_object *iterator_of(PyObject *self) {
    return (struct iterator_object *)(void *)self;
}

/* Reads a bound: 0, or -1 with an exception. */
static int bound_from(enum neap_kind key, PyObject *object, union neap_item *item, bool *has) {
    *has = object != NULL;
    return !object ? 0 : neap__kind_from_object(key, object, item);
}

int neap__trie_range(const struct mapping_view *view, struct neap_trie_range *range) {
    enum neap_kind key = view->mapping->key;
    return bound_from(key, view->prefix, &range->prefix, &range->has_prefix) < 0 ||
                   bound_from(key, view->first, &range->first, &range->has_first) < 0 ||
                   bound_from(key, view->last, &range->last, &range->has_last) < 0
               ? -1
               : 0;
}

PyObject *neap__trie_iterate(const struct mapping_view *view) {
    struct trie_object *trie = neap__trie_of((PyObject *)view->mapping);
    struct neap_trie_range bounds, *range = neap__mapping_view_is_whole(view) ? NULL : &bounds;
    if (neap__trie_range(view, &bounds) < 0)
        return NULL;
    PyTypeObject *type = trie->state->iterator;
    PyObject *self = neap__extension_new(type);
    if (!self)
        return NULL;
    struct iterator_object *iterator = iterator_of(self);
    iterator->part = view->part;
    if (trie->trie)
        iterator->cursor = neap_trie_cursor_new(trie->trie, range);
    else
        iterator->frozen_cursor = neap_frozen_cursor_new(trie->frozen, range);
    iterator->trie = neap__trie_of(Py_NewRef((PyObject *)trie));
    if (!iterator->cursor && !iterator->frozen_cursor) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return self;
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(iterator_of(self)->trie);
    return 0;
}

static int iterator_clear(PyObject *self) {
    struct iterator_object *iterator = iterator_of(self);
    neap_trie_cursor_destroy(iterator->cursor); /* before the trie */
    neap_frozen_cursor_destroy(iterator->frozen_cursor);
    iterator->cursor = NULL;
    iterator->frozen_cursor = NULL;
    Py_CLEAR(iterator->trie);
    return 0;
}

static PyObject *iterator_next(PyObject *self) {
    struct iterator_object *iterator = iterator_of(self);
    union neap_item key, value;
    union neap_item *wanted = iterator->part == MAPPING_KEYS ? NULL : &value;
    if (!iterator->trie)
        return NULL;
    int more;
    if (iterator->cursor) {
        if (neap_trie_cursor_changed(iterator->cursor)) {
            PyErr_SetString(PyExc_RuntimeError, "Trie changed size during iteration");
            return NULL;
        }
        more = neap_trie_cursor_next(iterator->cursor, &key, wanted);
    } else {
        more = neap_frozen_cursor_next(iterator->frozen_cursor, &key, wanted);
    }
    if (more > 0)
        return neap__mapping_part(&iterator->trie->base, iterator->part, key, value);
    if (more < 0)
        return neap__extension_raise(more, NULL, "the file of this FrozenTrie is damaged");
    iterator_clear(self);
    return NULL;
}

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, (void *)neap__extension_clear_and_free},
    {Py_tp_traverse, (void *)iterator_traverse},
    {Py_tp_clear, (void *)iterator_clear},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)iterator_next},
    {0, NULL},
};

PyType_Spec neap__trie_iterator_spec = {
    .name = "neap._trie._iterator",
    .basicsize = sizeof(struct iterator_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = iterator_slots,
};
