/* heap/guard.h: the checking mode, which finds misuse of blocks.
 *
 *   block:  | what the program asked for | red zone                | trailer     |
 *           | bytes                      | 0xfb, at least 16 bytes | 16 bytes    |
 *                                                                  '- state, bytes asked for
 *
 * A freed block is filled with 0xdd and waits in a quarantine before its memory
 * is used again. A byte that changed meanwhile was written after the free. When
 * the guard finds misuse, it ends the process with one line. Every function takes
 * the heap's lock itself, except where it says otherwise.
 */
#ifndef NEAP_HEAP_GUARD_H
#define NEAP_HEAP_GUARD_H

#include "heap/model.h"

/* Turns the checking mode on in a heap that is being made. Takes no lock. Returns 0 or
 * NEAP_ERROR_MEMORY. */
int neap__guard_start(neap_heap_t *heap);

/* Verifies the blocks in quarantine and frees the guard's own memory. Does nothing
 * if the heap has no guard. Takes no lock, because the heap is being destroyed. */
void neap__guard_end(neap_heap_t *heap);

/* As neap_heap_alloc, neap_heap_free and neap_heap_realloc, for a heap with a guard. They end the
 * process if `block` is not a live block or was written past its end. */
void *neap__guard_alloc(neap_heap_t *heap, size_t bytes);
void neap__guard_free(neap_heap_t *heap, void *block);
void *neap__guard_realloc(neap_heap_t *heap, void *block, size_t bytes);

/* Returns the bytes that the program asked for. Ends the process if `block` is not a live
 * block or was written past its end. */
size_t neap__guard_bytes(neap_heap_t *heap, const void *block);

/* Stores the bytes that the program asked for. False if `block` is not a live block. */
bool neap__guard_asked(neap_heap_t *heap, const void *block, size_t *bytes);

/* Verifies all blocks in quarantine and frees their memory. Lock held. */
void neap__guard_trim(neap_heap_t *heap);

/* Tells the number of blocks in quarantine and their bytes; 0 without a guard. Lock held. */
void neap__guard_waiting(const neap_heap_t *heap, uint64_t *blocks, uint64_t *bytes);

#endif
