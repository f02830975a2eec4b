/* heap/model.h: a heap in memory, the private side of layout.h.
 *
 *   alloc, free (owner, no lock)         slow paths (lock)           purger (lock)
 *   magazine[class]: stack of blocks <-- take / put --> slabs, runs --> system
 *   up to 512 bytes                      inner[class]: above 512 bytes
 *
 * The fast paths pop a block from a magazine of the owner or push one to it. They touch only the magazine
 * and the class map. An empty magazine is refilled from the fullest slabs of its class. A full one returns
 * its older half to the slabs. All bookkeeping is done then, under the lock, for many blocks at once.
 *
 * Blocks above NEAP_OWN_BYTES_MAX bytes lie in inner magazines, which only the holder of the lock touches.
 * CPython passes such requests to malloc, which is thread-safe, and there is C code that makes them without
 * the GIL. So no path for such a block touches what only the owner may touch.
 *
 * A shared, hardened or checked heap keeps the owner's magazines closed (no blocks, capacity 0). So every
 * call takes the slow path, and the fast path needs no test for it. The threads of a shared heap have
 * magazines of their own (heap/thread_cache.h).
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

#define NEAP_OWN_LINE __attribute__((aligned(64))) /* begins a cache line */

enum {
    NEAP_OWN_BYTES_MAX = NEAP_LINEAR_BYTES, /* the largest blocks in magazines that need no lock, */
    NEAP_OWN_CLASSES = (NEAP_OWN_BYTES_MAX >> NEAP_STEP_SHIFT) + 1, /* whose classes are below this one */
    NEAP_WAKE_UNITS = 8, /* units that wait for the purger before it is woken: 512 KiB with 4 KiB pages */
    NEAP_UNIT_PAGES_ALL = 0xffff /* all bits of a page mask */
};

/* A stack of free blocks of one class, the last freed on top. The blocks count as used in their
 * slabs. Only the owner touches an open magazine; an inner one, only the holder of the heap's lock.
 *
 *   bottom[-1] is NULL | oldest | ... | last freed | room ...  |
 *                                      '- top                 '- full
 *
 * If it is empty, top points at the NULL below the bottom. If it is closed, full points there too, so
 * that neither fast path can use it. */
struct neap__magazine {
    void **top;  /* the last freed block, or the NULL */
    void **full; /* the value of top when there is no more room */
};

/* A magazine for each class. The fast paths use `of_class` only. */
struct neap__magazines {
    struct neap__magazine of_class[NEAP_LAYOUT_CLASSES_MAX];
    void **bottom[NEAP_LAYOUT_CLASSES_MAX]; /* the bottom of each stack */
};

/* The states of 64 neighbouring units, one bit each. */
struct neap__bits {
    uint64_t dirty;  /* free, with pages in memory */
    uint64_t clean;  /* free, below the top, with no page in memory */
    uint64_t queued; /* the purger will look at it */
};

/* The private part of a region. The bits go down from the class map, so that bits and classes of the
 * first units lie in one page:
 *
 *   maps: | ... 128-191 | 64-127 | 0-63 || class of 0 | of 1 | of 2 | ... |
 *                                bits --''-- class_map                      */
struct neap__region {
    unsigned char *base; /* NULL if there is no region with this number */
    unsigned char *units;
    unsigned char *maps; /* bits and class map, which end before base */
    uint8_t *class_map;
    struct neap__bits *bits;       /* see neap__bits_at */
    uint32_t dirty_low, clean_low; /* no unit before 64 times this is dirty, or clean */
    size_t span_bytes;
};

struct neap__thread_cache; /* magazines of one thread, thread_cache.h */
struct neap__mesh;         /* state of meshing, mesh.c */
struct neap__guard;        /* state of the checking mode, guard.c */
struct neap__hardened;     /* state of the hardened mode, hardened.c */

struct neap_heap {
    /* Hot: the fast paths. */
    struct neap__magazines magazines; /* the owner's */
    uint8_t class_of_step[NEAP_STEPS];
    uintptr_t base;           /* of region 0 */
    size_t span_bytes;        /* of region 0 */
    const uint8_t *class_map; /* of region 0 */
    uint64_t cache_number;    /* of a shared heap, by which a thread finds its cache; 0 = it has none */
    unsigned page_shift, unit_shift;
    bool strict; /* hardened or checked: the fast paths decide nothing */

