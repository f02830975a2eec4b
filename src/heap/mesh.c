/* heap/mesh.c: starting and ending, books, and when a pass is due. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "heap/mesh_state.h"
#include "heap/purge.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/filter_watch.h"
#include "os/limits.h"
#include "os/memory.h"
#include "os/own_pins.h"
#include "os/page_file.h"

enum {
    /* After news: one that looks, one that meshes, one for what became quiet later. */
    PASSES = NEAP_MESH_PACE(3, INT32_MAX),
    COST_SHARE = NEAP_MESH_PACE(100, 2), /* a pass may cost one part in so many of the time */
    REST_SHARE = 4,    /* a program that uses less than one part in so many of a processor rests */
    UNDONE_SHARE = 4,  /* if more than one page in so many has a copy again, passes are too many */
    MAPPINGS_SHARE = 2 /* of the mappings that a process may have, one part in so many */
};

/* --- starting and ending --- */

static size_t words_bytes(const neap_heap_t *heap) {
    return (size_t)(NEAP_MESH_UNITS + NEAP_MESH_OPEN_UNITS) * neap__mesh_unit_words(heap) * sizeof(uint64_t);
}

static size_t mesh_bytes(void) {
    return neap_word_round_up_size(sizeof(struct neap__mesh), neap_os_page_bytes());
}

int neap__mesh_start(neap_heap_t *heap) {
    void *memory, *words;
    if (heap->strict || heap->page_shift != neap_word_lowest(neap_os_page_bytes()))
        return NEAP_ERROR_SYSTEM;
    if (neap_os_map(mesh_bytes(), &memory) != NEAP_OK)
        return NEAP_ERROR_MEMORY;
    if (neap_os_map(words_bytes(heap), &words) != NEAP_OK) {
        neap_os_release(memory, mesh_bytes());
        return NEAP_ERROR_MEMORY;
    }
    heap->mesh = memory;
    heap->mesh->words = words;
    heap->mesh->room.open = heap->mesh->words + (size_t)NEAP_MESH_UNITS * neap__mesh_unit_words(heap);
    heap->mesh->room.open_words = NEAP_MESH_OPEN_UNITS * neap__mesh_unit_words(heap);
    heap->mesh->lays_max = (uint32_t)(neap_os_mapping_limit() / MAPPINGS_SHARE);
    heap->mesh->file_low = 1;
    if (neap_os_world_open(&heap->mesh->world, false) != NEAP_OK) {
        neap__mesh_end(heap);
        return NEAP_ERROR_MEMORY;
    }
    heap->mesh->world.only_waiting = true;
    heap->layout.mesh_state = NEAP_MESH_ON;
    return NEAP_OK;
}

void neap__mesh_end(neap_heap_t *heap) {
    if (!heap->mesh)
        return;
    neap_os_world_close(&heap->mesh->world);
    neap_os_release(heap->mesh->words, words_bytes(heap));
    neap_os_release(heap->mesh, mesh_bytes());
    heap->mesh = NULL;
}

/* --- books --- */

void neap__mesh_forget(neap_heap_t *heap, uint32_t number) {
    struct neap__mesh_file *file = &heap->mesh->files[number];
    heap->layout.meshed_pages--;
    if (--file->mapped_pages > 0)
        return;
    heap->layout.mesh_file_pages -= file->pages;
    heap->mesh->lays_live -= file->lays;
    *file = (struct neap__mesh_file){0};
    if (number < heap->mesh->file_low)
        heap->mesh->file_low = number;
}

void neap__mesh_set_copied(neap_heap_t *heap, neap__unit_t *unit, unsigned mask) {
    heap->layout.mesh_copied_pages -= neap_word_count(unit->mesh_copied);
    heap->layout.mesh_copied_pages += neap_word_count(mask);
    unit->mesh_copied = (uint16_t)mask;
}

_Noreturn void neap__mesh_die_lost(const void *address) {
    neap__heap_die("the kernel refused to map the memory at %p again that it had unmapped", address);
}

