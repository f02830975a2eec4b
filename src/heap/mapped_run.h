/* heap/mapped_run.h: large blocks, each in a mapping of its own: those of a mebibyte and more,
 * and those that have grown to 128 KiB.
 *
 *   alloc ------------> live --- free ---> free, pages spare --- a decay ---> unmapped
 *     '--- takes the best fitting free one <----'
 *
 * Pages behind a block that became shorter are spare too. They are given back after a decay.
 *
 * Such a block grows by mremap, as in glibc: the kernel moves its page tables and copies no
 * byte. That does not work within a region. A moved mapping keeps its old page offset
 * (vm_pgoff), so it never merges with its new neighbours. A block that grew beside it would
 * lie in several mappings, which no kernel before 6.17 moves in one call.
 *
 * The kernel limits the mappings of a process. If NEAP_LAYOUT_MAPPED_MAX or the heap's share
 * of vm.max_map_count is reached, a large block becomes a run of a region.
 *
 * The caller holds the heap's lock. Entries move when one is added or removed. So a pointer
 * to an entry is valid until neap__mapped_alloc, _resize or _unmap, or a purge.
 */
#ifndef NEAP_HEAP_MAPPED_RUN_H
#define NEAP_HEAP_MAPPED_RUN_H

#include "heap/model.h"
#include "os/memory.h"

enum {
    NEAP_MAPPED_BYTES_MIN = 1 << 20,   /* new blocks from this size on are mapped runs */
    NEAP_MAPPED_BYTES_GROWN = 1 << 17, /* a run of a region that grows to this size becomes one */
};

/* Finds the mapped run, live or free, that contains `pointer`; NULL if none does. */
struct neap_layout_mapped_run *neap__mapped_find(const neap_heap_t *heap, const void *pointer);

/* Returns a block of at least `bytes`. Unless `zero` is NULL, *zero tells whether all its bytes are
 * known to be zero. NULL if no mapping can be made or the heap's limit is reached. */
void *neap__mapped_alloc(neap_heap_t *heap, size_t bytes, bool *zero);

/* Changes the length of the live block of `run` to `bytes`, rounded up to pages. Moves it without a
 * copy if it must. Returns its address. NULL if the system refuses or the heap's limit is reached;
 * the block is then as before, and the caller may copy it to another. */
void *neap__mapped_resize(neap_heap_t *heap, struct neap_layout_mapped_run *run, size_t bytes);

/* Frees the live block of `run`. Its pages are spare from now on. */
void neap__mapped_free(neap_heap_t *heap, struct neap_layout_mapped_run *run);

/* Finds up to `pages_max` neighbouring pages that have been spare for `decay_ms` and counts them as
 * given back. The caller must purge *range before it releases the lock. False if there are none. */
bool neap__mapped_reclaim(neap_heap_t *heap, uint32_t now_ms, uint32_t decay_ms, uint32_t pages_max,
                          struct neap_os_range *range);

/* Unmaps free runs without pages in memory, and address space that the others no longer need.
 * All reclaimed ranges must have been purged. */
void neap__mapped_unmap(neap_heap_t *heap);

/* Unmaps all runs, live ones too, and the table. For the end of the heap. */
void neap__mapped_release_all(neap_heap_t *heap);

#endif
