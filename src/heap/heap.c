/* heap/heap.c: the public functions and the slow halves of the fast paths. */
#include <neap/heap.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap/guard.h"
#include "heap/magazine.h"
#include "heap/mapped_run.h"
#include "heap/model.h"
#include "heap/purge.h"
#include "heap/run.h"
#include "heap/slab.h"
#include "os/clock.h"
#include "os/memory.h"

enum {
    WAKE_UNITS = 8,   /* units that wait for the purger before it is woken: 512 KiB with 4 KiB pages */
    RESERVE_SHARE = 4 /* the first region takes 1/4 of a limited address space */
};

#define RESERVE_BYTES_MIN (UINT64_C(64) << 30) /* on 64 bits without a limit of address space */
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

static uint64_t default_reserve_bytes(void) {
    if (sizeof(void *) == 4)
        return RESERVE_BYTES_32;
    uint64_t left = neap_os_address_space_left_bytes();
    if (left != UINT64_MAX)
        return left / RESERVE_SHARE;
    uint64_t wish = 4 * neap_os_memory_bytes();
    return wish > RESERVE_BYTES_MIN ? wish : RESERVE_BYTES_MIN;
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
        .flags = options->flags,
        .decay_ms = heap->decay_base_ms,
        .started_ns = neap_os_now_ns(),
    };
    uint32_t words = page_bytes / 1024 > NEAP_LAYOUT_WORDS_MIN ? page_bytes / 1024 : NEAP_LAYOUT_WORDS_MIN;
    neap__size_class_table(heap->classes, heap->class_of_step, heap->page_shift, words * 64);
    publish_classes(heap);
    int error = neap__region_first(heap, options->reserve_bytes != 0 ? options->reserve_bytes
                                                                     : default_reserve_bytes());
    if (error == NEAP_OK && options->flags & NEAP_HEAP_CHECKED)
        error = neap__guard_start(heap);
    if (options->flags & (NEAP_HEAP_SHARED | NEAP_HEAP_CHECKED))
        neap__magazine_close_all(&heap->magazines);
    else
        neap__magazine_open_all(heap, &heap->magazines, (void **)(heap + 1));
    if (error == NEAP_OK && options->flags & NEAP_HEAP_SHARED)
        error = neap__heap_share(heap);
    return error;
}

neap_heap_t *neap_heap_new(const struct neap_heap_options *options) {
    struct neap_heap_options defaults = {0};
    if (!options)
        options = &defaults;
    size_t page = neap_os_page_bytes();
    uint32_t page_bytes = options->page_bytes != 0 ? options->page_bytes : (uint32_t)page;
    if (!neap_word_power_of_two(page_bytes) || page_bytes < page || page_bytes > 1u << 16 ||
        options->flags & ~(unsigned)(NEAP_HEAP_SHARED | NEAP_HEAP_CHECKED))
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
    neap__guard_end(heap);
    neap__mapped_release_all(heap);
    neap__region_release_all(heap);
    if (heap->inner)
        neap_os_release(heap->inner, with_stacks_bytes(sizeof(*heap->inner)));
    neap_os_release(heap, with_stacks_bytes(sizeof(*heap)));
}

int neap__heap_share(neap_heap_t *heap) {
    if (heap->shared)
        return NEAP_OK;
    if (!heap->guard) {
        heap->inner = new_with_stacks(sizeof(*heap->inner));
        if (!heap->inner)
            return NEAP_ERROR_MEMORY;
        neap__magazine_open_all(heap, heap->inner, (void **)(heap->inner + 1));
    }
    neap_os_lock(&heap->lock);
    neap__magazine_empty_all(heap);
    neap__magazine_close_all(&heap->magazines);
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
}

void neap__heap_fork_after(neap_heap_t *heap) {
    neap_os_unlock(&heap->lock);
}

/* --- slow paths --- */

static struct neap__magazines *magazines_of(neap_heap_t *heap) {
    return heap->shared ? heap->inner : &heap->magazines;
}

