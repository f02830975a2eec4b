/* inspect/space/space_change.c: one sweep over both maps. */
#include "inspect/space/space_change.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* One map during the sweep: the current span, which contains or follows the address. */
struct cursor {
    const struct neap_space_map *map;
    size_t next;
};

struct sweep {
    struct neap_space_change *changes;
    size_t count, room;
};

static const struct neap_space_span *span_at(struct cursor *cursor, uint64_t address) {
    const struct neap_space_map *map = cursor->map;
    while (cursor->next < map->span_count && map->spans[cursor->next].end <= address)
        cursor->next++;
    return cursor->next < map->span_count && map->spans[cursor->next].start <= address
               ? &map->spans[cursor->next]
               : NULL;
}

/* The next address at which a span begins or ends. */
static uint64_t edge_after(const struct cursor *cursor, uint64_t address) {
    if (cursor->next >= cursor->map->span_count)
        return UINT64_MAX;
    const struct neap_space_span *span = &cursor->map->spans[cursor->next];
    return span->start > address ? span->start : span->end;
}

static uint64_t resident_of(const struct neap_space_map *map, const struct neap_space_span *span,
                            uint64_t start, uint64_t end) {
    if (!span || start > span->start || end < span->end)
        return span ? neap_space_span_resident(map, span, start, end) : 0;
    return span->resident_bytes; /* all of it, exactly */
}

static bool same_memory(const struct neap_space_span *before, const struct neap_space_span *after) {
    return before && after && before->kind == after->kind && before->start == after->start &&
           before->end == after->end && before->resident_bytes == after->resident_bytes;
}

/* Adds a change; extends the one before if it has the same kinds. */
static bool change_add(struct sweep *sweep, const struct neap_space_change *change) {
    struct neap_space_change *last = sweep->count ? &sweep->changes[sweep->count - 1] : NULL;
    if (last && last->end == change->start && last->before == change->before &&
        last->after == change->after && strcmp(last->label, change->label) == 0) {
        last->end = change->end;
        last->before_resident += change->before_resident;
        last->after_resident += change->after_resident;
        return true;
    }
    if (!NEAP_ARRAY_RESERVE(sweep->changes, sweep->room, sweep->count + 1))
        return false;
    sweep->changes[sweep->count++] = *change;
    return true;
}

static uint64_t difference(const struct neap_space_change *change) {
    return change->after_resident > change->before_resident
               ? change->after_resident - change->before_resident
               : change->before_resident - change->after_resident;
}

static int change_compare(const void *a, const void *b) {
    const struct neap_space_change *left = a, *right = b;
    uint64_t one = difference(left), other = difference(right);
    if (one != other)
        return one < other ? 1 : -1;
    return (left->start > right->start) - (left->start < right->start);
}

/* Removes changes whose bytes are equal before and after. */
static size_t unchanged_drop(struct neap_space_change *changes, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (changes[i].before != changes[i].after || changes[i].before_resident != changes[i].after_resident)
            changes[kept++] = changes[i];
    return kept;
}

int neap_space_changes_find(const struct neap_space_map *before, const struct neap_space_map *after,
                            struct neap_space_change **changes, size_t *count) {
    struct cursor first = {before, 0}, second = {after, 0};
    struct sweep sweep = {0};
    for (uint64_t at = 0; at != UINT64_MAX;) {
        const struct neap_space_span *old = span_at(&first, at), *new = span_at(&second, at);
        uint64_t one = edge_after(&first, at), other = edge_after(&second, at);
        uint64_t end = one < other ? one : other;
        if ((old || new) && !same_memory(old, new)) {
            struct neap_space_change change = {
                .start = at,
                .end = end,
                .before = old ? old->kind : NEAP_SPAN_KINDS,
                .after = new ? new->kind : NEAP_SPAN_KINDS,
                .before_resident = resident_of(before, old, at, end),
                .after_resident = resident_of(after, new, at, end),
                .label = new ? new->label : old->label,
            };
            if (!change_add(&sweep, &change)) {
                free(sweep.changes);
                return NEAP_ERROR_MEMORY;
            }
        }
        at = end;
    }
    sweep.count = unchanged_drop(sweep.changes, sweep.count);
    if (sweep.changes)
        qsort(sweep.changes, sweep.count, sizeof(*sweep.changes), change_compare);
    *changes = sweep.changes;
    *count = sweep.count;
    return NEAP_OK;
}
