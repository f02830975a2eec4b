/* pylayout/type_decode.c: decodes names, kind, members and sizes of a type object. */
#include "pylayout/type_decode.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/word.h"
#include "pylayout/dict_keys.h"
#include "pylayout/reading.h"
#include "pylayout/text.h"

enum {
    BASIC_MOST = 1 << 20, /* tp_basicsize */
    ITEM_MOST = 1 << 16,
    NAME_KEYS_MOST = 1024, /* entries of a class's dict that are searched for its module */
    MEMBER_NAME_MAX = 64,
    TPFLAG_READY = 1 << 12,
};

bool neap__py_type_words_read(const struct neap_memory *memory, const struct neap_py_version *version,
                              uint64_t address, struct neap__py_type_words *words) {
    unsigned char scratch[1024];
    if (address % NEAP_PY_WORD != 0 || address == 0)
        return false;
    const void *bytes = neap_memory_at(memory, address, scratch, (size_t)version->type_bytes);
    if (!bytes)
        return false;
    *words = (struct neap__py_type_words){
        .address = address,
        .metatype = neap__py_u64(bytes, NEAP_PY_OBJECT_TYPE),
        .size = neap__py_u64(bytes, NEAP_PY_VAR_SIZE),
        .name = neap__py_u64(bytes, NEAP_PY_TP_NAME),
        .basic_bytes = neap__py_i64(bytes, NEAP_PY_TP_BASICSIZE),
        .item_bytes = neap__py_i64(bytes, NEAP_PY_TP_ITEMSIZE),
        .tp_flags = neap__py_u64(bytes, NEAP_PY_TP_FLAGS),
        .weaklist_offset = neap__py_i64(bytes, NEAP_PY_TP_WEAKLISTOFFSET),
        .members = neap__py_u64(bytes, NEAP_PY_TP_MEMBERS),
        .base = neap__py_u64(bytes, NEAP_PY_TP_BASE),
        .dict = neap__py_u64(bytes, NEAP_PY_TP_DICT),
        .dict_offset = neap__py_i64(bytes, NEAP_PY_TP_DICTOFFSET),
    };
    if (words->basic_bytes < 0 || words->basic_bytes > BASIC_MOST || words->item_bytes < 0 ||
        words->item_bytes > ITEM_MOST || !(words->tp_flags & TPFLAG_READY) ||
        words->dict_offset < -BASIC_MOST || words->dict_offset > words->basic_bytes)
        return false;
    if (words->tp_flags & NEAP_PY_TPFLAG_HEAP) {
        uint64_t word;
        if (neap__py_word(memory, address + (uint64_t)version->ht_qualname, &word))
            words->qualname = word;
        if (neap__py_word(memory, address + (uint64_t)version->ht_cached_keys, &word))
            words->cached_keys = word;
    }
    return true;
}

/* --- names ---------------------------------------------------------------- */

static bool type_word(const struct neap_memory *memory, uint64_t object, uint64_t *type) {
    return object != 0 && object % NEAP_PY_WORD == 0 &&
           neap__py_word(memory, object + NEAP_PY_OBJECT_TYPE, type);
}

/* The str "__module__" in the dict of a class. If it is not a str, it is a property or the like. */
static bool module_find(const struct neap_memory *memory, const struct neap_py_version *version,
                        uint64_t dict, uint64_t *module) {
    struct neap__py_keys keys;
    uint64_t table;
    if (dict == 0 || dict % NEAP_PY_WORD != 0 || !neap__py_word(memory, dict + NEAP_PY_DICT_KEYS, &table) ||
        !neap__py_keys_read(memory, version, table, &keys))
        return false;
    for (uint64_t i = 0; i < keys.count && i < NAME_KEYS_MOST; i++) {
        uint64_t key, value, key_type, value_type;
        if (!neap__py_keys_entry(memory, &keys, i, &key, &value))
            return false;
        if (value == 0 || !type_word(memory, key, &key_type) || !type_word(memory, value, &value_type) ||
            key_type != value_type || !neap__py_text_is(memory, version, key, "__module__"))
            continue;
        *module = value;
        return true;
    }
    return false;
}

struct names {
    char name[NEAP_PY_NAME_MAX];
    char module[NEAP_PY_NAME_MAX];
};

