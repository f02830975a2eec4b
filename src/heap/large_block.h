/* heap/large_block.h: blocks of more than NEAP_CLASS_BYTES_MAX, whichever kind of run they are.
 *
 *   block ──┬── a run of a region (heap/run.h)
 *           └── a mapped run (heap/mapped_run.h): from a mebibyte on, or grown to 128 KiB
 *
 *   hardened heap:  | pages of the block | one page without access |
 *
 * All functions want the heap's lock.
 */
#ifndef NEAP_HEAP_LARGE_BLOCK_H
#define NEAP_HEAP_LARGE_BLOCK_H

#include "heap/model.h"

/* A block of at least `bytes`. If `zero` is not NULL, tells there whether it is known to read as
 * zero. NULL: the system gives no more, or the heap's limit is reached. */
void *neap__large_alloc(neap_heap_t *heap, size_t bytes, bool *zero);

/* Frees a large block. False if `block` lies in no mapped run and in no region. Ends the process if
 * it lies in one and is not the start of a large block in use. */
bool neap__large_free(neap_heap_t *heap, void *block);

/* Usable bytes of the large block that starts at `block`; 0 if none does. */
size_t neap__large_bytes(const neap_heap_t *heap, const void *block);

/* Makes a large block at least `bytes` long, in place or moved. NULL: that cannot be, and the block
 * is as before. */
void *neap__large_resize(neap_heap_t *heap, void *block, size_t bytes);

#endif
