/* heap/mesh_look.c: which slabs may be meshed. */
#include "heap/mesh_state.h"

#include <string.h>

#include "os/memory.h"

/* A page that no block touches and of which the program got a copy of its own gives it back. */
static void drop_copies(neap_heap_t *heap, struct neap__place place, unsigned copies) {
    for (; copies != 0; copies &= copies - 1) {
        struct neap_os_range range = {neap__place_address(heap, place) +
                                          ((size_t)neap_word_lowest(copies) << heap->page_shift),
                                      (size_t)1 << heap->page_shift};
        neap_os_purge(&range, 1);
    }
}

/* Notes a slab that may be meshed, with the granules of its blocks. A page that was written to since the
 * last look would be written to again: it is left for the next look, unless `all` are wanted. */
static void note(neap_heap_t *heap, struct neap__place place, bool all) {
    struct neap__mesh *mesh = heap->mesh;
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint64_t *words = neap__mesh_words_of(heap, mesh->unit_count);
    unsigned may = 0, absent = 0, unused = 0, copied = 0;
    if (neap_os_residence_read(mesh->residence, (uintptr_t)neap__place_address(heap, place), mesh->entries,
                               NEAP_LAYOUT_UNIT_PAGES) != NEAP_OK)
        return;
    neap__occupancy_of_slab(heap, unit, words);
    for (unsigned page = 0; page < NEAP_LAYOUT_UNIT_PAGES; page++) {
        uint64_t entry = mesh->entries[page];
        bool used = neap__occupancy_count(words + (size_t)page * neap__mesh_page_words(heap),
                                          neap__mesh_page_words(heap)) > 0;
        bool own = neap_os_page_present(entry) && neap_os_page_own(entry) && neap_os_page_exclusive(entry);
        unsigned bit = 1u << page;
        bool hot = own && unit->meshed & ~unit->mesh_copied & bit; /* written to since the last look */
        if (own && used && (all || !hot))
            may |= bit;
        if (own && unit->meshed & bit)
            *(used ? &copied : &unused) |= bit;
        if (entry == 0 && !used && (unit->meshed & bit) == 0)
            absent |= bit;
    }
    drop_copies(heap, place, unused);
    neap__mesh_set_copied(heap, unit, copied);
    if (may != 0)
        mesh->units[mesh->unit_count++] = (struct neap__mesh_look){place, (uint16_t)may, (uint16_t)absent, 0};
}

void neap__mesh_look_at(neap_heap_t *heap, uint32_t region, uint32_t *index, bool all) {
    uint32_t top = heap->layout.regions[region].top;
    heap->mesh->unit_count = 0;
    for (; *index < top && heap->mesh->unit_count < NEAP_MESH_UNITS; ++*index) {
        neap__unit_t *unit = neap__unit_at(heap, region, *index);
        if (unit->kind != NEAP_UNIT_SLAB)
            continue;
        if (all || unit->flags & NEAP_UNIT_SETTLED)
            note(heap, (struct neap__place){region, *index}, all);
        unit->flags |= NEAP_UNIT_SETTLED;
    }
}
