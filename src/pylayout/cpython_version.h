/* pylayout/cpython_version.h: the memory layout of a version of CPython.
 *
 *                      3.8   3.9   3.10  3.11 ...
 *     pool_bytes      4096  4096  16384 16384      version_rows.h: the table itself
 *     tuple_items       24    24     24    24      a column is one struct neap_py_version
 *
 * All facts about a version that decoders use are in this table. Facts that are the
 * same in all versions are enumerators below. No decoder compares version numbers.
 * To add a version, add a column. For 64-bit little-endian builds with the GIL.
 */
#ifndef NEAP_PYLAYOUT_CPYTHON_VERSION_H
#define NEAP_PYLAYOUT_CPYTHON_VERSION_H

#include <stddef.h>
#include <stdint.h>

enum { NEAP_PY_NONE = -32768 }; /* a version has no such field; no real offset is as low */

struct neap_py_version {
    uint32_t minor; /* of Python 3 */
#define ROW(field, ...) int32_t field;
#include "pylayout/version_rows.h"
#undef ROW
};

/* The layout of a version; NULL if it is not in the table. */
const struct neap_py_version *neap_py_version_find(unsigned major, unsigned minor);

/* The versions in the table, the oldest first. */
size_t neap_py_version_count(void);
const struct neap_py_version *neap_py_version_at(size_t index);

/* Facts that are the same in all versions, from Include/object.h and its neighbours. */
enum {
    NEAP_PY_WORD = 8,
    NEAP_PY_POOL_HEADER = 48,  /* struct pool_header */
    NEAP_PY_ARENA_ENTRY = 48,  /* struct arena_object */
    NEAP_PY_SMALL_MAX = 512,   /* largest block in a pool */
    NEAP_PY_COLLAR = 16,       /* in front of a block under the debug hooks: its size, fd fd ... */
    NEAP_PY_GC_HEAD = 16,      /* PyGC_Head: next, previous, their low 2 bits are flags */
    NEAP_PY_MANAGED = 16,      /* weakref list and dict in front of the GC head */
    NEAP_PY_MANAGED_DICT = 24, /* bytes from the dict word to the object */

    NEAP_PY_OBJECT_BYTES = 16, /* PyObject: refcount, type */
    NEAP_PY_OBJECT_TYPE = 8,
    NEAP_PY_VAR_SIZE = 16, /* ob_size */
    NEAP_PY_VAR_OBJECT_BYTES = 24,

    NEAP_PY_TP_NAME = 24,
    NEAP_PY_TP_BASICSIZE = 32,
    NEAP_PY_TP_ITEMSIZE = 40,
    NEAP_PY_TP_FLAGS = 168,
    NEAP_PY_TP_DOC = 176,
    NEAP_PY_TP_WEAKLISTOFFSET = 208,
    NEAP_PY_TP_MEMBERS = 240,
    NEAP_PY_TP_BASE = 256,
    NEAP_PY_TP_DICT = 264,
    NEAP_PY_TP_DICTOFFSET = 288,
    NEAP_PY_TP_IS_GC = 328,
    NEAP_PY_TP_MRO = 344,

    NEAP_PY_MEMBER_DEF = 40, /* PyMemberDef: name, type, offset, flags, doc */
    NEAP_PY_MEMBER_TYPE = 8,
    NEAP_PY_MEMBER_OFFSET = 16,
    NEAP_PY_MEMBER_OBJECT = 6,     /* T_OBJECT */
    NEAP_PY_MEMBER_OBJECT_EX = 16, /* T_OBJECT_EX: a slot */

    NEAP_PY_DICT_USED = 16, /* PyDictObject */
    NEAP_PY_DICT_KEYS = 32,
    NEAP_PY_DICT_VALUES = 40,
    NEAP_PY_DICT_BYTES = 48,
    NEAP_PY_LIST_ITEMS = 24, /* PyListObject */
    NEAP_PY_LIST_ALLOCATED = 32,
    NEAP_PY_SET_USED = 24, /* PySetObject */
    NEAP_PY_SET_MASK = 32,
    NEAP_PY_SET_TABLE = 40,
    NEAP_PY_SET_SMALL = 64, /* its own 8 entries */
    NEAP_PY_SET_BYTES = 200,
    NEAP_PY_BYTES_DATA = 32,      /* PyBytesObject */
    NEAP_PY_BYTEARRAY_ALLOC = 24, /* PyByteArrayObject */
    NEAP_PY_BYTEARRAY_BYTES = 32,
    NEAP_PY_INT_TAG = 16, /* PyLongObject: ob_size or lv_tag */
    NEAP_PY_INT_DIGITS = 24,
    NEAP_PY_STR_LENGTH = 16, /* PyASCIIObject */
    NEAP_PY_STR_STATE = 32,
};

/* PyASCIIObject.state: bits that all versions share. */
enum {
    NEAP_PY_STR_INTERNED = 0x3,
    NEAP_PY_STR_KIND_SHIFT = 2,
    NEAP_PY_STR_KIND = 0x7,
    NEAP_PY_STR_COMPACT = 0x20,
    NEAP_PY_STR_ASCII = 0x40,
};

/* tp_flags: bits that all versions share, or that are 0 where a version has no such thing. */
#define NEAP_PY_TPFLAG_INLINE_VALUES UINT64_C(0x4)
#define NEAP_PY_TPFLAG_MANAGED_WEAK  UINT64_C(0x8)
#define NEAP_PY_TPFLAG_MANAGED_DICT  UINT64_C(0x10)
#define NEAP_PY_TPFLAG_HEAP          UINT64_C(0x200)
#define NEAP_PY_TPFLAG_GC            UINT64_C(0x4000)
#define NEAP_PY_TPFLAG_ITEMS_AT_END  UINT64_C(0x800000)
#define NEAP_PY_TPFLAG_INT           UINT64_C(0x1000000)
#define NEAP_PY_TPFLAG_LIST          UINT64_C(0x2000000)
#define NEAP_PY_TPFLAG_TUPLE         UINT64_C(0x4000000)
#define NEAP_PY_TPFLAG_BYTES         UINT64_C(0x8000000)
#define NEAP_PY_TPFLAG_STR           UINT64_C(0x10000000)
#define NEAP_PY_TPFLAG_DICT          UINT64_C(0x20000000)
#define NEAP_PY_TPFLAG_EXCEPTION     UINT64_C(0x40000000)
#define NEAP_PY_TPFLAG_TYPE          UINT64_C(0x80000000)

#endif
