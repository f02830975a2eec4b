/* heap/magazine.h: refills and empties the magazines, which lie between the fast paths and
 * the slabs.
 *
 *                          owner's (heap->magazines)    inner (heap->inner)
 *   heap of one owner      up to 512 bytes              the others
 *   shared, hardened       closed                       all
 *   checked                closed                       closed
 *
 * Blocks larger than NEAP_MAGAZINE_BYTES_MAX do not lie in magazines. A list or a buffer
 * that grows frees a block of each size on its way. If magazines kept these blocks, their
 * pages could neither serve another size nor go back to the system.
 *
 * The caller holds the heap's lock, unless no other thread can know the magazines yet. If he gives or
 * empties the owner's magazines, he is the owner too. (The owner of a hardened heap that is not shared
 * uses the inner ones without the lock.)
 */
#ifndef NEAP_HEAP_MAGAZINE_H
#define NEAP_HEAP_MAGAZINE_H

#include "heap/model.h"

enum { NEAP_MAGAZINE_BYTES_MAX = 4096 };

/* Bytes of the stacks of all classes together. Needs no lock. */
size_t neap__magazine_stacks_bytes(void);

/* Opens the magazines of a new heap, by its modes. Their stacks lie in `stacks`: zeroed memory of
 * neap__magazine_stacks_bytes bytes, which the caller still owns. */
void neap__magazine_open(neap_heap_t *heap, void **stacks);

/* Empties and closes the owner's magazines, and opens inner ones instead on the same stacks. */
void neap__magazine_share(neap_heap_t *heap);

/* The magazines that a block of a class comes from and goes to on a slow path. */
static inline struct neap__magazines *neap__magazine_of(neap_heap_t *heap, uint32_t class_index) {
    return class_index < NEAP_OWN_CLASSES && !heap->shared && !heap->strict ? &heap->magazines : &heap->inner;
}

/* Takes a free block from the magazine. If it is empty, the magazine is first filled up to half from
 * the slabs. NULL if no slab has a free block and a new one cannot be made. */
void *neap__magazine_take(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index);

/* Frees a block into the magazine. If it is full, the older half of its blocks first goes back to
 * the slabs. If it is closed, the block goes to its slab. */
void neap__magazine_put(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index, void *block);

/* Returns the blocks of the inner magazines to their slabs, for whoever is not the owner. Does nothing where
 * the owner uses these without the lock. */
void neap__magazine_empty_inner(neap_heap_t *heap);

/* Returns the blocks of all magazines of the heap, of the quarantine of a hardened heap, and of this thread's
 * cache to their slabs. Other threads empty theirs on their next slow paths. */
void neap__magazine_empty_all(neap_heap_t *heap);

/* Number of blocks of a class that lie in magazines, in the caches of threads or in the quarantine. */
uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index);

/* Publishes that number, by what each cache last told. */
void neap__magazine_publish(neap_heap_t *heap, uint32_t class_index);

#endif
