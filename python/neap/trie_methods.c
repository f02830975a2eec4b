/* trie_methods.c: the methods of Trie and FrozenTrie. */
#include "trie_object.h"

#include <errno.h>

/* --- ranges --- */

/* Makes a view of the keys within bounds, and checks the bounds. */
static PyObject *keys_within(PyObject *self, PyObject *prefix, PyObject *first, PyObject *last) {
    const struct mapping_view view = {
        .mapping = neap__mapping_of(self), .prefix = prefix, .first = first, .last = last};
    struct neap_trie_range range;
    if (neap__trie_range(&view, &range) < 0)
        return NULL;
    return neap__mapping_view_of(self, MAPPING_KEYS, prefix, first, last);
}

/* Whether keys are texts; raises TypeError otherwise. */
static bool has_prefixes(const struct trie_object *trie) {
    if (trie->base.key == NEAP_KIND_STR || trie->base.key == NEAP_KIND_BYTES)
        return true;
    PyErr_Format(PyExc_TypeError, "keys of kind '%s' have no prefixes", neap_kind_name(trie->base.key));
    return false;
}

static PyObject *trie_prefix(PyObject *self, PyObject *prefix) {
    return has_prefixes(neap__trie_of(self)) ? keys_within(self, prefix, NULL, NULL) : NULL;
}

static PyObject *trie_range(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"first", "last", NULL};
    PyObject *first = Py_None, *last = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:range", names, &first, &last))
        return NULL;
    return keys_within(self, NULL, first == Py_None ? NULL : first, last == Py_None ? NULL : last);
}

/* --- what a text begins with --- */

static bool longest(const struct trie_object *trie, union neap_item text, size_t limit, size_t *bytes) {
    return trie->trie ? neap_trie_longest_prefix(trie->trie, text, limit, bytes, NULL)
                      : neap_frozen_trie_longest_prefix(trie->frozen, text, limit, bytes, NULL);
}

static PyObject *trie_longest_prefix_of(PyObject *self, PyObject *args) {
    struct trie_object *trie = neap__trie_of(self);
    PyObject *object, *otherwise = Py_None;
    union neap_item text;
    if (!PyArg_UnpackTuple(args, "longest_prefix_of", 1, 2, &object, &otherwise) || !has_prefixes(trie) ||
        neap__kind_from_object(trie->base.key, object, &text) < 0)
        return NULL;
    if (!longest(trie, text, SIZE_MAX, &text.text.bytes))
        return neap__trie_sound(trie) < 0 ? NULL : Py_NewRef(otherwise);
    return neap__kind_to_object(trie->base.key, text);
}

static PyObject *trie_prefixes_of(PyObject *self, PyObject *object) {
    struct trie_object *trie = neap__trie_of(self);
    union neap_item text, prefix;
    size_t limit = SIZE_MAX;
    if (!has_prefixes(trie) || neap__kind_from_object(trie->base.key, object, &text) < 0)
        return NULL;
    PyObject *found = PyList_New(0);
    prefix = text;
    while (found && longest(trie, text, limit, &prefix.text.bytes)) {
        PyObject *key = neap__kind_to_object(trie->base.key, prefix);
        if (!key || PyList_Append(found, key) < 0)
            Py_CLEAR(found);
        Py_XDECREF(key);
        if (prefix.text.bytes == 0)
            break;
        limit = prefix.text.bytes - 1;
    }
    if (found && (neap__trie_sound(trie) < 0 ||
                  PyList_Reverse(found) < 0)) /* they were found from the longest to the shortest */
        Py_CLEAR(found);
    return found;
}

/* --- the whole --- */

/* Puts the entries of a FrozenTrie into another trie. A negative enum neap_error: not all are there. */
static int thaw(const neap_frozen_trie_t *frozen, neap_trie_t *to) {
    union neap_item key, value;
    neap_frozen_cursor_t *cursor = neap_frozen_cursor_new(frozen, NULL);
    int more = !cursor ? NEAP_ERROR_MEMORY : 1;
    while (more > 0 && (more = neap_frozen_cursor_next(cursor, &key, &value)) > 0) {
        int error = neap_trie_set(to, key, value);
        more = error < 0 ? error : 1;
    }
    neap_frozen_cursor_destroy(cursor);
    return more;
}

