/* inspect/objects/census_rows.c: makes the rows, with one function per key. */
#include "inspect/objects/census_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"
#include "inspect/objects/arena_age.h"

enum { ARENA_ROWS = 10 };

static int row_add(struct neap_census_rows *rows, size_t *room, const char *kind,
                   const struct neap_census_sum *sum) {
    char *copy = NEAP_ARRAY_RESERVE(rows->rows, *room, rows->count + 1) ? strdup(kind) : NULL;
    if (!copy)
        return NEAP_ERROR_MEMORY;
    uint64_t bytes = neap_census_sum_bytes(sum);
    rows->rows[rows->count++] = (struct neap_census_row){copy, *sum, bytes};
    rows->objects += sum->objects;
    rows->bytes += bytes;
    return NEAP_OK;
}

static int row_compare(const void *a, const void *b) {
    const struct neap_census_row *one = a, *other = b;
    if (one->bytes != other->bytes)
        return one->bytes > other->bytes ? -1 : 1;
    if (one->sum.objects != other->sum.objects)
        return one->sum.objects > other->sum.objects ? -1 : 1;
    return strcmp(one->kind, other->kind);
}

/* --- by type, by size ------------------------------------------------------------- */

static int rows_by_type(const neap_census_t *census, struct neap_census_rows *rows) {
    size_t count, room = 0;
    const struct neap_census_sum *sums = neap_census_types(census, &count);
    int error = NEAP_OK;
    for (size_t i = 0; i < count && error == NEAP_OK; i++)
        if (sums[i].objects)
            error = row_add(rows, &room, neap_py_types_at(neap_census_view(census)->types, (uint32_t)i)->name,
                            &sums[i]);
    if (rows->count)
        qsort(rows->rows, rows->count, sizeof(*rows->rows), row_compare);
    return error;
}

static int rows_by_size(const neap_census_t *census, struct neap_census_rows *rows) {
    const struct neap_census_facts *facts = neap_census_facts(census);
    size_t room = 0;
    int error = NEAP_OK;
    for (unsigned i = 0; i < NEAP_CENSUS_SIZES && error == NEAP_OK; i++) {
        char kind[2 * NEAP_UNITS_ROOM + 8], to[NEAP_UNITS_ROOM];
        uint64_t from = UINT64_C(1) << i;
        if (facts->sizes[i].objects == 0)
            continue;
        if (from < 4096)
            snprintf(kind, sizeof(kind), "%llu to %llu B", (unsigned long long)from,
                     (unsigned long long)(2 * from - 1));
        else
            snprintf(kind, sizeof(kind), "up to %s", neap_units_bytes(to, 2 * from));
        error = row_add(rows, &room, kind, &facts->sizes[i]);
    }
    return error;
}

/* --- by arena ------------------------------------------------------------------------ */

static void arena_sum(const neap_census_t *census, const struct neap_block_span *span,
                      struct neap_census_sum *sum) {
    for (uint32_t i = 0; i < span->blocks; i++) {
        bool object = neap_census_is_object(census, span->ordinal + i);
        sum->objects += object;
        sum->object_bytes += object ? span->block_bytes : 0;
        sum->buffer_bytes +=
            !object && neap_census_is_buffer(census, span->ordinal + i) ? span->block_bytes : 0;
    }
}

/* Objects outside of arenas. */
static struct neap_census_sum outside_sum(const neap_census_t *census) {
    struct neap_account_heap account;
    neap_census_account(census, &account);
    return (struct neap_census_sum){.objects = neap_census_facts(census)->outside_objects,
                                    .object_bytes = account.glibc_object_bytes,
                                    .buffer_bytes = account.glibc_buffer_bytes};
}

/* Makes a row for each tenth of the arenas that hold objects, in the order of `age`. */
static int arena_rows(const neap_census_t *census, const struct neap_arena_age *age,
                      const struct neap_census_sum *sums, struct neap_census_rows *rows, size_t *room) {
    const char *name = neap_census_view(census)->neap ? "slabs" : "arenas";
    uint32_t filled = 0;
    int error = NEAP_OK;
    for (uint32_t i = 0; i < age->count; i++)
        if (neap_census_sum_bytes(&sums[age->holders[i]]))
            age->holders[filled++] = age->holders[i];
    for (uint32_t i = 0; i < ARENA_ROWS && error == NEAP_OK; i++) {
        uint32_t first = (uint32_t)((uint64_t)filled * i / ARENA_ROWS),
                 end = (uint32_t)((uint64_t)filled * (i + 1) / ARENA_ROWS);
        struct neap_census_sum sum = {0};
        char kind[96];
        for (uint32_t j = first; j < end; j++)
            neap_census_sum_add(&sum, &sums[age->holders[j]]);
        snprintf(kind, sizeof(kind), "%s %u to %u%s", name, first + 1, end,
                 first == 0      ? ", the first places"
                 : end == filled ? ", the last places"
                                 : "");
        if (end > first)
            error = row_add(rows, room, kind, &sum);
    }
    return error;
}

static int rows_by_arena(const neap_census_t *census, struct neap_census_rows *rows) {
    const struct neap_python_view *view = neap_census_view(census);
    uint32_t count = view->blocks.holders;
    struct neap_census_sum *sums = calloc((size_t)count + 1, sizeof(*sums));
    struct neap_arena_age age = {0};
    struct neap_census_sum outside = outside_sum(census);
    size_t span_count, room = 0;
    const struct neap_block_span *spans = neap_block_index_spans(neap_census_index(census), &span_count);
    int error = sums ? neap_arena_age_find(view, &age) : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        for (size_t i = 0; i < span_count; i++)
            if (spans[i].arena < count)
                arena_sum(census, &spans[i], &sums[spans[i].arena]);
        rows->again_known = age.again_known;
        rows->again = age.again;
        error = arena_rows(census, &age, sums, rows, &room);
    }
    if (error == NEAP_OK && neap_census_sum_bytes(&outside))
        error = row_add(rows, &room, "outside of them", &outside);
    free(age.holders);
    free(sums);
    return error;
}

