/* heap/guard.c: red zones, trailers and the quarantine. */
#include "heap/guard.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "heap/purge.h"
#include "heap/run.h"
#include "heap/slab.h"
#include "os/memory.h"

enum {
    RED_BYTES = 16,     /* least length of the red zone, without the trailer */
    TRAILER_BYTES = 16, /* sizeof(struct trailer) */
    RED_FILL = 0xfb,
    FREED_FILL = 0xdd,
    FRESH_FILL = 0xcd, /* contents of a new block; neither zero nor FREED_FILL */
    QUARANTINE_BLOCKS = 4096,
    QUARANTINE_BYTES = 16 << 20
};

/* States, xor the address of the block, so that a copied trailer is not valid. */
#define STATE_LIVE  UINT64_C(0x4c4956456e656170)
#define STATE_FREED UINT64_C(0x465245456e656170)

struct trailer {
    uint64_t state;
    uint64_t asked; /* bytes that the program asked for */
};

_Static_assert(sizeof(struct trailer) == TRAILER_BYTES, "trailer");

/* The quarantine: a ring of freed blocks, the oldest at `first`. */
struct neap__guard {
    uint32_t first, count;
    size_t bytes;
    void *blocks[QUARANTINE_BLOCKS];
};

/* The block that contains an address. */
struct found {
    struct neap__place place;
    unsigned char *start;
    size_t usable; /* bytes, with red zone and trailer */
    bool used;     /* false: no block is in use there */
};

static size_t guard_bytes(void) {
    return (size_t)neap_word_round_up(sizeof(struct neap__guard), neap_os_page_bytes());
}

int neap__guard_start(neap_heap_t *heap) {
    void *memory;
    int error = neap_os_reserve(guard_bytes(), neap_os_page_bytes(), &memory);
    if (error != NEAP_OK)
        return error;
    error = neap_os_commit(memory, guard_bytes());
    if (error != NEAP_OK) {
        neap_os_release(memory, guard_bytes());
        return error;
    }
    heap->guard = memory;
    return NEAP_OK;
}

static struct trailer *trailer_of(const struct found *f) {
    return (struct trailer *)(void *)(f->start + f->usable - TRAILER_BYTES);
}

/* Writes "block 0x... (size class 80", with the class that serves `asked` bytes. The caller adds
 * the closing bracket, because some callers add more before it. */
static const char *describe(const neap_heap_t *heap, const struct found *f, size_t asked, char *text,
                            size_t size) {
    if (asked <= NEAP_CLASS_BYTES_MAX)
        snprintf(text, size, "block %p (size class %u", (void *)f->start,
                 heap->classes[neap__heap_class(heap, asked != 0 ? asked : 1)].block_bytes);
    else
        snprintf(text, size, "block %p (run of %zu pages", (void *)f->start, f->usable >> heap->page_shift);
    return text;
}

/* Finds the block that contains `pointer`. False if it lies in no region. */
static bool find(const neap_heap_t *heap, const void *pointer, struct found *f) {
    if (!neap__region_find(heap, pointer, &f->place))
        return false;
    uint32_t class_index = heap->regions[f->place.region].class_map[f->place.index];
    f->used = false;
    f->start = (unsigned char *)(uintptr_t)pointer;
    if (f->place.index >= heap->layout.regions[f->place.region].top)
        return true;
    neap__unit_t *unit = neap__place_unit(heap, f->place);
    if (class_index != 0) {
        const struct neap__size_class *c = &heap->classes[class_index];
        unsigned char *slab = neap__place_address(heap, f->place);
        uint32_t index = neap__size_class_index(c, (uint32_t)((const unsigned char *)pointer - slab));
        if (index >= c->slab_blocks)
            return true;
        f->start = slab + neap__size_class_offset(c, index);
        f->usable = c->block_bytes;
        f->used = neap__slab_holds(heap, f->place, f->start, &index);
        return true;
    }
    if (unit->kind == NEAP_UNIT_RUN_TAIL) {
        f->place.index -= unit->run_units;
        unit = neap__place_unit(heap, f->place);
    }
    if (unit->kind == NEAP_UNIT_RUN) {
        f->start = neap__place_address(heap, f->place);
        f->usable = neap__run_bytes(heap, f->place);
        f->used = true;
    }
    return true;
}

