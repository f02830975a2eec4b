/* pylayout/object_visit.c: visits the references of an object, with one function per kind.
 *
 * Fields of internal structs of CPython come from tables; slots and
 * members come from the type. The other words of an extension's object are scanned
 * and reported as not exact.
 */
#include "base/word.h"
#include "pylayout/object.h"
#include "pylayout/object_parts.h"
#include "pylayout/reading.h"

enum {
    CHUNK_WORDS = 256,     /* read in one piece */
    DEQUE_LEFT_BLOCK = 24, /* Modules/_collectionsmodule.c */
    DEQUE_LEFT_INDEX = 40,
    DEQUE_BLOCK_ITEMS = 64,
    DEQUE_BLOCK_RIGHT = (DEQUE_BLOCK_ITEMS + 1) * NEAP_PY_WORD,
    ODICT_INSTANCE_DICT = 96,  /* Objects/odictobject.c */
    SCAN_WORDS_MOST = 1 << 20, /* of one opaque object */
    ADDRESS_LEAST = 4096,
};

struct visiting {
    struct neap_py_lens *lens;
    const struct neap_py_object *object;
    neap_py_referent_visit *visit;
    void *context;
    bool stopped; /* by the visitor */
};

/* Returns false to end the walk: the visitor asks for it or, if `stopped` is false, memory cannot be read. */
static bool tell(struct visiting *v, const struct neap_py_referent *referent) {
    if (referent->address == 0)
        return true;
    v->stopped = !v->visit(v->context, referent);
    return !v->stopped;
}

static bool word_of(const struct visiting *v, int64_t offset, uint64_t *word) {
    return neap__py_word(v->lens->memory, v->object->address + (uint64_t)offset, word);
}

static bool tell_member(struct visiting *v, int64_t offset, const char *name, enum neap_py_edge edge) {
    struct neap_py_referent referent = {.name = name, .edge = (uint8_t)edge, .exact = true};
    return word_of(v, offset, &referent.address) && tell(v, &referent);
}

/* Visits an array of references. */
static bool tell_array(struct visiting *v, uint64_t address, uint64_t count, uint64_t first_index,
                       enum neap_py_edge edge) {
    uint64_t scratch[CHUNK_WORDS];
    for (uint64_t at = 0; at < count; at += CHUNK_WORDS) {
        size_t words = count - at < CHUNK_WORDS ? (size_t)(count - at) : CHUNK_WORDS;
        const unsigned char *place =
            neap_memory_at(v->lens->memory, address + at * NEAP_PY_WORD, scratch, words * NEAP_PY_WORD);
        if (!place)
            return false;
        for (size_t i = 0; i < words; i++) {
            const struct neap_py_referent referent = {.address = neap__py_u64(place, i * NEAP_PY_WORD),
                                                      .index = first_index + at + i,
                                                      .edge = (uint8_t)edge,
                                                      .exact = true};
            if (!tell(v, &referent))
                return false;
        }
    }
    return true;
}

/* --- containers ---------------------------------------------------------------- */

/* Visits values by the names in `keys`: of an instance, or of a dict that shares its keys. */
static bool tell_values(struct visiting *v, uint64_t values, uint64_t most, const struct neap__py_keys *keys,
                        enum neap_py_edge edge) {
    for (uint64_t i = 0; i < keys->count && i < most; i++) {
        uint64_t key, unused, value;
        if (!neap__py_keys_entry(v->lens->memory, keys, i, &key, &unused) ||
            !neap__py_word(v->lens->memory, values + i * NEAP_PY_WORD, &value))
            return false;
        const struct neap_py_referent referent = {
            .address = value, .key = key, .index = i, .edge = (uint8_t)edge, .exact = true};
        if (!tell(v, &referent))
            return false;
    }
    return true;
}

