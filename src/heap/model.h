/* heap/model.h: a heap in memory, the private side of layout.h.
 *
 *   malloc, free (owner, no lock)        slow paths (lock)           purger (lock)
 *   magazine[class]: stack of blocks <-- take / put --> slabs, runs --> system
 *
 * The fast paths touch only a magazine and the class map: pop a block, push a
 * block. A magazine that is empty is refilled from the fullest slab of its
 * class, one that is full returns its older half to the slabs; all bookkeeping
 * is done then, under the lock, a batch at a time. The lock is what the owner
 * shares with the purging thread; uncontended it costs little a batch.
 *
 * A shared or checked heap keeps its magazines closed (no blocks, capacity 0),
 * so that every call falls through to the slow path without a test of its own.
 */
#ifndef NEAP_HEAP_MODEL_H
#define NEAP_HEAP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/heap.h>

#include "base/word.h"
#include "heap/layout.h"
#include "heap/size_class.h"
#include "os/thread.h"

typedef struct neap_layout_unit neap__unit_t;

enum {
    NEAP_UNIT_PAGES_ALL = 0xffff /* all bits of a page mask */
};

/* Free blocks of one class, a stack, the last freed on top. They count as used
 * in their slabs. Only the owner touches an open magazine.
 *
 *   bottom[-1] is NULL | oldest | ... | last freed | room ...  |
 *                                      '- top                 '- full
 *
 * Empty: top points at the NULL below the bottom. Closed: empty, and full is
 * there too, so that neither fast path finds anything to do. */
struct neap__magazine {
    void **top;  /* the last freed block, or the NULL */
    void **full; /* where top is when there is no more room */
};

/* The magazines of a heap: the part the fast paths use, and what is behind it. */
struct neap__magazines {
    struct neap__magazine of_class[NEAP_LAYOUT_CLASSES_MAX];
    void **bottom[NEAP_LAYOUT_CLASSES_MAX]; /* of each class's stack */
};

/* What 64 neighbouring units are, a bit each. */
struct neap__bits {
    uint64_t dirty;  /* free, some pages in memory */
    uint64_t clean;  /* free, below the top, nothing in memory */
    uint64_t queued; /* the purger is to look at it */
};

/* What a region has beside its public part. The bits go down from the class map, so
 * that what belongs to the first units is one page:
 *
 *   maps: | ... 128-191 | 64-127 | 0-63 || class of 0 | of 1 | of 2 | ... |
 *                                bits --''-- class_map                      */
struct neap__region {
    unsigned char *base; /* NULL: no region here, or given back */
    unsigned char *units;
    unsigned char *maps; /* its end is before base */
    uint8_t *class_map;
    struct neap__bits *bits;       /* see neap__bits_at */
    uint32_t dirty_low, clean_low; /* of 64 units each: none before it is dirty, or clean */
    size_t span_bytes;
};

struct neap__guard; /* state of the checking mode, guard.c */

struct neap_heap {
    /* Hot: the fast paths. */
    struct neap__magazines magazines;
    uint8_t class_of_step[NEAP_STEPS];
    uintptr_t base;           /* of region 0 */
    size_t span_bytes;        /* of region 0 */
    const uint8_t *class_map; /* of region 0 */

    /* Warm: the slow paths, all under the lock. */
    struct neap_os_lock lock;
    bool yielded;          /* address space is scarce: the reserve was given back */
    bool shared;           /* any thread may call: the magazines above are closed */
    bool wake_wanted;      /* the purger sleeps: call wake when there is enough for it */
    bool empty_wanted;     /* the magazines are to be emptied by the owner's next slow path */
    uint32_t queued_units; /* how many the purger has to look at */
    unsigned page_shift, unit_shift;
    uint32_t activity; /* counts slow paths, so that the purger sees idleness */
    struct neap__size_class classes[NEAP_LAYOUT_CLASSES_MAX];
    struct neap__region regions[NEAP_LAYOUT_REGIONS_MAX];
    uint64_t limit_pages;          /* resident pages beyond which allocation fails */
    uint64_t limit_asked_pages;    /* the same, as the options had it */
    bool huge_allowed;             /* mapped runs follow the system's setting of huge pages; else never */
    uint64_t mapped_spare_pages;   /* of mapped runs, in memory behind their blocks */
    uint64_t mapped_purged_pages;  /* of these, given back after a decay and not taken again */
    uint32_t mapped_purged_ms;     /* heap time when that was last */
    size_t region_bytes;           /* of the next region */
    struct neap__magazines *inner; /* of a shared heap, used under the lock; else NULL */
    struct neap__guard *guard;     /* not NULL: checking mode */

    /* Purging, purge.c. */
    uint64_t high_water_pages;  /* resident pages at which free ones are given back before more come */
    uint32_t high_water_budget; /* pages that may be given back so for now */
    uint32_t high_water_ms;     /* heap time at which the budget was that */
    uint32_t decay_base_ms;
    uint64_t bounced_pages; /* refaults soon after their purge, since the last step */
    uint32_t bounce_gap_ms; /* the longest such gap */
    uint32_t bounce_ms;     /* heap time of the last bounce */
    uint32_t activity_seen; /* activity at the last step */
    uint32_t active_ms;     /* heap time when activity last changed */

