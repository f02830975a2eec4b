/* map_object.h: neap.Map, the C map (neap/map.h) as a Python mapping.
 *
 *     map_object.c    the type: making, ending, m[k], len, in, ==, repr, |
 *     map_methods.c   its methods by name
 *     map_views.c     keys(), values(), items(), and the iterators over them
 *     _map.c          the module
 *
 * An object owns its map and no Python object. While texts are borrowed from a map no
 * Python code can run: what is made of them are str, bytes and numbers, whose making
 * starts no garbage collection.
 */
#ifndef NEAP_PYTHON_MAP_OBJECT_H
#define NEAP_PYTHON_MAP_OBJECT_H

#include "kind_object.h"

#include <neap/map.h>

/* The module's state: its types. */
struct map_state {
    PyTypeObject *map;
    PyTypeObject *views[3], *iterators[3]; /* by enum map_part */
};

enum map_part { MAP_KEYS, MAP_VALUES, MAP_ITEMS };

struct map_object {
    PyObject_HEAD neap_map_t *map;
    enum neap_kind key, value;
    const struct map_state *state; /* of the module, which the type keeps */
};

extern PyType_Spec neap__map_spec, neap__map_view_specs[3], neap__map_iterator_specs[3];
extern PyMethodDef neap__map_methods[];
extern PyGetSetDef neap__map_getset[];

static inline struct map_object *neap__map_of(PyObject *self) {
    return (struct map_object *)(void *)self;
}

/* A Map over `map`, which it takes over also on failure; NULL means a MemoryError. */
PyObject *neap__map_wrap(PyTypeObject *type, neap_map_t *map);

/* A new view or iterator of a Map. */
PyObject *neap__map_view_new(struct map_object *map, enum map_part part);
PyObject *neap__map_iterator_new(struct map_object *map, enum map_part part);

/* The next key, value, or pair of both, as the map is now: a new reference. NULL at the end,
 * without an exception, or with one. */
PyObject *neap__map_next(struct map_object *map, struct neap_map_cursor *cursor, enum map_part part);

/* Looks a key up: 1 if it is there, with the item in *value; 0 if not; -1 with an exception
 * for what is no key at all, and for a damaged file. */
int neap__map_find(struct map_object *map, PyObject *key, union neap_item *value);

/* m[key] = value; 0, or -1 with an exception. */
int neap__map_put(struct map_object *map, PyObject *key, PyObject *value);

/* Removes a key that is there; 0, or -1 with an exception (a KeyError if it is not). */
int neap__map_take(struct map_object *map, PyObject *key);

/* As dict.update with one argument: a mapping, or an iterable of pairs, or of keys for a map
 * without values. 0, or -1 with an exception. */
int neap__map_update(struct map_object *map, PyObject *source);

/* Raises for what cannot be done to a Map that is a file; -1. */
int neap__map_raise_file(void);

/* 0, or -1 with a ValueError if the file has turned out to be damaged. */
int neap__map_sound(const struct map_object *map);

#endif