/* Visits keys that are in use, and their values. */
static bool tell_entries(struct visiting *v, const struct neap__py_keys *keys) {
    uint64_t scratch[CHUNK_WORDS];
    uint64_t each = CHUNK_WORDS * NEAP_PY_WORD / keys->entry_bytes;
    for (uint64_t at = 0; at < keys->count; at += each) {
        size_t entries = keys->count - at < each ? (size_t)(keys->count - at) : (size_t)each;
        const unsigned char *place = neap_memory_at(v->lens->memory, keys->entries + at * keys->entry_bytes,
                                                    scratch, entries * keys->entry_bytes);
        if (!place)
            return false;
        for (size_t i = 0; i < entries; i++) {
            const unsigned char *entry = place + i * keys->entry_bytes + keys->key_offset;
            struct neap_py_referent key = {
                .address = neap__py_u64(entry, 0), .index = at + i, .edge = NEAP_PY_EDGE_KEY, .exact = true};
            struct neap_py_referent value = {.address = neap__py_u64(entry, NEAP_PY_WORD),
                                             .key = key.address,
                                             .index = at + i,
                                             .edge = NEAP_PY_EDGE_VALUE,
                                             .exact = true};
            if (value.address != 0 && (!tell(v, &key) || !tell(v, &value)))
                return false;
        }
    }
    return true;
}

static bool visit_dict(struct visiting *v) {
    const struct neap_py_version *version = v->lens->version;
    struct neap__py_keys keys;
    uint64_t keys_at, values;
    if (!word_of(v, NEAP_PY_DICT_KEYS, &keys_at) || !word_of(v, NEAP_PY_DICT_VALUES, &values) ||
        !neap__py_keys_read(v->lens->memory, version, keys_at, &keys))
        return false;
    if (values == 0)
        return tell_entries(v, &keys);
    /* Shared names belong to the class and are visited there. */
    uint64_t most = keys.count;
    if (version->values_header) {
        unsigned char capacity;
        if (v->lens->memory->read(v->lens->memory->context, values, &capacity, 1) != NEAP_OK)
            return false;
        most = capacity;
    }
    return tell_values(v, values + (uint64_t)version->values_header, most, &keys, NEAP_PY_EDGE_VALUE);
}

static bool visit_odict(struct visiting *v) {
    return visit_dict(v) && tell_member(v, ODICT_INSTANCE_DICT, "__dict__", NEAP_PY_EDGE_DICT);
}

static bool visit_tuple(struct visiting *v) {
    uint64_t first = (uint64_t)v->lens->version->tuple_items;
    if (v->object->items >
        v->object->block_bytes / NEAP_PY_WORD) /* the number of items contradicts the size of the block */
        return false;
    return tell_array(v, v->object->address + first, v->object->items, 0, NEAP_PY_EDGE_INDEX);
}

static bool visit_list(struct visiting *v) {
    uint64_t items;
    return word_of(v, NEAP_PY_LIST_ITEMS, &items) &&
           (items == 0 || tell_array(v, items, v->object->items, 0, NEAP_PY_EDGE_INDEX));
}

/* Each entry is |key, hash|; an entry whose key was removed has a hash that no key has. */
static bool visit_set(struct visiting *v) {
    const uint64_t removed = UINT64_MAX;
    uint64_t table, mask, scratch[CHUNK_WORDS];
    if (!word_of(v, NEAP_PY_SET_TABLE, &table) || !word_of(v, NEAP_PY_SET_MASK, &mask) ||
        (mask & (mask + 1)) != 0)
        return false;
    for (uint64_t at = 0; at <= mask; at += CHUNK_WORDS / 2) {
        uint64_t left = mask - at + 1;
        size_t entries = left < CHUNK_WORDS / 2 ? (size_t)left : CHUNK_WORDS / 2;
        const unsigned char *place = neap_memory_at(v->lens->memory, table + at * 2 * NEAP_PY_WORD, scratch,
                                                    entries * 2 * NEAP_PY_WORD);
        if (!place)
            return false;
        for (size_t i = 0; i < entries; i++) {
            const struct neap_py_referent referent = {.address = neap__py_u64(place, i * 2 * NEAP_PY_WORD),
                                                      .index = at + i,
                                                      .edge = NEAP_PY_EDGE_KEY,
                                                      .exact = true};
            if (neap__py_u64(place, i * 2 * NEAP_PY_WORD + NEAP_PY_WORD) != removed && !tell(v, &referent))
                return false;
        }
    }
    return true;
}

