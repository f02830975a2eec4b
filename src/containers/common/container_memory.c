/* containers/common/container_memory.c */
#include "containers/common/container_memory.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "containers/common/process_heap.h"

enum {
    STEP_SHARE = 32, /* a decrease by this share of the high water causes a trim */
    STEP_BYTES_MIN = 32 << 10,
    STEP_BYTES_MAX = 1 << 20,
    GROWN_BYTES = 4 << 20 /* from here on a heap looks after itself while it grows */
};

/* Whether there is now enough less than at the high water to give it back. */
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

/* --- the shared heap --- */

static struct neap__container_level shared_level;

static bool shared_is_trim_due(uint64_t more, uint64_t less) {
    return count(&shared_level, more, less);
}

static void shared_trimmed(void) {
    shared_level.high_water_bytes = shared_level.live_bytes;
}

static struct neap__process_heap shared = {.is_trim_due = shared_is_trim_due, .trimmed = shared_trimmed};

/* Frees all blocks of a ring; `bytes` is their sum, with links. */
static void shared_free_ring(struct neap__shared_link *ring, uint64_t bytes) {
    if (ring->next == ring)
        return;
    neap_heap_t *heap = neap__process_heap_lock(&shared);
    for (struct neap__shared_link *link = ring->next, *next; link != ring; link = next) {
        next = link->next;
        neap_heap_free(heap, link);
    }
    neap__process_heap_unlock(&shared, 0, bytes);
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
           (!memory->heap || !neap_heap_owns(memory->heap, block));
}

static void counted(struct neap__container_memory *memory, uint64_t more, uint64_t less) {
    if (count(&memory->level, more, less) && memory->heap)
        neap_heap_trim(memory->heap);
}

/* Whether the next block comes from the container's own heap, which is made now if necessary. */
static bool is_large(struct neap__container_memory *memory, size_t bytes) {
    if (!memory->heap && memory->level.live_bytes + bytes > NEAP_SHARED_BYTES_MAX)
        memory->heap = neap__container_heap_new(); /* refused: the shared heap may still have room */
    return memory->heap != NULL;
}

static void *default_alloc(void *context, size_t bytes) {
    struct neap__container_memory *memory = context;
    void *block = NULL;
    if (is_large(memory, bytes)) {
        block = neap_heap_alloc(memory->heap, bytes);
    } else if (bytes <= SIZE_MAX - sizeof(struct neap__shared_link)) {
        struct neap__shared_link *link = neap__process_heap_resize(&shared, NULL, 0, bytes + sizeof(*link));
        if (link) {
            insert(memory, link);
            memory->shared_bytes += bytes + sizeof(*link);
            block = link + 1;
        }
    }
    if (block)
        counted(memory, bytes, 0);
    return block;
}

static void default_free(void *context, void *block, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (!block)
        return;
    if (is_shared(memory, block)) {
        struct neap__shared_link *link = (struct neap__shared_link *)block - 1;
        unlink_(link);
        memory->shared_bytes -= bytes + sizeof(*link);
        neap__process_heap_free(&shared, link, bytes + sizeof(*link));
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
    fresh = neap__process_heap_resize(&shared, link, old_bytes + sizeof(*link), bytes + sizeof(*link));
    insert(memory, fresh ? fresh : link);
    if (!fresh)
        return NULL;
    memory->shared_bytes = memory->shared_bytes - old_bytes + bytes;
    return fresh + 1;
}

static void *default_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (!block)
        return default_alloc(context, bytes);
    bool was_shared = is_shared(memory, block);
    bool moves = was_shared && bytes > old_bytes && is_large(memory, bytes - old_bytes);
    if (moves) {
        void *fresh = default_alloc(context, bytes);
        if (fresh) {
            memcpy(fresh, block, old_bytes);
            default_free(context, block, old_bytes);
        }
        return fresh;
    }
    if (was_shared && bytes > SIZE_MAX - sizeof(struct neap__shared_link))
        return NULL;
    void *fresh = was_shared ? shared_realloc(memory, block, old_bytes, bytes)
                             : neap_heap_realloc(memory->heap, block, bytes);
    if (fresh)
        counted(memory, bytes, old_bytes);
    return fresh;
}

static uint64_t default_trim(void *context) {
    struct neap__container_memory *memory = context;
    memory->level.high_water_bytes = memory->level.live_bytes;
    uint64_t bytes = memory->heap ? neap_heap_trim(memory->heap) : 0;
    return bytes + neap__process_heap_trim(&shared);
}

/* --- a given allocator, counted --- */

static void *given_alloc(void *context, size_t bytes) {
    struct neap__container_memory *memory = context;
    void *block = memory->given.alloc(memory->given.context, bytes);
    if (block)
        memory->level.live_bytes += bytes;
    return block;
}

static void *given_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (!block)
        return given_alloc(context, bytes);
    void *fresh = memory->given.realloc(memory->given.context, block, old_bytes, bytes);
    if (fresh)
        memory->level.live_bytes = memory->level.live_bytes - old_bytes + bytes;
    return fresh;
}

static void given_free(void *context, void *block, size_t bytes) {
    struct neap__container_memory *memory = context;
    if (!block)
        return;
    memory->given.free(memory->given.context, block, bytes);
    memory->level.live_bytes -= bytes;
}

static uint64_t given_trim(void *context) {
    struct neap__container_memory *memory = context;
    return memory->given.trim ? memory->given.trim(memory->given.context) : 0;
}

/* --- making and ending --- */

void *neap__container_memory_new(const struct neap_allocator *given, size_t bytes) {
    assert(bytes >= sizeof(struct neap__container_memory));
    struct neap__container_memory *memory =
        given ? given->alloc(given->context, bytes) : neap__process_heap_resize(&shared, NULL, 0, bytes);
    if (!memory)
        return NULL;
    memset(memory, 0, bytes);
    memory->level.live_bytes = memory->level.high_water_bytes = bytes;
    memory->shared_blocks.previous = memory->shared_blocks.next = &memory->shared_blocks;
    if (given) {
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
    if (memory->given.alloc) {
        struct neap_allocator given = memory->given;
        assert(memory->level.live_bytes == bytes);
        given.free(given.context, container, bytes);
        return;
    }
    neap_heap_destroy(memory->heap);
    shared_free_ring(&memory->shared_blocks, memory->shared_bytes);
    neap__process_heap_free(&shared, container, bytes);
}
