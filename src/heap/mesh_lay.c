/* heap/mesh_lay.c: laying spans on one another, while the threads are stopped. */
#include "heap/mesh_state.h"

#include <string.h>

#include "heap/purge.h"
#include "os/clock.h"
#include "os/page_file.h"

enum {
    ACT_NS = 500000,  /* no further file is begun after that */
    STOP_US = 5000,   /* threads that have not stopped by then go on, and nothing is meshed */
    TIMEOUTS_MAX = 16 /* in a pass */
};

static unsigned char *address_of(const neap_heap_t *heap, const struct neap__mesh_lay *lay) {
    return neap__place_address(heap, heap->mesh->units[lay->unit].place) +
           ((size_t)lay->page << heap->page_shift);
}

static const uint64_t *lay_words(const neap_heap_t *heap, const struct neap__mesh_lay *lay) {
    return neap__mesh_words_of(heap, lay->unit) + (size_t)lay->page * neap__mesh_page_words(heap);
}

/* Lays one span. If the system refuses, its blocks are put back into the private memory there. */
static void lay_one(struct neap__mesh_work *work, const struct neap_os_page_file *file,
                    struct neap__mesh_lay *lay) {
    uint32_t bytes = work->level->pages << work->heap->page_shift;
    unsigned char *address = address_of(work->heap, lay);
    bool lost;
    lay->begun = true; /* first, because this task may be killed at any point */
    work->error = neap_os_page_file_lay(file, lay->offset, bytes, address, &lost);
    if (lost)
        work->lost = address;
    else if (work->error != NEAP_OK)
        neap__occupancy_copy(address, file->view + lay->offset, lay_words(work->heap, lay),
                             neap__occupancy_words(bytes));
}

/* Makes the file of one part, and lays its spans. */
static void act_on(struct neap__mesh_work *work, const struct neap__mesh_part *part) {
    struct neap__mesh_lay *lays = work->heap->mesh->lays;
    const uint32_t *order = work->order + part->first;
    uint32_t bytes = work->level->pages << work->heap->page_shift;
    struct neap_os_page_file file;
    work->error = neap_os_page_file_begin((size_t)part->groups * bytes, &file);
    if (work->error != NEAP_OK)
        return;
    for (uint32_t i = 0; i < part->count; i++) {
        struct neap__mesh_lay *lay = &lays[order[i]];
        neap__occupancy_copy(file.view + lay->offset, address_of(work->heap, lay), lay_words(work->heap, lay),
                             neap__occupancy_words(bytes));
    }
    for (uint32_t i = 0; i < part->count && work->error == NEAP_OK; i++)
        lay_one(work, &file, &lays[order[i]]);
    neap_os_page_file_end(&file);
}

/* Runs while all other threads are stopped: system calls and copies only. */
static void act(void *context) {
    struct neap__mesh_work *work = context;
    uint64_t start_ns = neap_os_now_ns();
    while (work->parts_done < work->part_count && work->error == NEAP_OK &&
           neap_os_now_ns() - start_ns < ACT_NS) {
        act_on(work, &work->parts[work->parts_done]);
        work->parts_done++;
    }
}

/* After a span was laid, or perhaps: its pages are in memory as far as the books go, and meshed. Returns how
 * many were in memory before. */
static uint32_t book(neap_heap_t *heap, const struct neap__mesh_level *level,
                     const struct neap__mesh_lay *lay, uint32_t number) {
    struct neap__mesh_look *look = &heap->mesh->units[lay->unit];
    neap__unit_t *unit = neap__place_unit(heap, look->place);
    unsigned mask = neap__mesh_span_mask(level, lay->page), fresh = mask & ~(unsigned)unit->resident;
    for (uint32_t page = lay->page; page < lay->page + level->pages; page++) {
        uint16_t *file = &neap__mesh_files_of(heap, unit)[page];
        if (*file != 0)
            neap__mesh_forget(heap, *file);
        *file = (uint16_t)number;
    }
    unit->resident = (uint16_t)(unit->resident | mask);
    unit->purged = (uint16_t)(unit->purged & ~mask);
    neap__mesh_set_copied(heap, unit, unit->mesh_copied & ~mask);
    unit->meshed = (uint16_t)(unit->meshed | mask);
    look->taken = (uint16_t)(look->taken | mask);
    heap->layout.resident_pages += neap_word_count(fresh);
    heap->mesh->files[number].mapped_pages += level->pages;
    heap->layout.meshed_pages += level->pages;
    return neap_word_count(look->may & mask);
}

/* Reads one span of each group: the kernel then counts the pages of the file as this process's. */
static void map_once(const struct neap__mesh_work *work, const struct neap__mesh_part *part) {
    const struct neap__mesh *mesh = work->heap->mesh;
    size_t page = (size_t)1 << work->heap->page_shift;
    for (uint32_t i = part->first; i < part->first + part->count; i++) {
        const struct neap__mesh_lay *lay = &mesh->lays[work->order[i]];
        bool first = i == part->first || lay->offset != mesh->lays[work->order[i - 1]].offset;
        if (!lay->begun || !first)
            continue;
        for (uint32_t n = 0; n < work->level->pages; n++)
            (void)*(volatile unsigned char *)(address_of(work->heap, lay) + n * page);
    }
}

