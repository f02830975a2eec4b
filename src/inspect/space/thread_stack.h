/* inspect/space/thread_stack.h: finds the stacks of threads.
 *
 *     |guard|<---- stack of a thread, from its stack pointer up ---->|TLS, struct pthread|
 *      ---p  rw-p                        ^ sp                         ^ thread pointer
 *
 * glibc puts struct pthread at the upper end of a thread's stack and stores in it where the
 * stack begins. That is needed where guards are not mappings of their own (glibc 2.42 on Linux
 * 6.13, MADV_GUARD_INSTALL), because the kernel then joins stacks to each other and to other
 * memory. The struct of the main thread lies in a small mapping of its own. A stack that glibc
 * keeps for the next thread is recognised by the guard of one page below it. Pure.
 */
#ifndef NEAP_INSPECT_SPACE_THREAD_STACK_H
#define NEAP_INSPECT_SPACE_THREAD_STACK_H

#include "base/memory_source.h"
#include "inspect/process/process_image.h"

/* Claims stacks, and the structs of threads, in ANONYMOUS spans. `memory` is that of the process.
 * NEAP_ERROR_MEMORY. */
int neap_thread_stacks_claim(struct neap_process_image *image, const struct neap_memory *memory);

/* Returns the resident bytes of all stacks; *count is their number. */
uint64_t neap_thread_stacks_resident(const struct neap_process_image *image, size_t *count);

#endif
