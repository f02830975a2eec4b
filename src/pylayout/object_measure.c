/* pylayout/object_measure.c: the buffers of an object, and its size as sys.getsizeof counts.
 *
 * Each built-in type has its own __sizeof__ (Objects/<type>object.c). There is a function here for each
 * kind, which computes the same from outside.
 */
#include "base/word.h"
#include "pylayout/object.h"
#include "pylayout/object_parts.h"
#include "pylayout/reading.h"

enum {
    DEQUE_LEFT_BLOCK = 24, /* Modules/_collectionsmodule.c: dequeobject, block */
    DEQUE_LEFT_INDEX = 40,
    DEQUE_BLOCK_ITEMS = 64,
    DEQUE_BLOCK_BYTES = (DEQUE_BLOCK_ITEMS + 2) * NEAP_PY_WORD,
    DEQUE_BLOCK_RIGHT = (DEQUE_BLOCK_ITEMS + 1) * NEAP_PY_WORD,
    ODICT_FIRST = 48, /* Objects/odictobject.c: _odictobject, _ODictNode */
    ODICT_FAST_NODES = 64,
    ODICT_FAST_SIZE = 72,
    ODICT_NODE_BYTES = 32,
    ODICT_NODE_NEXT = 16,
    ARRAY_ALLOCATED = 32, /* Modules/arraymodule.c: arrayobject, arraydescr */
    ARRAY_DESCRIPTION = 40,
    ARRAY_ITEM_BYTES = 4,
    WCHAR_BYTES = 4,
    DIGIT_BYTES = 4,
    SET_SMALL_MASK = 7,    /* Include/cpython/setobject.h: PySet_MINSIZE */
    STR_DATA_READY = 0x80, /* state.ready, where there is one */
    STRING_BYTES_MOST = 1 << 16,
    CODE_CODE = 48,      /* PyCodeObject.co_code, where there is an opcache */
    OPCACHE = 8,         /* offset from the address of the map to that of the caches */
    OPCACHE_FLAG = 16,   /* the upper half of that word is the size */
    OPCACHE_BYTES = 32,  /* _PyOpcache, Include/internal/pycore_code.h */
    FIELDS_BYTES = 112,  /* bytes of an object that are read at once */
    SIZE_MOST_LOG2 = 56, /* no buffer is larger */
};

struct measuring {
    struct neap_py_lens *lens;
    const struct neap_py_object *object;
    uint64_t body; /* bytes of the object itself */
    struct neap_py_measure *measure;
    neap_py_buffer_visit *visit;
    void *context;
};

static bool word_of(const struct measuring *m, int64_t offset, uint64_t *word) {
    return neap__py_word(m->lens->memory, m->object->address + (uint64_t)offset, word);
}

/* Reports a buffer; its bytes count for the object if it is the only owner. */
static bool buffer(const struct measuring *m, uint64_t address, uint64_t bytes, enum neap_py_buffer_kind kind,
                   bool shared) {
    const struct neap_py_buffer found = {address, bytes, (uint8_t)kind, shared};
    if (!neap__py_in_space(address, bytes) || bytes >> SIZE_MOST_LOG2 != 0)
        return false;
    if (!shared)
        m->measure->own_bytes += bytes;
    if (m->visit)
        m->visit(m->context, &found);
    return true;
}

/* --- dicts ------------------------------------------------------------------- */

static bool dict_measure(struct measuring *m) {
    const struct neap_py_version *version = m->lens->version;
    struct neap__py_keys keys;
    uint64_t keys_at, values;
    if (!word_of(m, NEAP_PY_DICT_KEYS, &keys_at) || !word_of(m, NEAP_PY_DICT_VALUES, &values) ||
        !neap__py_keys_read(m->lens->memory, version, keys_at, &keys))
        return false;
    bool own_keys = keys.refcount == 1;
    if (values == 0 && !own_keys && keys.count != 0)
        return false; /* the names and the empty table are shared; there are no values */
    if (values != 0) {
        uint64_t block = values, bytes;
        m->measure->sizeof_bytes += keys.shared_usable * NEAP_PY_WORD;
        if (version->values_header) {
            /* Inline values belong to the object whose __dict__ this is. */
            unsigned char head[4];
            if (m->lens->memory->read(m->lens->memory->context, values, head, sizeof(head)) != NEAP_OK)
                return false;
            values += (uint64_t)version->values_header;
            if (!head[2] && (!neap__py_values_block(m->lens, values, &keys, &block, &bytes) ||
                             !buffer(m, block, bytes, NEAP_PY_BUFFER_VALUES, false)))
                return false;
        } else if (!neap__py_values_block(m->lens, values, &keys, &block, &bytes) ||
                   !buffer(m, block, bytes, NEAP_PY_BUFFER_VALUES, false)) {
            return false;
        }
    }
    if (own_keys)
        m->measure->sizeof_bytes += keys.bytes;
    return buffer(m, keys.address, keys.bytes, NEAP_PY_BUFFER_KEYS, !own_keys);
}

