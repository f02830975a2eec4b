/* _trie.c: the module of neap.Trie and neap.FrozenTrie. */
#include "trie_object.h"

/* Only a view of keys has values() and items(). */
static PyMethodDef keys_methods[] = {
    {"values", neap__mapping_view_values, METH_NOARGS, "The values of these keys."},
    {"items", neap__mapping_view_items, METH_NOARGS, "These keys and their values, as pairs."},
    {"isdisjoint", neap__mapping_view_isdisjoint, METH_O, "Whether nothing in it is in the other iterable."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    static const char *const view_names[3] = {"neap._trie._keys", "neap._trie._values", "neap._trie._items"};
    struct trie_state *types = PyModule_GetState(module);
    if (neap__extension_add_type(module, &neap__trie_spec, &types->trie) < 0 ||
        neap__extension_add_type(module, &neap__frozen_trie_spec, &types->frozen) < 0 ||
        neap__extension_add_type(module, &neap__trie_iterator_spec, &types->iterator) < 0 ||
        neap__mapping_add_views(module, view_names, keys_methods, types->views) < 0)
        return -1;
    return neap__extension_register(types->trie, "MutableMapping") < 0
               ? -1
               : neap__extension_register(types->frozen, "Mapping");
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    const struct trie_state *types = PyModule_GetState(module);
    Py_VISIT(types->trie);
    Py_VISIT(types->frozen);
    Py_VISIT(types->iterator);
    for (int part = 0; part < 3; part++)
        Py_VISIT(types->views[part]);
    return 0;
}

static int module_clear(PyObject *module) {
    struct trie_state *types = PyModule_GetState(module);
    Py_CLEAR(types->trie);
    Py_CLEAR(types->frozen);
    Py_CLEAR(types->iterator);
    for (int part = 0; part < 3; part++)
        Py_CLEAR(types->views[part]);
    return 0;
}

static PyMethodDef module_methods[] = {{NULL, NULL, 0, NULL}};

NEAP_EXTENSION(_trie, struct trie_state, "Sorted mappings that hold bytes: neap.Trie and neap.FrozenTrie.");
