/* heap/mesh_group.c: what is laid on what. */
#include "heap/mesh_state.h"

#include <string.h>

/* The spans that are tried, the longest first. What is laid in long spans is lost to shorter ones, on which
 * more fits: so a group of long spans must free nearly all that it holds. */
static const struct neap__mesh_level levels[] = {{16, 8, 6}, {4, 4, 5}, {1, 2, 2}};

/* A number for a file; 0 if all are in use. */
static uint32_t file_number(struct neap__mesh *mesh) {
    for (uint32_t n = mesh->file_low; n <= NEAP_MESH_FILES_MAX; n++) {
        if (mesh->files[n].mapped_pages == 0) {
            mesh->file_low = n + 1;
            return n;
        }
    }
    return 0;
}

/* The spans of a level that may be grouped. Returns how many. */
static uint32_t collect(neap_heap_t *heap, const struct neap__mesh_level *level) {
    struct neap__mesh *mesh = heap->mesh;
    uint32_t count = 0, words = level->pages * neap__mesh_page_words(heap);
    for (uint32_t u = 0; u < mesh->unit_count; u++) {
        struct neap__mesh_look *unit = &mesh->units[u];
        for (uint32_t page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page += level->pages) {
            unsigned mask = neap__mesh_span_mask(level, page);
            if (mask & unit->taken || mask & ~(unsigned)(unit->may | unit->absent) || !(mask & unit->may))
                continue;
            const uint64_t *at = neap__mesh_words_of(heap, u) + (size_t)page * neap__mesh_page_words(heap);
            uint32_t granules = neap__occupancy_count(at, words);
            if (granules * level->fill_share > words * 64)
                continue;
            mesh->spans[count] = (struct neap__mesh_span){.words = at, .granules = granules};
            mesh->lays[count++] = (struct neap__mesh_lay){.unit = u, .page = page};
        }
    }
    return count;
}

/* The spans of one group come together, in the order of groups: by counting, in place of `order`. */
static void sort_by_group(struct neap__mesh *mesh, uint32_t count, uint32_t groups, uint32_t *first) {
    memset(first, 0, (groups + 1) * sizeof(*first));
    for (uint32_t i = 0; i < count; i++) {
        if (mesh->spans[i].group != NEAP_MESH_NO_GROUP)
            first[mesh->spans[i].group + 1]++;
    }
    for (uint32_t g = 0; g < groups; g++)
        first[g + 1] += first[g];
    for (uint32_t i = 0; i < count; i++) {
        if (mesh->spans[i].group != NEAP_MESH_NO_GROUP)
            mesh->room.order[first[mesh->spans[i].group]++] = i;
    }
}

/* Whether as many of the pages that these spans hold would become free as the level wants. */
static bool is_worth_it(const neap_heap_t *heap, const struct neap__mesh_level *level,
                        const uint32_t *members, uint32_t count) {
    const struct neap__mesh *mesh = heap->mesh;
    uint32_t held = 0, before = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct neap__mesh_lay *lay = &mesh->lays[members[i]];
        uint32_t may = mesh->units[lay->unit].may & neap__mesh_span_mask(level, lay->page);
        held |= may >> lay->page;
        before += neap_word_count(may);
    }
    return count > 1 && neap_word_count(held) * level->kept_share <= before;
}

/* Adds spans that go on one another to the work, in a file with others if there is room. False if the
 * work is full. */
static bool add(struct neap__mesh_work *work, const uint32_t *members, uint32_t count) {
    struct neap__mesh *mesh = work->heap->mesh;
    uint32_t span_bytes = work->level->pages << work->heap->page_shift;
    if (work->count + count > NEAP_MESH_LAYS_A_STOP)
        return false;
    struct neap__mesh_part *part = work->part_count > 0 ? &work->parts[work->part_count - 1] : NULL;
    if (!part || (part->groups + 1) * work->level->pages > NEAP_MESH_FILE_PAGES) {
        uint32_t number = work->part_count < NEAP_MESH_FILES_A_STOP ? file_number(mesh) : 0;
        if (number == 0)
            return false;
        part = &work->parts[work->part_count++];
        *part = (struct neap__mesh_part){.first = work->count, .number = number};
    }
    for (uint32_t i = 0; i < count; i++) {
        mesh->lays[members[i]].offset = part->groups * span_bytes;
        mesh->chosen[work->count++] = members[i];
    }
    part->count += count;
    part->groups++;
    return true;
}

/* Meshes the groups of a plan. Returns the pages that became free. */
static uint32_t mesh_groups(neap_heap_t *heap, const struct neap__mesh_level *level, uint32_t groups,
                            const uint32_t *ends, int *error) {
    struct neap__mesh *mesh = heap->mesh;
    uint32_t freed = 0;
    struct neap__mesh_work work = {.heap = heap, .level = level, .order = mesh->chosen};
    for (uint32_t g = 0, at = 0; g < groups && *error == NEAP_OK; g++) {
        while (at < ends[g] && *error == NEAP_OK) {
            uint32_t count = ends[g] - at < NEAP_MESH_LAYS_A_STOP ? ends[g] - at : NEAP_MESH_LAYS_A_STOP;
            const uint32_t *members = mesh->room.order + at;
            at += count;
            if (!is_worth_it(heap, level, members, count) || add(&work, members, count))
                continue;
            freed += neap__mesh_lay_all(&work, error);
            if (*error == NEAP_OK && !add(&work, members, count))
                return freed; /* there are as many files as there may be */
        }
    }
    return freed + (*error == NEAP_OK ? neap__mesh_lay_all(&work, error) : 0);
}

uint32_t neap__mesh_group_all(neap_heap_t *heap, int *error) {
    struct neap__mesh *mesh = heap->mesh;
    uint32_t freed = 0;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && *error == NEAP_OK; i++) {
        uint32_t count = collect(heap, &levels[i]);
        if (count < 2)
            continue;
        uint32_t words = levels[i].pages * neap__mesh_page_words(heap);
        neap_os_unlock(&heap->lock); /* mesh_lay.c sees what changes meanwhile */
        uint32_t groups = neap__mesh_plan(mesh->spans, count, words, &mesh->room);
        neap_os_lock(&heap->lock);
        sort_by_group(mesh, count, groups, mesh->room.members);
        freed += mesh_groups(heap, &levels[i], groups, mesh->room.members, error);
    }
    return freed;
}