/* tp_name has the module in front for types written in C; for others it is the last part only. */
static bool names_read(const struct neap_memory *memory, const struct neap_py_version *version,
                       const struct neap__py_type_words *words, struct names *names) {
    char last[NEAP_PY_NAME_MAX];
    uint64_t module = 0;
    if (!neap__py_text_c(memory, words->name, last, sizeof(last)))
        return false;
    names->module[0] = '\0';
    char *dot = strrchr(last, '.');
    if (dot && dot[1] != '\0' && strcmp(dot - (dot > last), "...") != 0) {
        *dot = '\0';
        memcpy(names->module, last, sizeof(names->module));
        memmove(last, dot + 1, strlen(dot + 1) + 1);
    } else if (!(words->tp_flags & NEAP_PY_TPFLAG_HEAP)) {
        memcpy(names->module, "builtins", sizeof("builtins"));
    }
    if (words->qualname &&
        (words->qualname % NEAP_PY_WORD != 0 ||
         !neap__py_text_str(memory, version, words->qualname, names->name, sizeof(names->name))))
        names->name[0] = '\0';
    if ((words->tp_flags & NEAP_PY_TPFLAG_HEAP) && module_find(memory, version, words->dict, &module))
        neap__py_text_str(memory, version, module, names->module, sizeof(names->module));
    if (words->qualname == 0 || names->name[0] == '\0')
        memcpy(names->name, last, sizeof(last));
    if (names->module[0] != '\0' && strcmp(names->module, "builtins") != 0) {
        char whole[2 * NEAP_PY_NAME_MAX];
        snprintf(whole, sizeof(whole), "%s.%s", names->module, names->name);
        whole[NEAP_PY_NAME_MAX - 1] = '\0';
        memcpy(names->name, whole, sizeof(names->name));
    }
    return true;
}

/* --- kinds ---------------------------------------------------------------- */

/* The built-in types that have a decoder; recognised by a flag if there is one. */
static bool kind_of_name(const char *name, enum neap_py_kind *kind) {
    static const struct {
        const char *name;
        enum neap_py_kind kind;
    } table[] = {
        {"object", NEAP_PY_PLAIN},
        {"int", NEAP_PY_INT},
        {"float", NEAP_PY_FLOAT},
        {"complex", NEAP_PY_COMPLEX},
        {"str", NEAP_PY_STR},
        {"bytes", NEAP_PY_BYTES},
        {"bytearray", NEAP_PY_BYTEARRAY},
        {"tuple", NEAP_PY_TUPLE},
        {"list", NEAP_PY_LIST},
        {"dict", NEAP_PY_DICT},
        {"set", NEAP_PY_SET},
        {"frozenset", NEAP_PY_SET},
        {"type", NEAP_PY_TYPE},
        {"module", NEAP_PY_MODULE},
        {"function", NEAP_PY_FUNCTION},
        {"code", NEAP_PY_CODE},
        {"cell", NEAP_PY_CELL},
        {"method", NEAP_PY_METHOD},
        {"builtin_function_or_method", NEAP_PY_CFUNCTION},
        {"frame", NEAP_PY_FRAME},
        {"generator", NEAP_PY_GENERATOR},
        {"coroutine", NEAP_PY_GENERATOR},
        {"async_generator", NEAP_PY_GENERATOR},
        {"weakref", NEAP_PY_WEAKREF},
        {"weakref.ReferenceType", NEAP_PY_WEAKREF},
        {"weakproxy", NEAP_PY_WEAKREF},
        {"weakcallableproxy", NEAP_PY_WEAKREF},
        {"weakref.ProxyType", NEAP_PY_WEAKREF},
        {"weakref.CallableProxyType", NEAP_PY_WEAKREF},
        {"collections.deque", NEAP_PY_DEQUE},
        {"collections.OrderedDict", NEAP_PY_ODICT},
        {"array.array", NEAP_PY_ARRAY},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].name, name) == 0) {
            *kind = table[i].kind;
            return true;
        }
    return false;
}

/* The flags must agree with the kind. Otherwise the name of a type alone would decide how memory is read. */
static bool kind_fits(enum neap_py_kind kind, uint64_t tp_flags) {
    static const uint64_t of_kind[NEAP_PY_KINDS] = {
        [NEAP_PY_INT] = NEAP_PY_TPFLAG_INT,     [NEAP_PY_LIST] = NEAP_PY_TPFLAG_LIST,
        [NEAP_PY_TUPLE] = NEAP_PY_TPFLAG_TUPLE, [NEAP_PY_BYTES] = NEAP_PY_TPFLAG_BYTES,
        [NEAP_PY_STR] = NEAP_PY_TPFLAG_STR,     [NEAP_PY_DICT] = NEAP_PY_TPFLAG_DICT,
        [NEAP_PY_ODICT] = NEAP_PY_TPFLAG_DICT,  [NEAP_PY_TYPE] = NEAP_PY_TPFLAG_TYPE,
    };
    const uint64_t any = NEAP_PY_TPFLAG_INT | NEAP_PY_TPFLAG_LIST | NEAP_PY_TPFLAG_TUPLE |
                         NEAP_PY_TPFLAG_BYTES | NEAP_PY_TPFLAG_STR | NEAP_PY_TPFLAG_DICT |
                         NEAP_PY_TPFLAG_TYPE | NEAP_PY_TPFLAG_EXCEPTION;
    return (tp_flags & any) == of_kind[kind];
}

