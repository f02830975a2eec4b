/* heap/wired.c */
#include "heap/wired.h"

#include "heap/purge.h"
#include "heap/region.h"
#include "os/memory.h"

/* Bytes of the structs of `count` units, in whole pages. */
static size_t structs_bytes(const neap_heap_t *heap, const struct neap_layout_region *public,
                            uint32_t count) {
    return neap_word_round_up_size((size_t)count * public->unit_stride, (size_t)1 << heap->page_shift);
}

/* Takes access from the units above the top and from their structs. If the system refuses, they stay
 * committed, or the next commit makes the rest accessible again. */
static void uncommit(neap_heap_t *heap, uint32_t number) {
    struct neap_layout_region *public = &heap->layout.regions[number];
    const struct neap__region *r = &heap->regions[number];
    uint32_t top = public->top, committed = public->committed;
    size_t structs = structs_bytes(heap, public, top), all = structs_bytes(heap, public, committed);
    if (top == committed || neap_os_forbid(r->base + ((size_t)top << heap->unit_shift),
                                           (size_t)(committed - top) << heap->unit_shift) != NEAP_OK)
        return;
    public->committed = top;
    if (all > structs)
        (void)neap_os_forbid(r->units + structs, all - structs);
}

void neap__wired_before(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    neap__purge_all(heap, NEAP_PURGE_TRIM);
    for (uint32_t n = 0; n < heap->layout.region_count; n++)
        if (heap->regions[n].base)
            uncommit(heap, n);
    neap_os_unlock(&heap->lock);
}

static void let_go(unsigned char *from, const unsigned char *to) {
    if (from < to)
        neap_os_let_go(from, (size_t)(to - from));
}

/* Lets go of what is reserved, and of the bits and the class map of units that are not committed. The reserve
 * would count against a limit of the user that the program becomes. */
static void loosen(neap_heap_t *heap, uint32_t number) {
    const struct neap_layout_region *public = &heap->layout.regions[number];
    const struct neap__region *r = &heap->regions[number];
    uintptr_t page = (uintptr_t)1 << heap->page_shift;
    uint32_t count = public->committed;
    unsigned char *bits = (unsigned char *)neap__bits_at(r, (count + 63) / 64);
    let_go(r->maps, bits - ((uintptr_t)bits & (page - 1)));
    let_go(r->maps + neap_word_round_up_size((size_t)(r->class_map + count - r->maps), page), r->base);
    let_go(r->base + ((size_t)count << heap->unit_shift), r->base + r->span_bytes);
    let_go(r->units + structs_bytes(heap, public, count),
           r->units + structs_bytes(heap, public, public->unit_count));
}

void neap__wired_after(neap_heap_t *heap, bool future) {
    neap_os_lock(&heap->lock);
    heap->wired = future; /* the last call counts, for the kernel too */
    for (uint32_t n = 0; n < heap->layout.region_count; n++)
        if (heap->regions[n].base)
            loosen(heap, n);
    neap_os_unlock(&heap->lock);
}

void neap__wired_over(neap_heap_t *heap) {
    heap->wired = false;
}
