/* trie_methods.c: what is read of a Trie or FrozenTrie by name, and the lists of both's methods. */
#include "trie_changes.h"

static PyObject *trie_get(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    struct trie_object *trie = neap__trie_of(self);
    union neap_item value;
    if (count < 1 || count > 2) {
        PyErr_Format(PyExc_TypeError, "get expected at %s, got %zd",
                     count < 1 ? "least 1 argument" : "most 2 arguments", count);
        return NULL;
    }
    const int found = neap__trie_find(trie, args[0], &value);
    if (found > 0)
        return neap__kind_to_object(trie->value, value);
    return found < 0 ? NULL : Py_NewRef(count == 2 ? args[1] : Py_None);
}

/* --- views --- */

static PyObject *trie_keys(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__trie_view_new(neap__trie_of(self), TRIE_KEYS, NULL, NULL, NULL);
}

static PyObject *trie_values(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__trie_view_new(neap__trie_of(self), TRIE_VALUES, NULL, NULL, NULL);
}

static PyObject *trie_items(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__trie_view_new(neap__trie_of(self), TRIE_ITEMS, NULL, NULL, NULL);
}

static PyObject *trie_prefix(PyObject *self, PyObject *prefix) {
    return neap__trie_view_new(neap__trie_of(self), TRIE_KEYS, prefix, NULL, NULL);
}

static PyObject *trie_range(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"first", "last", NULL};
    PyObject *first = Py_None, *last = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:range", names, &first, &last))
        return NULL;
    return neap__trie_view_new(neap__trie_of(self), TRIE_KEYS, NULL, first == Py_None ? NULL : first,
                               last == Py_None ? NULL : last);
}

/* --- what a text begins with --- */

/* Reads a text; 0, or -1 with an exception. */
static int text_from(const struct trie_object *trie, PyObject *object, union neap_item *text) {
    if (trie->key == NEAP_KIND_STR || trie->key == NEAP_KIND_BYTES)
        return neap__kind_from_object(trie->key, object, text);
    PyErr_Format(PyExc_TypeError, "keys of kind '%s' have no prefixes", neap_kind_name(trie->key));
    return -1;
}

static bool longest(const struct trie_object *trie, union neap_item text, size_t limit, size_t *bytes) {
    return trie->trie != NULL ? neap_trie_longest_prefix(trie->trie, text, limit, bytes, NULL)
                              : neap_frozen_trie_longest_prefix(trie->frozen, text, limit, bytes, NULL);
}

static PyObject *trie_longest_prefix_of(PyObject *self, PyObject *args) {
    struct trie_object *trie = neap__trie_of(self);
    PyObject *object, *otherwise = Py_None;
    union neap_item text;
    if (!PyArg_UnpackTuple(args, "longest_prefix_of", 1, 2, &object, &otherwise) ||
        text_from(trie, object, &text) < 0)
        return NULL;
    if (!longest(trie, text, SIZE_MAX, &text.text.bytes))
        return Py_NewRef(otherwise);
    return neap__kind_to_object(trie->key, text);
}

static PyObject *trie_prefixes_of(PyObject *self, PyObject *object) {
    struct trie_object *trie = neap__trie_of(self);
    union neap_item text, prefix;
    size_t limit = SIZE_MAX;
    if (text_from(trie, object, &text) < 0)
        return NULL;
    PyObject *found = PyList_New(0);
    prefix = text;
    while (found != NULL && longest(trie, text, limit, &prefix.text.bytes)) {
        PyObject *key = neap__kind_to_object(trie->key, prefix);
        if (key == NULL || PyList_Append(found, key) < 0)
            Py_CLEAR(found);
        Py_XDECREF(key);
        if (prefix.text.bytes == 0)
            break;
        limit = prefix.text.bytes - 1;
    }
    if (found != NULL && PyList_Reverse(found) < 0) /* they came longest first */
        Py_CLEAR(found);
    return found;
}

/* --- the whole --- */