    /* Warm: the slow paths, all under the lock. What they write lies in no cache line that the fast paths of
     * other threads read. */
    struct neap_os_lock lock NEAP_OWN_LINE;
    bool yielded;           /* address space is scarce, and the reserve was given back */
    bool wired;             /* all that becomes accessible is locked in memory (wired.h) */
    bool shared;            /* any thread may call, and the owner's magazines are closed */
    bool wake_wanted;       /* the purger sleeps; call `wake` when enough waits for it */
    bool stir_wanted;       /* call `wake` at the end of a slow path, whatever waits */
    bool empty_wanted;      /* the owner's next slow path must empty the magazines */
    uint32_t queued_units;  /* number of units in the purger's queue */
    uint32_t activity;      /* counts slow paths, so that the purger notices idleness */
    uint32_t stir_activity; /* the slow path from which stir_wanted counts */
    struct neap__size_class classes[NEAP_LAYOUT_CLASSES_MAX] NEAP_OWN_LINE;
    struct neap__region regions[NEAP_LAYOUT_REGIONS_MAX];
    uint64_t limit_pages;              /* allocation fails beyond this number of resident pages */
    uint64_t limit_asked_pages;        /* the limit of the options; limit_pages is no higher */
    uint64_t group_limit_bytes;        /* the control group's limit as last read; 0 = not read yet */
    uint32_t group_limit_ms;           /* heap time of that */
    bool huge_allowed;                 /* mapped runs may have huge pages, if the system's setting says so */
    uint64_t mapped_spare_pages;       /* pages of mapped runs that are in memory behind their blocks */
    uint64_t mapped_purged_pages;      /* such pages, given back by a decay and not taken again */
    uint32_t mapped_purged_ms;         /* heap time when such pages were last given back */
    size_t region_bytes;               /* length of the next region */
    struct neap__magazines inner;      /* magazines that only the holder of the lock touches */
    neap_heap_t *watched_next;         /* the next shared heap in the list of fork_watch.c */
    uint64_t watched_number;           /* its number in that list, which no other heap ever has; 0 = none */
    bool watched_locks;                /* a fork takes its lock by that list */
    struct neap__thread_cache *caches; /* of all threads */
    uint32_t cache_epoch;              /* each cache empties itself when this has changed */
    uint32_t cache_blocks[NEAP_OWN_CLASSES]; /* in caches, by what each last told */
    struct neap__mesh *mesh;                 /* NULL: the heap does not mesh */
    struct neap__guard *guard;               /* the checking mode; NULL if it is off */
    struct neap__hardened *hardened;         /* the hardened mode; NULL if it is off */
    uint32_t bitmap_words;                   /* 64-bit words of a unit's bitmap */

    /* Purging, purge.c. */
    uint64_t high_water_pages; /* the high-water mark */
    int64_t high_water_budget; /* pages that may be given back at the mark; below 0 = a debt */
    uint32_t high_water_ms;    /* heap time when the budget was last filled */
    uint32_t decay_base_ms;    /* the decay of the options */
    uint64_t bounced_pages;    /* pages that bounced since they last changed the decay */
    uint32_t bounce_gap_ms;    /* the longest time between their purge and their refault */
    uint32_t bounce_ms;        /* heap time of the last bounce */
    uint32_t activity_seen;    /* activity at the last step */
    uint32_t active_ms;        /* heap time when activity last changed */

    /* What the owner of the heap may set (module hook). */
    bool (*wake)(void *context); /* called without the lock; false: no purger was woken, call it again */
    void *(*foreign_realloc)(void *context, void *block, size_t bytes);
    void (*foreign_free)(void *context, void *block);
    bool (*owner_calls)(void *context); /* whether this thread is the owner now; NULL: it is always */
    void *context;

    struct neap_layout_heap layout;
};

/* Units in the purger's queue, and spare pages of mapped runs counted in units. */
static inline uint64_t neap__heap_waiting_units(const neap_heap_t *heap) {
    return heap->queued_units +
           (heap->mapped_spare_pages + NEAP_LAYOUT_UNIT_PAGES - 1) / NEAP_LAYOUT_UNIT_PAGES;
}

/* Pages in memory that meshing saves, as far as is known: those that are mapped, less those that have a
 * copy of their own and those that they share. */
static inline uint64_t neap__heap_meshed_away(const neap_heap_t *heap) {
    uint64_t held = heap->layout.mesh_copied_pages + heap->layout.mesh_file_pages;
    return heap->layout.meshed_pages > held ? heap->layout.meshed_pages - held : 0;
}

/* Milliseconds since the heap was made. */
uint32_t neap__heap_ms(const neap_heap_t *heap);

/* Has `wake` called at the end of the next slow path, whatever waits then. Lock held. */
void neap__heap_stir(neap_heap_t *heap);

