/* _trie.c: the module of neap.Trie and neap.FrozenTrie. */
#include "trie_object.h"

/* The module's state has its name in trie_object.h, where the types' functions know it. */
#define state trie_state

static int module_exec(PyObject *module) {
    static const char *const abcs[3] = {"KeysView", "ValuesView", "ItemsView"};
    struct trie_state *types = PyModule_GetState(module);
    if (neap__extension_add_type(module, &neap__trie_spec, &types->trie) < 0 ||
        neap__extension_add_type(module, &neap__frozen_trie_spec, &types->frozen) < 0 ||
        neap__extension_add_type(module, &neap__trie_iterator_spec, &types->iterator) < 0)
        return -1;
    for (int part = 0; part < 3; part++) {
        if (neap__extension_add_type(module, &neap__trie_view_specs[part], &types->views[part]) < 0 ||
            neap__extension_register(types->views[part], abcs[part]) < 0)
            return -1;
    }
    return neap__extension_register(types->trie, "MutableMapping") < 0 ||
                   neap__extension_register(types->frozen, "Mapping") < 0
               ? -1
               : 0;
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

NEAP_EXTENSION(_trie, "Sorted mappings that hold bytes: neap.Trie and neap.FrozenTrie.");
