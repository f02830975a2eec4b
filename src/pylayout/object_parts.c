/* pylayout/object_parts.c: decodes managed attributes and frames. */
#include "pylayout/object_parts.h"

#include "base/word.h"
#include "pylayout/reading.h"

enum {
    VALUES_ORDER = 2, /* bytes in front of the values that are not of the order: size and prefix */
    VALUES_MOST = 256,
    SPACE_LOCALS = 1 << 20, /* locals of one function, at most */
    DICT_TAG = 1,
    IFRAME_BYTES = 96,
};

/* --- attributes ------------------------------------------------------------------ */

bool neap__py_values_block(struct neap_py_lens *lens, uint64_t values, const struct neap__py_keys *keys,
                           uint64_t *block, uint64_t *bytes) {
    uint64_t values_bytes = keys->shared_usable * NEAP_PY_WORD;
    if (lens->version->values_prefixed) {
        unsigned char prefix;
        if (lens->memory->read(lens->memory->context, values - 1, &prefix, 1) != NEAP_OK ||
            prefix < VALUES_ORDER)
            return false;
        *block = values - prefix;
        *bytes = prefix + values_bytes;
    } else {
        uint64_t header = (uint64_t)lens->version->values_header;
        *block = values - header;
        /* The bytes of order follow the values in versions whose sizes are in front. */
        *bytes = header + values_bytes + (header ? neap_word_round_up(keys->shared_usable, NEAP_PY_WORD) : 0);
    }
    return true;
}

static bool values_apart(struct neap_py_lens *lens, const struct neap_py_object *object, uint64_t address,
                         struct neap__py_values *values) {
    struct neap__py_keys keys;
    if (address % NEAP_PY_WORD != 0 ||
        !neap__py_keys_read(lens->memory, lens->version, object->type->cached_keys, &keys) ||
        keys.shared_usable > VALUES_MOST)
        return false;
    values->values = address;
    values->room = keys.shared_usable;
    return neap__py_values_block(lens, address, &keys, &values->block, &values->block_bytes);
}

/* Since 3.13: |capacity, size, embedded, valid|values ...| behind the object. */
static bool values_inline(struct neap_py_lens *lens, const struct neap_py_object *object,
                          struct neap__py_values *values) {
    unsigned char head[4];
    uint64_t place = object->address + object->type->basic_bytes;
    if (lens->memory->read(lens->memory->context, place, head, sizeof(head)) != NEAP_OK)
        return false;
    values->room = head[0];
    if (head[3])
        values->values = place + (uint64_t)lens->version->values_header;
    return true;
}

bool neap__py_values_read(struct neap_py_lens *lens, const struct neap_py_object *object,
                          struct neap__py_values *values) {
    const struct neap_py_type *type = object->type;
    uint64_t front[2]; /* the two managed words, in the order of memory */
    *values = (struct neap__py_values){0};
    if (!(type->flags & NEAP_PY_TYPE_MANAGED_DICT))
        return true;
    if (lens->memory->read(lens->memory->context, object->address - NEAP_PY_GC_HEAD - NEAP_PY_MANAGED, front,
                           sizeof(front)) != NEAP_OK)
        return false;
    switch (lens->version->preheader) {
    case 1:
        values->dict = front[1];
        return front[0] == 0 || values_apart(lens, object, front[0], values);
    case 2:
        if (front[1] & DICT_TAG)
            return values_apart(lens, object, front[1] + DICT_TAG, values);
        values->dict = front[1];
        return true;
    default:
        values->dict = front[1];
        return values->dict != 0 || object->inline_bytes == 0 || values_inline(lens, object, values);
    }
}

uint64_t neap__py_dict_word(const struct neap_py_object *object) {
    const struct neap_py_type *type = object->type;
    if (type->dict_offset > 0)
        return object->address + (uint64_t)type->dict_offset;
    if (type->dict_offset == 0 || (type->flags & NEAP_PY_TYPE_MANAGED_DICT))
        return 0;
    /* A negative offset counts from the end of an object of variable size. */
    uint64_t end = neap_word_round_up(object->block_bytes - type->prefix_bytes, NEAP_PY_WORD);
    uint64_t back = (uint64_t)-type->dict_offset;
    return back <= end && end - back >= NEAP_PY_OBJECT_BYTES ? object->address + end - back : 0;
}

/* --- frames ------------------------------------------------------------------------ */

static bool is_kind(struct neap_py_lens *lens, uint64_t address, enum neap_py_kind kind) {
    struct neap_py_object object;
    return neap_py_object_at(lens, address, &object) && object.type->kind == kind;
}

