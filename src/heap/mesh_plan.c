/* heap/mesh_plan.c */
#include "heap/mesh_plan.h"

#include <assert.h>
#include <string.h>

#include "base/word.h"
#include "heap/occupancy.h"

enum { LEVELS = 256 }; /* of fill, for the order */

/* The order in which spans are placed: the fullest first, equals by number. */
static void order(const struct neap__mesh_span *spans, uint32_t count, uint32_t words, uint32_t *sorted) {
    uint32_t start[LEVELS + 1] = {0}, most = words * 64 / LEVELS + 1;
    for (uint32_t i = 0; i < count; i++)
        start[LEVELS - 1 - spans[i].granules / most + 1]++;
    for (uint32_t level = 1; level <= LEVELS; level++)
        start[level] += start[level - 1];
    for (uint32_t i = 0; i < count; i++)
        sorted[start[LEVELS - 1 - spans[i].granules / most]++] = i;
}

/* The words of the groups that are open: the newest `most`. */
struct opened {
    uint64_t *at;
    uint32_t words, most;
};

static uint64_t *words_of(const struct opened *open, uint32_t group) {
    assert(open->most > 0);
    return open->at + (size_t)(group % open->most) * open->words;
}

/* The newest of `groups` groups that has room for `span`; NEAP_MESH_NO_GROUP if none has. */
static uint32_t find_group(const struct neap__mesh_span *span, uint32_t groups, const struct opened *open) {
    uint32_t oldest = groups > open->most ? groups - open->most : 0;
    for (uint32_t group = groups; group-- > oldest;) {
        if (neap__occupancy_disjoint(span->words, words_of(open, group), open->words))
            return group;
    }
    return NEAP_MESH_NO_GROUP;
}

/* Groups of one are none: the others are numbered anew. */
static uint32_t drop_singles(struct neap__mesh_span *spans, uint32_t count, uint32_t groups,
                             uint32_t *members) {
    uint32_t kept = 0;
    for (uint32_t group = 0; group < groups; group++)
        members[group] = members[group] > 1 ? kept++ : NEAP_MESH_NO_GROUP;
    for (uint32_t i = 0; i < count; i++)
        spans[i].group = members[spans[i].group];
    return kept;
}

uint32_t neap__mesh_plan(struct neap__mesh_span *spans, uint32_t count, uint32_t words,
                         struct neap__mesh_room *room) {
    uint32_t groups = 0, fit = room->open_words / words;
    struct opened open = {
        .at = room->open, .words = words, .most = fit < NEAP_MESH_OPEN ? fit : NEAP_MESH_OPEN};
    assert(count <= NEAP_MESH_SPANS_MAX && words <= NEAP_MESH_WORDS_MAX && fit > 0);
    order(spans, count, words, room->order);
    for (uint32_t n = 0; n < count; n++) {
        struct neap__mesh_span *span = &spans[room->order[n]];
        span->group = find_group(span, groups, &open);
        if (span->group == NEAP_MESH_NO_GROUP) {
            span->group = groups++;
            room->members[span->group] = 0;
            memset(words_of(&open, span->group), 0, words * sizeof(uint64_t));
        }
        uint64_t *together = words_of(&open, span->group);
        for (uint32_t w = 0; w < words; w++)
            together[w] |= span->words[w];
        room->members[span->group]++;
    }
    return drop_singles(spans, count, groups, room->members);
}
