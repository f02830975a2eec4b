/* containers/common/container_memory.h: the memory of a container that has no allocator from its caller.
 *
 *     small container ──> shared heap of the process (process_heap.h)
 *          │ grows past NEAP_SHARED_BYTES_MAX
 *          └───────────> a heap of its own; its blocks in the shared heap stay
 *                        there until they are freed or grow
 *
 * A heap takes about 75 KB and 70 µs before its first block. That is little for a large
 * container, but too much for each of many small ones, so these share a heap. A heap is
 * trimmed whenever its live bytes have fallen by a step: 1/32 of their high water, at
 * least 32 KiB and at most 1 MiB, so that no call takes long.
 *
 * A container's struct begins with a struct neap__container_memory and is itself made and
 * ended here. An allocator that was given is used as it is.
 * Threads: those of the container.
 */
#ifndef NEAP_CONTAINERS_COMMON_CONTAINER_MEMORY_H
#define NEAP_CONTAINERS_COMMON_CONTAINER_MEMORY_H

#include <stdbool.h>

#include <neap/allocator.h>
#include <neap/heap.h>

enum { NEAP_SHARED_BYTES_MAX = 1 << 20 };

/* The link before each block in the shared heap. All blocks of a container form a ring. */
struct neap__shared_link {
    _Alignas(16) struct neap__shared_link *previous; /* so that the block is aligned too */
    struct neap__shared_link *next;
};

/* A block of 2^n bytes minus this wastes no memory, in the shared heap and in other heaps. */
enum { NEAP_SHARED_LINK_BYTES = sizeof(struct neap__shared_link) };

/* How much a heap holds, and when it is trimmed. */
struct neap__container_level {
    uint64_t live_bytes;       /* of blocks, as asked for */
    uint64_t high_water_bytes; /* the largest live_bytes since the last trim */
    uint64_t next_bytes;       /* while the heap grows, it is trimmed at this level */
};

struct neap__container_memory {
    struct neap_allocator allocator;        /* the container calls this one */
    struct neap_allocator given;            /* from the caller; if there is none, alloc is NULL */
    neap_heap_t *heap;                      /* of the container, once it is large */
    struct neap__shared_link shared_blocks; /* its blocks in the shared heap, without the struct */
    uint64_t shared_bytes;                  /* of these blocks, with their links */
    struct neap__container_level level;     /* of all its blocks, with the struct */
};

/* Allocates the zeroed struct of a container, of `bytes`, and sets up its memory. `given` may be
 * NULL and is copied. NULL if there is no memory. */
void *neap__container_memory_new(const struct neap_allocator *given, size_t bytes);

/* Frees the struct of `bytes`. Blocks from an allocator of the caller must have been freed before. */
void neap__container_memory_end(void *container, size_t bytes);

/* Whether neap__container_memory_end also frees every block of the container, so that the
 * container need not free them one by one. */
static inline bool neap__container_memory_ends_all(const struct neap__container_memory *memory) {
    return !memory->given.alloc;
}

#define NEAP_ALLOC(memory, bytes) ((memory)->allocator.alloc((memory)->allocator.context, bytes))
#define NEAP_REALLOC(memory, block, old_bytes, bytes)                                                        \
    ((memory)->allocator.realloc((memory)->allocator.context, block, old_bytes, bytes))
#define NEAP_FREE(memory, block, bytes) ((memory)->allocator.free((memory)->allocator.context, block, bytes))
#define NEAP_TRIM(memory)               ((memory)->allocator.trim((memory)->allocator.context))

#endif
