/* inspect/objects/largest.c */
#include "inspect/objects/largest.h"

#include <stdlib.h>
#include <string.h>

/* --- a heap ------------------------------------------------------------------------ */

static bool smaller(const struct neap_largest *a, const struct neap_largest *b) {
    return a->bytes != b->bytes ? a->bytes < b->bytes : a->address > b->address;
}

static void sift_up(struct neap_largest *heap, size_t at) {
    const struct neap_largest one = heap[at];
    for (; at > 0 && smaller(&one, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = one;
}

static void sift_down(struct neap_largest *heap, size_t count) {
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child < 2 * at + 3 && child < count; child++)
            if (smaller(&heap[child], &heap[least]))
                least = child;
        if (least == at)
            return;
        struct neap_largest kept = heap[at];
        heap[at] = heap[least];
        heap[least] = kept;
        at = least;
    }
}

void neap_largest_add(struct neap_largest_list *largest, const struct neap_largest *one) {
    struct neap_largest *heap = largest->list;
    if (largest->count < largest->most) {
        heap[largest->count] = *one;
        sift_up(heap, largest->count++);
    } else if (largest->most > 0 && smaller(&heap[0], one)) {
        heap[0] = *one;
        sift_down(heap, largest->count);
    }
}

static int order(const void *a, const void *b) {
    return smaller(a, b) ? 1 : -1;
}

void neap_largest_sort(struct neap_largest_list *largest) {
    if (largest->count)
        qsort(largest->list, largest->count, sizeof(*largest->list), order);
}

/* --- of one type ------------------------------------------------------------------- */

struct search {
    const neap_census_t *census;
    struct neap_py_lens lens;
    unsigned char *wanted; /* by index of the type */
    uint32_t type_count;
    struct neap_largest_list found;
    uint64_t total, buffer_bytes;
};

static const char *last_part(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* Compares whole names first and, if none matches, last parts. */
static bool types_choose(struct search *search, const char *name) {
    neap_py_types_t *types = neap_census_view(search->census)->types;
    for (unsigned turn = 0; turn < 2; turn++) {
        bool any = false;
        for (uint32_t i = 0; i < search->type_count; i++) {
            const char *own = neap_py_types_at(types, i)->name;
            search->wanted[i] = strcmp(turn ? last_part(own) : own, name) == 0;
            any |= search->wanted[i];
        }
        if (any)
            return true;
    }
    return false;
}

static void buffer_sum(void *context, const struct neap_py_buffer *buffer) {
    if (!buffer->shared)
        ((struct search *)context)->buffer_bytes += buffer->bytes;
}

static void object_look(struct search *search, uint32_t ordinal) {
    struct neap_py_object object;
    struct neap_py_measure measure;
    if (!neap_census_object(search->census, &search->lens, ordinal, &object) ||
        (object.flags & NEAP_PY_OBJECT_PARKED) || object.type->index >= search->type_count ||
        !search->wanted[object.type->index])
        return;
    search->buffer_bytes = 0;
    neap_py_object_measure(&search->lens, &object, &measure, buffer_sum, search);
    const struct neap_largest one = {ordinal, object.block_bytes + search->buffer_bytes, object.address};
    search->total++;
    neap_largest_add(&search->found, &one);
}

int neap_largest_find(const neap_census_t *census, const char *type, size_t count, struct neap_largest *found,
                      size_t *found_count, uint64_t *total) {
    const struct neap_python_view *view = neap_census_view(census);
    struct search *search = calloc(1, sizeof(*search));
    if (!search)
        return NEAP_ERROR_MEMORY;
    search->census = census;
    search->found = (struct neap_largest_list){.list = found, .most = count};
    search->type_count = neap_py_types_count(view->types);
    search->wanted = calloc((size_t)search->type_count + 1, 1);
    neap_py_lens_init(&search->lens, view->types);
    int error = !search->wanted              ? NEAP_ERROR_MEMORY
                : types_choose(search, type) ? NEAP_OK
                                             : NEAP_ERROR_ABSENT;
    if (error == NEAP_OK) {
        uint32_t blocks = neap_block_index_count(neap_census_index(census));
        for (uint32_t i = 0; i < blocks; i++)
            if (neap_census_is_object(census, i))
                object_look(search, i);
        neap_largest_sort(&search->found);
        *found_count = search->found.count;
        *total = search->total;
    }
    free(search->wanted);
    free(search);
    return error;
}