uint64_t neap__py_tuple_item(struct neap_py_lens *lens, uint64_t tuple, uint64_t index) {
    struct neap_py_object object;
    uint64_t item;
    if (!neap_py_object_at(lens, tuple, &object) || object.type->kind != NEAP_PY_TUPLE ||
        index >= object.items ||
        !neap__py_word(lens->memory, tuple + (uint64_t)lens->version->tuple_items + index * NEAP_PY_WORD,
                       &item))
        return 0;
    return item;
}

static uint64_t stack_count_of(const struct neap_py_lens *lens, const struct neap__py_iframe *frame,
                               const unsigned char *bytes) {
    const struct neap_py_version *version = lens->version;
    if (version->iframe_stack_pointer) {
        uint64_t top = neap__py_u64(bytes, (size_t)version->iframe_stack);
        uint64_t bottom = frame->locals + frame->local_count * NEAP_PY_WORD;
        return top < bottom || (top - bottom) / NEAP_PY_WORD > frame->stack_room
                   ? NEAP__PY_STACK_UNKNOWN
                   : (top - bottom) / NEAP_PY_WORD;
    }
    int32_t top = (int32_t)neap__py_u32(bytes, (size_t)version->iframe_stack);
    return top < 0 || (uint64_t)top < frame->local_count ||
                   (uint64_t)top - frame->local_count > frame->stack_room
               ? NEAP__PY_STACK_UNKNOWN
               : (uint64_t)top - frame->local_count;
}

bool neap__py_iframe_read(struct neap_py_lens *lens, uint64_t address, struct neap__py_iframe *frame) {
    const struct neap_py_version *version = lens->version;
    unsigned char bytes[IFRAME_BYTES], code[256];
    if (version->iframe_code == NEAP_PY_NONE || address % NEAP_PY_WORD != 0 || address == 0 ||
        lens->memory->read(lens->memory->context, address, bytes, (size_t)version->iframe_bytes) != NEAP_OK)
        return false;
    *frame = (struct neap__py_iframe){
        .address = address,
        .code = neap__py_reference(version, neap__py_u64(bytes, (size_t)version->iframe_code)),
        .function = neap__py_reference(version, neap__py_u64(bytes, (size_t)version->iframe_function)),
        .previous = neap__py_u64(bytes, (size_t)version->iframe_previous),
        .locals = address + (uint64_t)version->iframe_bytes,
        .owner = bytes[version->iframe_owner],
    };
    if (!is_kind(lens, frame->code, NEAP_PY_CODE) ||
        lens->memory->read(lens->memory->context, frame->code, code, (size_t)version->code_bytes) != NEAP_OK)
        return false;
    int32_t locals = (int32_t)neap__py_u32(code, (size_t)version->code_nlocalsplus);
    int32_t stack = (int32_t)neap__py_u32(code, (size_t)version->code_stacksize);
    if (locals < 0 || locals > SPACE_LOCALS || stack < 0 || stack > SPACE_LOCALS)
        return false;
    frame->local_count = (uint64_t)locals;
    frame->stack_room = (uint64_t)stack;
    frame->names = neap__py_u64(code, (size_t)version->code_local_names);
    frame->stack_count = stack_count_of(lens, frame, bytes);
    return true;
}

bool neap__py_iframe_visit(struct neap_py_lens *lens, const struct neap__py_iframe *frame,
                           neap_py_referent_visit *visit, void *context, bool *sound) {
    const struct neap_py_referent own[] = {
        {.address = frame->code, .name = "f_code", .edge = NEAP_PY_EDGE_MEMBER, .exact = true},
        {.address = frame->function, .name = "f_func", .edge = NEAP_PY_EDGE_MEMBER, .exact = true},
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (own[i].address != 0 && !visit(context, &own[i]))
            return false;
    /* The depth of the stack of a running frame is not known, so its room is scanned as words. */
    bool known = frame->stack_count != NEAP__PY_STACK_UNKNOWN;
    uint64_t count = frame->local_count + (known ? frame->stack_count : frame->stack_room);
    *sound = neap__py_loose_take(lens, count);
    if (!*sound)
        return true;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t word;
        if (!neap__py_word(lens->memory, frame->locals + i * NEAP_PY_WORD, &word)) {
            *sound = false;
            return true;
        }
        bool local = i < frame->local_count;
        struct neap_py_referent referent = {
            .address = neap__py_reference(lens->version, word),
            .index = i,
            .edge = local || known ? NEAP_PY_EDGE_LOCAL : NEAP_PY_EDGE_WORD,
            .exact = local || known,
        };
        if (referent.address == 0)
            continue;
        if (local)
            referent.key = neap__py_tuple_item(lens, frame->names, i);
        if (!visit(context, &referent))
            return false;
    }
    return true;
}
