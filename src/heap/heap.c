/* heap/heap.c: the public functions and the slow halves of the fast paths. */
#include <neap/heap.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap/fork_watch.h"
#include "heap/guard.h"
#include "heap/hardened.h"
#include "heap/large_block.h"
#include "heap/magazine.h"
#include "heap/mapped_run.h"
#include "heap/mesh.h"
#include "heap/model.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "os/clock.h"
#include "os/memory.h"

enum {
    STIR_AGAIN = 64,  /* slow paths after which a stir that woke nobody is tried again */
    RESERVE_SHARE = 4 /* the first region takes 1/4 of a limited address space */
};

#define RESERVE_BYTES     (UINT64_C(1) << 30)  /* one heap of many; further regions are larger */
#define PROCESS_BYTES_MIN (UINT64_C(64) << 30) /* the heap of a process, 64-bit, without a limit */
#define RESERVE_BYTES_32  (UINT64_C(16) << 20)

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

/* --- making and ending --- */

uint64_t neap__heap_process_reserve_bytes(void) {
    if (sizeof(void *) == 4)
        return RESERVE_BYTES_32;
    uint64_t left = neap_os_address_space_left_bytes();
    if (left != UINT64_MAX)
        return left / RESERVE_SHARE;
    uint64_t wish = 4 * neap_os_memory_bytes();
    return wish > PROCESS_BYTES_MIN ? wish : PROCESS_BYTES_MIN;
}

/* Address space belongs to the whole process, so a heap starts with little of it. */
static uint64_t default_reserve_bytes(void) {
    uint64_t most = neap__heap_process_reserve_bytes();
    return most < RESERVE_BYTES ? most : RESERVE_BYTES;
}

static void publish_classes(neap_heap_t *heap) {
    for (uint32_t i = 1; i < neap__size_class_count; i++) {
        const struct neap__size_class *c = &heap->classes[i];
        heap->layout.classes[i] = (struct neap_layout_class){
            .block_bytes = c->block_bytes,
            .group_shift = c->group_shift,
            .group_blocks = c->group_blocks,
            .slab_blocks = c->slab_blocks,
        };
    }
}

/* Bytes of a struct with the stacks of its magazines behind it, in whole pages. */
static size_t with_stacks_bytes(size_t struct_bytes) {
    return neap_word_round_up_size(struct_bytes + neap__magazine_stacks_bytes(), neap_os_page_bytes());
}

/* Returns zeroed memory of that length, or NULL. */
static void *new_with_stacks(size_t struct_bytes) {
    void *memory;
    if (neap_os_reserve(with_stacks_bytes(struct_bytes), neap_os_page_bytes(), &memory) != NEAP_OK)
        return NULL;
    neap_os_advise_huge(memory, with_stacks_bytes(struct_bytes), false);
    if (neap_os_commit(memory, with_stacks_bytes(struct_bytes)) == NEAP_OK)
        return memory;
    neap_os_release(memory, with_stacks_bytes(struct_bytes));
    return NULL;
}

/* Magazines behind the closed ones of the fast paths. */
static int open_inner(neap_heap_t *heap) {
    heap->inner = new_with_stacks(sizeof(*heap->inner));
    if (!heap->inner)
        return NEAP_ERROR_MEMORY;
    neap__magazine_open_all(heap, heap->inner, (void **)(heap->inner + 1));
    return NEAP_OK;
}