static inline neap__unit_t *neap__unit_at(const neap_heap_t *heap, uint32_t region, uint32_t index) {
    return (neap__unit_t *)(void *)(heap->regions[region].units +
                                    (size_t)index * heap->layout.regions[region].unit_stride);
}

/* The bits of the 64 units from 64 * `number` on. */
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

/* Whether the caller may touch what is the owner's. Asks `owner_calls`, so it is for rare paths. */
static inline bool neap__heap_owner_calls(const neap_heap_t *heap) {
    return __atomic_load_n(&heap->shared, __ATOMIC_RELAXED) || !heap->owner_calls ||
           heap->owner_calls(heap->context);
}

/* A slow path begins: takes the lock. It ends: releases the lock, and wakes the purger if enough waits for
 * it or it wants to know. */
void neap__heap_enter(neap_heap_t *heap);
void neap__heap_leave(neap_heap_t *heap);

/* Writes "neap: ", the text and a newline to standard error and aborts. */
_Noreturn void neap__heap_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the fast paths below call if they cannot serve a request themselves, heap.c. */
void *neap__heap_alloc_slow(neap_heap_t *heap, size_t bytes);
void neap__heap_free_slow(neap_heap_t *heap, void *block);
void *neap__heap_realloc_slow(neap_heap_t *heap, void *block, size_t bytes);

/* Copies `block`, which has `has` usable bytes, to a block for `bytes` and frees it. If there is no
 * memory, a block that shrinks stays, and NULL is returned for one that grows. */
void *neap__heap_realloc_moving(neap_heap_t *heap, void *block, size_t has, size_t bytes);

/* Class that serves a request of at most NEAP_CLASS_BYTES_MAX bytes; class 0 for 0 bytes. */
static inline unsigned neap__heap_class(const neap_heap_t *heap, size_t bytes) {
    size_t step = (bytes + 15) >> NEAP_STEP_SHIFT;
    return NEAP_LIKELY(bytes <= NEAP_LINEAR_BYTES) ? (unsigned)step : heap->class_of_step[step];
}

/* Class of the slab of region 0 that contains `block`; 0 for all other pointers. */
static inline unsigned neap__heap_class_at(const neap_heap_t *heap, const void *block) {
    uintptr_t offset = (uintptr_t)block - heap->base;
    /* Atomic, because the owner may shorten the span, and others make slabs, while this thread looks. */
    return NEAP_LIKELY(offset < __atomic_load_n(&heap->span_bytes, __ATOMIC_RELAXED))
               ? __atomic_load_n(&heap->class_map[offset >> heap->unit_shift], __ATOMIC_RELAXED)
               : 0;
}

static inline void *neap__heap_alloc(neap_heap_t *heap, size_t bytes) {
    if (NEAP_LIKELY(bytes <= NEAP_OWN_BYTES_MAX)) {
        struct neap__magazine *m = &heap->magazines.of_class[(bytes + 15) >> NEAP_STEP_SHIFT];
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

/* Keeps the block if `bytes` is between three quarters of its size and its size. A block that shrinks
 * more moves to a smaller one. */
static inline void *neap__heap_realloc(neap_heap_t *heap, void *block, size_t bytes) {
    unsigned class = neap__heap_class_at(heap, block);
    size_t has = heap->classes[class].block_bytes;
    if (class != 0 && bytes <= has && bytes >= has - has / 4 && !heap->strict)
        return block;
    return class != 0 && !heap->strict ? neap__heap_realloc_moving(heap, block, has, bytes)
                                       : neap__heap_realloc_slow(heap, block, bytes);
}

/* For module hook: the address space that a heap which serves a whole process reserves at its start,
 * in bytes. The fast paths serve what lies in it, so it is far more than the machine has memory. */
uint64_t neap__heap_process_reserve_bytes(void);

/* For module hook: makes the heap a shared one, because a second GIL appears. The owner calls it. It
 * cannot be undone. */
void neap__heap_share(neap_heap_t *heap);

/* For module hook: any thread asks the owner to empty his magazines on his next slow path, or each thread
 * of a shared heap its own. Lock held. */
void neap__heap_want_empty(neap_heap_t *heap);

/* For module hook: the program is about to limit its address space to `limit_bytes`. Gives back
 * reserved address space that the heap has not used. The owner calls it. */
void neap__heap_yield(neap_heap_t *heap, uint64_t limit_bytes);

/* Take and release the lock around a fork, in the forking thread, so that no slow path runs meanwhile. The
 * child also leaves alone what other threads had in their caches. */
void neap__heap_fork_before(neap_heap_t *heap);
void neap__heap_fork_after(neap_heap_t *heap, bool in_child);

#endif
