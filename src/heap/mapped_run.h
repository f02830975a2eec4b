/* heap/mapped_run.h: large blocks, each in a mapping of its own: those of a mebibyte and more,
 * and those that have grown to 128 KiB.
 *
 *   alloc ----------> live --- free ---> free, pages spare --- a decay ---> unmapped
 *     '--- the best fitting free one <--------'
 *
 * Pages behind a block that became shorter are spare too, and go after a decay.
 *
 * Such a block grows by mremap, as in glibc: the kernel moves its page tables, and
 * no byte is copied. That is not possible within a region: a moved mapping keeps
 * its old page offset (vm_pgoff), so that it never merges with its new neighbours,
 * and a block that grew beside it lies in several mappings, which no kernel before
 * 6.17 moves in one call. Mappings are few: where NEAP_LAYOUT_MAPPED_MAX or the
 * process's share of vm.max_map_count is reached, the block becomes a run of a
 * region.
 *
 * All functions want the heap's lock. Entries move when one is added or removed: a
 * pointer to one is good until the next call of neap__mapped_alloc, _resize or
 * _unmap, or of a purge.
 */
#ifndef NEAP_HEAP_MAPPED_RUN_H
#define NEAP_HEAP_MAPPED_RUN_H

#include "heap/model.h"
#include "os/memory.h"

enum {
    NEAP_MAPPED_BYTES_MIN = 1 << 20,   /* blocks from this size on, */
    NEAP_MAPPED_BYTES_GROWN = 1 << 17, /* and those that grow to this one */
};

/* The mapped run, live or free, that `pointer` lies in; NULL if none. */
struct neap_layout_mapped_run *neap__mapped_find(const neap_heap_t *heap, const void *pointer);

/* A block of at least `bytes`. If `zero` is not NULL, tells
 * there whether it is known to read as zero. NULL: no mapping is to be had, or the
 * heap's limit is reached. */
void *neap__mapped_alloc(neap_heap_t *heap, size_t bytes, bool *zero);

/* Makes the live block of `run` at least `bytes` long: in place, or moved without a copy.
 * NULL if the system refuses or the heap's limit is reached; the block is then as before,
 * and may be copied instead. */
void *neap__mapped_resize(neap_heap_t *heap, struct neap_layout_mapped_run *run, size_t bytes);

/* Ends the live block of `run`, whose pages are spare from now on. */
void neap__mapped_free(neap_heap_t *heap, struct neap_layout_mapped_run *run);

/* Takes at most `pages_max` pages that have been spare for `decay_ms` out of the books.
 * `*range` is then to be purged before the lock is let go of. False if there are none. */
bool neap__mapped_reclaim(neap_heap_t *heap, uint32_t now_ms, uint32_t decay_ms, uint32_t pages_max,
                          struct neap_os_range *range);

/* Unmaps the free runs of which nothing is in memory, and what live ones no longer need.
 * What was reclaimed is purged by now. */
void neap__mapped_unmap(neap_heap_t *heap);

/* Unmaps all, live ones too: the heap ends. */
void neap__mapped_release_all(neap_heap_t *heap);

#endif
