/* heap/large_block.c */
#include "heap/large_block.h"

#include <string.h>

#include "heap/hardened.h"
#include "heap/mapped_run.h"
#include "heap/purge.h"
#include "heap/run.h"

/* A large block in use, found. */
struct found {
    void *address;
    size_t bytes; /* with the page without access */
    struct neap__place place;
    neap__unit_t *unit;                    /* of a run in a region; else NULL */
    struct neap_layout_mapped_run *mapped; /* of a mapped run; else NULL */
};

/* --- finding --- */

static _Noreturn void die_not_in_use(const void *block) {
    neap__heap_die("free of %p: no block in use is there, it was freed before or never handed out", block);
}

static _Noreturn void die_inside(const void *block, const void *start, size_t bytes) {
    neap__heap_die("free of %p: inside block %p (%zu bytes), not its start", block, start, bytes);
}

/* The large block in use that `pointer` lies in; false if there is none. */
static bool find(const neap_heap_t *heap, const void *pointer, struct found *f) {
    *f = (struct found){0};
    if (!neap__region_find(heap, pointer, &f->place)) {
        f->mapped = neap__mapped_find(heap, pointer);
        if (!f->mapped || f->mapped->run_bytes == 0)
            return false;
        f->address = (void *)(uintptr_t)f->mapped->address;
        f->bytes = (size_t)f->mapped->run_bytes;
        return true;
    }
    if (f->place.index >= heap->layout.regions[f->place.region].top)
        return false;
    f->unit = neap__place_unit(heap, f->place);
    if (f->unit->kind == NEAP_UNIT_RUN_TAIL) {
        f->place.index -= f->unit->run_units;
        f->unit = neap__place_unit(heap, f->place);
    }
    f->address = neap__place_address(heap, f->place);
    f->bytes = f->unit->kind == NEAP_UNIT_RUN ? neap__run_bytes(heap, f->place) : 0;
    return f->unit->kind == NEAP_UNIT_RUN;
}

/* --- the page without access --- */

static bool is_fenced(const struct found *f) {
    return f->mapped ? f->mapped->fenced != 0 : (f->unit->flags & NEAP_UNIT_FENCED) != 0;
}

static void set_fenced(const struct found *f, bool fenced) {
    if (f->mapped)
        f->mapped->fenced = fenced;
    else if (fenced)
        f->unit->flags |= NEAP_UNIT_FENCED;
    else
        f->unit->flags = (uint8_t)(f->unit->flags & ~NEAP_UNIT_FENCED);
}

static size_t usable_bytes(const neap_heap_t *heap, const struct found *f) {
    return is_fenced(f) ? f->bytes - ((size_t)1 << heap->page_shift) : f->bytes;
}

/* Takes access from the last page of a run. If the system refuses, the page is part of the block. */
static void fence(neap_heap_t *heap, const void *block) {
    struct found f;
    if (find(heap, block, &f) && neap__hardened_fence(heap, f.address, f.bytes))
        set_fenced(&f, true);
}

/* Gives access back. Where the system refuses for want of memory, a purge may help it; *f is found again
 * then. False if not: the run must then stay as it is. */
static bool unfence(neap_heap_t *heap, struct found *f) {
    if (!is_fenced(f))
        return true;
    if (!neap__hardened_unfence(heap, f->address, f->bytes)) {
        const void *block = f->address;
        neap__purge_all(heap, NEAP_PURGE_LIMIT);
        find(heap, block, f); /* entries of mapped runs move in a purge */
        if (!neap__hardened_unfence(heap, f->address, f->bytes))
            return false;
    }
    set_fenced(f, false);
    return true;
}

/* --- the life of a block --- */

void *neap__large_alloc(neap_heap_t *heap, size_t bytes, bool *zero) {
    size_t fence_bytes = neap__hardened_fence_bytes(heap);
    if (bytes > SIZE_MAX - fence_bytes)
        return NULL;
    bytes += fence_bytes;
    void *block = bytes >= NEAP_MAPPED_BYTES_MIN ? neap__mapped_alloc(heap, bytes, zero) : NULL;
    if (!block)
        block = neap__run_alloc(heap, bytes, bytes, zero);
    if (block && fence_bytes != 0)
        fence(heap, block);
    return block;
}

/* Frees a block that was found. In a hardened heap its contents go first. A run whose last page
 * stays without access cannot be used again: it stays taken. */
static void end(neap_heap_t *heap, struct found *f) {
    if (!unfence(heap, f))
        return;
    if (heap->hardened)
        neap__hardened_wipe(f->address, f->mapped ? (size_t)f->mapped->touched_bytes : f->bytes);
    if (f->mapped)
        neap__mapped_free(heap, f->mapped);
    else
        neap__run_free(heap, f->place);
}

bool neap__large_free(neap_heap_t *heap, void *block) {
    struct found f;
    bool in_use = find(heap, block, &f);
    if (!in_use && !f.mapped && !neap__region_find(heap, block, &f.place))
        return false;
    if (!in_use)
        die_not_in_use(block);
    if (f.address != block)
        die_inside(block, f.address, usable_bytes(heap, &f));
    end(heap, &f);
    return true;
}

size_t neap__large_bytes(const neap_heap_t *heap, const void *block) {
    struct found f;
    return find(heap, block, &f) && f.address == block ? usable_bytes(heap, &f) : 0;
}

/* In a hardened heap a run of a region is copied when it grows, so that what it leaves is wiped. */
static void *hardened_move_out(neap_heap_t *heap, struct found *f, size_t bytes) {
    size_t has = usable_bytes(heap, f), fence_bytes = neap__hardened_fence_bytes(heap);
    if (bytes < has || bytes < NEAP_MAPPED_BYTES_GROWN || bytes > SIZE_MAX - fence_bytes)
        return NULL;
    void *fresh = neap__mapped_alloc(heap, bytes + fence_bytes, NULL);
    if (!fresh)
        return NULL;
    if (fence_bytes != 0)
        fence(heap, fresh);
    memcpy(fresh, f->address, has);
    end(heap, f);
    return fresh;
}

static void *hardened_resize(neap_heap_t *heap, struct found *f, size_t bytes) {
    if (f->unit)
        return hardened_move_out(heap, f, bytes);
    bool fenced = is_fenced(f);
    size_t fence_bytes = fenced ? (size_t)1 << heap->page_shift : 0;
    if (bytes > SIZE_MAX - fence_bytes || !unfence(heap, f))
        return NULL;
    void *address = f->address, *moved = neap__mapped_resize(heap, f->mapped, bytes + fence_bytes);
    if (fenced)
        fence(heap, moved ? moved : address);
    return moved;
}

void *neap__large_resize(neap_heap_t *heap, void *block, size_t bytes) {
    struct found f;
    if (!find(heap, block, &f) || f.address != block)
        return NULL;
    if (heap->hardened)
        return hardened_resize(heap, &f, bytes);
    return f.mapped ? neap__mapped_resize(heap, f.mapped, bytes) : neap__run_resize(heap, f.place, bytes);
}
