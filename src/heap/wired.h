/* heap/wired.h: a heap whose process locks all its memory (mlockall).
 *
 * The kernel then puts memory behind every page that can be accessed, touched or not: now, and with
 * MCL_FUTURE also when a page becomes accessible.
 *
 *   region:  [ units below the top | committed ahead | reserved ]     metadata: [ in use | beyond the top ]
 *     before   in memory, locked     access taken                                 -
 *     after                          let go            let go                      let go
 *
 * "Let go" means not locked, and without memory until it is touched. From MCL_FUTURE on, nothing is committed
 * ahead any more, and what is committed is locked. A free page below the top stays locked, and a purge makes
 * it zero. Any thread.
 */
#ifndef NEAP_HEAP_WIRED_H
#define NEAP_HEAP_WIRED_H

#include "heap/model.h"

/* The process is about to lock its memory: purges the heap, and takes access from what is committed ahead.
 * The heap works on, whether the call comes and succeeds or not. */
void neap__wired_before(neap_heap_t *heap);

/* The process has locked its memory, and if `future`, also what it maps from now on. */
void neap__wired_after(neap_heap_t *heap, bool future);

/* The memory of the process is locked no longer: munlockall was called, or this is a forked child. Lock held,
 * or no other thread is there. */
void neap__wired_over(neap_heap_t *heap);

#endif