/* An OrderedDict: a dict and a chain of nodes, one per key. */
static bool odict_measure(struct measuring *m) {
    uint64_t fast, fast_size, node;
    if (!dict_measure(m) || !word_of(m, ODICT_FAST_NODES, &fast) ||
        !word_of(m, ODICT_FAST_SIZE, &fast_size) || !word_of(m, ODICT_FIRST, &node) ||
        fast_size >> SIZE_MOST_LOG2 != 0)
        return false;
    if (fast != 0) {
        m->measure->sizeof_bytes += fast_size * NEAP_PY_WORD;
        if (!buffer(m, fast, fast_size * NEAP_PY_WORD, NEAP_PY_BUFFER_TABLE, false))
            return false;
    }
    struct neap__py_chain chain = {0, 0};
    while (node != 0 && chain.count < m->object->items) {
        if (!neap__py_chain_step(m->lens, &chain, node) ||
            !buffer(m, node, ODICT_NODE_BYTES, NEAP_PY_BUFFER_CHAIN, false) ||
            !neap__py_word(m->lens->memory, node + ODICT_NODE_NEXT, &node))
            return false;
    }
    m->measure->sizeof_bytes += chain.count * ODICT_NODE_BYTES;
    return true;
}

/* --- sequences and sets ------------------------------------------------------------ */

static bool list_measure(struct measuring *m) {
    uint64_t items, allocated;
    if (!word_of(m, NEAP_PY_LIST_ITEMS, &items) || !word_of(m, NEAP_PY_LIST_ALLOCATED, &allocated) ||
        allocated >> SIZE_MOST_LOG2 != 0 || allocated < m->object->items)
        return false;
    m->measure->sizeof_bytes += allocated * NEAP_PY_WORD;
    return items == 0 || buffer(m, items, allocated * NEAP_PY_WORD, NEAP_PY_BUFFER_ITEMS, false);
}

static bool set_measure(struct measuring *m) {
    uint64_t table, mask;
    if (!word_of(m, NEAP_PY_SET_TABLE, &table) || !word_of(m, NEAP_PY_SET_MASK, &mask) ||
        mask >> (SIZE_MOST_LOG2 - 4) != 0 || (mask & (mask + 1)) != 0)
        return false;
    if (table == m->object->address + NEAP_PY_SET_SMALL)
        return mask == SET_SMALL_MASK;
    uint64_t bytes = (mask + 1) * 2 * NEAP_PY_WORD;
    m->measure->sizeof_bytes += bytes;
    return buffer(m, table, bytes, NEAP_PY_BUFFER_TABLE, false);
}

static bool bytearray_measure(struct measuring *m) {
    uint64_t allocated, bytes;
    if (!word_of(m, NEAP_PY_BYTEARRAY_ALLOC, &allocated) || !word_of(m, NEAP_PY_BYTEARRAY_BYTES, &bytes) ||
        allocated >> SIZE_MOST_LOG2 != 0)
        return false;
    m->measure->sizeof_bytes += allocated;
    if (bytes == 0 || allocated == 0)
        return true;
    if (m->lens->version->bytearray_object != NEAP_PY_NONE) {
        /* Since 3.15 the storage is a bytes object, to which the bytearray refers. */
        m->measure->sizeof_bytes += NEAP_PY_BYTES_DATA + 1;
        return true;
    }
    return buffer(m, bytes, allocated, NEAP_PY_BUFFER_STORAGE, false);
}

/* A deque: a chain of blocks of 64 items; the last has no next block. */
static bool deque_measure(struct measuring *m) {
    uint64_t left, index;
    if (!word_of(m, DEQUE_LEFT_BLOCK, &left) || !word_of(m, DEQUE_LEFT_INDEX, &index) ||
        index >= DEQUE_BLOCK_ITEMS + 1 || m->object->items >> SIZE_MOST_LOG2 != 0)
        return false;
    uint64_t blocks = (index + m->object->items + DEQUE_BLOCK_ITEMS - 1) / DEQUE_BLOCK_ITEMS;
    m->measure->sizeof_bytes += blocks * DEQUE_BLOCK_BYTES;
    struct neap__py_chain chain = {0, 0};
    while (chain.count < (blocks ? blocks : 1) && left != 0) {
        if (!neap__py_chain_step(m->lens, &chain, left) ||
            !buffer(m, left, DEQUE_BLOCK_BYTES, NEAP_PY_BUFFER_CHAIN, false) ||
            !neap__py_word(m->lens->memory, left + DEQUE_BLOCK_RIGHT, &left))
            return false;
    }
    return true;
}

