/* heap/magazine.h: between the fast paths and the slabs. Lock held in all but
 * opening.
 *
 * Blocks larger than NEAP_MAGAZINE_BYTES_MAX go past the magazines: a list or a
 * buffer that grows leaves a free block of every size on its way, and if those
 * lay here none of their pages could become another size's, or go back.
 */
#ifndef NEAP_HEAP_MAGAZINE_H
#define NEAP_HEAP_MAGAZINE_H

#include "heap/model.h"

enum { NEAP_MAGAZINE_BYTES_MAX = 4096 };

/* Bytes of the stacks of all classes together. */
size_t neap__magazine_stacks_bytes(void);

/* Opens all, but for the classes that have none, with stacks in `stacks`: zeroed
 * memory that stays the caller's. */
void neap__magazine_open_all(const neap_heap_t *heap, struct neap__magazines *all, void **stacks);

/* Closes all, which must be empty. */
void neap__magazine_close_all(struct neap__magazines *all);

/* A free block: from the magazine, which if it is empty is filled up to half from
 * the slabs first. NULL if none had a block to give and the system gives no more. */
void *neap__magazine_take(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index);

/* Frees a block: into the magazine, whose older half if it is full is returned to
 * the slabs first; the blocks freed last stay. */
void neap__magazine_put(neap_heap_t *heap, struct neap__magazines *all, uint32_t class_index, void *block);

/* Empties all magazines of the heap, the inner ones included. */
void neap__magazine_empty_all(neap_heap_t *heap);

/* Blocks of a class that lie in magazines. */
uint32_t neap__magazine_cached(const neap_heap_t *heap, uint32_t class_index);

#endif
