/* advice/simple_value.c: decodes ints and texts. */
#include "advice/simple_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { DIGIT_BITS = 30, DIGITS_MAX = 3, UTF8_MAX = 4, SURROGATE_FIRST = 0xd800, SURROGATE_LAST = 0xdfff };

enum neap_simple_value_kind neap_simple_value_kind_of(const struct neap_py_type *type) {
    if (!(type->flags & NEAP_PY_TYPE_BUILTIN)) {
        bool fixed = !(type->flags & NEAP_PY_TYPE_HEAP);
        return fixed && strcmp(type->name, "bool") == 0       ? NEAP_SIMPLE_BOOL
               : fixed && strcmp(type->name, "NoneType") == 0 ? NEAP_SIMPLE_NONE
                                                              : NEAP_SIMPLE_OTHER;
    }
    switch (type->kind) {
    case NEAP_PY_INT:
        return NEAP_SIMPLE_INT;
    case NEAP_PY_FLOAT:
        return NEAP_SIMPLE_FLOAT;
    case NEAP_PY_STR:
        return NEAP_SIMPLE_STR;
    case NEAP_PY_BYTES:
        return NEAP_SIMPLE_BYTES;
    default:
        return NEAP_SIMPLE_OTHER;
    }
}

const char *neap_simple_value_name(enum neap_simple_value_kind kind) {
    static const char *const names[NEAP_SIMPLE_KINDS] = {"objects", "None", "bool", "int",
                                                         "float",   "str",  "bytes"};
    return names[kind];
}

static bool read_at(const struct neap_memory *memory, uint64_t address, void *out, size_t bytes) {
    return memory->read(memory->context, address, out, bytes) == NEAP_OK;
}

/* --- ints ----------------------------------------------------------------------------- */

static bool int_read(struct neap_py_lens *lens, const struct neap_py_object *object, int64_t *value) {
    uint64_t tag;
    uint32_t digits[DIGITS_MAX] = {0};
    if (!read_at(lens->memory, object->address + NEAP_PY_INT_TAG, &tag, sizeof(tag)))
        return false;
    bool tagged = lens->version->int_tagged;
    bool negative = tagged ? (tag & 3) == 2 : (int64_t)tag < 0;
    uint64_t count = tagged ? ((tag & 3) == 1 ? 0 : tag >> 3) : negative ? 0 - tag : tag;
    if (count > DIGITS_MAX || (count > 0 && !read_at(lens->memory, object->address + NEAP_PY_INT_DIGITS,
                                                     digits, (size_t)count * sizeof(*digits))))
        return false;
    uint64_t sum = 0;
    for (uint64_t i = count; i-- > 0;) {
        if (sum >> (64 - DIGIT_BITS))
            return false;
        sum = sum << DIGIT_BITS | digits[i];
    }
    if (sum > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}

/* --- texts ---------------------------------------------------------------------------- */

static unsigned char *buffer_room(struct neap_simple_value_buffer *buffer, size_t bytes) {
    return NEAP_ARRAY_RESERVE(buffer->bytes, buffer->room, bytes) ? buffer->bytes : NULL;
}

static bool bytes_read(struct neap_py_lens *lens, uint64_t address, uint64_t bytes,
                       struct neap_simple_value_buffer *buffer, union neap_item *item) {
    const void *data = "";
    if (bytes > NEAP_SIMPLE_TEXT_MAX || !buffer_room(buffer, (size_t)bytes + 1))
        return false;
    if (bytes > 0 && !(data = neap_memory_at(lens->memory, address, buffer->bytes, (size_t)bytes)))
        return false;
    item->text.data = data;
    item->text.bytes = (size_t)bytes;
    return true;
}

/* Writes a character in UTF-8 to `out`; returns the number of bytes. */
static size_t utf8_put(uint32_t character, unsigned char *out) {
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = bytes; i-- > 1; character >>= 6)
        out[i] = (unsigned char)(0x80 | (character & 0x3f));
    out[0] = (unsigned char)(first[bytes] | character);
    return bytes;
}

/* Converts characters of 1, 2 or 4 bytes each to UTF-8. */

static bool characters_read(struct neap_py_lens *lens, uint64_t address, uint64_t count, unsigned width,
                            struct neap_simple_value_buffer *buffer, union neap_item *item) {
    size_t used = 0, room = (size_t)count * UTF8_MAX, source_bytes = (size_t)count * width;
    unsigned char *out = buffer_room(buffer, room + source_bytes + 1);
    const unsigned char *source =
        out ? neap_memory_at(lens->memory, address, out + room, source_bytes) : NULL;
    if (!source)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t character = 0;
        memcpy(&character, source + i * width, width);
        if (character > 0x10ffff || (character >= SURROGATE_FIRST && character <= SURROGATE_LAST))
            return false;
        used += utf8_put(character, out + used);
    }
    item->text.data = out;
    item->text.bytes = used;
    return true;
}

static bool str_read(struct neap_py_lens *lens, const struct neap_py_object *object,
                     struct neap_simple_value_buffer *buffer, union neap_item *item) {
    uint32_t state;
    uint64_t count, at = object->address;
    if (!read_at(lens->memory, at + NEAP_PY_STR_STATE, &state, sizeof(state)) ||
        !read_at(lens->memory, at + NEAP_PY_STR_LENGTH, &count, sizeof(count)))
        return false;
    unsigned width = state >> NEAP_PY_STR_KIND_SHIFT & NEAP_PY_STR_KIND;
    bool ascii = state & NEAP_PY_STR_ASCII;
    if (state & NEAP_PY_STR_COMPACT)
        at += (uint64_t)(ascii ? lens->version->str_ascii_bytes : lens->version->str_compact_bytes);
    else if (!read_at(lens->memory, at + (uint64_t)lens->version->str_data, &at, sizeof(at)))
        return false;
    if ((width != 1 && width != 2 && width != 4) || count > NEAP_SIMPLE_TEXT_MAX)
        return false;
    return ascii && width == 1 ? bytes_read(lens, at, count, buffer, item)
                               : characters_read(lens, at, count, width, buffer, item);
}

/* --- all --------------------------------------------------------------------------------- */

struct neap_simple_value neap_simple_value_read(struct neap_py_lens *lens,
                                                const struct neap_py_object *object,
                                                struct neap_simple_value_buffer *buffer) {
    struct neap_simple_value content = {.kind = neap_simple_value_kind_of(object->type)};
    bool known = true;
    switch (content.kind) {
    case NEAP_SIMPLE_BOOL:
    case NEAP_SIMPLE_INT:
        known = int_read(lens, object, &content.item.i);
        break;
    case NEAP_SIMPLE_FLOAT:
        known = read_at(lens->memory, object->address + NEAP_PY_OBJECT_BYTES, &content.item.f,
                        sizeof(content.item.f));
        break;
    case NEAP_SIMPLE_STR:
        known = str_read(lens, object, buffer, &content.item);
        break;
    case NEAP_SIMPLE_BYTES:
        known = bytes_read(lens, object->address + NEAP_PY_BYTES_DATA, object->items, buffer, &content.item);
        break;
    default:
        break;
    }
    if (!known)
        content.kind = NEAP_SIMPLE_OTHER;
    return content;
}
