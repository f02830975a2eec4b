/* heap/guard.h: the checking mode, which finds misuse.
 *
 *   block:  | what the program asked for | red zone, at least 16 bytes      |
 *           | bytes                      | 0xfb ... 0xfb | trailer (16)     |
 *                                                        '- state, bytes asked
 *
 * A freed block is filled with 0xdd and waits in a quarantine before it is
 * really freed; whatever changed in it meanwhile was written after the free.
 * Each finding ends the process with one line. Every call takes the heap's lock
 * itself, except where it says otherwise.
 */
#ifndef NEAP_HEAP_GUARD_H
#define NEAP_HEAP_GUARD_H

#include "heap/model.h"

/* Turns the checking mode on in a heap without blocks. 0 or NEAP_ERROR_MEMORY. */
int neap__guard_start(neap_heap_t *heap);

/* Verifies what is in quarantine and frees the guard's own memory; nothing if
 * the heap has no guard. Takes no lock: the heap ends. */
void neap__guard_end(neap_heap_t *heap);

void *neap__guard_alloc(neap_heap_t *heap, size_t bytes);
void neap__guard_free(neap_heap_t *heap, void *block);
void *neap__guard_realloc(neap_heap_t *heap, void *block, size_t bytes);

/* Bytes that the program asked for `block`; dies if it is none. */
size_t neap__guard_bytes(neap_heap_t *heap, const void *block);

/* Verifies and really frees all that is in quarantine. Lock held. */
void neap__guard_trim(neap_heap_t *heap);

/* Blocks in quarantine, and their bytes; 0 without a guard. Lock held. */
void neap__guard_waiting(const neap_heap_t *heap, uint64_t *blocks, uint64_t *bytes);

#endif