static bool array_measure(struct measuring *m) {
    uint64_t items, allocated, description;
    unsigned char item_bytes[4];
    if (!word_of(m, NEAP_PY_LIST_ITEMS, &items) || !word_of(m, ARRAY_ALLOCATED, &allocated) ||
        !word_of(m, ARRAY_DESCRIPTION, &description) || allocated >> (SIZE_MOST_LOG2 - 4) != 0 ||
        m->lens->memory->read(m->lens->memory->context, description + ARRAY_ITEM_BYTES, item_bytes,
                              sizeof(item_bytes)) != NEAP_OK)
        return false;
    uint64_t bytes = allocated * item_bytes[0];
    m->measure->sizeof_bytes += bytes;
    return items == 0 || bytes == 0 || buffer(m, items, bytes, NEAP_PY_BUFFER_STORAGE, false);
}

/* --- str ----------------------------------------------------------------------------- */

/* The copies that a str makes on request: in UTF-8, and up to 3.11 in wchar_t. */
static bool str_copies(struct measuring *m, uint32_t state, uint64_t data) {
    const struct neap_py_version *version = m->lens->version;
    uint64_t utf8, utf8_length, wstr, wstr_length;
    bool compact = state & NEAP_PY_STR_COMPACT, ascii = state & NEAP_PY_STR_ASCII;
    if (version->str_wstr != NEAP_PY_NONE) {
        bool ready = state & STR_DATA_READY;
        if (!word_of(m, version->str_wstr, &wstr))
            return false;
        if (wstr != 0 && (!ready || wstr != data)) {
            wstr_length = m->object->items;
            if (!(compact && ascii) && !word_of(m, version->str_wstr_length, &wstr_length))
                return false;
            if (wstr_length >> (SIZE_MOST_LOG2 - 2) != 0)
                return false;
            m->measure->sizeof_bytes += (wstr_length + 1) * WCHAR_BYTES;
            if (!buffer(m, wstr, (wstr_length + 1) * WCHAR_BYTES, NEAP_PY_BUFFER_TEXT, false))
                return false;
        }
    }
    if (compact && ascii)
        return true;
    if (!word_of(m, version->str_utf8, &utf8) || !word_of(m, version->str_utf8_length, &utf8_length) ||
        utf8_length >> SIZE_MOST_LOG2 != 0)
        return false;
    if (utf8 == 0 || utf8 == data)
        return true;
    m->measure->sizeof_bytes += utf8_length + 1;
    return buffer(m, utf8, utf8_length + 1, NEAP_PY_BUFFER_TEXT, false);
}

static bool str_measure(struct measuring *m) {
    const struct neap_py_version *version = m->lens->version;
    uint64_t word, data;
    if (!word_of(m, NEAP_PY_STR_STATE, &word) || m->object->items >> (SIZE_MOST_LOG2 - 2) != 0)
        return false;
    uint32_t state = (uint32_t)word, width = state >> NEAP_PY_STR_KIND_SHIFT & NEAP_PY_STR_KIND;
    if (state & NEAP_PY_STR_COMPACT) {
        data = m->object->address +
               (uint64_t)(state & NEAP_PY_STR_ASCII ? version->str_ascii_bytes : version->str_compact_bytes);
    } else {
        /* Two blocks; __sizeof__ counts the first one as if the object were not of a subclass. */
        if (!version->sizeof_str_by_type)
            m->measure->sizeof_bytes += (uint64_t)version->str_data + NEAP_PY_WORD - m->body;
        if (!word_of(m, version->str_data, &data))
            return false;
        if (data != 0) {
            uint64_t bytes = (m->object->items + 1) * width;
            m->measure->sizeof_bytes += bytes;
            if (!buffer(m, data, bytes, NEAP_PY_BUFFER_TEXT, false))
                return false;
        }
    }
    return str_copies(m, state, data);
}

/* --- what belongs to code ---------------------------------------------------------------- */

static uint64_t tuple_length(const struct measuring *m, uint64_t code, int32_t offset) {
    struct neap_py_object tuple;
    uint64_t address;
    return neap__py_word(m->lens->memory, code + (uint64_t)offset, &address) &&
                   neap_py_object_at(m->lens, address, &tuple) && tuple.type->kind == NEAP_PY_TUPLE
               ? tuple.items
               : 0;
}

