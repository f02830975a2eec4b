/* heap/purge.h: giving free pages back.
 *
 * A page is given back when it was free at two looks of the purger a decay
 * apart and nothing was taken from its unit in between: what the program used
 * during the last decay it will probably use again. The purger looks only at
 * units that something was freed in (`queued`), in address order, so that
 * neighbouring pages go in one range and ranges in one call.
 *
 * A page that is taken again soon after it was given back has bounced; if
 * enough do, the decay grows to cover the gap seen, up to a second and a
 * quarter, and falls back when bouncing ends. A heap in which nothing happens
 * for as long as that is given back whole, whatever the decay.
 */
#ifndef NEAP_HEAP_PURGE_H
#define NEAP_HEAP_PURGE_H

#include "heap/region.h"

enum {
    NEAP_DECAY_MS = 100,             /* by default */
    NEAP_DECAY_MS_MAX = 1250,        /* however much bounces; also the time to idleness */
    NEAP_HIGH_WATER_BYTES = 4 << 20, /* a heap that was never larger keeps what is free */
    NEAP_BOUNCE_MS = 1500,           /* a refault within this after the purge is a bounce */
    NEAP_HIGH_WATER_BUDGET = 16384,  /* pages that may go at high-water marks in a row, */
    NEAP_HIGH_WATER_RATE = 8,        /* and a millisecond: one percent of the time, with their refaults */
};

/* Gives back all free pages at once, whatever their age. Lock held on entry and
 * exit, and throughout. Returns pages. */
uint64_t neap__purge_all(neap_heap_t *heap, enum neap_layout_purge_cause cause);

/* `pages` more are about to be in memory. At a new high-water mark, free ones are given back first. False if
 * that would pass the heap's limit. Lock held. */
bool neap__purge_admit(neap_heap_t *heap, uint64_t pages);

/* They are in memory. Lock held. */
void neap__purge_came(neap_heap_t *heap, uint64_t pages);

/* Resident pages are about to pass the highest level so far: gives the free ones
 * back first, whatever their age, so that a peak holds few of them. A program that
 * takes and frees much at its peak needs them again at once: what may go so is
 * limited in time, and when that is used up the level rises instead. Lock held. */
void neap__purge_at_high_water(neap_heap_t *heap);

/* One look, see neap_heap_purge. Takes the lock itself and lets go of it
 * between batches. Returns milliseconds to the next look, 0 if none is due. */
uint32_t neap__purge_step(neap_heap_t *heap);

/* Notes that `pages` purged `gap_ms` ago were taken again. Lock held. */
void neap__purge_bounced(neap_heap_t *heap, uint64_t pages, uint32_t gap_ms);

#endif