/* The same for a Trie. */
static int duplicate(const neap_trie_t *trie, neap_trie_t *to) {
    union neap_item key, value;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, NULL);
    int more = !cursor ? NEAP_ERROR_MEMORY : 1;
    while (more > 0 && (more = neap_trie_cursor_next(cursor, &key, &value)) > 0) {
        int error = neap_trie_set(to, key, value);
        more = error < 0 ? error : 1;
    }
    neap_trie_cursor_destroy(cursor);
    return more;
}

static PyObject *trie_copy(PyObject *self, PyObject *unused) {
    struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    PyThreadState *thread = neap__mapping_guard_begin(&trie->base.guard);
    if (!thread)
        return NULL;
    neap_trie_t *copy = neap_trie_new(trie->base.key, trie->base.value, NULL);
    int error = !copy        ? NEAP_ERROR_MEMORY
                : trie->trie ? duplicate(trie->trie, copy)
                             : thaw(trie->frozen, copy);
    neap__mapping_guard_end(&trie->base.guard, thread);
    if (error == NEAP_OK)
        return neap__trie_wrap(trie->state->trie, copy, NULL);
    neap_trie_destroy(copy);
    return neap__extension_raise(error, NULL, "the file of this FrozenTrie is damaged");
}

/* A FrozenTrie gets all its entries when it is made. */
static PyObject *frozen_reduce(PyObject *self, PyObject *unused) {
    const struct mapping_object *mapping = neap__mapping_of(self);
    (void)unused;
    PyObject *key = neap__kind_to_name(mapping->key), *value = neap__kind_to_name(mapping->value);
    PyObject *items = neap__mapping_view(self, MAPPING_ITEMS), *state = neap__mapping_dict(self);
    PyObject *list = items ? PySequence_List(items) : NULL, *reduced = NULL;
    if (key && value && list)
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
    return PyLong_FromSize_t(
        sizeof(*trie) + (trie->trie ? neap_trie_bytes(trie->trie) : neap_frozen_trie_bytes(trie->frozen)));
}

static PyObject *get_nbytes(PyObject *self, void *unused) {
    const struct trie_object *trie = neap__trie_of(self);
    (void)unused;
    return PyLong_FromSize_t(trie->trie ? neap_trie_bytes(trie->trie) : neap_frozen_trie_bytes(trie->frozen));
}

/* --- changes --- */

static PyObject *trie_popitem(PyObject *self, PyObject *unused) {
    (void)unused;
    if (neap__mapping_pass(self) < 0)
        return NULL;
    PyObject *iterator = neap__mapping_iterate(self, MAPPING_ITEMS);
    PyObject *pair = iterator ? PyIter_Next(iterator) : NULL;
    Py_XDECREF(iterator);
    if (!pair && !PyErr_Occurred())
        PyErr_SetString(PyExc_KeyError, "popitem(): Trie is empty");
    if (pair && neap__mapping_delete(neap__mapping_of(self)->class, self, PyTuple_GetItem(pair, 0)) < 0)
        Py_CLEAR(pair);
    return pair;
}

static PyObject *trie_clear(PyObject *self, PyObject *unused) {
    (void)unused;
    if (neap__mapping_pass(self) < 0)
        return NULL;
    neap_trie_clear(neap__trie_of(self)->trie);
    return Py_NewRef(Py_None);
}

static PyObject *trie_compact(PyObject *self, PyObject *unused) {
    (void)unused;
    if (neap__mapping_pass(self) < 0)
        return NULL;
    const int error = neap_trie_compact(neap__trie_of(self)->trie);
    return error < 0 ? neap__extension_raise(error, NULL, "") : Py_NewRef(Py_None);
}