/* --- members --------------------------------------------------------------- */

struct member_list {
    struct neap_py_member members[NEAP_PY_MEMBERS_MAX];
    char *names[NEAP_PY_MEMBERS_MAX]; /* names that this type owns; those of its base are not among them */
    uint32_t count, own;
};

static void members_inherit(struct member_list *list, const struct neap_py_type *base) {
    list->count = list->own = 0;
    for (uint32_t i = 0; base && i < base->member_count; i++)
        list->members[list->count++] = base->members[i];
}

static bool member_known(const struct member_list *list, uint64_t offset) {
    for (uint32_t i = 0; i < list->count; i++)
        if (list->members[i].offset == offset)
            return true;
    return false;
}

/* Reads a PyMemberDef, and adds it if it is an object; false at the end of the array. */
static bool member_add(const struct neap_memory *memory, const struct neap__py_type_words *words,
                       uint64_t address, struct member_list *list) {
    unsigned char scratch[NEAP_PY_MEMBER_DEF];
    char name[MEMBER_NAME_MAX];
    const void *bytes = neap_memory_at(memory, address, scratch, sizeof(scratch));
    if (!bytes || neap__py_u64(bytes, 0) == 0)
        return false;
    uint32_t kind = neap__py_u32(bytes, NEAP_PY_MEMBER_TYPE);
    uint64_t offset = neap__py_u64(bytes, NEAP_PY_MEMBER_OFFSET);
    if ((kind != NEAP_PY_MEMBER_OBJECT && kind != NEAP_PY_MEMBER_OBJECT_EX) ||
        offset < NEAP_PY_OBJECT_BYTES || offset % NEAP_PY_WORD != 0 ||
        offset + NEAP_PY_WORD > (uint64_t)words->basic_bytes || member_known(list, offset) ||
        !neap__py_text_c(memory, neap__py_u64(bytes, 0), name, sizeof(name)))
        return true;
    char *copy = strdup(name);
    if (!copy)
        return false;
    list->names[list->own++] = copy;
    list->members[list->count++] = (struct neap_py_member){(uint32_t)offset, copy};
    return true;
}

/* Slots of a class lie behind its type object; members of a static type are in an array of their own. */
static void members_read(const struct neap_memory *memory, const struct neap__py_type_words *words,
                         const struct neap_py_type *metatype, struct member_list *list) {
    bool heap = words->tp_flags & NEAP_PY_TPFLAG_HEAP;
    uint64_t at = heap ? words->address + (metatype ? metatype->basic_bytes : (uint64_t)words->basic_bytes)
                       : words->members;
    uint64_t most = heap ? words->size : NEAP_PY_MEMBERS_MAX;
    for (uint64_t i = 0; at != 0 && i < most && i < NEAP_PY_MEMBERS_MAX && list->count < NEAP_PY_MEMBERS_MAX;
         i++)
        if (!member_add(memory, words, at + i * NEAP_PY_MEMBER_DEF, list))
            break;
}

static int member_compare(const void *a, const void *b) {
    uint32_t left = ((const struct neap_py_member *)a)->offset;
    uint32_t right = ((const struct neap_py_member *)b)->offset;
    return (left > right) - (left < right);
}

/* Whether every word behind known_bytes is a member, the dict or the list of weak references. */
static bool members_cover(const struct neap_py_type *type) {
    uint32_t next = 0;
    if (type->basic_bytes > 64 * NEAP_PY_MEMBERS_MAX)
        return false;
    for (uint32_t at = type->known_bytes; at + NEAP_PY_WORD <= type->basic_bytes; at += NEAP_PY_WORD) {
        while (next < type->member_count && type->members[next].offset < at)
            next++;
        bool member = next < type->member_count && type->members[next].offset == at;
        if (!member && (int32_t)at != type->dict_offset && at != type->weaklist_offset)
            return false;
    }
    return true;
}

/* --- the whole ------------------------------------------------------------- */

static uint16_t flags_of(const struct neap_py_version *version, uint64_t tp_flags) {
    unsigned flags = 0;
    if (tp_flags & NEAP_PY_TPFLAG_GC)
        flags |= NEAP_PY_TYPE_GC;
    if (tp_flags & NEAP_PY_TPFLAG_HEAP)
        flags |= NEAP_PY_TYPE_HEAP;
    if (version->preheader >= 1 && (tp_flags & NEAP_PY_TPFLAG_MANAGED_DICT))
        flags |= NEAP_PY_TYPE_MANAGED_DICT;
    if (version->preheader >= 2 && (tp_flags & NEAP_PY_TPFLAG_MANAGED_WEAK))
        flags |= NEAP_PY_TYPE_MANAGED_WEAK;
    if (version->preheader >= 3 && (tp_flags & NEAP_PY_TPFLAG_INLINE_VALUES))
        flags |= NEAP_PY_TYPE_INLINE_VALUES;
    return (uint16_t)flags;
}

