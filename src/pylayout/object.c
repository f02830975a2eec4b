/* pylayout/object.c: finds out whether a block holds an object, where it begins and how long it is. */
#include "pylayout/object.h"

#include "base/word.h"
#include "pylayout/reading.h"

enum {
    HEAD_BYTES = 40, /* of an object: refcount, type, size, and the state of a str */
    OVERFLOW_BITS = 0xffff,
    REFCOUNT_MOST_HIGH = 0xff, /* upper half of a refcount that old extensions counted up */
};

/* --- refcounts ------------------------------------------------------------- */

static bool linked_to_same_type(const struct neap_py_lens *lens, uint64_t link, uint64_t type) {
    uint64_t other;
    return link % NEAP_PY_WORD == 0 && link >= 4096 &&
           neap__py_word(lens->memory, link + NEAP_PY_OBJECT_TYPE, &other) && other == type;
}

/* Whether the word can be a refcount. A pointer, with which many buffers begin, cannot. */
static bool refcount_decode(const struct neap_py_lens *lens, uint64_t word, uint64_t type,
                            struct neap_py_object *object) {
    uint64_t high = word >> 32;
    uint32_t low = (uint32_t)word;
    object->flags = 0;
    object->refcount = word;
    if (!lens->version->immortal) {
        if (high != 0)
            return false;
    } else if (lens->version->parked_by_link ? (high & OVERFLOW_BITS) != 0 : high > REFCOUNT_MOST_HIGH) {
        if (!lens->version->parked_by_link || !linked_to_same_type(lens, word, type))
            return false;
        low = 0;
    } else {
        object->refcount = low;
        if ((int32_t)low < 0)
            object->flags |= NEAP_PY_OBJECT_IMMORTAL;
    }
    if (low == 0) {
        object->refcount = 0;
        object->flags |= NEAP_PY_OBJECT_PARKED;
    }
    return true;
}

/* --- sizes ----------------------------------------------------------------- */

static uint64_t magnitude(int64_t value) {
    return value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
}

static uint64_t items_of(const struct neap_py_version *version, const struct neap_py_type *type,
                         const void *head) {
    int64_t size = neap__py_i64(head, NEAP_PY_VAR_SIZE);
    switch (type->kind) {
    case NEAP_PY_INT:
        return version->int_tagged ? (uint64_t)size >> 3 : magnitude(size);
    case NEAP_PY_SET:
        return neap__py_u64(head, NEAP_PY_SET_USED);
    case NEAP_PY_STR:
    case NEAP_PY_BYTES:
    case NEAP_PY_BYTEARRAY:
    case NEAP_PY_TUPLE:
    case NEAP_PY_LIST:
    case NEAP_PY_DICT:
    case NEAP_PY_ODICT:
    case NEAP_PY_DEQUE:
    case NEAP_PY_ARRAY:
        return magnitude(size);
    case NEAP_PY_TYPE:
        return type->item_bytes ? magnitude(size) : 0;
    case NEAP_PY_FRAME:
    case NEAP_PY_GENERATOR:
        return version->iframe_code == NEAP_PY_NONE && type->item_bytes ? magnitude(size) : 0;
    default:
        return type->item_bytes ? magnitude(size) : 0;
    }
}

/* Bytes from the refcount to the end of the characters, if these lie in the object's block (compact). */
static uint64_t str_bytes(const struct neap_py_version *version, const struct neap_py_type *type,
                          const void *head, uint64_t length) {
    uint32_t state = neap__py_u32(head, NEAP_PY_STR_STATE);
    if (!(state & NEAP_PY_STR_COMPACT) || length > UINT64_MAX / 8)
        return type->basic_bytes;
    if (state & NEAP_PY_STR_ASCII)
        return (uint64_t)version->str_ascii_bytes + length + 1;
    return (uint64_t)version->str_compact_bytes +
           (length + 1) * (state >> NEAP_PY_STR_KIND_SHIFT & NEAP_PY_STR_KIND);
}

/* Bytes that the object needs from its refcount on; UINT64_MAX if the number is absurd. */
static uint64_t body_bytes(const struct neap_py_version *version, const struct neap_py_type *type,
                           const void *head, uint64_t items) {
    if (type->kind == NEAP_PY_STR)
        return str_bytes(version, type, head, items);
    if (type->kind == NEAP_PY_INT && items == 0)
        items = 1;
    if (type->item_bytes == 0)
        return type->basic_bytes;
    if (items > UINT64_C(1) << 40) /* the product with the largest item size must not overflow */
        return UINT64_MAX;
    return (uint64_t)type->basic_bytes + items * type->item_bytes;
}

/* PyDictValues behind an object: a head with the capacity, the values, and a byte of order for each. The
 * capacity is the number of names that the class was expected to need when the instance was made. */
static uint32_t inline_bytes_of(unsigned char capacity) {
    return (uint32_t)neap_word_round_up(capacity, NEAP_PY_WORD) + (capacity + 1u) * NEAP_PY_WORD;
}

/* --- in a block -------------------------------------------------------------- */

