/* trie_object.c: the types Trie and FrozenTrie. */
#include "trie_object.h"

static const struct mapping_class trie_class, frozen_class;

/* --- making and ending --- */

PyObject *neap__trie_wrap(PyTypeObject *type, neap_trie_t *trie, neap_frozen_trie_t *frozen) {
    const struct trie_state *state = neap__extension_state(type, "neap._trie");
    PyObject *self = NULL;
    if (!trie && !frozen)
        PyErr_NoMemory();
    else if (state)
        self = neap__extension_new(type);
    if (!self) {
        neap_trie_destroy(trie);
        neap_frozen_trie_destroy(frozen);
        return NULL;
    }
    struct trie_object *object = neap__trie_of(self);
    object->base.key = trie ? neap_trie_key_kind(trie) : neap_frozen_trie_key_kind(frozen);
    object->base.value = trie ? neap_trie_value_kind(trie) : neap_frozen_trie_value_kind(frozen);
    object->base.class = trie ? &trie_class : &frozen_class;
    object->base.view_types = state->views;
    object->trie = trie;
    object->frozen = frozen;
    object->state = state;
    return self;
}

/* Trie(key, value, items) of `type`, which is the module's Trie for a FrozenTrie to be. */
static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *kwargs, const char *format) {
    PyObject *items;
    enum neap_kind key, value;
    if (neap__mapping_arguments(args, kwargs, format, &key, &value, &items) < 0)
        return NULL;
    if (key > NEAP_KIND_U64) {
        PyErr_Format(PyExc_ValueError, "the keys of a trie are str, bytes or integers, not '%s'",
                     neap_kind_name(key));
        return NULL;
    }
    PyObject *self = neap__trie_wrap(type, neap_trie_new(key, value, NULL), NULL);
    return items ? neap__mapping_joined(self, items) : self;
}

static PyObject *trie_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return make(type, args, kwargs, "OO|O:Trie");
}

static PyObject *frozen_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    const struct trie_state *state = neap__extension_state(type, "neap._trie");
    PyObject *trie = state ? make(state->trie, args, kwargs, "OO|O:FrozenTrie") : NULL;
    if (!trie)
        return NULL;
    PyObject *self = neap__trie_freeze(trie, type);
    Py_DECREF(trie);
    return self;
}

static void trie_dealloc(PyObject *self) {
    neap__mapping_guard_clear(&neap__mapping_of(self)->guard);
    neap_trie_destroy(neap__trie_of(self)->trie);
    neap_frozen_trie_destroy(neap__trie_of(self)->frozen);
    neap__extension_free(self);
}

/* --- single entries --- */

size_t neap__trie_length(const struct trie_object *trie) {
    return trie->trie ? neap_trie_count(trie->trie) : neap_frozen_trie_count(trie->frozen);
}

static Py_ssize_t trie_length(PyObject *self) {
    return (Py_ssize_t)neap__trie_length(neap__trie_of(self));
}

static int trie_get(PyObject *self, union neap_item key, union neap_item *value) {
    const struct trie_object *trie = neap__trie_of(self);
    if (trie->trie)
        return neap_trie_get(trie->trie, key, value);
    return neap_frozen_trie_get(trie->frozen, key, value) ? 1 : neap__trie_sound(trie);
}

static int trie_sound(PyObject *self) {
    return neap__trie_sound(neap__trie_of(self));
}

int neap__trie_sound(const struct trie_object *trie) {
    if (trie->trie || !neap_frozen_trie_is_damaged(trie->frozen))
        return 0;
    PyErr_SetString(PyExc_ValueError, "the file of this FrozenTrie is damaged");
    return -1;
}

static int trie_put(PyObject *self, union neap_item key, union neap_item value) {
    if (neap__mapping_pass(self) < 0)
        return -1;
    const int error = neap_trie_set(neap__trie_of(self)->trie, key, value);
    if (error == NEAP_OK)
        return 0;
    neap__extension_raise(error, NULL, "a text is longer than 256 MiB");
    return -1;
}

static int trie_remove(PyObject *self, union neap_item key) {
    if (neap__mapping_pass(self) < 0)
        return -1;
    return neap_trie_remove(neap__trie_of(self)->trie, key);
}

