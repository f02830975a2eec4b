/* neap/kind.h: the kinds of keys and values that containers hold.
 *
 * An integer or float takes the bits that the name of its kind says, in the byte
 * order of the machine. A text or byte string takes its length. A text is UTF-8.
 * Texts are compared byte by byte, which is also the order of their code points.
 * All functions are pure; any thread may call them.
 */
#ifndef NEAP_KIND_H
#define NEAP_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The numbers are part of the file formats. */
enum neap_kind {
    NEAP_KIND_NONE = 0, /* no value: the container is a set */
    NEAP_KIND_STR = 1,
    NEAP_KIND_BYTES = 2,
    NEAP_KIND_I8 = 3,
    NEAP_KIND_I16 = 4,
    NEAP_KIND_I32 = 5,
    NEAP_KIND_I64 = 6,
    NEAP_KIND_U8 = 7,
    NEAP_KIND_U16 = 8,
    NEAP_KIND_U32 = 9,
    NEAP_KIND_U64 = 10,
    NEAP_KIND_F32 = 11,
    NEAP_KIND_F64 = 12,
};
enum { NEAP_KINDS = 13 };

/* One key or value as a parameter or result. Its kind says which member is used. */
union neap_item {
    struct {
        const void *data; /* borrowed; NULL only with 0 bytes */
        size_t bytes;
    } text;     /* STR, BYTES */
    int64_t i;  /* I8 to I64 */
    uint64_t u; /* U8 to U64 */
    double f;   /* F32, F64 */
};

/* "str", "bytes", "i8" ... "f64"; "none" for NEAP_KIND_NONE. Static. */
const char *neap_kind_name(enum neap_kind kind);

/* The kind of that name; false if there is none. */
bool neap_kind_parse(const char *name, enum neap_kind *kind);

/* Bytes that a value of this kind takes: 1 to 8; 0 for NONE, STR and BYTES. */
size_t neap_kind_width(enum neap_kind kind);

/* Whether `item` is in the range of `kind`. (A double that is in the range of F32 loses precision.) */
bool neap_kind_fits(enum neap_kind kind, union neap_item item);

/* Writes item as neap_kind_width(kind) bytes to `place`, which need not be aligned; reads it back. */
void neap_kind_store(enum neap_kind kind, union neap_item item, void *place);
union neap_item neap_kind_load(enum neap_kind kind, const void *place);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
