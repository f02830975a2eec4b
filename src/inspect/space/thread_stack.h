/* inspect/space/thread_stack.h: which memory is whose stack.
 *
 *     |guard|<---- stack of a thread, from its stack pointer up ---->|TLS, struct pthread|
 *      ---p  rw-p                        ^ sp                         ^ thread pointer
 *
 * glibc puts a thread's own block at the upper end of its stack, and notes in it where
 * the stack begins: needed where guards are no mappings of their own (glibc 2.42 on Linux
 * 6.13, MADV_GUARD_INSTALL), for stacks are then joined to each other and to other memory.
 * The main thread's block lies in a small mapping of its own. A stack that no thread uses (kept for the next
 * one) is known by the guard of one page below it. Pure.
 */
#ifndef NEAP_INSPECT_SPACE_THREAD_STACK_H
#define NEAP_INSPECT_SPACE_THREAD_STACK_H

#include "base/memory_source.h"
#include "inspect/process/process_image.h"

/* Claims stacks and thread blocks among what is ANONYMOUS so far; `memory` is the process's.
 * NEAP_ERROR_MEMORY. */
int neap_thread_stacks_claim(struct neap_process_image *image, const struct neap_memory *memory);

/* Resident bytes of all stacks, and how many there are. */
uint64_t neap_thread_stacks_resident(const struct neap_process_image *image, size_t *count);

#endif
