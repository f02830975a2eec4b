/* inspect/process/range_index.c: a hash table of granules. */
#include "inspect/process/range_index.h"

#include <stdlib.h>

enum {
    SHIFT_LEAST = 21,        /* 2 MiB; ranges that are near each other are rarely smaller */
    GRANULES_MOST = 1 << 18, /* 8 MiB of slots */
};

static int piece_compare(const void *a, const void *b) {
    const struct neap__range *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static size_t overlaps_drop(struct neap__range *ranges, size_t count) {
    size_t kept = 0;
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].start < end || ranges[i].start >= ranges[i].end)
            continue;
        end = ranges[i].end;
        ranges[kept++] = ranges[i];
    }
    return kept;
}

static uint64_t granules_count(const struct neap__range *ranges, size_t count, unsigned shift) {
    uint64_t granules = 0;
    for (size_t i = 0; i < count; i++)
        granules += ((ranges[i].end - 1) >> shift) - (ranges[i].start >> shift) + 1;
    return granules;
}

static size_t slot_of(const struct neap__range_index *index, uint64_t granule) {
    return (size_t)((granule * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - index->slot_bits));
}

/* The slot of a granule, or the empty slot where it would be. */
static struct neap__range_slot *slot_find(const struct neap__range_index *index, uint64_t granule) {
    size_t mask = ((size_t)1 << index->slot_bits) - 1;
    for (size_t at = slot_of(index, granule);; at = (at + 1) & mask) {
        struct neap__range_slot *slot = &index->slots[at];
        if (slot->granule == granule + 1 || slot->granule == 0)
            return slot;
    }
}

int neap__range_index_build(struct neap__range_index *index, struct neap__range *ranges, size_t count) {
    struct neap__range_index made = {.ranges = ranges, .shift = SHIFT_LEAST, .slot_bits = 4};
    if (count > 0)
        qsort(ranges, count, sizeof(*ranges), piece_compare);
    made.count = overlaps_drop(ranges, count);
    uint64_t granules = granules_count(ranges, made.count, made.shift);
    while (granules > GRANULES_MOST && granules > 4 * made.count)
        granules = granules_count(ranges, made.count, ++made.shift);
    while (((uint64_t)1 << made.slot_bits) < granules * 2)
        made.slot_bits++;
    made.slots = calloc((size_t)1 << made.slot_bits, sizeof(*made.slots));
    if (!made.slots) {
        free(ranges);
        return NEAP_ERROR_MEMORY;
    }
    for (size_t i = 0; i < made.count; i++) {
        for (uint64_t at = ranges[i].start >> made.shift; at <= (ranges[i].end - 1) >> made.shift; at++) {
            struct neap__range_slot *slot = slot_find(&made, at);
            if (slot->granule == 0)
                *slot = (struct neap__range_slot){at + 1, (uint32_t)i};
        }
    }
    *index = made;
    return NEAP_OK;
}

void neap__range_index_clear(struct neap__range_index *index) {
    free(index->ranges);
    free(index->slots);
    *index = (struct neap__range_index){0};
}

const struct neap__range *neap__range_index_find(const struct neap__range_index *index, uint64_t address) {
    if (!index->slots)
        return NULL;
    const struct neap__range_slot *slot = slot_find(index, address >> index->shift);
    if (slot->granule == 0)
        return NULL;
    const struct neap__range *range = &index->ranges[slot->range], *end = index->ranges + index->count;
    while (range < end && range->end <= address)
        range++;
    return range < end && range->start <= address ? range : NULL;
}