unsigned neap__mesh_lift(neap_heap_t *heap, struct neap__place place, unsigned mask) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    unsigned kept = 0;
    assert((mask & ~(unsigned)unit->meshed) == 0);
    while (mask != 0) {
        unsigned first = neap_word_lowest(mask);
        unsigned length = neap_word_lowest(~((uint64_t)mask >> first));
        unsigned here = ((1u << length) - 1) << first;
        unsigned char *address = neap__place_address(heap, place) + ((size_t)first << heap->page_shift);
        bool lost;
        mask &= ~here;
        if (neap_os_page_file_lift(address, (size_t)length << heap->page_shift, &lost) != NEAP_OK) {
            if (lost)
                neap__mesh_die_lost(address);
            kept |= here;
            continue;
        }
        neap__mesh_set_copied(heap, unit, unit->mesh_copied & ~here);
        unit->meshed = (uint16_t)(unit->meshed & ~here);
        for (unsigned page = first; page < first + length; page++) {
            neap__mesh_forget(heap, neap__mesh_files_of(heap, unit)[page]);
            neap__mesh_files_of(heap, unit)[page] = 0;
        }
    }
    return kept;
}

/* --- passes --- */

/* What forbids a pass, as far as it is known before one. */
static enum neap_os_world_refusal refusal_ahead(void) {
    if (neap_os_filter_is_active()) /* it may end the process for a try */
        return NEAP_OS_WORLD_FILTER;
    return neap_os_descriptor_standard_are_open() ? NEAP_OS_WORLD_FREE : NEAP_OS_WORLD_STREAMS;
}

/* Whether a pass may begin; if not, the layout says why. */
static bool may_pass(neap_heap_t *heap) {
    enum neap_os_world_refusal refusal = refusal_ahead();
    bool pins = refusal == NEAP_OS_WORLD_FREE && neap_os_may_have_pins();
    neap_os_lock(&heap->lock);
    if (heap->layout.mesh_state != NEAP_MESH_REFUSED) {
        if (refusal != NEAP_OS_WORLD_FREE || heap->layout.mesh_refusal == NEAP_OS_WORLD_STREAMS)
            heap->layout.mesh_refusal = refusal;
        heap->layout.mesh_state = refusal == NEAP_OS_WORLD_FILTER ? NEAP_MESH_REFUSED
                                  : pins                          ? NEAP_MESH_PINS
                                                                  : NEAP_MESH_ON;
    }
    bool may = refusal == NEAP_OS_WORLD_FREE && heap->layout.mesh_state == NEAP_MESH_ON;
    neap_os_unlock(&heap->lock);
    return may;
}

static uint64_t pass(neap_heap_t *heap, bool all) {
    uint64_t pages = 0;
    int error = NEAP_OK;
    if (!may_pass(heap) || neap_os_residence_open(getpid(), &heap->mesh->residence) != NEAP_OK)
        return 0;
    heap->mesh->timeouts = 0;
    neap_os_lock(&heap->lock);
    heap->mesh->file_low = 1; /* numbers that came to nothing are free again */
    for (uint32_t n = 0; n < heap->layout.region_count && error == NEAP_OK; n++) {
        for (uint32_t index = 0; index < heap->layout.regions[n].top && error == NEAP_OK;) {
            neap__mesh_look_at(heap, n, &index, all);
            pages += neap__mesh_group_all(heap, &error);
            neap__purge_breathe(heap);
        }
    }
    bool first = !heap->mesh->laid_once && heap->layout.meshed_pages > 0;
    heap->mesh->laid_once |= first;
    neap_os_unlock(&heap->lock);
    neap_os_residence_close(heap->mesh->residence);
    if (first)
        neap_os_page_file_into_cores();
    return pages;
}

uint64_t neap__mesh_pass(neap_heap_t *heap, bool all) {
    if (!heap->mesh || __atomic_exchange_n(&heap->mesh->busy, true, __ATOMIC_ACQUIRE))
        return 0;
    uint64_t pages = pass(heap, all);
    __atomic_store_n(&heap->mesh->busy, false, __ATOMIC_RELEASE);
    return pages << heap->page_shift;
}

void neap__mesh_forked(neap_heap_t *heap) {
    if (heap->mesh)
        heap->mesh->busy = false;
}

