/* kind_object.h: converts Python objects to keys and values of containers, and back.
 *
 *     kind        takes                        gives
 *     str         str without lone surrogates  str
 *     bytes       bytes                        bytes
 *     i8 .. u64   int, and what has __index__  int
 *     f32, f64    float, and what has          float
 *                 __float__ or __index__
 *     none        None                         None
 *
 * Anything else raises TypeError, a number that is too large OverflowError, and a lone
 * surrogate UnicodeEncodeError. The GIL is held.
 */
#ifndef NEAP_PYTHON_KIND_OBJECT_H
#define NEAP_PYTHON_KIND_OBJECT_H

#include "extension.h"

#include <stdbool.h>

#include <neap/kind.h>

/* The same for every object; of a wrong one, with its exception. */
int neap__kind_from_any(enum neap_kind kind, PyObject *object, union neap_item *item);

/* Reads an object; a text is borrowed from it and lives as long. 0, or -1 with an exception. */
static inline int neap__kind_from_object(enum neap_kind kind, PyObject *object, union neap_item *item) {
    /* The most frequent kinds need one call of CPython; others take the slow path. */
    if (kind == NEAP_KIND_STR) {
        Py_ssize_t bytes;
        const char *data = PyUnicode_AsUTF8AndSize(object, &bytes);
        if (data) {
            item->text.data = data;
            item->text.bytes = (size_t)bytes;
            return 0;
        }
        PyErr_Clear();
    } else if (kind >= NEAP_KIND_U8 && kind <= NEAP_KIND_U64) {
        item->u = PyLong_AsUnsignedLongLong(object);
        if (item->u <= UINT64_MAX >> (64 - (8 << (kind - NEAP_KIND_U8))) && item->u != UINT64_MAX)
            return 0;
        PyErr_Clear();
    }
    return neap__kind_from_any(kind, object, item);
}

/* A new reference, or NULL with an exception: texts of a damaged file may not be UTF-8. */
PyObject *neap__kind_to_object(enum neap_kind kind, union neap_item item);

/* After neap__kind_from_object has failed: whether that was because the object is of the
 * right type but has a value that the kind cannot hold, and so is surely not in the
 * container. The exception is then cleared. */
bool neap__kind_is_unholdable(void);

/* Reads the name of a kind ("str", "u32", ...); None means NEAP_KIND_NONE and is a
 * ValueError unless `none_allowed`. 0, or -1 with an exception. */
int neap__kind_from_name(PyObject *name, bool none_allowed, enum neap_kind *kind);

/* The name as str, or None; a new reference. */
PyObject *neap__kind_to_name(enum neap_kind kind);

#endif
