/* advice/advice_column.c: collects the kind and range of a column. */
#include "advice/advice_column.h"

static void bytes_add(struct neap_advice_column *column, struct neap_py_lens *lens,
                      struct neap_address_set *shared, const struct neap_py_object *item) {
    struct neap_py_measure measure = {0, 0};
    if (item->flags & (NEAP_PY_OBJECT_IMMORTAL | NEAP_PY_OBJECT_STATIC | NEAP_PY_OBJECT_PARKED))
        return;
    if (item->refcount > 1) {
        struct neap_address_entry *entry = neap_address_set_add(shared, item->address, 0, NULL);
        if (!entry || ++entry->value != item->refcount)
            return;
    }
    if (neap_py_object_measure(lens, item, &measure, NULL, NULL) == NEAP_OK)
        column->bytes += measure.sizeof_bytes;
}

struct neap_simple_value neap_advice_column_add(struct neap_advice_column *column, struct neap_py_lens *lens,
                                                struct neap_address_set *shared,
                                                const struct neap_py_object *item,
                                                struct neap_simple_value_buffer *buffer) {
    struct neap_simple_value content = neap_simple_value_read(lens, item, buffer);
    bool first = column->count++ == 0;
    column->kind = first || column->kind == content.kind ? content.kind : NEAP_SIMPLE_OTHER;
    if (content.kind == NEAP_SIMPLE_INT || content.kind == NEAP_SIMPLE_BOOL) {
        column->least = first || content.item.i < column->least ? content.item.i : column->least;
        column->most = first || content.item.i > column->most ? content.item.i : column->most;
    }
    bytes_add(column, lens, shared, item);
    return content;
}

/* The smallest integer kind that holds [least, most]; a signed one if its width suffices. */
static enum neap_kind integer_kind(int64_t least, int64_t most) {
    static const enum neap_kind with_sign[] = {NEAP_KIND_I8, NEAP_KIND_I16, NEAP_KIND_I32};
    static const enum neap_kind without[] = {NEAP_KIND_U8, NEAP_KIND_U16, NEAP_KIND_U32};
    for (unsigned i = 0; i < 3; i++) {
        if (neap_kind_fits(with_sign[i], (union neap_item){.i = least}) &&
            neap_kind_fits(with_sign[i], (union neap_item){.i = most}))
            return with_sign[i];
        if (least >= 0 && neap_kind_fits(without[i], (union neap_item){.i = most}))
            return without[i];
    }
    return NEAP_KIND_I64;
}

bool neap_advice_column_kind(const struct neap_advice_column *column, enum neap_kind *kind) {
    switch (column->kind) {
    case NEAP_SIMPLE_NONE:
        *kind = NEAP_KIND_NONE;
        return true;
    case NEAP_SIMPLE_BOOL:
    case NEAP_SIMPLE_INT:
        *kind = integer_kind(column->least, column->most);
        return true;
    case NEAP_SIMPLE_FLOAT:
        *kind = NEAP_KIND_F64;
        return true;
    case NEAP_SIMPLE_STR:
        *kind = NEAP_KIND_STR;
        return true;
    case NEAP_SIMPLE_BYTES:
        *kind = NEAP_KIND_BYTES;
        return true;
    default:
        return false;
    }
}

char neap_advice_column_code(const struct neap_advice_column *column) {
    static const char codes[NEAP_KINDS] = {
        [NEAP_KIND_I8] = 'b', [NEAP_KIND_I16] = 'h', [NEAP_KIND_I32] = 'i', [NEAP_KIND_I64] = 'q',
        [NEAP_KIND_U8] = 'B', [NEAP_KIND_U16] = 'H', [NEAP_KIND_U32] = 'I', [NEAP_KIND_F64] = 'd',
    };
    enum neap_kind kind;
    return neap_advice_column_kind(column, &kind) ? codes[kind] : 0;
}
