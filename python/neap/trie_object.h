/* trie_object.h: neap.Trie and neap.FrozenTrie, the C tries as sorted Python mappings.
 *
 *     trie_object.c     what both are: making, ending, t[k], len, in, ==, repr
 *     trie_methods.c    what is read by name: get, prefix, range, longest_prefix_of ...
 *     trie_changes.c    what changes a Trie: t[k] = v, pop, update, compact ...
 *     trie_views.c      keys(), values(), items(), whole or of a range, and their iterators
 *     _trie.c           the module
 *
 * An object holds one of the two and no Python object. While texts are borrowed from it
 * no Python code can run: what is made of them are str, bytes and numbers, whose making
 * starts no garbage collection.
 */
#ifndef NEAP_PYTHON_TRIE_OBJECT_H
#define NEAP_PYTHON_TRIE_OBJECT_H

#include "kind_object.h"

#include <neap/frozen_trie.h>
#include <neap/trie.h>

enum trie_part { TRIE_KEYS, TRIE_VALUES, TRIE_ITEMS };

/* The module's state: its types. */
struct trie_state {
    PyTypeObject *trie, *frozen, *iterator;
    PyTypeObject *views[3]; /* by enum trie_part */
};

struct trie_object {
    PyObject_HEAD neap_trie_t *trie; /* one of these two */
    neap_frozen_trie_t *frozen;
    enum neap_kind key, value;
    const struct trie_state *state; /* of the module, which the type keeps */
};

extern PyType_Spec neap__trie_spec, neap__frozen_trie_spec, neap__trie_iterator_spec,
    neap__trie_view_specs[3];
extern PyMethodDef neap__trie_methods[], neap__frozen_trie_methods[];
extern PyGetSetDef neap__trie_getset[];

static inline struct trie_object *neap__trie_of(PyObject *self) {
    return (struct trie_object *)(void *)self;
}

/* Through a function pointer without parameters, that no compiler warns of. */
#define NEAP_FUNCTION(name) ((PyCFunction)(void (*)(void))(name))

/* An object over one of the two, which it takes over also on failure; both NULL means a MemoryError. */
PyObject *neap__trie_wrap(PyTypeObject *type, neap_trie_t *trie, neap_frozen_trie_t *frozen);

size_t neap__trie_length(const struct trie_object *trie);

/* Looks a key up: 1 if it is there, with the item in *value; 0 if not; -1 with an exception for what
 * is no key at all. */
int neap__trie_find(struct trie_object *trie, PyObject *key, union neap_item *value);

/* Whether two objects have the same keys and values: 1, 0, -1 with an exception; 2: `other` is no mapping. */
int neap__trie_equal(struct trie_object *trie, PyObject *other);

/* t[key] = value; 0, or -1 with an exception. */
int neap__trie_put(struct trie_object *trie, PyObject *key, PyObject *value);

/* As dict.update with one argument: a mapping, an iterable of pairs, or of keys for a trie without
 * values. 0, or -1 with an exception. */
int neap__trie_update(struct trie_object *trie, PyObject *source);

/* A view of the entries whose key begins with `prefix`, is at least `first` and less than `last`; NULL
 * for what does not bound. Objects of the wrong type raise. */
PyObject *neap__trie_view_new(struct trie_object *trie, enum trie_part part, PyObject *prefix,
                              PyObject *first, PyObject *last);
/* The iterator of such a view of the whole. */
PyObject *neap__trie_iterator_new(struct trie_object *trie, enum trie_part part);

#endif
