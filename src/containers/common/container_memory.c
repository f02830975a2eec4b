/* containers/common/container_memory.c */
#include "containers/common/container_memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "os/memory.h"
#include "os/thread.h"

enum {
    STEP_SHARE = 32, /* a decrease by this share of the high water causes a trim */
    STEP_BYTES_MIN = 32 << 10,
    STEP_BYTES_MAX = 1 << 20,
    GROWN_BYTES = 4 << 20, /* from this size on, a heap purges by itself while it grows */
    ADDRESS_SHARE = 64     /* a heap takes this share of limited address space */
};

#define RESERVE_BYTES_64 (UINT64_C(8) << 30) /* further regions are as large */
#define RESERVE_BYTES_32 (UINT64_C(4) << 20)

static struct {
    struct neap_os_lock lock;
    bool forks_watched;
    neap_heap_t *heap;
    struct neap__container_level level;
} shared;

/* Whether live bytes have fallen far enough below the high water for a trim. */
static bool sank(struct neap__container_level *level) {
    uint64_t step = level->high_water_bytes / STEP_SHARE;
    step = step < STEP_BYTES_MIN ? STEP_BYTES_MIN : step > STEP_BYTES_MAX ? STEP_BYTES_MAX : step;
    if (level->live_bytes > level->high_water_bytes)
        level->high_water_bytes = level->live_bytes;
    if (level->high_water_bytes - level->live_bytes < step)
        return false;
    level->high_water_bytes = level->live_bytes;
    return true;
}

/* Whether a small heap has grown to its next mark. A large heap gives back free pages by itself
 * when it grows, but a small one does not and would keep them. */
static bool rose(struct neap__container_level *level) {
    if (level->live_bytes < level->next_bytes || level->live_bytes > GROWN_BYTES)
        return false;
    level->next_bytes = level->live_bytes + level->live_bytes / 2;
    return true;
}

/* Whether to trim the heap after bytes were allocated and freed. */
static bool count(struct neap__container_level *level, uint64_t more, uint64_t less) {
    level->live_bytes += more - less;
    bool higher = rose(level), lower = sank(level); /* call both, because each updates its mark */
    return higher || lower;
}

neap_heap_t *neap__container_memory_heap(void) {
    uint64_t left = neap_os_address_space_left_bytes();
    uint64_t reserve = sizeof(void *) == 4 ? RESERVE_BYTES_32 : RESERVE_BYTES_64;
    if (left / ADDRESS_SHARE < reserve)
        reserve = left / ADDRESS_SHARE > RESERVE_BYTES_32 ? left / ADDRESS_SHARE : RESERVE_BYTES_32;
    return neap_heap_new(&(struct neap_heap_options){.reserve_bytes = reserve});
}

/* --- the shared heap --- */

static void shared_lock(void) {
    neap_os_lock(&shared.lock);
}

static void shared_unlock(void) {
    neap_os_unlock(&shared.lock);
}

/* The heap, which is made with its first block and never destroyed. The lock is held. */
static neap_heap_t *shared_heap(void) {
    if (!shared.forks_watched)
        shared.forks_watched = pthread_atfork(shared_lock, shared_unlock, shared_unlock) == 0;
    if (shared.heap == NULL)
        shared.heap = neap__container_memory_heap();
    return shared.heap;
}

static void shared_count(uint64_t more, uint64_t less) {
    if (count(&shared.level, more, less))
        neap_heap_trim(shared.heap);
}

/* If `block` is NULL, it allocates one. */
static void *shared_resize(void *block, size_t old_bytes, size_t bytes) {
    shared_lock();
    neap_heap_t *heap = shared_heap();
    void *fresh = heap != NULL ? neap_heap_realloc(heap, block, bytes) : NULL;
    if (fresh != NULL)
        shared_count(bytes, block != NULL ? old_bytes : 0);
    shared_unlock();
    return fresh;
}

static void shared_free(void *block, size_t bytes) {
    shared_lock();
    neap_heap_free(shared.heap, block);
    shared_count(0, bytes);
    shared_unlock();
}

/* Frees all blocks of a ring; `bytes` is their sum, with links. */
static void shared_free_ring(struct neap__shared_link *ring, uint64_t bytes) {
    shared_lock();
    for (struct neap__shared_link *link = ring->next, *next; link != ring; link = next) {
        next = link->next;
        neap_heap_free(shared.heap, link);
    }
    if (ring->next != ring)
        shared_count(0, bytes);
    shared_unlock();
}

/* --- a container's memory --- */

static void insert(struct neap__container_memory *memory, struct neap__shared_link *link) {
    link->previous = &memory->shared_blocks;
    link->next = memory->shared_blocks.next;
    link->next->previous = link->previous->next = link;
}

