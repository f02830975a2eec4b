/* containers/common/kind.c */
#include <neap/kind.h>

#include <float.h>
#include <math.h>
#include <string.h>

enum class { CLASS_NONE, CLASS_TEXT, CLASS_SIGNED, CLASS_UNSIGNED, CLASS_FLOAT };

static const struct row {
    const char *name;
    unsigned char class, width;
} rows[NEAP_KINDS] = {
    [NEAP_KIND_NONE] = {"none", CLASS_NONE, 0},   [NEAP_KIND_STR] = {"str", CLASS_TEXT, 0},
    [NEAP_KIND_BYTES] = {"bytes", CLASS_TEXT, 0}, [NEAP_KIND_I8] = {"i8", CLASS_SIGNED, 1},
    [NEAP_KIND_I16] = {"i16", CLASS_SIGNED, 2},   [NEAP_KIND_I32] = {"i32", CLASS_SIGNED, 4},
    [NEAP_KIND_I64] = {"i64", CLASS_SIGNED, 8},   [NEAP_KIND_U8] = {"u8", CLASS_UNSIGNED, 1},
    [NEAP_KIND_U16] = {"u16", CLASS_UNSIGNED, 2}, [NEAP_KIND_U32] = {"u32", CLASS_UNSIGNED, 4},
    [NEAP_KIND_U64] = {"u64", CLASS_UNSIGNED, 8}, [NEAP_KIND_F32] = {"f32", CLASS_FLOAT, 4},
    [NEAP_KIND_F64] = {"f64", CLASS_FLOAT, 8},
};

const char *neap_kind_name(enum neap_kind kind) {
    return rows[kind].name;
}

bool neap_kind_parse(const char *name, enum neap_kind *kind) {
    for (int i = 0; i < NEAP_KINDS; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            *kind = (enum neap_kind)i;
            return true;
        }
    }
    return false;
}

size_t neap_kind_width(enum neap_kind kind) {
    return rows[kind].width;
}

bool neap_kind_fits(enum neap_kind kind, union neap_item item) {
    unsigned bits = rows[kind].width * 8u;
    switch (rows[kind].class) {
    case CLASS_SIGNED:
        return item.i >= INT64_MIN >> (64 - bits) && item.i <= INT64_MAX >> (64 - bits);
    case CLASS_UNSIGNED:
        return item.u <= UINT64_MAX >> (64 - bits);
    case CLASS_FLOAT:
        /* A number that rounds to infinity does not fit; infinities and NaN do. */
        return kind == NEAP_KIND_F64 || !isfinite(item.f) || isfinite((float)item.f);
    default:
        return true;
    }
}

void neap_kind_store(enum neap_kind kind, union neap_item item, void *place) {
    switch (kind) {
    case NEAP_KIND_I8:
    case NEAP_KIND_U8:
        memcpy(place, &(uint8_t){(uint8_t)item.u}, 1);
        break;
    case NEAP_KIND_I16:
    case NEAP_KIND_U16:
        memcpy(place, &(uint16_t){(uint16_t)item.u}, 2);
        break;
    case NEAP_KIND_I32:
    case NEAP_KIND_U32:
        memcpy(place, &(uint32_t){(uint32_t)item.u}, 4);
        break;
    case NEAP_KIND_I64:
    case NEAP_KIND_U64:
        memcpy(place, &item.u, 8);
        break;
    case NEAP_KIND_F32:
        memcpy(place, &(float){(float)item.f}, 4);
        break;
    case NEAP_KIND_F64:
        memcpy(place, &item.f, 8);
        break;
    default: /* texts have no width; NONE has no bytes */
        break;
    }
}

/* Reads a number of the type into the member of union neap_item that holds it. */
#define LOAD(type, member)                                                                                   \
    do {                                                                                                     \
        type number;                                                                                         \
        memcpy(&number, place, sizeof(number));                                                              \
        item.member = number;                                                                                \
    } while (0)

union neap_item neap_kind_load(enum neap_kind kind, const void *place) {
    union neap_item item = {.u = 0};
    switch (kind) {
    case NEAP_KIND_I8:
        LOAD(int8_t, i);
        break;
    case NEAP_KIND_I16:
        LOAD(int16_t, i);
        break;
    case NEAP_KIND_I32:
        LOAD(int32_t, i);
        break;
    case NEAP_KIND_I64:
        LOAD(int64_t, i);
        break;
    case NEAP_KIND_U8:
        LOAD(uint8_t, u);
        break;
    case NEAP_KIND_U16:
        LOAD(uint16_t, u);
        break;
    case NEAP_KIND_U32:
        LOAD(uint32_t, u);
        break;
    case NEAP_KIND_U64:
        LOAD(uint64_t, u);
        break;
    case NEAP_KIND_F32:
        LOAD(float, f);
        break;
    case NEAP_KIND_F64:
        LOAD(double, f);
        break;
    default:
        break;
    }
    return item;
}
