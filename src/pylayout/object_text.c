/* pylayout/object_text.c: describes an object; shows its contents only on request. */
#include <inttypes.h>
#include <stdio.h>

#include "pylayout/object.h"
#include "pylayout/object_parts.h"
#include "pylayout/reading.h"
#include "pylayout/text.h"

enum { CONTENTS_MAX = 80, NUMBER_MAX = 32, INT_SHIFT = 30, BYTES_SHOWN = 24 };

/* "1,204" */
static const char *grouped(char out[NUMBER_MAX], uint64_t number) {
    char plain[NUMBER_MAX];
    int digits = snprintf(plain, sizeof(plain), "%" PRIu64, number), used = 0;
    for (int i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = plain[i];
    }
    out[used] = '\0';
    return out;
}

/* The word for the items of a kind; NULL if it has none. */
static const char *items_name(const struct neap_py_type *type) {
    switch (type->kind) {
    case NEAP_PY_STR:
        return "characters";
    case NEAP_PY_BYTES:
    case NEAP_PY_BYTEARRAY:
        return "bytes";
    case NEAP_PY_TUPLE:
    case NEAP_PY_LIST:
    case NEAP_PY_DEQUE:
    case NEAP_PY_ARRAY:
    case NEAP_PY_SET:
        return "items";
    case NEAP_PY_DICT:
    case NEAP_PY_ODICT:
        return "keys";
    case NEAP_PY_INT:
        return "digits of 30 bits";
    default:
        return NULL;
    }
}

/* Writes an int of up to two digits; for a larger one, its length. */
static bool int_text(struct neap_py_lens *lens, const struct neap_py_object *object, char *out, size_t room) {
    uint64_t tag, digits = 0;
    if (object->items > 2 || !neap__py_word(lens->memory, object->address + NEAP_PY_INT_TAG, &tag))
        return false;
    for (uint64_t i = 0; i < object->items; i++) {
        uint32_t digit;
        if (lens->memory->read(lens->memory->context,
                               object->address + NEAP_PY_INT_DIGITS + i * sizeof(digit), &digit,
                               sizeof(digit)) != NEAP_OK)
            return false;
        digits |= (uint64_t)digit << (i * INT_SHIFT);
    }
    bool negative = lens->version->int_tagged ? (tag & 3) == 2 : (int64_t)tag < 0;
    snprintf(out, room, "%s%" PRIu64, negative ? "-" : "", digits);
    return true;
}

static bool bytes_text(struct neap_py_lens *lens, const struct neap_py_object *object, char *out,
                       size_t room) {
    unsigned char bytes[BYTES_SHOWN];
    size_t count = object->items < BYTES_SHOWN ? (size_t)object->items : BYTES_SHOWN, used = 0;
    if (lens->memory->read(lens->memory->context, object->address + NEAP_PY_BYTES_DATA, bytes, count) !=
        NEAP_OK)
        return false;
    used += (size_t)snprintf(out, room, "b'");
    for (size_t i = 0; i < count && used + 8 < room; i++)
        used += (size_t)snprintf(out + used, room - used,
                                 bytes[i] >= 0x20 && bytes[i] < 0x7f ? "%c" : "\\x%02x", bytes[i]);
    snprintf(out + used, room - used, "'%s", count < object->items ? "..." : "");
    return true;
}

static bool contents_text(struct neap_py_lens *lens, const struct neap_py_object *object, char *out,
                          size_t room) {
    char text[CONTENTS_MAX - 2];
    uint64_t word;
    double number;
    switch (object->type->kind) {
    case NEAP_PY_STR:
        if (!neap__py_text_str(lens->memory, lens->version, object->address, text, sizeof(text)))
            return false;
        snprintf(out, room, "'%s'", text);
        return true;
    case NEAP_PY_INT:
        return int_text(lens, object, out, room);
    case NEAP_PY_BYTES:
        return bytes_text(lens, object, out, room);
    case NEAP_PY_FLOAT:
        if (!neap__py_word(lens->memory, object->address + NEAP_PY_OBJECT_BYTES, &word))
            return false;
        memcpy(&number, &word, sizeof(number));
        snprintf(out, room, "%.17g", number);
        return true;
    default:
        return false;
    }
}

void neap_py_object_describe(struct neap_py_lens *lens, const struct neap_py_object *object, bool contents,
                             char *out, size_t room) {
    char number[NUMBER_MAX], text[CONTENTS_MAX];
    const char *items = items_name(object->type);
    if (contents && contents_text(lens, object, text, sizeof(text)))
        snprintf(out, room, "%s %s", object->type->name, text);
    else if (items)
        snprintf(out, room, "%s, %s %s", object->type->name, grouped(number, object->items), items);
    else
        snprintf(out, room, "%s", object->type->name);
}

bool neap_py_object_text(struct neap_py_lens *lens, uint64_t address, char *out, size_t room) {
    struct neap_py_object object;
    return neap_py_object_at(lens, address, &object) && object.type->kind == NEAP_PY_STR &&
           neap__py_text_str(lens->memory, lens->version, address, out, room);
}