static void kind_set(struct neap_py_type *type, const char *c_name, const struct neap_py_type *base) {
    enum neap_py_kind kind;
    bool by_class = (type->flags & NEAP_PY_TYPE_HEAP) && !strchr(c_name, '.');
    if (!by_class && kind_of_name(c_name, &kind) && kind_fits(kind, type->tp_flags)) {
        type->kind = (uint8_t)kind;
        type->known_bytes = type->basic_bytes;
        type->flags |= NEAP_PY_TYPE_BUILTIN | NEAP_PY_TYPE_EXACT;
        return;
    }
    type->kind = base ? base->kind : NEAP_PY_OPAQUE;
    type->known_bytes = base ? base->known_bytes : NEAP_PY_OBJECT_BYTES;
    if (base && !kind_fits((enum neap_py_kind)type->kind, type->tp_flags & ~NEAP_PY_TPFLAG_EXCEPTION)) {
        type->kind = NEAP_PY_OPAQUE;
        type->known_bytes = NEAP_PY_OBJECT_BYTES;
    }
    bool exact = members_cover(type) && type->kind != NEAP_PY_OPAQUE;
    if (exact)
        type->flags |= NEAP_PY_TYPE_EXACT;
    else if (type->kind == NEAP_PY_PLAIN)
        type->kind = NEAP_PY_OPAQUE;
}

struct neap_py_type *neap__py_type_decode(const struct neap_memory *memory,
                                          const struct neap_py_version *version,
                                          const struct neap__py_type_words *words,
                                          const struct neap_py_type *base,
                                          const struct neap_py_type *metatype, size_t *bytes) {
    struct names names;
    struct member_list list;
    char c_name[NEAP_PY_NAME_MAX];
    if (!neap__py_text_c(memory, words->name, c_name, sizeof(c_name)) ||
        !names_read(memory, version, words, &names))
        return NULL;
    members_inherit(&list, base);
    members_read(memory, words, metatype, &list);
    size_t name_bytes = strlen(names.name) + 1, module_bytes = strlen(names.module) + 1;
    size_t member_bytes = list.count * sizeof(struct neap_py_member);
    /* One allocation: the type, its members, pointers to the names to free, and its two names. */
    size_t whole = sizeof(struct neap_py_type) + member_bytes + (list.own + 1) * sizeof(char *) + name_bytes +
                   module_bytes;
    struct neap_py_type *type = calloc(1, whole);
    if (!type) {
        for (uint32_t i = 0; i < list.own; i++)
            free(list.names[i]);
        return NULL;
    }
    struct neap_py_member *members = (struct neap_py_member *)(type + 1);
    char **owned = (char **)(members + list.count);
    char *name = (char *)(owned + list.own + 1), *module = name + name_bytes;
    memcpy(members, list.members, member_bytes);
    memcpy(owned, list.names, list.own * sizeof(char *));
    memcpy(name, names.name, name_bytes);
    memcpy(module, names.module, module_bytes);
    qsort(members, list.count, sizeof(*members), member_compare);
    *type = (struct neap_py_type){
        .address = words->address,
        .flags = flags_of(version, words->tp_flags),
        .tp_flags = words->tp_flags,
        .basic_bytes = (uint32_t)words->basic_bytes,
        .item_bytes = (uint32_t)words->item_bytes,
        .dict_offset = (int32_t)words->dict_offset,
        .weaklist_offset = words->weaklist_offset > 0 && words->weaklist_offset < words->basic_bytes
                               ? (uint32_t)words->weaklist_offset
                               : 0,
        .cached_keys = words->cached_keys,
        .member_count = list.count,
        .members = members,
        .base = base,
        .metatype = metatype,
        .name = name,
        .module = module,
    };
    if (type->flags & (NEAP_PY_TYPE_MANAGED_DICT | NEAP_PY_TYPE_INLINE_VALUES))
        type->dict_offset = 0;
    if (type->flags & NEAP_PY_TYPE_GC)
        type->prefix_bytes = NEAP_PY_GC_HEAD;
    if (type->flags & (NEAP_PY_TYPE_MANAGED_DICT | NEAP_PY_TYPE_MANAGED_WEAK))
        type->prefix_bytes = (uint8_t)(type->prefix_bytes + NEAP_PY_MANAGED);
    kind_set(type, c_name, base);
    *bytes += whole + (size_t)list.own * MEMBER_NAME_MAX;
    return type;
}

void neap__py_type_delete(struct neap_py_type *type) {
    if (!type)
        return;
    struct neap_py_member *members = (struct neap_py_member *)(type + 1);
    char **owned = (char **)(members + type->member_count);
    for (char **name = owned; *name; name++)
        free(*name);
    free(type);
}