/* An empty Trie of the same kinds. */
static PyObject *trie_copy(PyObject *self, PyObject *unused) {
    struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    PyObject *copy = neap__trie_wrap(trie->state->trie, neap_trie_new(trie->key, trie->value, NULL), NULL);
    if (copy != NULL && neap__trie_update(neap__trie_of(copy), self) < 0)
        Py_CLEAR(copy);
    return copy;
}

/* A new reference to what a subclass has besides, or None. */
static PyObject *dict_of(PyObject *self) {
    PyObject *dict = PyObject_GetAttrString(self, "__dict__");
    if (dict != NULL)
        return dict;
    PyErr_Clear();
    return Py_NewRef(Py_None);
}

/* A Trie's entries go as an iterator, so that not all are objects at once; a FrozenTrie has to have
 * them when it is made. */
static PyObject *trie_reduce(PyObject *self, PyObject *unused) {
    struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    PyObject *items = neap__trie_iterator_new(trie, TRIE_ITEMS), *state = dict_of(self), *reduced = NULL;
    PyObject *key = neap__kind_to_name(trie->key), *value = neap__kind_to_name(trie->value);
    PyObject *list = items != NULL && trie->frozen != NULL ? PySequence_List(items) : NULL;
    if (key != NULL && value != NULL && trie->trie != NULL && items != NULL)
        reduced = Py_BuildValue("O(OO)OOO", Py_TYPE(self), key, value, state, Py_None, items);
    else if (key != NULL && value != NULL && list != NULL)
        reduced = Py_BuildValue("O(OOO)O", Py_TYPE(self), key, value, list, state);
    Py_XDECREF(items);
    Py_XDECREF(list);
    Py_XDECREF(state);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return reduced;
}

static PyObject *trie_sizeof(PyObject *self, PyObject *unused) {
    const struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    return PyLong_FromSize_t(sizeof *trie + (trie->trie != NULL ? neap_trie_bytes(trie->trie)
                                                                : neap_frozen_trie_bytes(trie->frozen)));
}

static PyObject *get_nbytes(PyObject *self, void *unused) {
    const struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    return PyLong_FromSize_t(trie->trie != NULL ? neap_trie_bytes(trie->trie)
                                                : neap_frozen_trie_bytes(trie->frozen));
}

static PyObject *get_kinds(PyObject *self, void *unused) {
    const struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    PyObject *key = neap__kind_to_name(trie->key), *value = neap__kind_to_name(trie->value);
    PyObject *kinds = key != NULL && value != NULL ? PyTuple_Pack(2, key, value) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return kinds;
}

/* --- files --- */

static PyObject *frozen_save(PyObject *self, PyObject *path) {
    PyObject *encoded;
    if (!PyUnicode_FSConverter(path, &encoded))
        return NULL;
    const int error = neap_frozen_trie_save(neap__trie_of(self)->frozen, PyBytes_AsString(encoded));
    Py_DECREF(encoded);
    return error < 0 ? neap__extension_raise(error, path, "") : Py_NewRef(Py_None);
}

static PyObject *frozen_verify(PyObject *self, PyObject *unused) {
    const char *why = "";
    bool sound;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS /* nobody can change it meanwhile */
        sound = neap_frozen_trie_check(neap__trie_of(self)->frozen, &why);
    Py_END_ALLOW_THREADS if (sound) return Py_NewRef(Py_None);
    PyErr_Format(PyExc_ValueError, "the file of this FrozenTrie is damaged: %s", why);
    return NULL;
}

static PyObject *frozen_open(PyObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"path", "verify", NULL};
    PyObject *path, *encoded;
    int verify = 0;
    neap_frozen_trie_t *frozen = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$p:open", names, &path, &verify) ||
        !PyUnicode_FSConverter(path, &encoded))
        return NULL;
    const int error = neap_frozen_trie_open(PyBytes_AsString(encoded), &frozen);
    Py_DECREF(encoded);
    if (error < 0)
        return neap__extension_raise(error, path, "not the file of a FrozenTrie");
    PyObject *self = neap__trie_wrap((PyTypeObject *)(void *)type, NULL, frozen);
    PyObject *verified = self != NULL && verify ? frozen_verify(self, NULL) : Py_NewRef(Py_None);
    if (verified == NULL)
        Py_CLEAR(self);
    Py_XDECREF(verified);
    return self;
}

