/* map_object.h: neap.Map, the C map (neap/map.h) as a Python mapping (mapping_object.h).
 *
 *     map_object.c     the type: making, ending, m[k], len, ==, |, and its iterators
 *     map_methods.c    its methods by name
 *     _map.c           the module
 *
 * An object owns its map and no Python object.
 */
#ifndef NEAP_PYTHON_MAP_OBJECT_H
#define NEAP_PYTHON_MAP_OBJECT_H

#include "mapping_object.h"

#include <neap/map.h>

/* The module's state: its types. */
struct map_state {
    PyTypeObject *map, *iterator;
    PyTypeObject *views[3]; /* by enum mapping_part */
};

struct map_object {
    struct mapping_object base;
    neap_map_t *map;
    const struct map_state *state; /* of the module, which the type keeps */
};

extern PyType_Spec neap__map_spec, neap__map_iterator_spec;
extern PyMethodDef neap__map_methods[];
extern PyGetSetDef neap__map_getset[];

static inline struct map_object *neap__map_of(PyObject *self) {
    return (struct map_object *)(void *)self;
}

/* Makes a Map that owns `map`, which it takes over also on failure. A NULL `map` raises MemoryError. */
PyObject *neap__map_wrap(PyTypeObject *type, neap_map_t *map);

/* A new Map with the same entries; NULL with an exception. */
PyObject *neap__map_copy(PyObject *self);

/* Raises the error for a change of a Map from a file; returns -1. */
int neap__map_raise_file(void);

/* 0, or -1 with a ValueError if the file has turned out to be damaged. */
int neap__map_sound(const struct map_object *map);

#endif
