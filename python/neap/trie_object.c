/* trie_object.c: what Trie and FrozenTrie are. */
#include "trie_object.h"

/* --- making and ending --- */

PyObject *neap__trie_wrap(PyTypeObject *type, neap_trie_t *trie, neap_frozen_trie_t *frozen) {
    const struct trie_state *state = neap__extension_state(type, "neap._trie");
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *self = NULL;
    if (trie == NULL && frozen == NULL)
        PyErr_NoMemory();
    else if (state != NULL)
        self = alloc(type, 0);
    if (self == NULL) {
        neap_trie_destroy(trie);
        neap_frozen_trie_destroy(frozen);
        return NULL;
    }
    *neap__trie_of(self) = (struct trie_object){
        .ob_base = neap__trie_of(self)->ob_base,
        .trie = trie,
        .frozen = frozen,
        .key = trie != NULL ? neap_trie_key_kind(trie) : neap_frozen_trie_key_kind(frozen),
        .value = trie != NULL ? neap_trie_value_kind(trie) : neap_frozen_trie_value_kind(frozen),
        .state = state,
    };
    return self;
}

/* Trie(key, value, items) of `type`, which is the module's Trie for a FrozenTrie to be. */
static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *kwargs, const char *format) {
    static char *names[] = {"key", "value", "items", NULL};
    PyObject *key_name, *value_name, *items = NULL;
    enum neap_kind key, value;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &key_name, &value_name, &items) ||
        neap__kind_from_name(key_name, false, &key) < 0 || neap__kind_from_name(value_name, true, &value) < 0)
        return NULL;
    if (key > NEAP_KIND_U64) {
        PyErr_Format(PyExc_ValueError, "the keys of a trie are str, bytes or integers, not '%s'",
                     neap_kind_name(key));
        return NULL;
    }
    PyObject *self = neap__trie_wrap(type, neap_trie_new(key, value, NULL), NULL);
    if (self != NULL && items != NULL && neap__trie_update(neap__trie_of(self), items) < 0)
        Py_CLEAR(self);
    return self;
}

static PyObject *trie_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return make(type, args, kwargs, "OO|O:Trie");
}

static PyObject *frozen_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    const struct trie_state *state = neap__extension_state(type, "neap._trie");
    PyObject *trie = state != NULL ? make(state->trie, args, kwargs, "OO|O:FrozenTrie") : NULL;
    if (trie == NULL)
        return NULL;
    PyObject *self = neap__trie_wrap(type, NULL, neap_trie_freeze(neap__trie_of(trie)->trie, NULL));
    Py_DECREF(trie);
    return self;
}

static void trie_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    neap_trie_destroy(neap__trie_of(self)->trie);
    neap_frozen_trie_destroy(neap__trie_of(self)->frozen);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* --- single entries --- */

size_t neap__trie_length(const struct trie_object *trie) {
    return trie->trie != NULL ? neap_trie_count(trie->trie) : neap_frozen_trie_count(trie->frozen);
}

int neap__trie_find(struct trie_object *trie, PyObject *key, union neap_item *value) {
    union neap_item item;
    if (neap__kind_from_object(trie->key, key, &item) < 0)
        return neap__kind_is_unholdable() ? 0 : -1;
    return trie->trie != NULL ? neap_trie_get(trie->trie, item, value)
                              : neap_frozen_trie_get(trie->frozen, item, value);
}

static PyObject *trie_subscript(PyObject *self, PyObject *key) {
    struct trie_object *trie = neap__trie_of(self);
    union neap_item value;
    const int found = neap__trie_find(trie, key, &value);
    if (found > 0)
        return neap__kind_to_object(trie->value, value);
    if (found == 0)
        PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

static int trie_ass_subscript(PyObject *self, PyObject *key, PyObject *value) {
    struct trie_object *trie = neap__trie_of(self);
    union neap_item item;
    if (value != NULL)
        return neap__trie_put(trie, key, value);
    if (neap__kind_from_object(trie->key, key, &item) == 0) {
        if (neap_trie_remove(trie->trie, item))
            return 0;
    } else if (!neap__kind_is_unholdable()) {
        return -1;
    }
    PyErr_SetObject(PyExc_KeyError, key);
    return -1;
}

static int trie_contains(PyObject *self, PyObject *key) {
    return neap__trie_find(neap__trie_of(self), key, NULL);
}

static Py_ssize_t trie_length(PyObject *self) {
    return (Py_ssize_t)neap__trie_length(neap__trie_of(self));
}

static PyObject *trie_iter(PyObject *self) {
    return neap__trie_iterator_new(neap__trie_of(self), TRIE_KEYS);
}

/* --- comparing --- */

/* Whether `mapping`, of the same length, has this pair: 1, 0, or -1 with an exception. */
static int has_pair(PyObject *mapping, PyObject *pair) {
    PyObject *other = PyObject_GetItem(mapping, PyTuple_GetItem(pair, 0));
    if (other == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError) && !PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear(); /* also a trie of other kinds, which has no such key */
        return 0;
    }
    const int equal = PyObject_RichCompareBool(PyTuple_GetItem(pair, 1), other, Py_EQ);
    Py_DECREF(other);
    return equal;
}