/* Up to 3.10 a frame may have more room than its code needs, because it was used for other code before. */
static bool old_frame_measure(struct measuring *m) {
    const struct neap_py_version *version = m->lens->version;
    unsigned char head[FIELDS_BYTES];
    uint64_t code;
    if (!word_of(m, version->frame_code, &code) ||
        m->lens->memory->read(m->lens->memory->context, code, head, sizeof(head)) != NEAP_OK)
        return false;
    uint64_t slots = (uint64_t)neap__py_u32(head, (size_t)version->code_nlocals) +
                     neap__py_u32(head, (size_t)version->code_stacksize) +
                     tuple_length(m, code, version->code_cells) + tuple_length(m, code, version->code_frees);
    m->measure->sizeof_bytes -= m->body;
    m->measure->sizeof_bytes += (uint64_t)version->frame_bytes + slots * NEAP_PY_WORD;
    return true;
}

/* Since 3.11 frame objects and generators have room for a frame, whose length its code gives. The frame
 * that they show may be another one, which still runs. */
static bool frame_measure(struct measuring *m) {
    const struct neap_py_version *version = m->lens->version;
    struct neap__py_iframe frame;
    bool generator = m->object->type->kind == NEAP_PY_GENERATOR;
    uint64_t own =
        m->object->address + (uint64_t)(generator ? version->generator_bytes : version->frame_bytes);
    uint64_t shown = own;
    if (version->iframe_code == NEAP_PY_NONE)
        return generator || old_frame_measure(m);
    if (!generator && !word_of(m, version->frame_frame, &shown))
        return false;
    if (!neap__py_iframe_read(m->lens, shown, &frame))
        return true; /* gone */
    uint64_t slots = (frame.local_count + frame.stack_room) * NEAP_PY_WORD;
    m->measure->sizeof_bytes += slots;
    m->measure->own_bytes += slots;
    return true;
}

/* A C string that the object owns and that __sizeof__ leaves out. A string that is too long is ignored. */
static bool string_measure(struct measuring *m, int32_t place) {
    const struct neap_memory *memory = m->lens->memory;
    uint64_t string;
    if (place == NEAP_PY_NONE)
        return true;
    if (!word_of(m, place, &string))
        return false;
    for (uint64_t bytes = 1; string != 0 && bytes <= STRING_BYTES_MOST; bytes++) {
        char last;
        if (memory->read(memory->context, string + bytes - 1, &last, 1) != NEAP_OK)
            return true;
        if (last == '\0')
            return buffer(m, string, bytes, NEAP_PY_BUFFER_TEXT, false);
    }
    return true;
}

static bool type_measure(struct measuring *m) {
    const struct neap_py_version *version = m->lens->version;
    struct neap__py_keys keys;
    uint64_t cached;
    m->measure->sizeof_bytes -= m->body;
    if (m->object->flags & NEAP_PY_OBJECT_STATIC) {
        m->measure->sizeof_bytes +=
            (uint64_t)version->type_bytes + (version->sizeof_static_head ? NEAP_PY_GC_HEAD : 0);
        return true;
    }
    m->measure->sizeof_bytes += (uint64_t)version->heap_type_bytes;
    if (!word_of(m, version->ht_cached_keys, &cached))
        return false;
    /* A class made at run time has a copy of its docstring and, since 3.11, of its name as a C string. */
    if (!string_measure(m, NEAP_PY_TP_DOC) || !string_measure(m, version->ht_tpname))
        return false;
    if (cached == 0 || !neap__py_keys_read(m->lens->memory, version, cached, &keys))
        return cached == 0;
    m->measure->sizeof_bytes += keys.bytes;
    return buffer(m, cached, keys.bytes, NEAP_PY_BUFFER_KEYS, false);
}

/* Up to 3.10 code that runs often has caches for some of its instructions, and a map to them. */
static bool opcache_measure(struct measuring *m) {
    int32_t place = m->lens->version->code_opcache;
    uint64_t map, caches, code, length, counts;
    if (place == NEAP_PY_NONE)
        return true;
    if (!word_of(m, place, &map) || !word_of(m, place + OPCACHE, &caches) ||
        !word_of(m, place + OPCACHE_FLAG, &counts) || !word_of(m, CODE_CODE, &code))
        return false;
    if (map == 0 || caches == 0)
        return true;
    if (!neap__py_word(m->lens->memory, code + NEAP_PY_VAR_SIZE, &length))
        return false;
    uint64_t map_bytes = length / 2, cache_bytes = (counts >> 32 & 0xff) * OPCACHE_BYTES;
    m->measure->sizeof_bytes += map_bytes + cache_bytes;
    return buffer(m, map, map_bytes, NEAP_PY_BUFFER_FRAME, false) &&
           buffer(m, caches, cache_bytes, NEAP_PY_BUFFER_FRAME, false);
}