/* Ends the process unless the red zone and the trailer of a live block are unchanged. */
static void verify_end(const neap_heap_t *heap, const struct found *f) {
    const struct trailer *t = trailer_of(f);
    char text[96];
    bool state = t->state == (STATE_LIVE ^ (uintptr_t)f->start);
    size_t asked = t->asked <= f->usable - RED_BYTES - TRAILER_BYTES ? (size_t)t->asked : f->usable;
    for (size_t i = asked; i < f->usable - TRAILER_BYTES; i++) {
        if (f->start[i] != RED_FILL)
            neap__heap_die("write past the end of %s, %zu bytes asked): byte %zu overwritten",
                           describe(heap, f, asked, text, sizeof(text)), asked, i);
    }
    if (!state || asked == f->usable)
        neap__heap_die("write past the end of block %p: its trailer is overwritten", (void *)f->start);
}

/* Ends the process unless `pointer` is the start of a live block with an unchanged end. */
static void expect_live(const neap_heap_t *heap, const char *what, const void *pointer, struct found *f) {
    char text[96];
    if (!find(heap, pointer, f))
        neap__heap_die("%s of %p: not a block of this heap", what, pointer);
    if (f->used && f->start != pointer)
        neap__heap_die("%s of %p: inside %s), not its start", what, pointer,
                       describe(heap, f, (size_t)trailer_of(f)->asked, text, sizeof(text)));
    if (!f->used)
        neap__heap_die("%s of %p: no block in use is there, it was freed before or never handed out", what,
                       pointer);
    if (trailer_of(f)->state == (STATE_FREED ^ (uintptr_t)f->start))
        neap__heap_die("double %s of %s): it was freed before", what,
                       describe(heap, f, (size_t)trailer_of(f)->asked, text, sizeof(text)));
    verify_end(heap, f);
}

static void *take(neap_heap_t *heap, size_t bytes) {
    void *block = NULL;
    if (bytes > NEAP_CLASS_BYTES_MAX)
        return neap__run_alloc(heap, bytes, bytes, NULL);
    return neap__slab_take(heap, neap__heap_class(heap, bytes), 1, &block) == 1 ? block : NULL;
}

/* Verifies the oldest block in quarantine and frees its memory. */
static void let_go(neap_heap_t *heap) {
    struct neap__guard *guard = heap->guard;
    unsigned char *block = guard->blocks[guard->first];
    struct found f;
    char text[96];
    bool known = find(heap, block, &f);
    if (!known || !f.used || f.start != block)
        neap__heap_die("the bookkeeping of block %p is damaged", (void *)block);
    size_t asked = (size_t)trailer_of(&f)->asked;
    for (size_t i = 0; i < f.usable - TRAILER_BYTES; i++) {
        if (block[i] != FREED_FILL)
            neap__heap_die("write after free of %s): byte %zu changed",
                           describe(heap, &f, asked, text, sizeof(text)), i);
    }
    if (trailer_of(&f)->state != (STATE_FREED ^ (uintptr_t)block))
        neap__heap_die("write after free of block %p: its trailer is overwritten", (void *)block);
    guard->first = (guard->first + 1) % QUARANTINE_BLOCKS;
    guard->count--;
    guard->bytes -= f.usable;
    if (f.usable > NEAP_CLASS_BYTES_MAX)
        neap__run_free(heap, f.place);
    else
        neap__slab_put(heap, heap->regions[f.place.region].class_map[f.place.index], (void **)&block, 1);
}

