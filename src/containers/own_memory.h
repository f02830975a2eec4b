/* containers/own_memory.h: the memory of a container that was given no allocator.
 *
 *     small container ──> nursery: one heap of the process, behind a lock
 *          │ grows past NEAP_NURSERY_BYTES
 *          └───────────> a heap of its own; what it has in the nursery stays
 *                        there until it is freed or grows
 *
 * A heap costs some 60 KB and 70 µs before its first block, which is nothing to a
 * large container and far too much to each of thousands of small ones: these share
 * the nursery. Free pages go back by themselves: when a container is smaller than
 * it was by a step (1/32 of its crest, 128 KiB at least and 1 MiB at most, so that
 * no call waits long), its heap is trimmed.
 *
 * A container's struct begins with a struct neap__own_memory and is itself made and
 * ended here. An allocator that was given is used as it is.
 * Threads: those of the container; the nursery's lock is held inside calls only and
 * is whole after a fork.
 */
#ifndef NEAP_CONTAINERS_OWN_MEMORY_H
#define NEAP_CONTAINERS_OWN_MEMORY_H

#include <stdbool.h>

#include <neap/allocator.h>

enum { NEAP_NURSERY_BYTES = 64 * 1024 };

/* What lies before each block in the nursery: all of one container's, in a ring. */
struct neap__nursery_link {
    _Alignas(16) struct neap__nursery_link *previous; /* so that what follows is aligned too */
    struct neap__nursery_link *next;
};

struct neap__own_memory {
    struct neap_allocator allocator;   /* what the container calls */
    struct neap_allocator given;       /* what it was given; alloc is NULL without */
    neap_heap_t *heap;                 /* its own, once it is large */
    struct neap__nursery_link nursery; /* its blocks there, itself not counted */
    uint64_t nursery_bytes;            /* in it, links included */
    uint64_t live_bytes;               /* all its blocks, as asked for, itself included */
    uint64_t next_trim_bytes;          /* live_bytes at which a heap that grows is trimmed */
    uint64_t crest_bytes;              /* the most live_bytes has been since the last trim */
};

/* A zeroed struct of `bytes`, a container's own, with its memory ready. `given` may be
 * NULL and is copied. NULL if there is no memory. */
void *neap__own_memory_new(const struct neap_allocator *given, size_t bytes);

/* Ends that struct of `bytes`. Blocks of a given allocator have been freed before. */
void neap__own_memory_end(void *container, size_t bytes);

/* Whether neap__own_memory_end also ends every block of the container, at once: then
 * there is no need to walk over them to free them. */
static inline bool neap__own_memory_ends_all(const struct neap__own_memory *memory) {
    return memory->given.alloc == NULL;
}

/* A heap for containers: little address space at first, where that is scarce. NULL if there is
 * no memory. */
neap_heap_t *neap__own_memory_heap(void);

#define NEAP_ALLOC(memory, bytes) ((memory)->allocator.alloc((memory)->allocator.context, bytes))
#define NEAP_REALLOC(memory, block, old_bytes, bytes)                                                        \
    ((memory)->allocator.realloc((memory)->allocator.context, block, old_bytes, bytes))
#define NEAP_FREE(memory, block, bytes) ((memory)->allocator.free((memory)->allocator.context, block, bytes))
#define NEAP_TRIM(memory)               ((memory)->allocator.trim((memory)->allocator.context))

#endif