/* Further buffers of code: the map of its cells, and _PyCodeObjectExtra, a count and that many pointers. */
static bool code_measure(struct measuring *m) {
    const struct neap_py_version *version = m->lens->version;
    uint64_t extra, count, map;
    m->measure->sizeof_bytes += neap_word_round_up(m->body, NEAP_PY_WORD) - m->body;
    if (version->code_cell_map != NEAP_PY_NONE) {
        if (!word_of(m, version->code_cell_map, &map))
            return false;
        uint64_t bytes = tuple_length(m, m->object->address, version->code_cells) * NEAP_PY_WORD;
        m->measure->sizeof_bytes += map ? bytes : 0;
        if (map != 0 && !buffer(m, map, bytes, NEAP_PY_BUFFER_FRAME, false))
            return false;
    }
    if (!opcache_measure(m) || !word_of(m, version->code_extra, &extra))
        return false;
    if (extra == 0)
        return true;
    if (!neap__py_word(m->lens->memory, extra, &count) || count > UINT8_MAX)
        return false;
    uint64_t bytes = (count + 1) * NEAP_PY_WORD;
    m->measure->sizeof_bytes += bytes;
    return buffer(m, extra, bytes, NEAP_PY_BUFFER_FRAME, false);
}

/* --- instances ---------------------------------------------------------------------------- */

/* Values in a block of their own, which __sizeof__ leaves out. */
static bool values_measure(struct measuring *m) {
    struct neap__py_values values;
    return neap__py_values_read(m->lens, m->object, &values) &&
           (values.block == 0 || buffer(m, values.block, values.block_bytes, NEAP_PY_BUFFER_VALUES, false));
}

static bool kind_measure(struct measuring *m) {
    static bool (*const of_kind[NEAP_PY_KINDS])(struct measuring *) = {
        [NEAP_PY_STR] = str_measure,         [NEAP_PY_BYTEARRAY] = bytearray_measure,
        [NEAP_PY_LIST] = list_measure,       [NEAP_PY_DICT] = dict_measure,
        [NEAP_PY_SET] = set_measure,         [NEAP_PY_TYPE] = type_measure,
        [NEAP_PY_CODE] = code_measure,       [NEAP_PY_FRAME] = frame_measure,
        [NEAP_PY_GENERATOR] = frame_measure, [NEAP_PY_DEQUE] = deque_measure,
        [NEAP_PY_ODICT] = odict_measure,     [NEAP_PY_ARRAY] = array_measure,
    };
    bool (*measure)(struct measuring *) = of_kind[m->object->type->kind];
    return !measure || measure(m);
}

static uint64_t int_bytes(const struct neap_py_version *version, uint64_t digits) {
    uint64_t least = (uint64_t)version->int_digits_least;
    return NEAP_PY_INT_DIGITS + (digits > least ? digits : least) * DIGIT_BYTES;
}

int neap_py_object_measure(struct neap_py_lens *lens, const struct neap_py_object *object,
                           struct neap_py_measure *measure, neap_py_buffer_visit *visit, void *context) {
    const struct neap_py_type *type = object->type;
    uint32_t prefix = object->flags & NEAP_PY_OBJECT_STATIC ? 0 : type->prefix_bytes;
    uint64_t body = object->block_bytes - prefix;
    struct measuring m = {lens, object, body, measure, visit, context};
    measure->own_bytes = object->flags & NEAP_PY_OBJECT_STATIC ? 0 : object->block_bytes;
    measure->sizeof_bytes = body;
    if (type->kind == NEAP_PY_INT && !lens->version->sizeof_int_by_type)
        measure->sizeof_bytes = int_bytes(lens->version, object->items);
    measure->sizeof_bytes -= object->inline_bytes; /* __sizeof__ leaves them out */
    if (lens->version->sizeof_with_preheader)
        measure->sizeof_bytes += prefix;
    else if (prefix)
        measure->sizeof_bytes += NEAP_PY_GC_HEAD;
    if (object->flags & NEAP_PY_OBJECT_PARKED)
        return NEAP_OK; /* it owns nothing any more */
    struct neap_py_measure plain = *measure;
    if (kind_measure(&m) && values_measure(&m))
        return NEAP_OK;
    *measure = plain;
    lens->rejected++;
    return NEAP_ERROR_FORMAT;
}
