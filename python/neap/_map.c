/* _map.c: the module of neap.Map. */
#include "map_object.h"

static PyMethodDef keys_methods[] = {
    {"isdisjoint", neap__mapping_view_isdisjoint, METH_O, "Whether nothing in it is in the other iterable."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    static const char *const view_names[3] = {"neap._map.Map_keys", "neap._map.Map_values",
                                              "neap._map.Map_items"};
    struct map_state *types = PyModule_GetState(module);
    if (neap__extension_add_type(module, &neap__map_spec, &types->map) < 0 ||
        neap__extension_add_type(module, &neap__map_iterator_spec, &types->iterator) < 0 ||
        neap__mapping_add_views(module, view_names, keys_methods, types->views) < 0)
        return -1;
    return neap__extension_register(types->map, "MutableMapping");
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    const struct map_state *types = PyModule_GetState(module);
    Py_VISIT(types->map);
    Py_VISIT(types->iterator);
    for (int part = 0; part < 3; part++)
        Py_VISIT(types->views[part]);
    return 0;
}

static int module_clear(PyObject *module) {
    struct map_state *types = PyModule_GetState(module);
    Py_CLEAR(types->map);
    Py_CLEAR(types->iterator);
    for (int part = 0; part < 3; part++)
        Py_CLEAR(types->views[part]);
    return 0;
}

static PyMethodDef module_methods[] = {{NULL, NULL, 0, NULL}};

NEAP_EXTENSION(_map, struct map_state, "A mapping that holds bytes: neap.Map.");