static void unlink_(struct neap__shared_link *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

static bool is_shared(const struct neap__container_memory *memory, const void *block) {
    return memory->shared_blocks.next != &memory->shared_blocks &&
           (memory->heap == NULL || !neap_heap_owns(memory->heap, block));
}

static void counted(struct neap__container_memory *memory, uint64_t more, uint64_t less) {
    if (count(&memory->level, more, less) && memory->heap != NULL)
        neap_heap_trim(memory->heap);
}

/* Whether the next block comes from the container's own heap, which is made now if necessary. */
static bool is_large(struct neap__container_memory *memory, size_t bytes) {
    if (memory->heap == NULL && memory->level.live_bytes + bytes > NEAP_SHARED_BYTES_MAX)
        memory->heap = neap__container_memory_heap(); /* if that fails, the shared heap may still have room */
    return memory->heap != NULL;
}

static void *default_alloc(void *context, size_t bytes) {
    struct neap__container_memory *memory = context;
    void *block = NULL;
    if (is_large(memory, bytes)) {
        block = neap_heap_alloc(memory->heap, bytes);
    } else if (bytes <= SIZE_MAX - sizeof(struct neap__shared_link)) {
        struct neap__shared_link *link = shared_resize(NULL, 0, bytes + sizeof *link);
        if (link != NULL) {
            insert(memory, link);
            memory->shared_bytes += bytes + sizeof *link;
            block = link + 1;
        }
    }
    if (block != NULL)
        counted(memory, bytes, 0);
    return block;
}

static void default_free(void *context, void *block, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (block == NULL)
        return;
    if (is_shared(memory, block)) {
        struct neap__shared_link *link = (struct neap__shared_link *)block - 1;
        unlink_(link);
        memory->shared_bytes -= bytes + sizeof *link;
        shared_free(link, bytes + sizeof *link);
    } else {
        neap_heap_free(memory->heap, block);
    }
    counted(memory, 0, bytes);
}

/* Resizes a block within the shared heap. */
static void *shared_realloc(struct neap__container_memory *memory, void *block, size_t old_bytes,
                            size_t bytes) {
    struct neap__shared_link *link = (struct neap__shared_link *)block - 1, *fresh;
    unlink_(link);
    fresh = shared_resize(link, old_bytes + sizeof *link, bytes + sizeof *link);
    insert(memory, fresh != NULL ? fresh : link);
    if (fresh == NULL)
        return NULL;
    memory->shared_bytes = memory->shared_bytes - old_bytes + bytes;
    return fresh + 1;
}

static void *default_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (block == NULL)
        return default_alloc(context, bytes);
    bool was_shared = is_shared(memory, block);
    bool moves = was_shared && bytes > old_bytes && is_large(memory, bytes - old_bytes);
    if (moves) {
        void *fresh = default_alloc(context, bytes);
        if (fresh != NULL) {
            memcpy(fresh, block, old_bytes);
            default_free(context, block, old_bytes);
        }
        return fresh;
    }
    if (was_shared && bytes > SIZE_MAX - sizeof(struct neap__shared_link))
        return NULL;
    void *fresh = was_shared ? shared_realloc(memory, block, old_bytes, bytes)
                             : neap_heap_realloc(memory->heap, block, bytes);
    if (fresh != NULL)
        counted(memory, bytes, old_bytes);
    return fresh;
}

static uint64_t default_trim(void *context) {
    struct neap__container_memory *memory = context;
    memory->level.high_water_bytes = memory->level.live_bytes;
    uint64_t bytes = memory->heap != NULL ? neap_heap_trim(memory->heap) : 0;
    shared_lock();
    shared.level.high_water_bytes = shared.level.live_bytes;
    bytes += neap_heap_trim(shared.heap);
    shared_unlock();
    return bytes;
}

/* --- a given allocator, counted --- */

static void *given_alloc(void *context, size_t bytes) {
    struct neap__container_memory *memory = context;
    void *block = memory->given.alloc(memory->given.context, bytes);
    if (block != NULL)
        memory->level.live_bytes += bytes;
    return block;
}

static void *given_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (block == NULL)
        return given_alloc(context, bytes);
    void *fresh = memory->given.realloc(memory->given.context, block, old_bytes, bytes);
    if (fresh != NULL)
        memory->level.live_bytes = memory->level.live_bytes - old_bytes + bytes;
    return fresh;
}

static void given_free(void *context, void *block, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (block == NULL)
        return;
    memory->given.free(memory->given.context, block, bytes);
    memory->level.live_bytes -= bytes;
}

static uint64_t given_trim(void *context) {
    struct neap__container_memory *memory = context;
    return memory->given.trim != NULL ? memory->given.trim(memory->given.context) : 0;
}

/* --- making and ending --- */

void *neap__container_memory_new(const struct neap_allocator *given, size_t bytes) {
    assert(bytes >= sizeof(struct neap__container_memory));
    struct neap__container_memory *memory =
        given != NULL ? given->alloc(given->context, bytes) : shared_resize(NULL, 0, bytes);
    if (memory == NULL)
        return NULL;
    memset(memory, 0, bytes);
    memory->level.live_bytes = memory->level.high_water_bytes = bytes;
    memory->shared_blocks.previous = memory->shared_blocks.next = &memory->shared_blocks;
    if (given != NULL) {
        memory->given = *given;
        memory->allocator =
            (struct neap_allocator){given_alloc, given_realloc, given_free, given_trim, memory};
    } else {
        memory->allocator =
            (struct neap_allocator){default_alloc, default_realloc, default_free, default_trim, memory};
    }
    return memory;
}

void neap__container_memory_end(void *container, size_t bytes) {
    struct neap__container_memory *memory = container;
    if (memory->given.alloc != NULL) {
        struct neap_allocator given = memory->given;
        assert(memory->level.live_bytes == bytes);
        given.free(given.context, container, bytes);
        return;
    }
    neap_heap_destroy(memory->heap);
    shared_free_ring(&memory->shared_blocks, memory->shared_bytes);
    shared_free(container, bytes);
}
