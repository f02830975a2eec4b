/* _map.c: the module of neap.Map. */
#include "map_object.h"

/* The module's state has its name in map_object.h, where the type's functions know it. */
#define state map_state

static int module_exec(PyObject *module) {
    struct map_state *types = PyModule_GetState(module);
    if (neap__extension_add_type(module, &neap__map_spec, &types->map) < 0)
        return -1;
    for (int part = 0; part < 3; part++) {
        if (neap__extension_add_type(module, &neap__map_view_specs[part], &types->views[part]) < 0 ||
            neap__extension_add_type(module, &neap__map_iterator_specs[part], &types->iterators[part]) < 0)
            return -1;
    }
    return neap__extension_register(types->map, "MutableMapping") < 0 ||
                   neap__extension_register(types->views[MAP_KEYS], "KeysView") < 0 ||
                   neap__extension_register(types->views[MAP_VALUES], "ValuesView") < 0 ||
                   neap__extension_register(types->views[MAP_ITEMS], "ItemsView") < 0
               ? -1
               : 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    const struct map_state *types = PyModule_GetState(module);
    Py_VISIT(types->map);
    for (int part = 0; part < 3; part++) {
        Py_VISIT(types->views[part]);
        Py_VISIT(types->iterators[part]);
    }
    return 0;
}

static int module_clear(PyObject *module) {
    struct map_state *types = PyModule_GetState(module);
    Py_CLEAR(types->map);
    for (int part = 0; part < 3; part++) {
        Py_CLEAR(types->views[part]);
        Py_CLEAR(types->iterators[part]);
    }
    return 0;
}

static PyMethodDef module_methods[] = {{NULL, NULL, 0, NULL}};

NEAP_EXTENSION(_map, "A mapping that holds bytes: neap.Map.");
