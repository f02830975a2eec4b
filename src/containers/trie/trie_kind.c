/* containers/trie/trie_kind.c: converts keys and values to the bytes that a trie stores.
 *
 * An integer key is written from its highest byte on, with its sign bit inverted, so
 * that the order of the bytes is the order of the numbers.
 */
#include "containers/trie/trie_model.h"

static bool is_text(enum neap_kind kind) {
    return kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES;
}

static bool is_signed(enum neap_kind kind) {
    return kind >= NEAP_KIND_I8 && kind <= NEAP_KIND_I64;
}

static uint64_t sign_of(size_t width) {
    assert(width >= 1 && width <= TRIE_INTEGER_BYTES);
    return UINT64_C(1) << (8 * width - 1);
}

bool neap__trie_key_encode(enum neap_kind kind, union neap_item key, uint8_t place[TRIE_INTEGER_BYTES],
                           struct neap__trie_text *text) {
    if (is_text(kind)) {
        *text = (struct neap__trie_text){key.text.bytes == 0 ? place : key.text.data, key.text.bytes};
        return key.text.bytes <= TRIE_TEXT_BYTES_MAX;
    }
    if (!neap_kind_fits(kind, key))
        return false;
    const size_t width = neap_kind_width(kind);
    uint64_t number = is_signed(kind) ? (uint64_t)key.i ^ sign_of(width) : key.u;
    for (size_t i = width; i-- > 0; number >>= 8)
        place[i] = (uint8_t)number;
    *text = (struct neap__trie_text){place, width};
    return true;
}

union neap_item neap__trie_key_decode(enum neap_kind kind, struct neap__trie_text text) {
    union neap_item key = {.text = {text.data, text.bytes}};
    if (is_text(kind))
        return key;
    const size_t width = neap_kind_width(kind);
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | text.data[i];
    if (!is_signed(kind))
        return (union neap_item){.u = number};
    number ^= sign_of(width);
    return (union neap_item){.i = (int64_t)(number << (64 - 8 * width)) >> (64 - 8 * width)};
}

bool neap__trie_value_encode(enum neap_kind kind, union neap_item value, uint8_t place[TRIE_INTEGER_BYTES],
                             struct neap__trie_text *stored) {
    if (is_text(kind)) {
        *stored = (struct neap__trie_text){value.text.data, value.text.bytes};
        return value.text.bytes <= TRIE_TEXT_BYTES_MAX;
    }
    *stored = (struct neap__trie_text){place, neap_kind_width(kind)};
    if (kind == NEAP_KIND_NONE)
        return true;
    if (!neap_kind_fits(kind, value))
        return false;
    neap_kind_store(kind, value, place);
    return true;
}

union neap_item neap__trie_value_decode(enum neap_kind kind, struct neap__trie_text stored) {
    if (is_text(kind))
        return (union neap_item){.text = {stored.data, stored.bytes}};
    if (kind == NEAP_KIND_NONE)
        return (union neap_item){.u = 0};
    return neap_kind_load(kind, stored.data);
}
