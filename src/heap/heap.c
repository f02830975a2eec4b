/* heap/heap.c: the public functions and the slow halves of the fast paths. */
#include <neap/heap.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap/guard.h"
#include "heap/hardened.h"
#include "heap/large_block.h"
#include "heap/magazine.h"
#include "heap/mapped_run.h"
#include "heap/mesh.h"
#include "heap/model.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/thread_cache.h"
#include "os/clock.h"

enum { STIR_AGAIN = 64 /* slow paths after which a stir that woke nobody is tried again */ };

_Noreturn void neap__heap_die(const char *format, ...) {
    char line[256] = "neap: ";
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line + 6, sizeof(line) - 8, format, arguments);
    va_end(arguments);
    size_t end = length < 0 ? 6 : (size_t)length + 6;
    if (end > sizeof(line) - 2)
        end = sizeof(line) - 2;
    line[end] = '\n';
    if (write(STDERR_FILENO, line, end + 1) < 0)
        abort();
    abort();
}

uint32_t neap__heap_ms(const neap_heap_t *heap) {
    return (uint32_t)((neap_os_now_ns() - heap->layout.started_ns) / 1000000);
}

/* --- slow paths --- */

/* Whether blocks of a class may lie in magazines that need no lock. */
static bool is_small(uint32_t class_index) {
    return class_index != 0 && class_index < NEAP_OWN_CLASSES;
}

/* The unit of region 0 that `block` lies in. */
static struct neap__place place_in_first(const neap_heap_t *heap, const void *block) {
    return (struct neap__place){0, (uint32_t)(((uintptr_t)block - heap->base) >> heap->unit_shift)};
}

/* Empties the magazines that the caller may empty. Lock held. */
static void empty_mine(neap_heap_t *heap) {
    if (neap__heap_owner_calls(heap))
        neap__magazine_empty_all(heap);
    else
        neap__magazine_empty_inner(heap);
}

/* Empties magazines and purges all free pages, before a request that failed is tried again. */
static void scrape(neap_heap_t *heap) {
    empty_mine(heap);
    neap__purge_all(heap, NEAP_PURGE_LIMIT);
}

static void *large_alloc(neap_heap_t *heap, size_t bytes, bool *zero) {
    void *block = neap__large_alloc(heap, bytes, zero);
    if (!block) {
        scrape(heap);
        block = neap__large_alloc(heap, bytes, zero);
    }
    return block;
}

void neap__heap_want_empty(neap_heap_t *heap) {
    heap->empty_wanted = true;
    heap->cache_epoch++;
    neap__magazine_empty_inner(heap);
}

void neap__heap_enter(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    heap->activity++;
    if (NEAP_UNLIKELY(heap->empty_wanted) && neap__heap_owner_calls(heap)) {
        heap->empty_wanted = false;
        neap__magazine_empty_all(heap);
    }
}

void neap__heap_leave(neap_heap_t *heap) {
    bool purge = heap->wake_wanted && neap__heap_waiting_units(heap) >= NEAP_WAKE_UNITS;
    bool stir = heap->stir_wanted && (int32_t)(heap->activity - heap->stir_activity) >= 0;
    bool wake = (purge || stir) && heap->wake;
    if (NEAP_UNLIKELY(wake)) {
        heap->wake_wanted = heap->wake_wanted && !purge;
        heap->stir_wanted = heap->stir_wanted && !stir;
    }
    neap_os_unlock(&heap->lock);
    if (NEAP_UNLIKELY(wake) && !heap->wake(heap->context)) {
        neap_os_lock(&heap->lock);
        heap->wake_wanted |= purge;
        heap->stir_wanted |= stir;
        heap->stir_activity = heap->activity + STIR_AGAIN;
        neap_os_unlock(&heap->lock);
    }
}

void neap__heap_stir(neap_heap_t *heap) {
    heap->stir_wanted = true;
    heap->stir_activity = heap->activity;
}

/* The owner of a hardened heap takes blocks from the inner magazines without the lock; NULL if
 * the slow path must do it. */
