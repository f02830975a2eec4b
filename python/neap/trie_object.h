/* trie_object.h: neap.Trie and neap.FrozenTrie, the C tries as sorted Python mappings
 * (mapping_object.h).
 *
 *     trie_object.c     what both are: making, ending, t[k], len, ==, |
 *     trie_methods.c    their methods by name
 *     trie_iterator.c   the iterators over views, whole or of a range
 *     _trie.c           the module
 *
 * An object holds one of the two tries and no Python object.
 */
#ifndef NEAP_PYTHON_TRIE_OBJECT_H
#define NEAP_PYTHON_TRIE_OBJECT_H

#include "mapping_object.h"

#include <neap/frozen_trie.h>
#include <neap/trie.h>

/* The module's state: its types. */
struct trie_state {
    PyTypeObject *trie, *frozen, *iterator;
    PyTypeObject *views[3]; /* by enum mapping_part */
};

struct trie_object {
    struct mapping_object base;
    neap_trie_t *trie; /* one of these two */
    neap_frozen_trie_t *frozen;
    const struct trie_state *state; /* of the module, which the type keeps */
};

extern PyType_Spec neap__trie_spec, neap__frozen_trie_spec, neap__trie_iterator_spec;
extern PyMethodDef neap__trie_methods[], neap__frozen_trie_methods[];
extern PyGetSetDef neap__trie_getset[];

static inline struct trie_object *neap__trie_of(PyObject *self) {
    return (struct trie_object *)(void *)self;
}

/* Makes an object that owns one of the two, which it takes over also on failure. If both are NULL, it raises
 * MemoryError. */
PyObject *neap__trie_wrap(PyTypeObject *type, neap_trie_t *trie, neap_frozen_trie_t *frozen);

/* A FrozenTrie, or an object of a subclass, with the entries of a Trie; NULL with an exception. */
PyObject *neap__trie_freeze(PyObject *trie, PyTypeObject *type);

/* -1 with ValueError if it is a file in which a call met damage; else 0. */
int neap__trie_sound(const struct trie_object *trie);

/* The number of entries. */
size_t neap__trie_length(const struct trie_object *trie);

/* Converts the bounds of a view to a range: 0, or -1 with an exception if a bound cannot be a key. */
int neap__trie_range(const struct mapping_view *view, struct neap_trie_range *range);

/* The iterator over a view. */
PyObject *neap__trie_iterate(const struct mapping_view *view);

#endif