    /* What the owner of the heap may set (module hook). */
    bool (*wake)(void *context); /* without the lock; false: nobody comes, ask again */
    void *(*foreign_realloc)(void *context, void *block, size_t bytes);
    void (*foreign_free)(void *context, void *block);
    void *context;

    struct neap_layout_heap layout;
};

/* What waits for the purger, in units. */
static inline uint64_t neap__heap_waiting_units(const neap_heap_t *heap) {
    return heap->queued_units +
           (heap->mapped_spare_pages + NEAP_LAYOUT_UNIT_PAGES - 1) / NEAP_LAYOUT_UNIT_PAGES;
}

/* Milliseconds since the heap was made. */
uint32_t neap__heap_ms(const neap_heap_t *heap);

static inline neap__unit_t *neap__unit_at(const neap_heap_t *heap, uint32_t region, uint32_t index) {
    return (neap__unit_t *)(void *)(heap->regions[region].units +
                                    (size_t)index * heap->layout.regions[region].unit_stride);
}

/* The bits of units 64 * `number` and on. */
static inline struct neap__bits *neap__bits_at(const struct neap__region *r, uint32_t number) {
    return r->bits - number;
}

static inline uint32_t neap__unit_id(uint32_t region, uint32_t index) {
    return region << NEAP_LAYOUT_ID_SHIFT | (index + 1);
}

static inline uint32_t neap__id_region(uint32_t id) {
    return id >> NEAP_LAYOUT_ID_SHIFT;
}

static inline uint32_t neap__id_index(uint32_t id) {
    return (id & ((1u << NEAP_LAYOUT_ID_SHIFT) - 1)) - 1;
}

static inline neap__unit_t *neap__unit_of_id(const neap_heap_t *heap, uint32_t id) {
    return neap__unit_at(heap, neap__id_region(id), neap__id_index(id));
}

static inline unsigned char *neap__unit_address(const neap_heap_t *heap, uint32_t region, uint32_t index) {
    return heap->regions[region].base + ((size_t)index << heap->unit_shift);
}

/* Ends the process with one line, "neap: " before and a newline after it. */
_Noreturn void neap__heap_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The slow halves of the fast paths below, heap.c. */
void *neap__heap_alloc_slow(neap_heap_t *heap, size_t bytes);
void neap__heap_free_slow(neap_heap_t *heap, void *block);
void *neap__heap_realloc_slow(neap_heap_t *heap, void *block, size_t bytes);
void *neap__heap_realloc_moving(neap_heap_t *heap, void *block, size_t has, size_t bytes);

/* Class that serves a request of 1 to NEAP_CLASS_BYTES_MAX bytes; 0 for none. */
static inline unsigned neap__heap_class(const neap_heap_t *heap, size_t bytes) {
    size_t step = (bytes + 15) >> NEAP_STEP_SHIFT;
    return NEAP_LIKELY(bytes <= NEAP_LINEAR_BYTES) ? (unsigned)step : heap->class_of_step[step];
}

/* Class of the slab of region 0 that `block` lies in; 0 for all other pointers. */
static inline unsigned neap__heap_class_at(const neap_heap_t *heap, const void *block) {
    uintptr_t offset = (uintptr_t)block - heap->base;
    return NEAP_LIKELY(offset < heap->span_bytes) ? heap->class_map[offset >> heap->unit_shift] : 0;
}

static inline void *neap__heap_alloc(neap_heap_t *heap, size_t bytes) {
    if (NEAP_LIKELY(bytes <= NEAP_CLASS_BYTES_MAX)) {
        struct neap__magazine *m = &heap->magazines.of_class[neap__heap_class(heap, bytes)];
        void **top = m->top, *block = *top;
        if (NEAP_LIKELY(block)) {
            m->top = top - 1;
            return block;
        }
    }
    return neap__heap_alloc_slow(heap, bytes);
}

static inline void neap__heap_free(neap_heap_t *heap, void *block) {
    struct neap__magazine *m = &heap->magazines.of_class[neap__heap_class_at(heap, block)];
    void **top = m->top;
    if (NEAP_LIKELY(top != m->full)) {
        top[1] = block;
        m->top = top + 1;
        return;
    }
    neap__heap_free_slow(heap, block);
}

/* Keeps the block where the new size still suits its class: no smaller than
 * three quarters of it, so that what shrinks much moves to a smaller block. */
static inline void *neap__heap_realloc(neap_heap_t *heap, void *block, size_t bytes) {
    unsigned class = neap__heap_class_at(heap, block);
    size_t has = heap->classes[class].block_bytes;
    if (class != 0 && bytes <= has && bytes >= has - has / 4 && !heap->guard)
        return block;
    return class != 0 ? neap__heap_realloc_moving(heap, block, has, bytes)
                      : neap__heap_realloc_slow(heap, block, bytes);
}

/* For module hook: the owner lets go of sole ownership (a second GIL appears).
 * Caller is the owner. Cannot be undone. 0 or NEAP_ERROR_MEMORY. */
int neap__heap_share(neap_heap_t *heap);

/* For module hook: the program is about to limit its address space to `limit_bytes`.
 * What the heap has reserved and not used goes back. Caller is the owner. */
void neap__heap_yield(neap_heap_t *heap, uint64_t limit_bytes);

/* Around fork, in the forking thread: no slow path runs in between. */
void neap__heap_fork_before(neap_heap_t *heap);
void neap__heap_fork_after(neap_heap_t *heap);

#endif