static void *hardened_alloc(neap_heap_t *heap, uint32_t class_index) {
    struct neap__magazine *m = &heap->inner.of_class[class_index];
    void *block = *m->top;
    if (!block || neap__heap_class_at(heap, block) == 0)
        return NULL;
    m->top--;
    neap__hardened_hand_out(heap, place_in_first(heap, block), block);
    return block;
}

/* A block of a class, from the cache or, without one, from a magazine. Lock held. */
static void *take(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index) {
    return cache ? neap__thread_cache_take(heap, cache, class_index)
                 : neap__magazine_take(heap, neap__magazine_of(heap, class_index), class_index);
}

static void *class_alloc(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index) {
    void *block = take(heap, cache, class_index);
    if (!block) {
        scrape(heap);
        block = take(heap, cache, class_index);
    }
    struct neap__place place;
    if (heap->hardened && block && neap__region_find(heap, block, &place))
        neap__hardened_hand_out(heap, place, block);
    return block;
}

/* What a thread cannot serve from its own magazines. */
static __attribute__((noinline)) void *alloc_missed(neap_heap_t *heap, size_t bytes) {
    if (heap->guard)
        return neap__guard_alloc(heap, bytes);
    uint32_t class_index = bytes > NEAP_CLASS_BYTES_MAX ? 0 : neap__heap_class(heap, bytes != 0 ? bytes : 1);
    void *block =
        heap->hardened && !heap->shared && class_index != 0 ? hardened_alloc(heap, class_index) : NULL;
    if (block)
        return block;
    struct neap__thread_cache *cache = bytes <= NEAP_OWN_BYTES_MAX ? neap__thread_cache_get(heap) : NULL;
    neap__heap_enter(heap);
    block = class_index != 0 ? class_alloc(heap, cache, class_index) : large_alloc(heap, bytes, NULL);
    neap__heap_leave(heap);
    return block;
}

/* Takes a block from an inner magazine; NULL if it is empty, or if the whole slow path is wanted. This
 * changes no slab, so that nothing else of a slow path is due. */
static void *inner_pop(neap_heap_t *heap, uint32_t class_index) {
    struct neap__magazine *m = &heap->inner.of_class[class_index];
    neap_os_lock(&heap->lock);
    void *block = heap->empty_wanted ? NULL : *m->top;
    m->top -= block != NULL;
    heap->activity++;
    neap_os_unlock(&heap->lock);
    return block;
}

/* Frees a block into an inner magazine. False if it is full or closed, or if the whole slow path is wanted.
 */
static bool inner_push(neap_heap_t *heap, uint32_t class_index, void *block) {
    struct neap__magazine *m = &heap->inner.of_class[class_index];
    neap_os_lock(&heap->lock);
    bool room = m->top != m->full && !heap->empty_wanted;
    if (room)
        *++m->top = block;
    heap->activity++;
    neap_os_unlock(&heap->lock);
    return room;
}

void *neap__heap_alloc_slow(neap_heap_t *heap, size_t bytes) {
    void *block = NULL;
    if (bytes > NEAP_OWN_BYTES_MAX) {
        if (bytes <= NEAP_CLASS_BYTES_MAX && !heap->strict)
            block = inner_pop(heap, neap__heap_class(heap, bytes));
    } else {
        struct neap__thread_cache *cache = neap__thread_cache_find(heap);
        if (cache)
            block = neap__thread_cache_pop(cache, neap__heap_class(heap, bytes != 0 ? bytes : 1));
    }
    return NEAP_LIKELY(block) ? block : alloc_missed(heap, bytes);
}

/* The owner of a hardened heap frees a block without the lock. False if the slow path must. */
static bool hardened_free(neap_heap_t *heap, void *block) {
    uint32_t class_index = neap__heap_class_at(heap, block);
    if (class_index == 0)
        return false;
    void *leaving = neap__hardened_take_back(heap, place_in_first(heap, block), block, &class_index);
    if (!leaving)
        return true;
    struct neap__magazine *m = &heap->inner.of_class[class_index];
    if (m->top != m->full) {
        *++m->top = leaving;
        return true;
    }
    neap__heap_enter(heap);
    neap__magazine_put(heap, &heap->inner, class_index, leaving);
    neap__heap_leave(heap);
    return true;
}

