/* mapping_object.h: the common part of Map, Trie and FrozenTrie as Python mappings.
 *
 *     mapping_methods.c   get, pop, update, ==, repr and others, by a few calls
 *     mapping_views.c     keys(), values() and items(), whole or of a range
 *
 *     struct map_object   [ struct mapping_object | map ]
 *     struct trie_object  [ struct mapping_object | trie, frozen ]
 *                            class: the calls that differ
 *
 * All have the same head struct, and a table of calls for the parts that differ. The most
 * frequent operations, reading and setting m[k], are inline; with a constant table, the
 * slots of a type call its functions directly.
 *
 * While texts are borrowed from a mapping, no Python code can run, because only str, bytes
 * and numbers are made from them, which does not start a garbage collection.
 *
 * save(), copy() and freeze() read without the GIL, behind the mapping's guard. So put, remove
 * and whatever else changes a mapping pass the guard first.
 */
#ifndef NEAP_PYTHON_MAPPING_OBJECT_H
#define NEAP_PYTHON_MAPPING_OBJECT_H

#include "kind_object.h"
#include "mapping_guard.h"

enum mapping_part { MAPPING_KEYS, MAPPING_VALUES, MAPPING_ITEMS };

struct mapping_object {
    PyObject_HEAD enum neap_kind key, value;
    const struct mapping_class *class;
    PyTypeObject *const *view_types; /* by part, in the state of the module, which the type keeps */
    struct mapping_guard guard;
};

/* A view, also of a range of what is sorted: the entries whose key begins with `prefix`, is at
 * least `first` and less than `last`; NULL for what does not bound. Owns all these. */
struct mapping_view {
    PyObject_HEAD struct mapping_object *mapping;
    enum mapping_part part;
    PyObject *prefix, *first, *last;
};

enum mapping_comparison {
    MAPPING_BY_ENTRIES = 2, /* compare the entries as objects */
    MAPPING_UNLIKE = 3,     /* not equal as far as this type knows: ask the other one */
};

/* The calls that differ. `self` is the mapping. */
struct mapping_class {
    const char *name;      /* for repr() */
    const char *view_name; /* for the repr() of its views */
    /* Looks a key up: 1 if it is there, with the item in *value (which may be NULL); 0 if not; -1
     * with an exception for a damaged file. */
    int (*get)(PyObject *self, union neap_item key, union neap_item *value);
    /* Puts an entry: 0, or -1 with an exception. NULL for what is for reading only. */
    int (*put)(PyObject *self, union neap_item key, union neap_item value);
    /* Removes an entry: 1, 0 if there is none, -1 with an exception. NULL as above. */
    int (*remove)(PyObject *self, union neap_item key);
    /* Makes an iterator over the entries of a view. */
    PyObject *(*iterate)(const struct mapping_view *view);
    Py_ssize_t (*length)(const struct mapping_view *view);
    /* What is no dict: 1 or 0 if it can be told without making objects whether both are equal, or an
     * enum mapping_comparison; -1 with an exception. */
    int (*compare)(PyObject *self, PyObject *other);
    /* Puts all entries of `source` without making objects; 0, -1 with an exception, or 1 if that does
     * not go. May be NULL. */
    int (*absorb)(PyObject *self, PyObject *source);
    /* -1 with an exception if the mapping is a file and a call met damage; else 0. */
    int (*sound)(PyObject *self);
};

static inline struct mapping_object *neap__mapping_of(PyObject *self) {
    return (struct mapping_object *)(void *)self;
}

/* Waits until no other thread reads the mapping without the GIL. 0, or -1 with an exception. */
static inline int neap__mapping_pass(PyObject *self) {
    return neap__mapping_guard_pass(&neap__mapping_of(self)->guard);
}

/* What was made of a borrowed text, if that was there until now: the file may have been cut short. */
static inline PyObject *neap__mapping_sure(PyObject *self, PyObject *object) {
    if (object && neap__mapping_of(self)->class->sound(self) < 0) {
        Py_DECREF(object);
        return NULL;
    }
    return object;
}

/* --- by key: `class` is that of `self` --- */

/* As get, for an object; -1 with an exception also if it cannot be a key. */
static inline int neap__mapping_find(const struct mapping_class *class, PyObject *self, PyObject *key,
                                     union neap_item *value) {
    union neap_item item;
    if (neap__kind_from_object(neap__mapping_of(self)->key, key, &item) < 0)
        return neap__kind_is_unholdable() ? 0 : -1;
    return class->get(self, item, value);
}

