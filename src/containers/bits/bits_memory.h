/* containers/bits/bits_memory.h: the memory of bit arrays that have no allocator from their caller.
 *
 * One heap of the process for all of them (process_heap.h): an array is one block, and
 * nothing would be gained by a heap for each. What arrays leave behind is kept for the
 * next ones up to half of what is in use; a truncation gives its pages back at once.
 * Any thread.
 */
#ifndef NEAP_CONTAINERS_BITS_BITS_MEMORY_H
#define NEAP_CONTAINERS_BITS_BITS_MEMORY_H

#include <neap/allocator.h>

/* The allocator that is used if the caller passes NULL. */
const struct neap_allocator *neap__bits_memory(void);

/* Allocates a zeroed block. In the default heap, its pages are not touched. */
void *neap__bits_memory_zeroed(const struct neap_allocator *allocator, size_t bytes);

/* Gives back the pages of a live block of the default heap that hold only zeros; returns the bytes. */
uint64_t neap__bits_memory_drop_zeros(void *block, size_t bytes);

#endif