static bool visit_deque(struct visiting *v) {
    uint64_t block, at, left = v->object->items;
    if (!word_of(v, DEQUE_LEFT_BLOCK, &block) || !word_of(v, DEQUE_LEFT_INDEX, &at))
        return false;
    struct neap__py_chain chain = {0, 0};
    for (uint64_t told = 0; left != 0 && block != 0 && at < DEQUE_BLOCK_ITEMS; at = 0) {
        uint64_t count = left < DEQUE_BLOCK_ITEMS - at ? left : DEQUE_BLOCK_ITEMS - at;
        if (!neap__py_chain_step(v->lens, &chain, block) ||
            !tell_array(v, block + (at + 1) * NEAP_PY_WORD, count, told, NEAP_PY_EDGE_INDEX) ||
            !neap__py_word(v->lens->memory, block + DEQUE_BLOCK_RIGHT, &block))
            return false;
        told += count;
        left -= count;
    }
    return left == 0;
}

/* --- what runs -------------------------------------------------------------------- */

struct field {
    int16_t offset;
    const char *name;
};

static bool tell_fields(struct visiting *v, const struct field *fields) {
    for (; fields->offset != 0; fields++)
        if (!tell_member(v, fields->offset, fields->name,
                         strcmp(fields->name, "__closure__") == 0 ? NEAP_PY_EDGE_CLOSURE
                                                                  : NEAP_PY_EDGE_MEMBER))
            return false;
    return true;
}

/* Include/cpython/funcobject.h: one table up to 3.9, one from 3.10 on, where newer fields are behind. */
static bool visit_function(struct visiting *v) {
    static const struct field first[] = {
        {16, "__code__"},    {24, "__globals__"},     {32, "__defaults__"},  {40, "__kwdefaults__"},
        {48, "__closure__"}, {56, "__doc__"},         {64, "__name__"},      {72, "__dict__"},
        {88, "__module__"},  {96, "__annotations__"}, {104, "__qualname__"}, {0, NULL},
    };
    static const struct field later[] = {
        {16, "__globals__"}, {24, "__builtins__"}, {32, "__name__"},       {40, "__qualname__"},
        {48, "__code__"},    {56, "__defaults__"}, {64, "__kwdefaults__"}, {72, "__closure__"},
        {80, "__doc__"},     {88, "__dict__"},     {104, "__module__"},    {112, "__annotations__"},
        {0, NULL},
    };
    const struct neap_py_version *version = v->lens->version;
    bool old = version->function_code == first[0].offset;
    if (!tell_fields(v, old ? first : later))
        return false;
    for (int32_t at = version->function_more; at != NEAP_PY_NONE && at < version->function_more_end;
         at += NEAP_PY_WORD)
        if (!tell_member(v, at, "__annotate__", NEAP_PY_EDGE_MEMBER))
            return false;
    return true;
}

/* Include/cpython/code.h */
static bool visit_code(struct visiting *v) {
    static const struct field first[] = {
        {48, "co_code"},       {56, "co_consts"},   {64, "co_names"},     {72, "co_varnames"},
        {80, "co_freevars"},   {88, "co_cellvars"}, {104, "co_filename"}, {112, "co_name"},
        {120, "co_linetable"}, {0, NULL},
    };
    static const struct field later[] = {
        {24, "co_consts"},
        {32, "co_names"},
        {40, "co_exceptiontable"},
        {96, "co_varnames"},
        {104, "co_localspluskinds"},
        {112, "co_filename"},
        {120, "co_name"},
        {128, "co_qualname"},
        {136, "co_linetable"},
        {0, NULL},
    };
    bool old = v->lens->version->code_qualname == NEAP_PY_NONE;
    return tell_fields(v, old ? first : later);
}