/* --- tables --- */

PyGetSetDef neap__trie_getset[] = {
    {"nbytes", get_nbytes, NULL, "Bytes that it holds; of one that was opened, those of the file.", NULL},
    {"kinds", get_kinds, NULL, "The kinds of key and value, as they were given.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define READING_METHODS                                                                                      \
    {"get", NEAP_FUNCTION(trie_get), METH_FASTCALL,                                                          \
     "get(key, default=None, /)\n--\n\nThe value, or the default."},                                         \
        {"keys", trie_keys, METH_NOARGS, "A set-like view of the keys, in order."},                          \
        {"values", trie_values, METH_NOARGS, "A view of the values, in the order of the keys."},             \
        {"items", trie_items, METH_NOARGS, "A set-like view of the entries, as pairs, in order."},           \
        {"prefix", trie_prefix, METH_O,                                                                      \
         "prefix(text, /)\n--\n\nA view of the keys that begin so; its values() and items() are those of "   \
         "these keys."},                                                                                     \
        {"range", NEAP_FUNCTION(trie_range), METH_VARARGS | METH_KEYWORDS,                                   \
         "range(first=None, last=None)\n--\n\nA view of the keys from first on and before last, with "       \
         "values()\nand items() of these."},                                                                 \
        {"longest_prefix_of", trie_longest_prefix_of, METH_VARARGS,                                          \
         "longest_prefix_of(text, default=None, /)\n--\n\nThe longest key that the text begins with, or "    \
         "the default."},                                                                                    \
        {"prefixes_of", trie_prefixes_of, METH_O,                                                            \
         "prefixes_of(text, /)\n--\n\nAll keys that the text begins with, as a list, shortest first."},      \
        {"copy", trie_copy, METH_NOARGS, "A Trie with the same entries."},                                   \
        {"__reduce__", trie_reduce, METH_NOARGS, NULL}, {                                                    \
        "__sizeof__", trie_sizeof, METH_NOARGS, NULL                                                         \
    }

PyMethodDef neap__trie_methods[] = {
    READING_METHODS,
    {"setdefault", neap__trie_method_setdefault, METH_VARARGS,
     "setdefault(key, default=None, /)\n--\n\nThe value; the default is put first if there is none."},
    {"pop", neap__trie_method_pop, METH_VARARGS,
     "pop(key, default=<unrepresentable>, /)\n--\n\nRemoves a key and returns its value, or the default."},
    {"popitem", neap__trie_method_popitem, METH_NOARGS, "Removes the first entry and returns it as a pair."},
    {"clear", neap__trie_method_clear, METH_NOARGS, "Removes all entries."},
    {"update", NEAP_FUNCTION(neap__trie_method_update), METH_VARARGS | METH_KEYWORDS,
     "Puts all entries of a mapping, of an iterable of pairs (of keys, if there are no values), and\n"
     "of keyword arguments."},
    {"compact", neap__trie_method_compact, METH_NOARGS,
     "Makes it as small as it can be, and gives the memory back."},
    {"trim", neap__trie_method_trim, METH_NOARGS, "Gives free memory back now; returns bytes."},
    {"freeze", neap__trie_method_freeze, METH_NOARGS, "A FrozenTrie with the same entries."},
    {NULL, NULL, 0, NULL},
};

PyMethodDef neap__frozen_trie_methods[] = {
    READING_METHODS,
    {"save", frozen_save, METH_O,
     "save(path, /)\n--\n\nSaves it; at `path` is the old file or the whole new one, whatever happens."},
    {"open", NEAP_FUNCTION(frozen_open), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "open(path, *, verify=False)\n--\n\nA saved one, read where it lies and shared by all who open it. With "
     "verify,\nall of it is read and checked first."},
    {"verify", frozen_verify, METH_NOARGS, "Reads all of it; ValueError if the file is damaged."},
    {NULL, NULL, 0, NULL},
};