int neap__trie_equal(struct trie_object *trie, PyObject *other) {
    PyObject *pair;
    if (!PyObject_TypeCheck(other, trie->state->trie) && !PyObject_TypeCheck(other, trie->state->frozen) &&
        !PyDict_Check(other))
        return 2;
    const Py_ssize_t length = PyObject_Size(other);
    if (length < 0 || (size_t)length != neap__trie_length(trie))
        return length < 0 ? -1 : 0;
    PyObject *iterator = neap__trie_iterator_new(trie, TRIE_ITEMS);
    int equal = iterator != NULL ? 1 : -1;
    while (equal > 0 && (pair = PyIter_Next(iterator)) != NULL) {
        equal = has_pair(other, pair);
        Py_DECREF(pair);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : equal;
}

static PyObject *trie_richcompare(PyObject *self, PyObject *other, int operation) {
    const int equal =
        operation == Py_EQ || operation == Py_NE ? neap__trie_equal(neap__trie_of(self), other) : 2;
    if (equal < 0)
        return NULL;
    if (equal == 2)
        return Py_NewRef(Py_NotImplemented);
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

/* --- other operators --- */

static PyObject *trie_repr(PyObject *self) {
    struct trie_object *trie = neap__trie_of(self);
    PyObject *key = neap__kind_to_name(trie->key), *value = neap__kind_to_name(trie->value);
    PyObject *items = PyDict_New(), *text = NULL;
    PyObject *iterator = neap__trie_iterator_new(trie, TRIE_ITEMS);
    if (key != NULL && value != NULL && items != NULL && iterator != NULL &&
        PyDict_MergeFromSeq2(items, iterator, 1) == 0)
        text = PyUnicode_FromFormat("%s(%R, %R, %R)", trie->trie != NULL ? "Trie" : "FrozenTrie", key, value,
                                    items);
    Py_XDECREF(key);
    Py_XDECREF(value);
    Py_XDECREF(items);
    Py_XDECREF(iterator);
    return text;
}

static PyObject *trie_inplace_or(PyObject *self, PyObject *other) {
    return neap__trie_update(neap__trie_of(self), other) < 0 ? NULL : Py_NewRef(self);
}

/* Trie | mapping, a new Trie; mapping | Trie is for the other operand. */
static PyObject *trie_or(PyObject *self, PyObject *other) {
    if (PyType_GetSlot(Py_TYPE(self), Py_nb_or) != (void *)trie_or)
        return Py_NewRef(Py_NotImplemented);
    struct trie_object *trie = neap__trie_of(self);
    if (!PyDict_Check(other) && !PyObject_TypeCheck(other, trie->state->trie) &&
        !PyObject_TypeCheck(other, trie->state->frozen))
        return Py_NewRef(Py_NotImplemented);
    PyObject *copy = PyObject_CallMethod(self, "copy", NULL);
    if (copy != NULL && neap__trie_update(neap__trie_of(copy), other) < 0)
        Py_CLEAR(copy);
    return copy;
}

PyDoc_STRVAR(trie_doc, "Trie(key, value, items=(), /)\n--\n\n"
                       "A sorted mapping that holds its keys and values as bytes.\n\n"
                       "`key` is 'str', 'bytes' or a kind of integer, 'i8' to 'i64', 'u8' to 'u64'; `value`\n"
                       "any of these, 'f32', 'f64', or None, for a set of keys.");

PyDoc_STRVAR(frozen_doc, "FrozenTrie(key, value, items=(), /)\n--\n\n"
                         "A Trie for reading only, in a third of the memory; save() and open() share it\n"
                         "between processes. A Trie's freeze() makes one.");

#define READING_SLOTS                                                                                        \
    {Py_tp_dealloc, (void *)trie_dealloc}, {Py_tp_iter, (void *)trie_iter}, {Py_tp_repr, (void *)trie_repr}, \
        {Py_tp_richcompare, (void *)trie_richcompare}, {Py_tp_getset, neap__trie_getset},                    \
        {Py_mp_subscript, (void *)trie_subscript}, {Py_mp_length, (void *)trie_length}, {                    \
        Py_sq_contains, (void *)trie_contains                                                                \
    }

static PyType_Slot trie_slots[] = {
    READING_SLOTS,
    {Py_tp_doc, (void *)trie_doc},
    {Py_tp_new, (void *)trie_new},
    {Py_tp_methods, neap__trie_methods},
    {Py_mp_ass_subscript, (void *)trie_ass_subscript},
    {Py_nb_or, (void *)trie_or},
    {Py_nb_inplace_or, (void *)trie_inplace_or},
    {0, NULL},
};

static PyType_Slot frozen_slots[] = {
    READING_SLOTS,
    {Py_tp_doc, (void *)frozen_doc},
    {Py_tp_new, (void *)frozen_new},
    {Py_tp_methods, neap__frozen_trie_methods},
    {0, NULL},
};

#define SPEC(type_name, type_slots)                                                                          \
    {                                                                                                        \
        .name = type_name, .basicsize = sizeof(struct trie_object),                                          \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE, .slots = type_slots,   \
    }

PyType_Spec neap__trie_spec = SPEC("neap.Trie", trie_slots);
PyType_Spec neap__frozen_trie_spec = SPEC("neap.FrozenTrie", frozen_slots);