static bool visit_cell(struct visiting *v) {
    return tell_member(v, NEAP_PY_OBJECT_BYTES, "cell_contents", NEAP_PY_EDGE_CLOSURE);
}

static bool visit_method(struct visiting *v) {
    static const struct field fields[] = {{16, "__func__"}, {24, "__self__"}, {0, NULL}};
    return tell_fields(v, fields);
}

static bool visit_cfunction(struct visiting *v) {
    static const struct field fields[] = {{24, "__self__"}, {32, "__module__"}, {0, NULL}};
    return tell_fields(v, fields) &&
           (v->object->type->basic_bytes <= 56 || tell_member(v, 56, "__objclass__", NEAP_PY_EDGE_MEMBER));
}

/* A weak reference does not keep its object alive, so only the callback is visited. */
static bool visit_weakref(struct visiting *v) {
    return tell_member(v, 24, "__callback__", NEAP_PY_EDGE_MEMBER);
}

static bool tell_iframe(struct visiting *v, uint64_t address) {
    struct neap__py_iframe frame;
    bool sound = true;
    if (!neap__py_iframe_read(v->lens, address, &frame))
        return true; /* it has ended, or has not begun */
    v->stopped = !neap__py_iframe_visit(v->lens, &frame, v->visit, v->context, &sound);
    return sound && !v->stopped;
}

/* Up to 3.10: locals lie behind the object. The depth of the stack is only known if the frame is not running.
 */
static bool visit_old_frame(struct visiting *v) {
    const struct neap_py_version *version = v->lens->version;
    static const struct field fields[] = {
        {24, "f_back"}, {40, "f_builtins"}, {48, "f_globals"}, {56, "f_locals"}, {0, NULL}};
    uint64_t code, names = 0, stack, start = v->object->address + (uint64_t)version->frame_bytes;
    if (!tell_fields(v, fields) || !tell_member(v, version->frame_code, "f_code", NEAP_PY_EDGE_MEMBER) ||
        !word_of(v, version->frame_code, &code) || !word_of(v, version->frame_stack, &stack))
        return false;
    if (!neap__py_word(v->lens->memory, code + (uint64_t)version->code_local_names, &names))
        return false;
    for (uint64_t i = 0; i < v->object->items; i++) {
        struct neap_py_referent referent = {.index = i, .edge = NEAP_PY_EDGE_LOCAL, .exact = true};
        if (!neap__py_word(v->lens->memory, start + i * NEAP_PY_WORD, &referent.address))
            return false;
        if (stack != 0 && start + i * NEAP_PY_WORD >= stack) {
            referent.edge = NEAP_PY_EDGE_WORD;
            referent.exact = false;
        } else if (referent.address != 0) {
            referent.key = neap__py_tuple_item(v->lens, names, i);
        }
        if (!tell(v, &referent))
            return false;
    }
    return true;
}

static bool visit_frame(struct visiting *v) {
    const struct neap_py_version *version = v->lens->version;
    static const struct field fields[] = {{16, "f_back"}, {32, "f_trace"}, {0, NULL}};
    uint64_t own = v->object->address + (uint64_t)version->frame_bytes, frame;
    if (version->iframe_code == NEAP_PY_NONE)
        return visit_old_frame(v);
    if (!tell_fields(v, fields) || !word_of(v, version->frame_frame, &frame))
        return false;
    return frame != own || tell_iframe(v, own);
}

static bool scan(struct visiting *v, uint64_t first, uint64_t end);

static bool visit_generator(struct visiting *v) {
    const struct neap_py_version *version = v->lens->version;
    return scan(v, NEAP_PY_OBJECT_BYTES, (uint64_t)version->generator_bytes) &&
           (version->iframe_code == NEAP_PY_NONE ||
            tell_iframe(v, v->object->address + (uint64_t)version->generator_bytes));
}