/* --- by owner ---------------------------------------------------------------------------- */

struct owners {
    const neap_census_t *census;
    const neap_referrers_t *referrers;
    neap_owner_paths_t *paths;
    uint32_t *owner_of; /* by ordinal */
    struct neap_census_sum *sums;
    uint32_t sum_room;
    struct neap_py_lens lens;
    uint64_t buffer_bytes;
};

static void buffer_sum(void *context, const struct neap_py_buffer *buffer) {
    if (!buffer->shared)
        ((struct owners *)context)->buffer_bytes += buffer->bytes;
}

/* The owner of the parent, if it is settled. Parents come before their children. */
static uint32_t owner_find(struct owners *owners, uint32_t ordinal) {
    struct neap_referrer parent;
    if (neap_referrers_parent(owners->referrers, ordinal, &parent) && !parent.is_root) {
        uint32_t owner = owners->owner_of[parent.number];
        if (owner != NEAP_OWNER_PATH_NONE && neap_owner_paths_settled(owners->paths, owner))
            return owner;
    }
    return neap_owner_paths_owner(owners->paths, neap_owner_paths_of(owners->paths, ordinal));
}

static bool owner_sum(struct owners *owners, uint32_t owner, const struct neap_py_object *object) {
    if (owner >= owners->sum_room) {
        uint32_t had = owners->sum_room;
        if (!NEAP_ARRAY_RESERVE(owners->sums, owners->sum_room, (uint64_t)owner + 1))
            return false;
        memset(owners->sums + had, 0, (owners->sum_room - had) * sizeof(*owners->sums));
    }
    struct neap_py_measure measure = {0, 0};
    owners->buffer_bytes = 0;
    neap_py_object_measure(&owners->lens, object, &measure, buffer_sum, owners);
    neap_census_sum_add(&owners->sums[owner],
                        &(struct neap_census_sum){.objects = 1,
                                                  .object_bytes = object->block_bytes,
                                                  .buffer_bytes = owners->buffer_bytes,
                                                  .sizeof_bytes = measure.sizeof_bytes});
    return true;
}

static int owners_sum(struct owners *owners) {
    uint32_t count;
    const uint32_t *order = neap_referrers_order(owners->referrers, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct neap_py_object object;
        if (!neap_census_object(owners->census, &owners->lens, order[i], &object))
            continue;
        uint32_t owner = owner_find(owners, order[i]);
        owners->owner_of[order[i]] = owner;
        if (!neap_census_is_fixed(owners->census, order[i]) && !owner_sum(owners, owner, &object))
            return NEAP_ERROR_MEMORY;
    }
    return NEAP_OK;
}

static int rows_by_owner(struct owners *owners, struct neap_census_rows *rows) {
    size_t room = 0;
    int error = owners_sum(owners);
    for (uint32_t i = 0; i < owners->sum_room && error == NEAP_OK; i++) {
        char text[NEAP_OWNER_PATH_TEXT_ROOM] = "unknown";
        if (owners->sums[i].objects == 0)
            continue;
        if (i != NEAP_OWNER_PATH_NONE)
            neap_owner_paths_text(owners->paths, i, text, sizeof(text));
        error = row_add(rows, &room, text, &owners->sums[i]);
    }
    if (rows->count)
        qsort(rows->rows, rows->count, sizeof(*rows->rows), row_compare);
    return error;
}

static int rows_by_owner_make(const neap_census_t *census, const neap_referrers_t *referrers,
                              neap_owner_paths_t *paths, struct neap_census_rows *rows) {
    struct owners *owners = calloc(1, sizeof(*owners));
    int error = NEAP_ERROR_MEMORY;
    if (!owners)
        return error;
    owners->census = census;
    owners->referrers = referrers;
    owners->paths = paths;
    owners->owner_of =
        calloc((size_t)neap_block_index_count(neap_census_index(census)) + 1, sizeof(uint32_t));
    neap_py_lens_init(&owners->lens, neap_census_view(census)->types);
    if (owners->owner_of)
        error = rows_by_owner(owners, rows);
    free(owners->owner_of);
    free(owners->sums);
    free(owners);
    return error;
}

/* --- all ------------------------------------------------------------------------------------ */

int neap_census_rows_make(const neap_census_t *census, enum neap_census_key key,
                          const neap_referrers_t *referrers, neap_owner_paths_t *paths,
                          struct neap_census_rows *rows) {
    int error = NEAP_ERROR_ARGUMENT;
    memset(rows, 0, sizeof(*rows));
    switch (key) {
    case NEAP_CENSUS_TYPE:
        error = rows_by_type(census, rows);
        break;
    case NEAP_CENSUS_SIZE:
        error = rows_by_size(census, rows);
        break;
    case NEAP_CENSUS_ARENA:
        error = rows_by_arena(census, rows);
        break;
    case NEAP_CENSUS_OWNER:
        error = rows_by_owner_make(census, referrers, paths, rows);
        break;
    }
    if (error != NEAP_OK)
        neap_census_rows_clear(rows);
    return error;
}

void neap_census_rows_clear(struct neap_census_rows *rows) {
    for (size_t i = 0; i < rows->count; i++)
        free(rows->rows[i].kind);
    free(rows->rows);
    memset(rows, 0, sizeof(*rows));
}
