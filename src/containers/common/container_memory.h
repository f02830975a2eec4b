/* containers/common/container_memory.h: the memory of a container that was given no allocator.
 *
 *     small container ──> shared heap of the process (process_heap.h)
 *          │ grows past NEAP_SHARED_BYTES_MAX
 *          └───────────> a heap of its own; what it has in the shared heap stays
 *                        there until it is freed or grows
 *
 * A heap costs some 75 KB and 70 µs before its first block, which is nothing to a
 * large container and too much to each of many smaller ones: these share
 * one. Free pages go back by themselves: when the blocks in a heap have become
 * fewer by a step (1/32 of their high water, 32 KiB at least and 1 MiB at most, so that
 * no call waits long), it is trimmed.
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

/* What lies before each block in the shared heap: all of one container's, in a ring. */
struct neap__shared_link {
    _Alignas(16) struct neap__shared_link *previous; /* so that what follows is aligned too */
    struct neap__shared_link *next;
};

/* A block of 2^n bytes less this is served without loss, in the shared heap and elsewhere. */
enum { NEAP_SHARED_LINK_BYTES = sizeof(struct neap__shared_link) };

/* How much is in a heap, and when it was or will be trimmed. */
struct neap__container_level {
    uint64_t live_bytes;       /* blocks, as asked for */
    uint64_t high_water_bytes; /* the most these have been since the last trim */
    uint64_t next_bytes;       /* at which it is trimmed while it grows */
};

struct neap__container_memory {
    struct neap_allocator allocator;        /* what the container calls */
    struct neap_allocator given;            /* what it was given; alloc is NULL without */
    neap_heap_t *heap;                      /* its own, once it is large */
    struct neap__shared_link shared_blocks; /* its blocks there, itself not counted */
    uint64_t shared_bytes;                  /* in it, links included */
    struct neap__container_level level;     /* of all its blocks, itself included */
};

/* A zeroed struct of `bytes`, a container's own, with its memory ready. `given` may be
 * NULL and is copied. NULL if there is no memory. */
void *neap__container_memory_new(const struct neap_allocator *given, size_t bytes);

/* Ends that struct of `bytes`. Blocks of a given allocator have been freed before. */
void neap__container_memory_end(void *container, size_t bytes);

/* Whether neap__container_memory_end also ends every block of the container, at once: then
 * there is no need to walk over them to free them. */
static inline bool neap__container_memory_ends_all(const struct neap__container_memory *memory) {
    return !memory->given.alloc;
}

#define NEAP_ALLOC(memory, bytes) ((memory)->allocator.alloc((memory)->allocator.context, bytes))
#define NEAP_REALLOC(memory, block, old_bytes, bytes)                                                        \
    ((memory)->allocator.realloc((memory)->allocator.context, block, old_bytes, bytes))
#define NEAP_FREE(memory, block, bytes) ((memory)->allocator.free((memory)->allocator.context, block, bytes))
#define NEAP_TRIM(memory)               ((memory)->allocator.trim((memory)->allocator.context))

#endif
