/* neap/allocator.h: where a container's memory comes from.
 *
 * A container never calls malloc. It takes an allocator when it is made, and asks
 * that allocator for every byte it holds. It passes the size of a block again when
 * it frees the block, so that an allocator may be as simple as a counter. If the
 * allocator is NULL, the container uses a heap of Neap's (neap/heap.h), which gives
 * pages back as the container shrinks.
 *
 * Threads: the container calls its allocator from the threads that call the
 * container. An allocator that serves containers of several threads must lock.
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
    /* Returns a block of `bytes` > 0, aligned to 16, contents undefined; NULL if there is no memory. */
    void *(*alloc)(void *context, size_t bytes);
    /* Resizes a block from `old_bytes` to `bytes` > 0 and moves it if it must. Returns NULL if there
     * is no memory; `block` is then as before. */
    void *(*realloc)(void *context, void *block, size_t old_bytes, size_t bytes);
    /* Frees a block of `bytes`. `block` may be NULL. Cannot fail. */
    void (*free)(void *context, void *block, size_t bytes);
    /* Gives free pages back to the system now and returns their bytes. The member may be NULL. */
    uint64_t (*trim)(void *context);
    void *context;
};

/* An allocator over a heap. The caller owns the heap, which must outlive all users of the allocator. */
struct neap_allocator neap_allocator_of_heap(neap_heap_t *heap);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