/* Fills a zeroed heap. On failure neap_heap_destroy frees what it made. */
static int heap_init(neap_heap_t *heap, const struct neap_heap_options *options, uint32_t page_bytes) {
    heap->page_shift = neap_word_lowest(page_bytes);
    heap->unit_shift = heap->page_shift + 4;
    heap->decay_base_ms = options->decay_ms != 0 ? options->decay_ms : NEAP_DECAY_MS;
    heap->limit_pages = options->limit_bytes != 0 ? options->limit_bytes >> heap->page_shift : UINT64_MAX;
    heap->limit_asked_pages = heap->limit_pages;
    heap->high_water_pages = NEAP_HIGH_WATER_BYTES >> heap->page_shift;
    heap->high_water_budget = NEAP_HIGH_WATER_BUDGET;
    heap->layout = (struct neap_layout_heap){
        .page_bytes = page_bytes,
        .unit_bytes = page_bytes * NEAP_LAYOUT_UNIT_PAGES,
        .class_count = neap__size_class_count,
        .flags = options->flags & NEAP_HEAP_CHECKED ? options->flags & ~(unsigned)NEAP_HEAP_HARDENED
                                                    : options->flags,
        .decay_ms = heap->decay_base_ms,
        .started_ns = neap_os_now_ns(),
    };
    heap->bitmap_words =
        page_bytes / 1024 > NEAP_LAYOUT_WORDS_MIN ? page_bytes / 1024 : NEAP_LAYOUT_WORDS_MIN;
    neap__size_class_table(heap->classes, heap->class_of_step, heap->page_shift, heap->bitmap_words * 64);
    publish_classes(heap);
    int error = heap->layout.flags & NEAP_HEAP_HARDENED ? neap__hardened_start(heap) : NEAP_OK;
    heap->strict = heap->layout.flags & (NEAP_HEAP_CHECKED | NEAP_HEAP_HARDENED);
    if (error == NEAP_OK)
        error = neap__region_first(heap, options->reserve_bytes != 0 ? options->reserve_bytes
                                                                     : default_reserve_bytes());
    if (error == NEAP_OK && options->flags & NEAP_HEAP_CHECKED)
        error = neap__guard_start(heap);
    if (heap->strict || options->flags & NEAP_HEAP_SHARED)
        neap__magazine_close_all(&heap->magazines);
    else
        neap__magazine_open_all(heap, &heap->magazines, (void **)(heap + 1));
    if (error == NEAP_OK && heap->hardened)
        error = open_inner(heap);
    if (error == NEAP_OK && options->flags & NEAP_HEAP_SHARED)
        error = neap__heap_share(heap);
    if (error == NEAP_OK && options->flags & NEAP_HEAP_SHARED)
        error = neap__fork_watch(heap);
    return error;
}

neap_heap_t *neap_heap_new(const struct neap_heap_options *options) {
    struct neap_heap_options defaults = {0};
    if (!options)
        options = &defaults;
    size_t page = neap_os_page_bytes();
    uint32_t page_bytes = options->page_bytes != 0 ? options->page_bytes : (uint32_t)page;
    if (!neap_word_power_of_two(page_bytes) || page_bytes < page || page_bytes > 1u << 16 ||
        options->flags & ~(unsigned)(NEAP_HEAP_SHARED | NEAP_HEAP_CHECKED | NEAP_HEAP_HARDENED))
        return NULL;
    neap_heap_t *heap = new_with_stacks(sizeof(*heap));
    if (heap && heap_init(heap, options, page_bytes) == NEAP_OK)
        return heap;
    neap_heap_destroy(heap);
    return NULL;
}

void neap_heap_destroy(neap_heap_t *heap) {
    if (!heap)
        return;
    if (heap->shared)
        neap__fork_forget(heap);
    neap__guard_end(heap);
    neap__mesh_end(heap);
    neap__mapped_release_all(heap);
    neap__region_release_all(heap);
    neap__hardened_end(heap);
    if (heap->inner)
        neap_os_release(heap->inner, with_stacks_bytes(sizeof(*heap->inner)));
    neap_os_release(heap, with_stacks_bytes(sizeof(*heap)));
}

int neap__heap_share(neap_heap_t *heap) {
    if (heap->shared)
        return NEAP_OK;
    if (!heap->strict && open_inner(heap) != NEAP_OK)
        return NEAP_ERROR_MEMORY;
    neap_os_lock(&heap->lock);
    if (!heap->strict) {
        neap__magazine_empty_all(heap);
        neap__magazine_close_all(&heap->magazines);
    }
    heap->shared = true;
    heap->layout.flags |= NEAP_HEAP_SHARED;
    neap_os_unlock(&heap->lock);
    return NEAP_OK;
}

void neap__heap_yield(neap_heap_t *heap, uint64_t limit_bytes) {
    neap_os_lock(&heap->lock);
    if (!heap->yielded)
        neap__region_yield(heap, limit_bytes / RESERVE_SHARE);
    neap_os_unlock(&heap->lock);
}

void neap__heap_fork_before(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    neap__hardened_reseed(heap);
}

void neap__heap_fork_after(neap_heap_t *heap) {
    neap_os_unlock(&heap->lock);
}

/* --- slow paths --- */

static struct neap__magazines *magazines_of(neap_heap_t *heap) {
    return heap->inner ? heap->inner : &heap->magazines;
}

/* The unit of region 0 that `block` lies in. */
static struct neap__place place_in_first(const neap_heap_t *heap, const void *block) {
    return (struct neap__place){0, (uint32_t)(((uintptr_t)block - heap->base) >> heap->unit_shift)};
}