/* Whether an object of `type` begins at `offset` of the block. */
static bool accept(struct neap_py_lens *lens, const struct neap_py_type *type, uint64_t block,
                   const unsigned char *bytes, uint32_t block_bytes, uint32_t offset,
                   struct neap_py_object *object) {
    unsigned char copy[HEAD_BYTES];
    const unsigned char *head = bytes + offset;
    uint64_t least = type->kind == NEAP_PY_STR ? NEAP_PY_OBJECT_BYTES : type->basic_bytes; /* compact ones */
    if (type->prefix_bytes != offset || least > block_bytes - offset ||
        !refcount_decode(lens, neap__py_u64(head, 0), type->address, object))
        return false;
    if (NEAP_UNLIKELY(block_bytes - offset < HEAD_BYTES)) {
        memset(copy, 0, sizeof(copy));
        memcpy(copy, head, block_bytes - offset);
        head = copy;
    }
    object->items = items_of(lens->version, type, head);
    uint64_t body = body_bytes(lens->version, type, head, object->items);
    object->inline_bytes = 0;
    if ((type->flags & NEAP_PY_TYPE_INLINE_VALUES) && type->basic_bytes < block_bytes - offset) {
        object->inline_bytes = inline_bytes_of(bytes[offset + type->basic_bytes]);
        body += object->inline_bytes;
    }
    if (body > block_bytes - offset) {
        /* An object on a free list keeps its last size and its block. */
        if (!(object->flags & NEAP_PY_OBJECT_PARKED))
            return false;
        body = block_bytes - offset;
    }
    object->address = block + offset;
    object->type = type;
    object->block_bytes = offset + body;
    return true;
}

/* Tries cached types at all three offsets first, because rejecting the words of a buffer, which are not
 * types, takes longer. */
bool neap_py_object_in_block(struct neap_py_lens *lens, uint64_t block, const void *bytes,
                             uint32_t block_bytes, struct neap_py_object *object) {
    enum { LAST = NEAP_PY_GC_HEAD + NEAP_PY_MANAGED };
    const unsigned char *start = bytes;
    for (uint32_t offset = 0; offset <= LAST && offset + NEAP_PY_OBJECT_BYTES <= block_bytes;
         offset += NEAP_PY_GC_HEAD) {
        uint64_t word = neap__py_u64(start, offset + NEAP_PY_OBJECT_TYPE);
        uint64_t slot = neap__py_front_slot(word);
        if (lens->front[slot].address == word && word != 0 &&
            accept(lens, lens->front[slot].type, block, start, block_bytes, offset, object))
            return true;
    }
    for (uint32_t offset = 0; offset <= LAST && offset + NEAP_PY_OBJECT_BYTES <= block_bytes;
         offset += NEAP_PY_GC_HEAD) {
        const struct neap_py_type *type =
            neap_py_type_of(lens, neap__py_u64(start, offset + NEAP_PY_OBJECT_TYPE));
        if (type && accept(lens, type, block, start, block_bytes, offset, object))
            return true;
    }
    return false;
}

/* --- anywhere ------------------------------------------------------------------ */

bool neap_py_object_at(struct neap_py_lens *lens, uint64_t address, struct neap_py_object *object) {
    unsigned char scratch[HEAD_BYTES], copy[HEAD_BYTES];
    if (address % NEAP_PY_WORD != 0 || address < 4096 || address >> 56 != 0)
        return false;
    const void *head = neap_memory_at(lens->memory, address, scratch, NEAP_PY_OBJECT_BYTES);
    if (!head)
        return false;
    uint64_t refcount = neap__py_u64(head, 0);
    const struct neap_py_type *type = neap_py_type_of(lens, neap__py_u64(head, NEAP_PY_OBJECT_TYPE));
    if (!type || !refcount_decode(lens, refcount, type->address, object))
        return false;
    size_t want = type->basic_bytes < HEAD_BYTES ? type->basic_bytes : HEAD_BYTES;
    memset(copy, 0, sizeof(copy));
    if (want > 0 && lens->memory->read(lens->memory->context, address, copy, want) != NEAP_OK)
        return false;
    uint32_t prefix = type->prefix_bytes;
    if (type->kind == NEAP_PY_TYPE) {
        /* Static types have no GC head, although `type` says that its instances have one. */
        uint64_t tp_flags;
        if (!neap__py_word(lens->memory, address + NEAP_PY_TP_FLAGS, &tp_flags))
            return false;
        if (!(tp_flags & NEAP_PY_TPFLAG_HEAP)) {
            object->flags |= NEAP_PY_OBJECT_STATIC;
            prefix = 0;
        }
    }
    object->items = object->flags & NEAP_PY_OBJECT_STATIC ? 0 : items_of(lens->version, type, copy);
    uint64_t body = object->flags & NEAP_PY_OBJECT_STATIC
                        ? (uint64_t)lens->version->type_bytes
                        : body_bytes(lens->version, type, copy, object->items);
    unsigned char capacity;
    object->inline_bytes = 0;
    if (type->flags & NEAP_PY_TYPE_INLINE_VALUES) {
        if (lens->memory->read(lens->memory->context, address + type->basic_bytes, &capacity, 1) != NEAP_OK)
            return false;
        object->inline_bytes = inline_bytes_of(capacity);
    }
    body += object->inline_bytes;
    if (body < object->inline_bytes || !neap__py_in_space(address, body))
        return false;
    object->address = address;
    object->type = type;
    object->block_bytes = prefix + body;
    return true;
}