/* After a pass, with the lock: the next one is sooner where much came of it, later where writes undid it. */
static void adapt(neap_heap_t *heap, uint64_t freed_pages, uint32_t cost_ms) {
    struct neap__mesh *mesh = heap->mesh;
    bool undone = heap->layout.mesh_copied_pages > heap->layout.meshed_pages / UNDONE_SHARE;
    if (freed_pages >= NEAP_MESH_PAGES_MIN && !undone)
        mesh->interval_ms = NEAP_MESH_LOOK_MS;
    else if (mesh->interval_ms < NEAP_MESH_LOOK_MS_MAX)
        mesh->interval_ms *= 2;
    uint32_t wait_ms = mesh->interval_ms > cost_ms * COST_SHARE ? mesh->interval_ms : cost_ms * COST_SHARE;
    mesh->next_ms = neap__heap_ms(heap) + wait_ms;
    if (heap->layout.meshed_pages == 0) /* else what is written to gets copies, as time goes by */
        mesh->passes_left--;
}

/* What was given back since the last pass tells that much was freed: then sparse pages are left. With the
 * lock. */
static void sooner_after_a_burst(neap_heap_t *heap, uint32_t now_ms) {
    struct neap__mesh *mesh = heap->mesh;
    if (mesh->interval_ms != 0 && heap->layout.purged_pages - mesh->purged_pages < NEAP_MESH_PAGES_MIN)
        return;
    mesh->purged_pages = heap->layout.purged_pages;
    mesh->interval_ms = NEAP_MESH_LOOK_MS;
    if (mesh->next_ms > now_ms + NEAP_MESH_LOOK_MS)
        mesh->next_ms = now_ms + NEAP_MESH_LOOK_MS;
}

/* Whether the program has used little processor time since the last call: it writes little then, and does not
 * wait for the stops. */
static bool is_resting(struct neap__mesh *mesh) {
    uint64_t now_ns = neap_os_now_ns(), ran_ns = neap_os_others_cpu_ns();
    uint64_t used_ns = ran_ns > mesh->ran_ns ? ran_ns - mesh->ran_ns : 0; /* a forked child begins at 0 */
    bool rests = mesh->asked_ns != 0 && used_ns * REST_SHARE < now_ns - mesh->asked_ns;
    mesh->asked_ns = now_ns;
    mesh->ran_ns = ran_ns;
    return rests;
}

/* Puts a pass off that is due, for at most NEAP_MESH_BUSY_MS, while the program is busy. */
static bool put_off(struct neap__mesh *mesh, uint32_t now_ms) {
    if (is_resting(mesh) || now_ms - mesh->passed_ms >= NEAP_MESH_BUSY_MS)
        return false;
    mesh->next_ms = now_ms + NEAP_MESH_LOOK_MS;
    return true;
}

/* Whether there is a pass to wait for. Lock held. */
static bool is_wanted(neap_heap_t *heap, bool news, uint32_t now_ms) {
    struct neap__mesh *mesh = heap->mesh;
    if (heap->layout.mesh_state == NEAP_MESH_REFUSED)
        return false;
    if (news)
        mesh->passes_left = PASSES;
    if (mesh->passes_left == 0 || heap->layout.resident_pages < NEAP_MESH_HEAP_PAGES_MIN)
        return false;
    sooner_after_a_burst(heap, now_ms);
    return true;
}

uint32_t neap__mesh_step(neap_heap_t *heap, bool news) {
    struct neap__mesh *mesh = heap->mesh;
    uint32_t now_ms = neap__heap_ms(heap);
    if (!mesh)
        return 0;
    neap_os_lock(&heap->lock);
    bool wanted = is_wanted(heap, news, now_ms);
    neap_os_unlock(&heap->lock);
    if (!wanted)
        return 0;
    if (now_ms >= mesh->next_ms && !put_off(mesh, now_ms)) {
        mesh->passed_ms = now_ms;
        uint64_t pages = neap__mesh_pass(heap, NEAP_MESH_PACE(false, true)) >> heap->page_shift;
        neap_os_lock(&heap->lock);
        adapt(heap, pages, neap__heap_ms(heap) - now_ms);
        neap_os_unlock(&heap->lock);
        now_ms = neap__heap_ms(heap);
    }
    if (mesh->passes_left == 0)
        return 0;
    return mesh->next_ms > now_ms ? mesh->next_ms - now_ms : 1;
}