/* Empties the magazines and purges all free pages, before a request that failed is tried again. */
static void scrape(neap_heap_t *heap) {
    neap__magazine_empty_all(heap);
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

/* A slow path begins: takes the lock. */
static void enter(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    heap->activity++;
    if (NEAP_UNLIKELY(heap->empty_wanted)) {
        heap->empty_wanted = false;
        neap__magazine_empty_all(heap);
    }
}

/* A slow path ends: releases the lock, and wakes the purger if enough waits for it or it wants to know. */
static void leave(neap_heap_t *heap) {
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
    neap_os_lock(&heap->lock);
    heap->stir_wanted = true;
    neap_os_unlock(&heap->lock);
}

/* The owner of a hardened heap takes blocks from the inner magazines without the lock; NULL if
 * the slow path must do it. */
static void *hardened_alloc(neap_heap_t *heap, uint32_t class_index) {
    struct neap__magazine *m = &heap->inner->of_class[class_index];
    void *block = *m->top;
    if (!block || neap__heap_class_at(heap, block) == 0)
        return NULL;
    m->top--;
    neap__hardened_hand_out(heap, place_in_first(heap, block), block);
    return block;
}

static void *class_alloc(neap_heap_t *heap, uint32_t class_index) {
    struct neap__magazines *all = magazines_of(heap);
    void *block = neap__magazine_take(heap, all, class_index);
    if (!block) {
        scrape(heap);
        block = neap__magazine_take(heap, all, class_index);
    }
    struct neap__place place;
    if (heap->hardened && block && neap__region_find(heap, block, &place))
        neap__hardened_hand_out(heap, place, block);
    return block;
}

void *neap__heap_alloc_slow(neap_heap_t *heap, size_t bytes) {
    if (heap->guard)
        return neap__guard_alloc(heap, bytes);
    uint32_t class_index = bytes > NEAP_CLASS_BYTES_MAX ? 0 : neap__heap_class(heap, bytes != 0 ? bytes : 1);
    void *block =
        heap->hardened && !heap->shared && class_index != 0 ? hardened_alloc(heap, class_index) : NULL;
    if (block)
        return block;
    enter(heap);
    block = class_index != 0 ? class_alloc(heap, class_index) : large_alloc(heap, bytes, NULL);
    leave(heap);
    return block;
}

/* The owner of a hardened heap frees a block without the lock. False if the slow path must. */
static bool hardened_free(neap_heap_t *heap, void *block) {
    uint32_t class_index = neap__heap_class_at(heap, block);
    if (class_index == 0)
        return false;
    void *leaving = neap__hardened_take_back(heap, place_in_first(heap, block), block, &class_index);
    if (!leaving)
        return true;
    struct neap__magazine *m = &heap->inner->of_class[class_index];
    if (m->top != m->full) {
        *++m->top = leaving;
        return true;
    }
    enter(heap);
    neap__magazine_put(heap, heap->inner, class_index, leaving);
    leave(heap);
    return true;
}

/* Frees a block that lies in the slab at `place`. Lock held. */
static void class_free(neap_heap_t *heap, struct neap__place place, uint32_t class_index, void *block) {
    if (heap->hardened)
        block = neap__hardened_take_back(heap, place, block, &class_index);
    if (block)
        neap__magazine_put(heap, magazines_of(heap), class_index, block);
}

/* The class of the slab that `block` lies in, and its place; 0 for all other pointers. Lock held. */
static uint32_t find_slab(const neap_heap_t *heap, const void *block, struct neap__place *place) {
    return neap__region_find(heap, block, place) ? heap->regions[place->region].class_map[place->index] : 0;
}

void neap__heap_free_slow(neap_heap_t *heap, void *block) {
    struct neap__place place;
    if (!block)
        return;
    if (heap->guard) {
        neap__guard_free(heap, block);
        return;
    }
    if (heap->hardened && !heap->shared && hardened_free(heap, block))
        return;
    enter(heap);
    bool ours = true;
    uint32_t class_index = find_slab(heap, block, &place);
    if (class_index != 0)
        class_free(heap, place, class_index, block);
    else
        ours = neap__large_free(heap, block);
    leave(heap);
    if (ours)
        return;
    if (!heap->foreign_free)
        neap__heap_die("free of %p: not a block of this heap", block);
    heap->foreign_free(heap->context, block);
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
    enter(heap);
    *ours = neap__region_find(heap, block, &place) || neap__mapped_find(heap, block);
    size_t has = *ours ? bytes_at(heap, block) : 0;
    if (has > NEAP_CLASS_BYTES_MAX && bytes > NEAP_CLASS_BYTES_MAX) {
        *resized = neap__large_resize(heap, block, bytes);
        if (!*resized && !heap->hardened) { /* which rather copies */
            scrape(heap);
            *resized = neap__large_resize(heap, block, bytes);
        }
    }
    leave(heap);
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

void *neap__heap_realloc_moving(neap_heap_t *heap, void *block, size_t has, size_t bytes) {
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
        neap_os_lock(&heap->lock);
        heap->activity++;
        block = large_alloc(heap, all, &zero);
        leave(heap);
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