static PyObject *trie_subscript(PyObject *self, PyObject *key) {
    return neap__mapping_subscript(neap__mapping_of(self)->class, self, key);
}

static int trie_assign(PyObject *self, PyObject *key, PyObject *value) {
    return neap__mapping_assign(&trie_class, self, key, value);
}

/* --- many entries --- */

static Py_ssize_t view_length(const struct mapping_view *view) {
    const struct trie_object *trie = neap__trie_of((PyObject *)view->mapping);
    struct neap_trie_range range;
    size_t count = 0;
    if (neap__mapping_view_is_whole(view))
        return (Py_ssize_t)neap__trie_length(trie);
    if (neap__trie_range(view, &range) < 0)
        return -1;
    const int error = trie->trie ? neap_trie_range_count(trie->trie, &range, &count)
                                 : neap_frozen_trie_range_count(trie->frozen, &range, &count);
    if (error < 0)
        neap__extension_raise(error, NULL, "the file of this FrozenTrie is damaged");
    return error < 0 ? -1 : (Py_ssize_t)count;
}

static bool is_trie(PyObject *self, PyObject *object) {
    const struct trie_state *state = neap__trie_of(self)->state;
    return PyObject_TypeCheck(object, state->trie) || PyObject_TypeCheck(object, state->frozen);
}

static int trie_compare(PyObject *self, PyObject *other) {
    return is_trie(self, other) ? MAPPING_BY_ENTRIES : MAPPING_UNLIKE;
}

/* Trie | mapping, a new Trie; mapping | Trie is for the other operand. */
static PyObject *trie_or(PyObject *self, PyObject *other) {
    if (PyType_GetSlot(Py_TYPE(self), Py_nb_or) != (void *)trie_or ||
        !(PyDict_Check(other) || is_trie(self, other)))
        return Py_NewRef(Py_NotImplemented);
    return neap__mapping_joined(PyObject_CallMethod(self, "copy", NULL), other);
}

/* --- the types --- */

static const struct mapping_class trie_class = {
    .name = "Trie",
    .view_name = "Trie",
    .get = trie_get,
    .put = trie_put,
    .remove = trie_remove,
    .iterate = neap__trie_iterate,
    .length = view_length,
    .compare = trie_compare,
    .sound = trie_sound,
};

static const struct mapping_class frozen_class = {
    .name = "FrozenTrie",
    .view_name = "Trie",
    .get = trie_get,
    .iterate = neap__trie_iterate,
    .length = view_length,
    .compare = trie_compare,
    .sound = trie_sound,
};

PyDoc_STRVAR(trie_doc, "Trie(key, value, items=(), /)\n--\n\n"
                       "A sorted mapping that holds its keys and values as bytes.\n\n"
                       "`key` is 'str', 'bytes' or a kind of integer, 'i8' to 'i64', 'u8' to 'u64'; `value`\n"
                       "any of these, 'f32', 'f64', or None, for a set of keys.");

PyDoc_STRVAR(frozen_doc,
             "FrozenTrie(key, value, items=(), /)\n--\n\n"
             "A Trie that cannot be changed, in less than half of the memory; processes share it\n"
             "by save() and open(). freeze() of a Trie makes one.");

#define READING_SLOTS                                                                                        \
    {Py_tp_dealloc, (void *)trie_dealloc}, {Py_tp_iter, (void *)neap__mapping_iter},                         \
        {Py_tp_repr, (void *)neap__mapping_repr}, {Py_tp_richcompare, (void *)neap__mapping_richcompare},    \
        {Py_tp_getset, neap__trie_getset}, {Py_mp_subscript, (void *)trie_subscript},                        \
        {Py_mp_length, (void *)trie_length}, {                                                               \
        Py_sq_contains, (void *)neap__mapping_contains                                                       \
    }

static PyType_Slot trie_slots[] = {
    READING_SLOTS,
    {Py_tp_doc, (void *)trie_doc},
    {Py_tp_new, (void *)trie_new},
    {Py_tp_methods, neap__trie_methods},
    {Py_mp_ass_subscript, (void *)trie_assign},
    {Py_nb_or, (void *)trie_or},
    {Py_nb_inplace_or, (void *)neap__mapping_inplace_or},
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
