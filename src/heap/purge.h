/* heap/purge.h: gives free pages back to the system.
 *
 * The purger gives a page back if it was free at two looks, at least a decay apart,
 * and if no block was taken from its unit in between. For what the program used during
 * the last decay it will probably use again. The purger looks only at units in which
 * something was freed (`queued`). It goes in the order of addresses, so that neighbouring
 * pages form one range, and gives back many ranges in one system call.
 *
 * A page bounces if it is taken again soon after it was given back. If many pages bounce,
 * the decay grows until it covers the gap, up to 1.25 seconds. It falls back when no page
 * has bounced for a while. If the program has not used the heap for 1.25 seconds, all free
 * pages are given back, whatever the decay.
 */
#ifndef NEAP_HEAP_PURGE_H
#define NEAP_HEAP_PURGE_H

#include "heap/region.h"

enum {
    NEAP_DECAY_MS = 100,             /* the default decay */
    NEAP_DECAY_MS_MAX = 1250,        /* bouncing raises the decay to this at most; a heap is idle after it */
    NEAP_HIGH_WATER_BYTES = 4 << 20, /* the first high-water mark: smaller heaps do not purge at one */
    NEAP_BOUNCE_MS = 1500,           /* a refault within this time after the purge is a bounce */
    NEAP_HIGH_WATER_BUDGET = 16384,  /* most pages that purges at high-water marks may give back in a row */
    NEAP_HIGH_WATER_RATE = 8,        /* pages added to the budget per millisecond, so that these purges and
                                        their refaults take about one percent of the time */
};

/* Gives back all free pages, whatever their age, then lowers the tops of the regions. The lock is held
 * throughout. Returns the number of pages. */
uint64_t neap__purge_all(neap_heap_t *heap, enum neap_layout_purge_cause cause);

/* Asks for `pages` more pages in memory. If they pass the high-water mark, free pages are given back
 * first. False if they would pass the heap's limit. Lock held. */
bool neap__purge_admit(neap_heap_t *heap, uint64_t pages);

/* Counts `pages` admitted pages as in memory. Lock held. */
void neap__purge_came(neap_heap_t *heap, uint64_t pages);

/* Gives free pages back, whatever their age, because the heap is about to pass its high-water mark: so
 * a peak consists of memory in use. A program that takes and frees much at its peak needs the pages
 * again at once. So a budget limits their number in time. When it is used up, the mark rises. Lock
 * held. */
void neap__purge_at_high_water(neap_heap_t *heap);

/* One look at all queued units and spare pages, see neap_heap_purge. Takes the lock itself and releases
 * it between batches. Returns the milliseconds until the next look; 0 if nothing waits. */
uint32_t neap__purge_step(neap_heap_t *heap);

/* Lets other threads take the lock, if any wait for it. Lock held before and after. */
void neap__purge_breathe(neap_heap_t *heap);

/* Notes that `pages` pages that were purged `gap_ms` ago were taken again. Lock held. */
void neap__purge_bounced(neap_heap_t *heap, uint64_t pages, uint32_t gap_ms);

#endif
