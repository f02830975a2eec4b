/* inspect/objects/arena_age.c: sorts holders by the number of their table entry. */
#include "inspect/objects/arena_age.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_ARENA_INDEX = 32 }; /* pool_header.arenaindex, Objects/obmalloc.c */

struct place {
    uint32_t space, holder;
    uint64_t number;
};

static int place_compare(const void *a, const void *b) {
    const struct place *one = a, *other = b;
    if (one->space != other->space)
        return one->space < other->space ? -1 : 1;
    if (one->number != other->number)
        return one->number < other->number ? -1 : 1;
    return one->holder < other->holder ? -1 : one->holder > other->holder;
}

/* The first pool of an arena is used first and keeps its header, which has the number of the arena. */
static uint64_t arena_number(const struct neap_python_view *view, uint64_t address) {
    uint64_t pool = view->pymalloc.pool_bytes, first = (address + pool - 1) / pool * pool;
    uint32_t number;
    bool read =
        view->memory.read(view->memory.context, first + POOL_ARENA_INDEX, &number, sizeof(number)) == NEAP_OK;
    return read ? number : UINT64_MAX;
}

/* Sums over the tables of all interpreters. Neap's heap does not count this. */
static void again_count(const struct neap_python_view *view, struct neap_arena_age *age) {
    age->again_known = !view->neap && view->pymalloc.space_count > 0;
    for (uint32_t i = 0; i < view->pymalloc.space_count; i++) {
        const struct neap_py_space *space = &view->pymalloc.spaces[i];
        age->again_known &= space->arenas_total > 0 && space->arenas_total >= space->arenas_highwater;
        age->again += space->arenas_total - space->arenas_highwater;
    }
}

int neap_arena_age_find(const struct neap_python_view *view, struct neap_arena_age *age) {
    uint32_t count = view->blocks.holders;
    struct place *places = calloc((size_t)count + 1, sizeof(*places));
    struct neap_arena_age found = {.holders = calloc((size_t)count + 1, sizeof(*found.holders))};
    if (!places || !found.holders) {
        free(places);
        free(found.holders);
        return NEAP_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct neap_block_holder holder;
        if (view->blocks.holder(view->blocks.context, i, &holder) != NEAP_OK)
            continue;
        uint64_t number = view->neap ? holder.address : arena_number(view, holder.address);
        places[found.count++] = (struct place){holder.space, i, number};
    }
    qsort(places, found.count, sizeof(*places), place_compare);
    for (uint32_t i = 0; i < found.count; i++)
        found.holders[i] = places[i].holder;
    again_count(view, &found);
    free(places);
    *age = found;
    return NEAP_OK;
}
