/* heap/magazine.h: between the fast paths and the slabs. Lock held in all but
 * opening and releasing.
 */
#ifndef NEAP_HEAP_MAGAZINE_H
#define NEAP_HEAP_MAGAZINE_H

#include "heap/model.h"

/* Bytes of the stacks of all classes together. */
size_t neap__magazine_stacks_bytes(void);

/* Opens all, with a stack for each class in `stacks`, zeroed memory that stays the caller's. */
void neap__magazine_open_all(const neap_heap_t *heap, struct neap__magazines *all, void **stacks);

/* Closes all, which must be empty. */
void neap__magazine_close_all(struct neap__magazines *all);

/* Fills an empty magazine up to half from the slabs; false if none had a block
 * to give and the system gives no more. */
bool neap__magazine_refill(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index);

/* Returns the older half of a magazine to the slabs; the blocks freed last stay. */
void neap__magazine_flush(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index);

/* Empties all magazines of the heap, the inner ones included. */
void neap__magazine_empty_all(neap_heap_t *heap);

/* Blocks of a class that lie in magazines. */
uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index);

#endif