static void *alloc_locked(neap_heap_t *heap, size_t bytes) {
    if (bytes > SIZE_MAX / 2)
        return NULL;
    unsigned char *block = take(heap, bytes + RED_BYTES + TRAILER_BYTES);
    if (!block) {
        neap__guard_trim(heap);
        neap__purge_all(heap, NEAP_PURGE_LIMIT);
        block = take(heap, bytes + RED_BYTES + TRAILER_BYTES);
    }
    if (!block)
        return NULL;
    struct found f;
    find(heap, block, &f);
    memset(block, FRESH_FILL, bytes);
    memset(block + bytes, RED_FILL, f.usable - TRAILER_BYTES - bytes);
    *trailer_of(&f) = (struct trailer){STATE_LIVE ^ (uintptr_t)block, bytes};
    return block;
}

static void free_locked(neap_heap_t *heap, struct found *f) {
    struct neap__guard *guard = heap->guard;
    memset(f->start, FREED_FILL, f->usable - TRAILER_BYTES);
    trailer_of(f)->state = STATE_FREED ^ (uintptr_t)f->start;
    if (guard->count == QUARANTINE_BLOCKS)
        let_go(heap);
    guard->blocks[(guard->first + guard->count) % QUARANTINE_BLOCKS] = f->start;
    guard->count++;
    guard->bytes += f->usable;
    while (guard->bytes > QUARANTINE_BYTES)
        let_go(heap);
}

void *neap__guard_alloc(neap_heap_t *heap, size_t bytes) {
    neap_os_lock(&heap->lock);
    heap->activity++;
    void *block = alloc_locked(heap, bytes);
    neap_os_unlock(&heap->lock);
    return block;
}

void neap__guard_free(neap_heap_t *heap, void *block) {
    struct found f;
    neap_os_lock(&heap->lock);
    heap->activity++;
    expect_live(heap, "free", block, &f);
    free_locked(heap, &f);
    neap_os_unlock(&heap->lock);
}

void *neap__guard_realloc(neap_heap_t *heap, void *block, size_t bytes) {
    struct found f;
    neap_os_lock(&heap->lock);
    heap->activity++;
    expect_live(heap, "realloc", block, &f);
    size_t has = (size_t)trailer_of(&f)->asked;
    void *fresh = alloc_locked(heap, bytes); /* always moves, so that use of the old pointer is found */
    if (fresh) {
        memcpy(fresh, block, has < bytes ? has : bytes);
        free_locked(heap, &f);
    }
    neap_os_unlock(&heap->lock);
    return fresh;
}

size_t neap__guard_bytes(neap_heap_t *heap, const void *block) {
    struct found f;
    neap_os_lock(&heap->lock);
    expect_live(heap, "size", block, &f);
    size_t bytes = (size_t)trailer_of(&f)->asked;
    neap_os_unlock(&heap->lock);
    return bytes;
}

bool neap__guard_asked(neap_heap_t *heap, const void *block, size_t *bytes) {
    struct found f;
    neap_os_lock(&heap->lock);
    bool live = block && find(heap, block, &f) && f.used && f.start == block &&
                trailer_of(&f)->state == (STATE_LIVE ^ (uintptr_t)f.start);
    if (live)
        *bytes = (size_t)trailer_of(&f)->asked;
    neap_os_unlock(&heap->lock);
    return live;
}

void neap__guard_trim(neap_heap_t *heap) {
    while (heap->guard && heap->guard->count > 0)
        let_go(heap);
}

void neap__guard_end(neap_heap_t *heap) {
    if (!heap->guard)
        return;
    neap__guard_trim(heap);
    neap_os_release(heap->guard, guard_bytes());
    heap->guard = NULL;
}

void neap__guard_waiting(const neap_heap_t *heap, uint64_t *blocks, uint64_t *bytes) {
    const struct neap__guard *guard = heap->guard;
    *blocks = guard ? guard->count : 0;
    *bytes = guard ? guard->bytes : 0;
}