static bool visit_module(struct visiting *v) {
    return tell_member(v, NEAP_PY_OBJECT_BYTES, "__dict__", NEAP_PY_EDGE_DICT) &&
           scan(v, NEAP_PY_OBJECT_BYTES + NEAP_PY_WORD, v->object->type->known_bytes);
}

/* Since 3.15 the storage of a bytearray is a bytes object. */
static bool visit_bytearray(struct visiting *v) {
    int32_t inner = v->lens->version->bytearray_object;
    return inner == NEAP_PY_NONE || tell_member(v, inner, "ob_bytes_object", NEAP_PY_EDGE_MEMBER);
}

/* --- types -------------------------------------------------------------------------- */

static bool visit_type(struct visiting *v) {
    static const struct field fields[] = {{NEAP_PY_TP_BASE, "__base__"},
                                          {NEAP_PY_TP_DICT, "__dict__"},
                                          {336, "__bases__"},
                                          {NEAP_PY_TP_MRO, "__mro__"},
                                          {352, "tp_cache"},
                                          {360, "tp_subclasses"},
                                          {0, NULL}};
    const struct neap_py_version *version = v->lens->version;
    struct neap__py_keys keys;
    uint64_t cached;
    if (!tell_fields(v, fields))
        return false;
    if (v->object->flags & NEAP_PY_OBJECT_STATIC)
        return true;
    if (!tell_member(v, version->ht_name, "__name__", NEAP_PY_EDGE_MEMBER) ||
        !tell_member(v, version->ht_slots, "__slots__", NEAP_PY_EDGE_MEMBER) ||
        !tell_member(v, version->ht_qualname, "__qualname__", NEAP_PY_EDGE_MEMBER) ||
        (version->ht_module != NEAP_PY_NONE &&
         !tell_member(v, version->ht_module, "ht_module", NEAP_PY_EDGE_MEMBER)) ||
        !word_of(v, version->ht_cached_keys, &cached))
        return false;
    if (cached == 0 || !neap__py_keys_read(v->lens->memory, version, cached, &keys))
        return cached == 0;
    for (uint64_t i = 0; i < keys.count; i++) {
        struct neap_py_referent name = {.index = i, .edge = NEAP_PY_EDGE_KEY, .exact = true};
        uint64_t unused;
        if (!neap__py_keys_entry(v->lens->memory, &keys, i, &name.address, &unused) || !tell(v, &name))
            return false;
    }
    return true;
}

/* --- what every object has -------------------------------------------------------------- */

static bool visit_attributes(struct visiting *v) {
    struct neap__py_values values;
    struct neap__py_keys keys;
    struct neap_py_referent dict = {.name = "__dict__", .edge = NEAP_PY_EDGE_DICT, .exact = true};
    uint64_t dict_word = neap__py_dict_word(v->object);
    if (v->object->flags & NEAP_PY_OBJECT_STATIC)
        return true;
    if (dict_word && v->object->type->kind != NEAP_PY_ODICT && v->object->type->kind != NEAP_PY_FUNCTION) {
        if (!neap__py_word(v->lens->memory, dict_word, &dict.address) || !tell(v, &dict))
            return false;
    }
    if (!(v->object->type->flags & NEAP_PY_TYPE_MANAGED_DICT))
        return true;
    if (!neap__py_values_read(v->lens, v->object, &values))
        return false;
    dict.address = values.dict;
    if (!tell(v, &dict))
        return false;
    return values.values == 0 ||
           (neap__py_keys_read(v->lens->memory, v->lens->version, v->object->type->cached_keys, &keys) &&
            tell_values(v, values.values, values.room, &keys, NEAP_PY_EDGE_ATTRIBUTE));
}

static bool visit_members(struct visiting *v) {
    const struct neap_py_type *type = v->object->type;
    for (uint32_t i = 0; i < type->member_count; i++) {
        bool known = type->members[i].offset < type->known_bytes && type->kind != NEAP_PY_OPAQUE &&
                     type->kind != NEAP_PY_PLAIN && type->kind != NEAP_PY_GENERATOR;
        if (!known && !tell_member(v, type->members[i].offset, type->members[i].name, NEAP_PY_EDGE_MEMBER))
            return false;
    }
    return true;
}

