/* inspect/content.c: digits and characters. */
#include "inspect/content.h"

#include <string.h>

enum { DIGIT_BITS = 30, DIGITS_MAX = 3, PIECE = 4096 };

bool neap_content_int(struct neap_py_lens *lens, const struct neap_py_object *object, int64_t *value) {
    uint64_t tag;
    uint32_t digits[DIGITS_MAX] = {0};
    const struct neap_memory *memory = lens->memory;
    if (memory->read(memory->context, object->address + NEAP_PY_INT_TAG, &tag, sizeof(tag)) != NEAP_OK)
        return false;
    bool tagged = lens->version->int_tagged;
    bool negative = tagged ? (tag & 3) == 2 : (int64_t)tag < 0;
    uint64_t count = tagged ? ((tag & 3) == 1 ? 0 : tag >> 3) : negative ? 0 - tag : tag;
    if (count > DIGITS_MAX ||
        (count > 0 && memory->read(memory->context, object->address + NEAP_PY_INT_DIGITS, digits,
                                   (size_t)count * sizeof(*digits)) != NEAP_OK))
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

static uint64_t utf8_length(uint32_t character) {
    return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

static void piece_add(const unsigned char *piece, size_t count, unsigned width,
                      struct neap_content_text *text) {
    for (size_t i = 0; i < count; i++) {
        uint32_t character = 0;
        memcpy(&character, piece + i * width, width);
        text->utf8_bytes += utf8_length(character);
        text->hash = (text->hash ^ character) * UINT64_C(0x100000001b3);
        text->hash ^= text->hash >> 29;
    }
}

static uint64_t characters_address(struct neap_py_lens *lens, uint64_t address, uint32_t state) {
    uint64_t data = 0;
    if (state & NEAP_PY_STR_COMPACT)
        return address + (uint64_t)(state & NEAP_PY_STR_ASCII ? lens->version->str_ascii_bytes
                                                              : lens->version->str_compact_bytes);
    lens->memory->read(lens->memory->context, address + (uint64_t)lens->version->str_data, &data,
                       sizeof(data));
    return data;
}

bool neap_content_text(struct neap_py_lens *lens, const struct neap_py_object *object,
                       struct neap_content_text *text) {
    const struct neap_memory *memory = lens->memory;
    uint32_t state;
    uint64_t length;
    if (memory->read(memory->context, object->address + NEAP_PY_STR_STATE, &state, sizeof(state)) !=
            NEAP_OK ||
        memory->read(memory->context, object->address + NEAP_PY_STR_LENGTH, &length, sizeof(length)) !=
            NEAP_OK)
        return false;
    unsigned width = state >> NEAP_PY_STR_KIND_SHIFT & NEAP_PY_STR_KIND;
    if ((width != 1 && width != 2 && width != 4) || length > NEAP_CONTENT_TEXT_MAX / width)
        return false;
    uint64_t at = characters_address(lens, object->address, state);
    *text = (struct neap_content_text){.characters = length, .hash = UINT64_C(0xcbf29ce484222325) + length};
    for (uint64_t left = length; left > 0;) {
        unsigned char scratch[PIECE];
        size_t count = left < PIECE / width ? (size_t)left : PIECE / width;
        const unsigned char *piece = neap_memory_at(memory, at, scratch, count * width);
        if (!piece)
            return false;
        piece_add(piece, count, width, text);
        at += count * width;
        left -= count;
    }
    return true;
}
