/* heap/magazine.h: refills and empties the magazines, which lie between the fast paths and
 * the slabs.
 *
 * Blocks larger than NEAP_MAGAZINE_BYTES_MAX do not lie in magazines. A list or a buffer
 * that grows frees a block of each size on its way. If magazines kept these blocks, their
 * pages could neither serve another size nor go back to the system.
 *
 * The caller holds the heap's lock, unless no other thread can know the magazines yet.
 */
#ifndef NEAP_HEAP_MAGAZINE_H
#define NEAP_HEAP_MAGAZINE_H

#include "heap/model.h"

enum { NEAP_MAGAZINE_BYTES_MAX = 4096 };

/* Bytes of the stacks of all classes together. Needs no lock. */
size_t neap__magazine_stacks_bytes(void);

/* Opens the magazine of each class that has one. Their stacks lie in `stacks`: zeroed
 * memory of neap__magazine_stacks_bytes bytes, which the caller still owns. */
void neap__magazine_open_all(const neap_heap_t *heap, struct neap__magazines *all, void **stacks);

/* Closes all magazines, which must be empty. */
void neap__magazine_close_all(struct neap__magazines *all);

/* Takes a free block from the magazine. If it is empty, the magazine is first filled up to half from
 * the slabs. NULL if no slab has a free block and a new one cannot be made. */
void *neap__magazine_take(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index);

/* Frees a block into the magazine. If it is full, the older half of its blocks first goes back to
 * the slabs. If it is closed, the block goes to its slab. */
void neap__magazine_put(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index, void *block);

/* Returns the blocks of all magazines of the heap, inner ones included, and of the quarantine of a
 * hardened heap to their slabs. */
void neap__magazine_empty_all(neap_heap_t *heap);

/* Number of blocks of a class that lie in magazines or in the quarantine. */
uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index);

#endif
