/* pylayout/text.c: reads C strings and the three widths of str. */
#include "pylayout/text.h"

#include <string.h>

#include "base/outside_text.h"
#include "pylayout/reading.h"

enum { PIECE = 64, SHORT_MAX = 64 };

/* Appends one character in UTF-8; false if there is no room for it and a terminator. */
static bool put(char *out, size_t room, size_t *used, uint32_t character) {
    unsigned char bytes[4];
    size_t count = 0;
    if (!neap_outside_character_shown(character))
        character = '?';
    if (character < 0x80) {
        bytes[count++] = (unsigned char)character;
    } else if (character < 0x800) {
        bytes[count++] = (unsigned char)(0xc0 | character >> 6);
        bytes[count++] = (unsigned char)(0x80 | (character & 0x3f));
    } else if (character < 0x10000) {
        bytes[count++] = (unsigned char)(0xe0 | character >> 12);
        bytes[count++] = (unsigned char)(0x80 | (character >> 6 & 0x3f));
        bytes[count++] = (unsigned char)(0x80 | (character & 0x3f));
    } else {
        bytes[count++] = (unsigned char)(0xf0 | character >> 18);
        bytes[count++] = (unsigned char)(0x80 | (character >> 12 & 0x3f));
        bytes[count++] = (unsigned char)(0x80 | (character >> 6 & 0x3f));
        bytes[count++] = (unsigned char)(0x80 | (character & 0x3f));
    }
    if (*used + count + 1 > room)
        return false;
    memcpy(out + *used, bytes, count);
    *used += count;
    out[*used] = '\0';
    return true;
}

/* Removes characters at the end until "..." fits. */
static void cut(char *out, size_t room, size_t used) {
    while (used > 0 && (used + 4 > room || ((unsigned char)out[used] & 0xc0) == 0x80))
        used--;
    if (used + 4 <= room)
        memcpy(out + used, "...", 4);
}

/* Reads [address, address + want): the whole range or, if it ends earlier, byte by byte up to its end. */
static size_t piece_read(const struct neap_memory *memory, uint64_t address, unsigned char *out,
                         size_t want) {
    if (memory->read(memory->context, address, out, want) == NEAP_OK)
        return want;
    size_t got = 0;
    while (got < want && memory->read(memory->context, address + got, out + got, 1) == NEAP_OK)
        got++;
    return got;
}

/* C strings are names that CPython wrote. Non-ASCII UTF-8 is rare, and kept if it is valid. */
bool neap__py_text_c(const struct neap_memory *memory, uint64_t address, char *out, size_t room) {
    unsigned char piece[PIECE];
    size_t used = 0;
    out[0] = '\0';
    for (; address != 0;) {
        size_t got = piece_read(memory, address, piece, sizeof(piece));
        for (size_t i = 0; i < got; i++) {
            if (piece[i] == '\0')
                return used != 0;
            if (!put(out, room, &used, piece[i] < 0x80 ? piece[i] : '?')) {
                cut(out, room, used);
                return true;
            }
        }
        if (got < sizeof(piece))
            break;
        address += got;
    }
    out[0] = '\0';
    return false;
}

struct characters {
    uint64_t address, length;
    unsigned width; /* bytes each */
};

static bool str_find(const struct neap_memory *memory, const struct neap_py_version *version,
                     uint64_t address, struct characters *characters) {
    unsigned char scratch[NEAP_PY_STR_STATE + 4];
    const void *head = neap_memory_at(memory, address, scratch, sizeof(scratch));
    if (!head)
        return false;
    uint32_t state = neap__py_u32(head, NEAP_PY_STR_STATE);
    characters->length = neap__py_u64(head, NEAP_PY_STR_LENGTH);
    characters->width = state >> NEAP_PY_STR_KIND_SHIFT & NEAP_PY_STR_KIND;
    bool ascii = state & NEAP_PY_STR_ASCII;
    if (characters->length > UINT64_MAX / 8 ||
        (characters->width != 1 && characters->width != 2 && characters->width != 4))
        return false;
    if (state & NEAP_PY_STR_COMPACT)
        characters->address =
            address + (uint64_t)(ascii ? version->str_ascii_bytes : version->str_compact_bytes);
    else if (!neap__py_word(memory, address + (uint64_t)version->str_data, &characters->address))
        return false;
    return true;
}

bool neap__py_text_str(const struct neap_memory *memory, const struct neap_py_version *version,
                       uint64_t address, char *out, size_t room) {
    struct characters characters;
    unsigned char piece[PIECE];
    size_t used = 0;
    out[0] = '\0';
    if (!str_find(memory, version, address, &characters))
        return false;
    for (uint64_t at = 0; at < characters.length;) {
        size_t step = PIECE / characters.width;
        size_t count = characters.length - at < step ? (size_t)(characters.length - at) : step;
        if (memory->read(memory->context, characters.address + at * characters.width, piece,
                         count * characters.width) != NEAP_OK)
            return false;
        for (size_t i = 0; i < count; i++) {
            uint32_t character = 0;
            memcpy(&character, piece + i * characters.width, characters.width);
            if (!put(out, room, &used, character)) {
                cut(out, room, used);
                return true;
            }
        }
        at += count;
    }
    return true;
}

bool neap__py_text_is(const struct neap_memory *memory, const struct neap_py_version *version,
                      uint64_t address, const char *text) {
    struct characters characters;
    unsigned char bytes[SHORT_MAX];
    size_t length = strlen(text);
    return length <= sizeof(bytes) && str_find(memory, version, address, &characters) &&
           characters.width == 1 && characters.length == length &&
           memory->read(memory->context, characters.address, bytes, length) == NEAP_OK &&
           memcmp(bytes, text, length) == 0;
}