/* Frees a block that lies in the slab at `place`. Lock held. */
static void class_free(neap_heap_t *heap, struct neap__thread_cache *cache, struct neap__place place,
                       uint32_t class_index, void *block) {
    if (heap->hardened)
        block = neap__hardened_take_back(heap, place, block, &class_index);
    if (cache && class_index < NEAP_OWN_CLASSES)
        neap__thread_cache_put(heap, cache, class_index, block);
    else if (block)
        neap__magazine_put(heap, neap__magazine_of(heap, class_index), class_index, block);
}

/* The class of the slab that `block` lies in, and its place; 0 for all other pointers. Lock held. */
static uint32_t find_slab(const neap_heap_t *heap, const void *block, struct neap__place *place) {
    return neap__region_find(heap, block, place) ? heap->regions[place->region].class_map[place->index] : 0;
}

/* What a thread cannot free into its own magazines. */
static __attribute__((noinline)) void free_missed(neap_heap_t *heap, void *block) {
    struct neap__place place;
    if (!block)
        return;
    if (heap->guard) {
        neap__guard_free(heap, block);
        return;
    }
    if (heap->hardened && !heap->shared && hardened_free(heap, block))
        return;
    struct neap__thread_cache *cache =
        is_small(neap__heap_class_at(heap, block)) ? neap__thread_cache_get(heap) : NULL;
    neap__heap_enter(heap);
    bool ours = true;
    uint32_t class_index = find_slab(heap, block, &place);
    if (class_index != 0)
        class_free(heap, cache, place, class_index, block);
    else
        ours = neap__large_free(heap, block);
    neap__heap_leave(heap);
    if (ours)
        return;
    if (!heap->foreign_free)
        neap__heap_die("free of %p: not a block of this heap", block);
    heap->foreign_free(heap->context, block);
}

void neap__heap_free_slow(neap_heap_t *heap, void *block) {
    uint32_t class_index = neap__heap_class_at(heap, block);
    if (class_index >= NEAP_OWN_CLASSES && !heap->strict && inner_push(heap, class_index, block))
        return;
    struct neap__thread_cache *cache = is_small(class_index) ? neap__thread_cache_find(heap) : NULL;
    if (!cache || !neap__thread_cache_push(cache, class_index, block))
        free_missed(heap, block);
}

/* Usable bytes of `block`; 0 if none in use starts there, as far as the heap can tell. Lock held. */
static size_t bytes_at(const neap_heap_t *heap, const void *block) {
    struct neap__place place;
    uint32_t class_index = find_slab(heap, block, &place);
    if (class_index == 0)
        return neap__large_bytes(heap, block);
    if (heap->hardened && !neap__hardened_live(heap, place, block))
        return 0;
    return heap->classes[class_index].block_bytes;
}

/* Usable bytes of `block`. If it is large and is to stay so, it is resized: then *resized is its place. */
static size_t look_up(neap_heap_t *heap, void *block, size_t bytes, bool *ours, void **resized) {
    struct neap__place place;
    neap__heap_enter(heap);
    *ours = neap__region_find(heap, block, &place) || neap__mapped_find(heap, block);
    size_t has = *ours ? bytes_at(heap, block) : 0;
    if (has > NEAP_CLASS_BYTES_MAX && bytes > NEAP_CLASS_BYTES_MAX) {
        *resized = neap__large_resize(heap, block, bytes);
        if (!*resized && !heap->hardened) { /* which rather copies */
            scrape(heap);
            *resized = neap__large_resize(heap, block, bytes);
        }
    }
    neap__heap_leave(heap);
    return has;
}

void *neap__heap_realloc_slow(neap_heap_t *heap, void *block, size_t bytes) {
    bool ours;
    void *moved = NULL;
    if (!block)
        return neap__heap_alloc(heap, bytes);
    if (heap->guard)
        return neap__guard_realloc(heap, block, bytes);
    size_t has = look_up(heap, block, bytes, &ours, &moved);
    if (moved)
        return moved;
    if (!ours) {
        if (!heap->foreign_realloc)
            neap__heap_die("realloc of %p: not a block of this heap", block);
        return heap->foreign_realloc(heap->context, block, bytes);
    }
    if (has == 0)
        neap__heap_die("realloc of %p: no block in use starts there", block);
    if (bytes <= has && bytes >= has - has / 4)
        return block;
    return neap__heap_realloc_moving(heap, block, has, bytes);
}