/* Books what was done of a part. Returns the pages that became free. */
static uint32_t settle(struct neap__mesh_work *work, const struct neap__mesh_part *part) {
    neap_heap_t *heap = work->heap;
    struct neap__mesh_file *file = &heap->mesh->files[part->number];
    uint32_t before = 0, after = 0;
    uint32_t held[NEAP_MESH_FILE_PAGES] = {0};
    for (uint32_t i = part->first; i < part->first + part->count; i++) {
        const struct neap__mesh_lay *lay = &heap->mesh->lays[work->order[i]];
        if (!lay->begun)
            continue;
        uint32_t may = heap->mesh->units[lay->unit].may & neap__mesh_span_mask(work->level, lay->page);
        held[(lay->offset >> heap->page_shift) / work->level->pages] |= may >> lay->page;
        before += book(heap, work->level, lay, part->number);
        file->lays++;
    }
    for (uint32_t i = 0; i < NEAP_MESH_FILE_PAGES; i++)
        after += neap_word_count(held[i]);
    file->pages = after;
    heap->mesh->lays_live += file->lays;
    heap->layout.mesh_file_pages += after;
    map_once(work, part);
    return before > after ? before - after : 0;
}

/* Whether the slabs of all spans are as they were when they were looked at. Lock held. */
static bool still_settled(const struct neap__mesh_work *work) {
    for (uint32_t i = 0; i < work->count; i++) {
        const struct neap__mesh_lay *lay = &work->heap->mesh->lays[work->order[i]];
        struct neap__place place = work->heap->mesh->units[lay->unit].place;
        if (place.index >= work->heap->layout.regions[place.region].top ||
            (neap__place_unit(work->heap, place)->flags & NEAP_UNIT_SETTLED) == 0)
            return false;
    }
    return true;
}

/* The threads of this process cannot be stopped. Where that will not pass, it is not tried again. */
static void refused(neap_heap_t *heap) {
    enum neap_os_world_refusal refusal = heap->mesh->world.refusal;
    bool may_pass = refusal == NEAP_OS_WORLD_TRACED || refusal == NEAP_OS_WORLD_UNDUMPABLE ||
                    refusal == NEAP_OS_WORLD_IDENTITY || refusal == NEAP_OS_WORLD_TASKS ||
                    refusal == NEAP_OS_WORLD_THREADS;
    heap->layout.mesh_refusal = refusal;
    if (!may_pass)
        heap->layout.mesh_state = NEAP_MESH_REFUSED;
}

static void note_stop(neap_heap_t *heap, uint64_t ns) {
    heap->layout.mesh_stops++;
    heap->layout.mesh_stop_ns += ns;
    if (ns > heap->layout.mesh_stop_most_ns)
        heap->layout.mesh_stop_most_ns = ns;
}

/* Stops the threads once. Returns the pages that became free. */
static uint32_t lay_some(struct neap__mesh_work *work, int *error) {
    neap_heap_t *heap = work->heap;
    uint32_t freed = 0, from = work->parts_done;
    struct neap_os_world_figures figures = {0};
    *error = neap_os_world_stop(&heap->mesh->world, STOP_US, act, work, &figures);
    if (*error == NEAP_OK)
        note_stop(heap, figures.stopped_ns);
    if (work->lost)
        neap__mesh_die_lost(work->lost);
    if (*error == NEAP_ERROR_PERMISSION)
        refused(heap);
    if (*error == NEAP_OK)
        heap->layout.mesh_refusal = NEAP_OS_WORLD_FREE;
    if (*error == NEAP_ERROR_PROCESS && work->parts_done < work->part_count)
        work->parts_done++; /* killed while it was at this one: the lays that it began are noted */
    for (uint32_t i = from; i < work->parts_done; i++)
        freed += settle(work, &work->parts[i]);
    if (*error == NEAP_OK)
        *error = work->error;
    return freed;
}

uint32_t neap__mesh_lay_all(struct neap__mesh_work *work, int *error) {
    neap_heap_t *heap = work->heap;
    struct neap__mesh *mesh = heap->mesh;
    uint32_t freed = 0;
    if (work->count > 0 && mesh->lays_live + work->count <= mesh->lays_max && still_settled(work)) {
        for (uint32_t i = 0; i < work->count; i++)
            mesh->lays[work->order[i]].begun = false;
        work->error = NEAP_OK;
        work->parts_done = 0;
        do {
            freed += lay_some(work, error);
        } while (*error == NEAP_OK && work->parts_done < work->part_count);
        if (*error == NEAP_ERROR_TIMEOUT && ++mesh->timeouts < TIMEOUTS_MAX)
            *error = NEAP_OK; /* a thread was busy in the kernel, or the machine is: the next may do */
    }
    work->count = work->part_count = 0;
    neap__purge_breathe(heap);
    return freed;
}