static bool is_told(const struct neap_py_type *type, uint64_t offset) {
    if (offset == type->weaklist_offset || (int64_t)offset == type->dict_offset)
        return true;
    for (uint32_t i = 0; i < type->member_count && type->members[i].offset <= offset; i++)
        if (type->members[i].offset == offset)
            return true;
    return false;
}

/* Visits words in [first, end) of the object that may be addresses of objects and were not visited yet. */
static bool scan(struct visiting *v, uint64_t first, uint64_t end) {
    uint64_t most = first + (uint64_t)SCAN_WORDS_MOST * NEAP_PY_WORD;
    for (uint64_t at = first; at + NEAP_PY_WORD <= end && at < most; at += NEAP_PY_WORD) {
        struct neap_py_referent referent = {.index = at, .edge = NEAP_PY_EDGE_WORD, .exact = false};
        if (!word_of(v, (int64_t)at, &referent.address))
            return false;
        if (referent.address % NEAP_PY_WORD != 0 || referent.address < ADDRESS_LEAST ||
            referent.address >> 56 != 0 || is_told(v->object->type, at))
            continue;
        if (!tell(v, &referent))
            return false;
    }
    return true;
}

static bool visit_rest(struct visiting *v) {
    const struct neap_py_type *type = v->object->type;
    uint64_t end = v->object->block_bytes - type->prefix_bytes - v->object->inline_bytes;
    if ((type->flags & NEAP_PY_TYPE_EXACT) || (v->object->flags & NEAP_PY_OBJECT_STATIC))
        return true;
    return scan(v, type->known_bytes, type->kind == NEAP_PY_OPAQUE ? end : type->basic_bytes);
}

static bool visit_kind(struct visiting *v) {
    static bool (*const of_kind[NEAP_PY_KINDS])(struct visiting *) = {
        [NEAP_PY_TUPLE] = visit_tuple,         [NEAP_PY_LIST] = visit_list,
        [NEAP_PY_DICT] = visit_dict,           [NEAP_PY_SET] = visit_set,
        [NEAP_PY_TYPE] = visit_type,           [NEAP_PY_MODULE] = visit_module,
        [NEAP_PY_FUNCTION] = visit_function,   [NEAP_PY_CODE] = visit_code,
        [NEAP_PY_CELL] = visit_cell,           [NEAP_PY_METHOD] = visit_method,
        [NEAP_PY_CFUNCTION] = visit_cfunction, [NEAP_PY_FRAME] = visit_frame,
        [NEAP_PY_GENERATOR] = visit_generator, [NEAP_PY_WEAKREF] = visit_weakref,
        [NEAP_PY_DEQUE] = visit_deque,         [NEAP_PY_ODICT] = visit_odict,
        [NEAP_PY_BYTEARRAY] = visit_bytearray,
    };
    bool (*visit)(struct visiting *) = of_kind[v->object->type->kind];
    return !visit || visit(v);
}

int neap_py_object_visit(struct neap_py_lens *lens, const struct neap_py_object *object,
                         neap_py_referent_visit *visit, void *context) {
    struct visiting v = {lens, object, visit, context, false};
    const struct neap_py_referent type = {
        .address = object->type->address, .name = "__class__", .edge = NEAP_PY_EDGE_TYPE, .exact = true};
    if (object->flags & NEAP_PY_OBJECT_PARKED)
        return NEAP_OK; /* the object was freed, and its references are invalid */
    if ((object->type->flags & NEAP_PY_TYPE_HEAP) && !tell(&v, &type))
        return NEAP_OK;
    if ((visit_kind(&v) && visit_members(&v) && visit_attributes(&v) && visit_rest(&v)) || v.stopped)
        return NEAP_OK;
    lens->rejected++;
    return NEAP_ERROR_FORMAT;
}