static PyObject *trie_trim(PyObject *self, PyObject *unused) {
    (void)unused;
    if (neap__mapping_pass(self) < 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(neap_trie_trim(neap__trie_of(self)->trie));
}

PyObject *neap__trie_freeze(PyObject *self, PyTypeObject *type) {
    struct trie_object *trie = neap__trie_of(self);
    PyThreadState *thread = neap__mapping_guard_begin(&trie->base.guard);
    if (!thread)
        return NULL;
    neap_frozen_trie_t *frozen = neap_trie_freeze(trie->trie, NULL);
    neap__mapping_guard_end(&trie->base.guard, thread);
    return neap__trie_wrap(type, NULL, frozen);
}

static PyObject *trie_freeze(PyObject *self, PyObject *unused) {
    (void)unused;
    return neap__trie_freeze(self, neap__trie_of(self)->state->frozen);
}

/* --- files --- */

static PyObject *frozen_save(PyObject *self, PyObject *path) {
    PyObject *encoded;
    if (!PyUnicode_FSConverter(path, &encoded))
        return NULL;
    const char *name = PyBytes_AsString(encoded);
    PyThreadState *thread = PyEval_SaveThread(); /* without a guard: a FrozenTrie never changes */
    errno = 0;
    int error = neap_frozen_trie_save(neap__trie_of(self)->frozen, name);
    PyEval_RestoreThread(thread);
    Py_DECREF(encoded);
    return neap__mapping_saved(error, path, "the file of this FrozenTrie is damaged");
}

static PyObject *frozen_verify(PyObject *self, PyObject *unused) {
    const char *why = "";
    bool sound;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS /* a FrozenTrie cannot change meanwhile */
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
    PyObject *verified = self && verify ? frozen_verify(self, NULL) : Py_NewRef(Py_None);
    if (!verified)
        Py_CLEAR(self);
    Py_XDECREF(verified);
    return self;
}

/* --- tables --- */

PyGetSetDef neap__trie_getset[] = {
    {"nbytes", get_nbytes, NULL, "Bytes that it holds; of one that was opened, those of the file.", NULL},
    {"kinds", neap__mapping_kinds, NULL, "The kinds of key and value, as they were given.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define READING_METHODS                                                                                      \
    {"get", NEAP_FUNCTION(neap__mapping_get), METH_FASTCALL,                                                 \
     "get(key, default=None, /)\n--\n\nThe value, or the default."},                                         \
        {"keys", neap__mapping_keys, METH_NOARGS, "A set-like view of the keys, in order."},                 \
        {"values", neap__mapping_values, METH_NOARGS, "A view of the values, in the order of the keys."},    \
        {"items", neap__mapping_items, METH_NOARGS, "A set-like view of the entries, as pairs, in order."},  \
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
        {"copy", trie_copy, METH_NOARGS, "A Trie with the same entries."}, {                                 \
        "__sizeof__", trie_sizeof, METH_NOARGS, NULL                                                         \
    }

PyMethodDef neap__trie_methods[] = {
    READING_METHODS,
    {"__reduce__", neap__mapping_reduce, METH_NOARGS, NULL},
    {"setdefault", NEAP_FUNCTION(neap__mapping_setdefault), METH_FASTCALL,
     "setdefault(key, default=None, /)\n--\n\nReturns the value; if there is none, adds the default."},
    {"pop", NEAP_FUNCTION(neap__mapping_pop), METH_FASTCALL,
     "pop(key, default=<unrepresentable>, /)\n--\n\nRemoves a key and returns its value, or the default."},
    {"popitem", trie_popitem, METH_NOARGS, "Removes the first entry and returns it as a pair."},
    {"clear", trie_clear, METH_NOARGS, "Removes all entries."},
    {"update", NEAP_FUNCTION(neap__mapping_method_update), METH_VARARGS | METH_KEYWORDS,
     "Adds all entries of a mapping, of an iterable of pairs (of keys, if there are no values), and\n"
     "of keyword arguments."},
    {"compact", trie_compact, METH_NOARGS,
     "Makes the trie as small as possible, and gives the free memory back."},
    {"trim", trie_trim, METH_NOARGS, "Gives free memory back now; returns bytes."},
    {"freeze", trie_freeze, METH_NOARGS, "A FrozenTrie with the same entries."},
    {NULL, NULL, 0, NULL},
};

PyMethodDef neap__frozen_trie_methods[] = {
    READING_METHODS,
    {"__reduce__", frozen_reduce, METH_NOARGS, NULL},
    {"save", frozen_save, METH_O,
     "save(path, /)\n--\n\nSaves the trie; after a crash there is the old file or the new one."},
    {"open", NEAP_FUNCTION(frozen_open), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "open(path, *, verify=False)\n--\n\nOpens a saved trie; all processes that open it share its memory. "
     "With "
     "verify,\nall of it is read and checked first."},
    {"verify", frozen_verify, METH_NOARGS, "Reads all of it; ValueError if the file is damaged."},
    {NULL, NULL, 0, NULL},
};
