/* trie_changes.h: the methods that a Trie has and a FrozenTrie has not. */
#ifndef NEAP_PYTHON_TRIE_CHANGES_H
#define NEAP_PYTHON_TRIE_CHANGES_H

#include "trie_object.h"

PyObject *neap__trie_method_update(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *neap__trie_method_setdefault(PyObject *self, PyObject *args);
PyObject *neap__trie_method_pop(PyObject *self, PyObject *args);
PyObject *neap__trie_method_popitem(PyObject *self, PyObject *unused);
PyObject *neap__trie_method_clear(PyObject *self, PyObject *unused);
PyObject *neap__trie_method_compact(PyObject *self, PyObject *unused);
PyObject *neap__trie_method_trim(PyObject *self, PyObject *unused);
PyObject *neap__trie_method_freeze(PyObject *self, PyObject *unused);

#endif
