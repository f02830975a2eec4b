/* neap/allocator.h: where a container's memory comes from.
 *
 * A container never calls malloc. Each takes an allocator when it is made, keeps
 * a copy of this struct, and asks it for every byte it holds; the sizes it got
 * are told again when they are given back, so that an allocator may be as simple
 * as a counter or an arena. NULL in the place of an allocator means a heap of the
 * container's own (neap/heap.h): it gives pages back as the container shrinks,
 * and ends at once with it.
 *
 * Threads: those of the container; an allocator that serves several containers
 * in several threads has to lock by itself.
 */
#ifndef NEAP_ALLOCATOR_H
#define NEAP_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

#include <neap/heap.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct neap_allocator {
    /* `bytes` > 0, aligned to 16, contents undefined. NULL: there is none. */
    void *(*alloc)(void *context, size_t bytes);
    /* Makes a block of `old_bytes` one of `bytes` > 0, moved where it must be.
     * NULL: there is none, and `block` is as before. */
    void *(*realloc)(void *context, void *block, size_t old_bytes, size_t bytes);
    /* Ends a block of `bytes`. NULL is allowed. Cannot fail. */
    void (*free)(void *context, void *block, size_t bytes);
    /* Gives free pages back to the system now and returns the bytes; may be NULL. */
    uint64_t (*trim)(void *context);
    void *context;
};

/* An allocator over a heap that the caller owns and that outlives its users. */
struct neap_allocator neap_allocator_of_heap(neap_heap_t *heap);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