/* Empties the magazines and purges all free pages, before a request that failed is tried again. */
static void scrape(neap_heap_t *heap) {
    neap__magazine_empty_all(heap);
    neap__purge_all(heap, NEAP_PURGE_LIMIT);
}

static void *run_try(neap_heap_t *heap, size_t bytes, bool *zero) {
    void *block = bytes >= NEAP_MAPPED_BYTES_MIN ? neap__mapped_alloc(heap, bytes, zero) : NULL;
    return block ? block : neap__run_alloc(heap, bytes, bytes, zero);
}

static void *run_alloc(neap_heap_t *heap, size_t bytes, bool *zero) {
    void *block = run_try(heap, bytes, zero);
    if (!block) {
        scrape(heap);
        block = run_try(heap, bytes, zero);
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

/* A slow path ends: releases the lock, and wakes the purger if enough waits for it. */
static void leave(neap_heap_t *heap) {
    bool wake = heap->wake_wanted && neap__heap_waiting_units(heap) >= WAKE_UNITS && heap->wake;
    if (NEAP_UNLIKELY(wake))
        heap->wake_wanted = false;
    neap_os_unlock(&heap->lock);
    if (NEAP_UNLIKELY(wake) && !heap->wake(heap->context))
        heap->wake_wanted = true;
}

static void *class_alloc(neap_heap_t *heap, uint32_t class_index) {
    struct neap__magazines *all = magazines_of(heap);
    void *block = neap__magazine_take(heap, all, class_index);
    if (!block) {
        scrape(heap);
        block = neap__magazine_take(heap, all, class_index);
    }
    return block;
}

void *neap__heap_alloc_slow(neap_heap_t *heap, size_t bytes) {
    if (heap->guard)
        return neap__guard_alloc(heap, bytes);
    enter(heap);
    void *block = bytes > NEAP_CLASS_BYTES_MAX
                      ? run_alloc(heap, bytes, NULL)
                      : class_alloc(heap, neap__heap_class(heap, bytes != 0 ? bytes : 1));
    leave(heap);
    return block;
}

static _Noreturn void die_not_in_use(const void *block) {
    neap__heap_die("free of %p: no block in use is there, it was freed before or never handed out", block);
}

static _Noreturn void die_inside(const void *block, const void *start, size_t bytes) {
    neap__heap_die("free of %p: inside block %p (%zu bytes), not its start", block, start, bytes);
}

static void run_free(neap_heap_t *heap, struct neap__place place, const void *block) {
    const neap__unit_t *unit = neap__place_unit(heap, place);
    bool used = place.index < heap->layout.regions[place.region].top;
    if (used && unit->kind == NEAP_UNIT_RUN && block == neap__place_address(heap, place)) {
        neap__run_free(heap, place);
        return;
    }
    if (used && unit->kind == NEAP_UNIT_RUN_TAIL)
        place.index -= unit->run_units;
    else if (!used || unit->kind != NEAP_UNIT_RUN)
        die_not_in_use(block);
    die_inside(block, neap__place_address(heap, place), neap__run_bytes(heap, place));
}

/* Frees a block that is a mapped run. False if it lies in no mapped run. Lock held. */
static bool mapped_free(neap_heap_t *heap, const void *block) {
    struct neap_layout_mapped_run *run = neap__mapped_find(heap, block);
    if (!run)
        return false;
    if (run->run_bytes == 0)
        die_not_in_use(block);
    if ((uintptr_t)block != run->address)
        die_inside(block, (void *)(uintptr_t)run->address, (size_t)run->run_bytes);
    neap__mapped_free(heap, run);
    return true;
}

/* Frees the block at `block`, which lies in the unit at `place`. Lock held. */
static void free_at(neap_heap_t *heap, struct neap__place place, void *block) {
    uint32_t class_index = heap->regions[place.region].class_map[place.index];
    if (class_index == 0) {
        run_free(heap, place, block);
        return;
    }
    neap__magazine_put(heap, magazines_of(heap), class_index, block);
}

void neap__heap_free_slow(neap_heap_t *heap, void *block) {
    struct neap__place place;
    if (!block)
        return;
    if (heap->guard) {
        neap__guard_free(heap, block);
        return;
    }
    enter(heap);
    bool ours = neap__region_find(heap, block, &place);
    if (ours)
        free_at(heap, place, block);
    else
        ours = mapped_free(heap, block);
    leave(heap);
    if (ours)
        return;
    if (!heap->foreign_free)
        neap__heap_die("free of %p: not a block of this heap", block);
    heap->foreign_free(heap->context, block);
}

/* Usable bytes of `block`, which lies in the unit at `place`. 0 if the unit is no slab and `block` is
 * not the start of a run. In a slab, the size of the class. Lock held. */
static size_t bytes_at(neap_heap_t *heap, struct neap__place place, const void *block) {
    uint32_t class_index = heap->regions[place.region].class_map[place.index];
    if (class_index != 0)
        return heap->classes[class_index].block_bytes;
    if (place.index >= heap->layout.regions[place.region].top ||
        neap__place_unit(heap, place)->kind != NEAP_UNIT_RUN || block != neap__place_address(heap, place))
        return 0;
    return neap__run_bytes(heap, place);
}

/* Usable bytes of a block that is a mapped run; 0 if none starts at `block`. Lock held. */
static size_t mapped_bytes(const neap_heap_t *heap, const void *block) {
    const struct neap_layout_mapped_run *run = neap__mapped_find(heap, block);
    return run && (uintptr_t)block == run->address ? (size_t)run->run_bytes : 0;
}

/* Changes the length of a run, of a region or mapped. Returns its block, which may have moved, or NULL. */
static void *run_resize(neap_heap_t *heap, const void *block, size_t bytes) {
    struct neap__place place;
    if (neap__region_find(heap, block, &place))
        return neap__run_resize(heap, place, bytes);
    return neap__mapped_resize(heap, neap__mapped_find(heap, block), bytes);
}

/* Returns the usable bytes of `block`, and in *ours whether it lies in this heap. If `block` is a run
 * and `bytes` needs a run, it resizes the run and stores the address of its block in *resized; if
 * that fails, NULL. */
static size_t look_up(neap_heap_t *heap, void *block, size_t bytes, bool *ours, void **resized) {
    struct neap__place place;
    enter(heap);
    bool in_region = neap__region_find(heap, block, &place);
    *ours = in_region || neap__mapped_find(heap, block);
    bool run = !in_region || heap->regions[place.region].class_map[place.index] == 0;
    size_t has = in_region ? bytes_at(heap, place, block) : mapped_bytes(heap, block);
    if (run && has != 0 && bytes > NEAP_CLASS_BYTES_MAX) {
        *resized = run_resize(heap, block, bytes);
        if (!*resized) {
            scrape(heap);
            *resized = run_resize(heap, block, bytes);
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
    if (heap->guard)
        return neap__guard_realloc(heap, block, bytes);
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
        block = run_alloc(heap, all, &zero);
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
    struct neap__place place;
    if (heap->guard)
        return neap__guard_bytes(heap, block);
    neap_os_lock(&heap->lock);
    size_t bytes =
        neap__region_find(heap, block, &place) ? bytes_at(heap, place, block) : mapped_bytes(heap, block);
    neap_os_unlock(&heap->lock);
    return bytes;
}

uint64_t neap_heap_trim(neap_heap_t *heap) {
    neap_os_lock(&heap->lock);
    neap__guard_trim(heap);
    neap__magazine_empty_all(heap);
    uint64_t pages = neap__purge_all(heap, NEAP_PURGE_TRIM);
    neap_os_unlock(&heap->lock);
    return pages << heap->page_shift;
}

uint32_t neap_heap_purge(neap_heap_t *heap) {
    return neap__purge_step(heap);
}