/* Frees a block of a slab to its slab, past the owner's magazines. */
static void free_past_owner(neap_heap_t *heap, void *block) {
    struct neap__place place;
    neap__heap_enter(heap);
    uint32_t class_index = find_slab(heap, block, &place);
    neap__slab_put(heap, class_index, &block, 1);
    neap__heap_leave(heap);
}

/* For a thread without the GIL: a block that shrinks stays above what lies in the owner's magazines, as
 * CPython leaves it with malloc. A block that grows above it leaves its slab. */
static void *realloc_past_owner(neap_heap_t *heap, void *block, size_t has, size_t bytes) {
    enum { LEAST = NEAP_OWN_BYTES_MAX + 1 };
    if (bytes < LEAST && has - has / 4 <= LEAST)
        return block;
    void *fresh = neap__heap_alloc(heap, bytes < LEAST ? LEAST : bytes);
    if (!fresh)
        return bytes <= has ? block : NULL;
    memcpy(fresh, block, bytes < has ? bytes : has);
    if (has < LEAST)
        free_past_owner(heap, block);
    else
        neap__heap_free(heap, block);
    return fresh;
}

void *neap__heap_realloc_moving(neap_heap_t *heap, void *block, size_t has, size_t bytes) {
    bool crosses = (has <= NEAP_OWN_BYTES_MAX) != (bytes <= NEAP_OWN_BYTES_MAX);
    if (NEAP_UNLIKELY(crosses) && !heap->strict && !neap__heap_owner_calls(heap))
        return realloc_past_owner(heap, block, has, bytes);
    void *fresh = neap__heap_alloc(heap, bytes);
    if (!fresh)
        return bytes <= has ? block : NULL; /* a block that shrinks can stay where it is */
    memcpy(fresh, block, bytes < has ? bytes : has);
    neap__heap_free(heap, block);
    return fresh;
}

/* --- public --- */

void *neap_heap_alloc(neap_heap_t *heap, size_t bytes) {
    return neap__heap_alloc(heap, bytes);
}

void neap_heap_free(neap_heap_t *heap, void *block) {
    neap__heap_free(heap, block);
}

void *neap_heap_realloc(neap_heap_t *heap, void *block, size_t bytes) {
    return neap__heap_realloc(heap, block, bytes);
}

void *neap_heap_calloc(neap_heap_t *heap, size_t count, size_t bytes) {
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return NULL;
    bool zero = false;
    void *block;
    if (all > NEAP_CLASS_BYTES_MAX && !heap->guard) {
        neap__heap_enter(heap);
        block = large_alloc(heap, all, &zero);
        neap__heap_leave(heap);
    } else {
        block = neap__heap_alloc(heap, all);
    }
    if (block && !zero)
        memset(block, 0, all);
    return block;
}

bool neap_heap_owns(const neap_heap_t *heap, const void *pointer) {
    struct neap__place place;
    neap_heap_t *own = (neap_heap_t *)(uintptr_t)heap; /* not const: its lock is taken */
    neap_os_lock(&own->lock);
    bool ours = neap__region_find(heap, pointer, &place) || neap__mapped_find(heap, pointer);
    neap_os_unlock(&own->lock);
    return ours;
}

size_t neap_heap_usable_bytes(neap_heap_t *heap, const void *block) {
    if (heap->guard)
        return neap__guard_bytes(heap, block);
    neap_os_lock(&heap->lock);
    size_t bytes = bytes_at(heap, block);
    neap_os_unlock(&heap->lock);
    return bytes;
}

uint64_t neap_heap_trim(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    neap__guard_trim(heap);
    neap__magazine_empty_all(heap);
    uint64_t pages = neap__purge_all(heap, NEAP_PURGE_TRIM);
    neap_os_unlock(&heap->lock);
    return (pages << heap->page_shift) + neap__mesh_pass(heap, true);
}

uint32_t neap_heap_purge(neap_heap_t *heap) {
    return neap__purge_step(heap);
}