/* self[key] */
static inline PyObject *neap__mapping_subscript(const struct mapping_class *class, PyObject *self,
                                                PyObject *key) {
    union neap_item value;
    int found = neap__mapping_find(class, self, key, &value);
    if (found > 0)
        return neap__mapping_sure(self, neap__kind_to_object(neap__mapping_of(self)->value, value));
    if (found == 0)
        PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

/* del self[key]: 0, or -1 with an exception. */
int neap__mapping_delete(const struct mapping_class *class, PyObject *self, PyObject *key);

/* self[key] = value; without a value, del self[key]: 0, or -1 with an exception. */
static inline int neap__mapping_assign(const struct mapping_class *class, PyObject *self, PyObject *key,
                                       PyObject *value) {
    const struct mapping_object *mapping = neap__mapping_of(self);
    union neap_item key_item, value_item;
    if (!value)
        return neap__mapping_delete(class, self, key);
    if (neap__kind_from_object(mapping->key, key, &key_item) < 0 ||
        neap__kind_from_object(mapping->value, value, &value_item) < 0)
        return -1;
    return class->put(self, key_item, value_item);
}

/* --- entries as objects --- */

/* Converts an entry to an object: a key, a value, or a pair of both. */
PyObject *neap__mapping_part(const struct mapping_object *mapping, enum mapping_part part,
                             union neap_item key, union neap_item value);

/* --- views --- */

/* Makes the types of views, `names` of them by part, with `keys_methods` for the keys. */
int neap__mapping_add_views(PyObject *module, const char *const names[3], PyMethodDef *keys_methods,
                            PyTypeObject *types[3]);

/* Make a view of the whole mapping; of a range. */
PyObject *neap__mapping_view(PyObject *self, enum mapping_part part);
PyObject *neap__mapping_view_of(PyObject *self, enum mapping_part part, PyObject *prefix, PyObject *first,
                                PyObject *last);

/* The iterator over a view of the whole. */
PyObject *neap__mapping_iterate(PyObject *self, enum mapping_part part);

static inline bool neap__mapping_view_is_whole(const struct mapping_view *view) {
    return !view->prefix && !view->first && !view->last;
}

PyObject *neap__mapping_keys(PyObject *self, PyObject *unused);
PyObject *neap__mapping_values(PyObject *self, PyObject *unused);
PyObject *neap__mapping_items(PyObject *self, PyObject *unused);
/* Methods of a view of keys: values() and items() of the same entries, and those of every set. */
PyObject *neap__mapping_view_values(PyObject *view, PyObject *unused);
PyObject *neap__mapping_view_items(PyObject *view, PyObject *unused);
PyObject *neap__mapping_view_isdisjoint(PyObject *view, PyObject *other);

/* --- methods, and slots of types --- */

PyObject *neap__mapping_get(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *neap__mapping_setdefault(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *neap__mapping_pop(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *neap__mapping_method_update(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *neap__mapping_reduce(PyObject *self, PyObject *unused);
PyObject *neap__mapping_kinds(PyObject *self, void *unused);
int neap__mapping_contains(PyObject *self, PyObject *key);
PyObject *neap__mapping_iter(PyObject *self);
PyObject *neap__mapping_repr(PyObject *self);
PyObject *neap__mapping_richcompare(PyObject *self, PyObject *other, int operation);
PyObject *neap__mapping_inplace_or(PyObject *self, PyObject *other);

/* As dict.update with one argument: a mapping, or an iterable of pairs, or of keys for one
 * without values. 0, or -1 with an exception. */
int neap__mapping_update(PyObject *self, PyObject *source);

/* `copy`, which is used up, with the entries of `other` put over its own: what | gives. */
PyObject *neap__mapping_joined(PyObject *copy, PyObject *other);

/* What save() returns after `error`, with errno from the call: None, or NULL with an exception. `damaged` is
 * for a container whose own file is damaged. */
PyObject *neap__mapping_saved(int error, PyObject *path, const char *damaged);

/* A new reference to the __dict__ of an object of a subclass, or None. */
PyObject *neap__mapping_dict(PyObject *self);

/* Reads the arguments (key, value, items=()) of a constructor by `format`, "OO|O:Map";
 * `items` is borrowed or NULL. 0, or -1 with an exception. */
int neap__mapping_arguments(PyObject *args, PyObject *kwargs, const char *format, enum neap_kind *key,
                            enum neap_kind *value, PyObject **items);

/* Between `least` and `most` arguments, or a TypeError. */
bool neap__mapping_count_fits(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most);

/* Casts through a function pointer without parameters, so that no compiler warns. */
#define NEAP_FUNCTION(name) ((PyCFunction)(void (*)(void))(name))

#endif
